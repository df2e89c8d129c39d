// Attention of one new token with the keys and values in its cache: scores, softmax weights, weighted sum.
#pragma once
#include "simd.h"

namespace ISA {
namespace {
// The n rows of a cache are read as four streams, the quarters: the processor fetches several streams faster than
// one, and that is what this costs. What is left of n / 4 comes last. All orders depend on n and the sizes alone.
enum { STREAMS = 4, PART = 16 };  // rows of each stream that are read for all heads of a group before the next ones

// scores[h · stride + r · quarter + j] = queries[h] · keys[r · quarter + j] for H heads, r < STREAMS, j < rows. The same
// places of `ahead` are fetched meanwhile: the values, which are read next.
template <int H>
void stream_dots(float* scores, int64_t stride, const float* queries, const float* keys, const float* ahead, int64_t quarter, int64_t rows, int64_t size) {
  enum { J = 2 / H };
  int64_t j = 0;
  for (; j + J <= rows; j += J) {
    vf total[8] = {};
    for (int64_t i = 0; i < size; i += WIDTH) {
      vf q[H];
#pragma GCC unroll 2
      for (int h = 0; h < H; h++) q[h] = load(queries + h * size + i);
#pragma GCC unroll 8
      for (int r = 0; r < STREAMS * J; r++) {
        int64_t at = (r % STREAMS * quarter + j + r / STREAMS) * size + i;
        if (i % 16 == 0) __builtin_prefetch(ahead + at);
        vf key = load(keys + at);
#pragma GCC unroll 2
        for (int h = 0; h < H; h++) total[h * STREAMS * J + r] += q[h] * key;
      }
    }
    float sums[8];
    sum8(total, sums);
#pragma GCC unroll 8
    for (int r = 0; r < STREAMS * J; r++)
#pragma GCC unroll 2
      for (int h = 0; h < H; h++) scores[h * stride + r % STREAMS * quarter + j + r / STREAMS] = sums[h * STREAMS * J + r];
  }
  for (; j < rows; j++)
    for (int r = 0; r < STREAMS; r++) scores[r * quarter + j] = dot(queries, keys + (r * quarter + j) * size, size);
}

// scores[h · stride + j] = queries[h] · keys[j] for n keys and `group` queries of `size` numbers.
void group_dots(float* scores, int64_t stride, const float* queries, int64_t group, const float* keys, const float* ahead, int64_t n, int64_t size) {
  int64_t quarter = size % WIDTH == 0 ? n / STREAMS : 0;
  for (int64_t j = 0; j < quarter; j += PART) {
    int64_t rows = min64(PART, quarter - j), h = 0;
    for (; h + 2 <= group; h += 2)
      stream_dots<2>(scores + h * stride + j, stride, queries + h * size, keys + j * size, ahead + j * size, quarter, rows, size);
    if (h < group) stream_dots<1>(scores + h * stride + j, stride, queries + h * size, keys + j * size, ahead + j * size, quarter, rows, size);
  }
  for (int64_t j = STREAMS * quarter; j < n; j++)
    for (int64_t h = 0; h < group; h++) scores[h * stride + j] = dot(queries + h * size, keys + j * size, size);
}

// out[h] += Σ weights[h · stride + r · apart + j] · values[r · apart + j] over r < R and j < rows, for H heads and C
// vectors of columns.
template <int H, int C, int R>
inline void weighted_columns(float* out, int64_t size, const float* weights, int64_t stride, const float* values, int64_t apart, int64_t rows) {
  vf total[H][C];
#pragma GCC unroll 2
  for (int h = 0; h < H; h++)
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) total[h][c] = load(out + h * size + c * WIDTH);
  for (int64_t j = 0; j < rows; j++) {
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) {
      vf w[H];
#pragma GCC unroll 2
      for (int h = 0; h < H; h++) w[h] = splat(weights[h * stride + r * apart + j]);
#pragma GCC unroll 4
      for (int c = 0; c < C; c++) {
        vf value = load(values + (r * apart + j) * size + c * WIDTH);
#pragma GCC unroll 2
        for (int h = 0; h < H; h++) total[h][c] += w[h] * value;
      }
    }
  }
#pragma GCC unroll 2
  for (int h = 0; h < H; h++)
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) store(out + h * size + c * WIDTH, total[h][c]);
}
template <int H, int R>
inline void weighted_sum(float* out, const float* weights, int64_t stride, const float* values, int64_t apart, int64_t rows, int64_t size) {
  int64_t i = 0;
  for (; i + 4 * WIDTH <= size; i += 4 * WIDTH)
    weighted_columns<H, 4, R>(out + i, size, weights, stride, values + i, apart, rows);
  for (; i + WIDTH <= size; i += WIDTH)
    weighted_columns<H, 1, R>(out + i, size, weights, stride, values + i, apart, rows);
  for (; i < size; i++)
    for (int h = 0; h < H; h++) {
      float total = out[h * size + i];
      for (int64_t j = 0; j < rows; j++)
        for (int r = 0; r < R; r++) total += weights[h * stride + r * apart + j] * values[(r * apart + j) * size + i];
      out[h * size + i] = total;
    }
}
template <int R>
inline void group_sum(float* out, const float* weights, int64_t stride, int64_t group, const float* values, int64_t apart, int64_t rows, int64_t size) {
  int64_t h = 0;
  for (; h + 2 <= group; h += 2)
    weighted_sum<2, R>(out + h * size, weights + h * stride, stride, values, apart, rows, size);
  if (h < group) weighted_sum<1, R>(out + h * size, weights + h * stride, stride, values, apart, rows, size);
}

// In place: n scores become exp(score·scale − max); returns 1 / their sum.
float softmax_weights(float* s, int64_t n, float scale) {
  vf mv = splat(-INFINITY);
  int64_t j = 0;
  for (; j + WIDTH <= n; j += WIDTH) {
    vf x = load(s + j);
    mv = x > mv ? x : mv;
  }
  float max = -INFINITY;
  for (int l = 0; l < WIDTH; l++) max = mv[l] > max ? mv[l] : max;
  for (; j < n; j++) max = s[j] > max ? s[j] : max;
  max *= scale;
  if (max == -INFINITY) max = 0;  // only NaN or −∞ scores: let the exponential tell
  vf total = {};
  for (j = 0; j + WIDTH <= n; j += WIDTH) {
    vf e = exp(load(s + j) * scale - max);
    store(s + j, e);
    total += e;
  }
  float t = sum(total);
  if (j < n) {
    float tail[WIDTH] = {};
    memcpy(tail, s + j, (n - j) * 4);
    store(tail, exp(load(tail) * scale - max));
    for (int l = 0; j < n; j++, l++) {
      s[j] = tail[l];
      t += tail[l];
    }
  }
  return 1.0f / t;
}

inline int64_t score_stride(int64_t n) { return ceil_div(n + 1, 16) * 16; }  // behind the scores: 1 / their sum

// The heads of a group attend over n rows of their cache, each row read once: out, queries [group, size].
void attend(float* out, const float* queries, int64_t group, const float* keys, const float* values, int64_t n,
            int64_t size, float* scores) {
  int64_t stride = score_stride(n);
  float scale = (float)(1.0 / sqrt((double)size));
  group_dots(scores, stride, queries, group, keys, values, n, size);
  for (int64_t h = 0; h < group; h++) {
    float* weights = scores + h * stride;
    weights[n] = softmax_weights(weights, n, scale);
  }
  memset(out, 0, group * size * 4);
  int64_t quarter = n / STREAMS;
  for (int64_t j = 0; j < quarter; j += PART)
    group_sum<STREAMS>(out, scores + j, stride, group, values + j * size, quarter, min64(PART, quarter - j), size);
  group_sum<1>(out, scores + STREAMS * quarter, stride, group, values + STREAMS * quarter * size, 0, n % STREAMS, size);
  for (int64_t h = 0; h < group; h++)
    for (int64_t i = 0; i < size; i++) out[h * size + i] *= scores[h * stride + n];
}
}  // namespace
}  // namespace ISA
