// Causal grouped-query attention over packed segments, forward and backward.
// q, out: [T, H, D]; k, v: [T, Hkv, D]. Work is cut by (segment, key/value head); inside, queries go in blocks of
// rows against all their keys, so scores are [block, keys] in a scratch buffer and are never stored.
#include "simd.h"

namespace ISA {
namespace {
enum { BLOCK = 48 };  // query rows: a multiple of every MR

struct Shape {
  int64_t heads, kv_heads, size, group, q_stride, kv_stride;
  float scale;
};

// In place: scores of `rows` queries, the first of which sees `seen` keys, become exp(score·scale − max),
// zero beyond the diagonal. Sums and the log of the normalizer go out per row.
void causal_exp(float* s, int64_t rows, int64_t stride, int64_t seen, int64_t width, float scale, float* inverse, float* lse) {
  for (int64_t i = 0; i < rows; i++) {
    float* row = s + i * stride;
    int64_t n = seen + i;
    vf mv = splat(-INFINITY);
    int64_t j = 0;
    for (; j + WIDTH <= n; j += WIDTH) {
      vf x = load(row + j);
      mv = x > mv ? x : mv;
    }
    float max = -INFINITY;
    for (int l = 0; l < WIDTH; l++) max = mv[l] > max ? mv[l] : max;
    for (; j < n; j++) max = row[j] > max ? row[j] : max;
    max *= scale;
    if (max == -INFINITY) max = 0;  // only NaN or −∞ scores: let the exponential tell
    vf total = {};
    for (j = 0; j + WIDTH <= n; j += WIDTH) {
      vf e = exp(load(row + j) * scale - max);
      store(row + j, e);
      total += e;
    }
    float t = sum(total);
    if (j < n) {
      float tail[WIDTH] = {};
      memcpy(tail, row + j, (n - j) * 4);
      store(tail, exp(load(tail) * scale - max));
      for (int l = 0; j < n; j++, l++) {
        row[j] = tail[l];
        t += tail[l];
      }
    }
    for (; j < width; j++) row[j] = 0;
    inverse[i] = 1.0f / t;
    lse[i] = max + logf(t);
  }
}

// Scores become probabilities exp(score·scale − lse), zero beyond the diagonal.
void causal_probabilities(float* s, int64_t rows, int64_t stride, int64_t seen, int64_t width, float scale, const float* lse, int64_t lse_stride) {
  for (int64_t i = 0; i < rows; i++) {
    float* row = s + i * stride;
    int64_t n = min64(width, seen + i);
    float shift = lse[i * lse_stride];
    map1(n, row, row, [=](vf x) { return exp(x * scale - shift); });
    for (int64_t j = n; j < width; j++) row[j] = 0;
  }
}
inline int64_t pad(int64_t n) { return ceil_div(n, 16) * 16; }
}  // namespace

// out, lse [T, H], q, k, v, heads, kvHeads, size, segments (int32), number of segments
double attention(const double* a) {
  float *out = F32(a[0]), *lse = F32(a[1]);
  const float *q = F32(a[2]), *k = F32(a[3]), *v = F32(a[4]);
  int64_t heads = N(a[5]), kv = N(a[6]), size = N(a[7]);
  const int32_t* segments = I32(a[8]);
  int64_t count = N(a[9]), group = heads / kv;
  float scale = (float)(1.0 / sqrt((double)size));
  auto task = [=](int64_t t) {
    int64_t s = t / kv, g = t % kv;
    int64_t start = segments[s], length = segments[s + 1] - start;
    if (length == 0) return;
    const float *ks = k + (start * kv + g) * size, *vs = v + (start * kv + g) * size;
    float* keys = scratch(SCRATCH_PACK_C, packed_size(size, length));
    float* values = scratch(SCRATCH_PACK_D, packed_size(length, size));
    float* scores = scratch(SCRATCH_ROWS, BLOCK * pad(length));
    pack_b(keys, {ks, kv * size, true}, size, length, 0, ceil_div(length, NR));
    for (int64_t h = g * group; h < (g + 1) * group; h++) {
      for (int64_t i = 0; i < length; i += BLOCK) {
        int64_t rows = min64(BLOCK, length - i), width = i + rows, stride = pad(width);
        const float* qs = q + ((start + i) * heads + h) * size;
        float* os = out + ((start + i) * heads + h) * size;
        multiply_packed(rows, width, size, {qs, heads * size, false}, keys, scores, stride, false, nullptr);
        float inverse[BLOCK], logs[BLOCK];
        causal_exp(scores, rows, stride, i + 1, width, scale, inverse, logs);
        pack_b(values, {vs, kv * size, false}, width, size, 0, ceil_div(size, NR));
        multiply_packed(rows, size, width, {scores, stride, false}, values, os, heads * size, false, nullptr);
        for (int64_t r = 0; r < rows; r++) {
          for (int64_t j = 0; j < size; j++) os[r * heads * size + j] *= inverse[r];
          lse[(start + i + r) * heads + h] = logs[r];
        }
      }
    }
  };
  parallel(count * kv, task);
  return 0;
}

// dq, dk, dv, dout, out, lse, q, k, v, heads, kvHeads, size, segments, number of segments.
// P = softmax(S), S = scale·QKᵀ: dV = PᵀdO, dS = P∘(dOVᵀ − rowsum(dO∘O))·scale, dQ = dS K, dK = dSᵀQ.
double attentionGrad(const double* a) {
  float *dq = F32(a[0]), *dk = F32(a[1]), *dv = F32(a[2]);
  const float *dout = F32(a[3]), *out = F32(a[4]), *lse = F32(a[5]);
  const float *q = F32(a[6]), *k = F32(a[7]), *v = F32(a[8]);
  int64_t heads = N(a[9]), kv = N(a[10]), size = N(a[11]);
  const int32_t* segments = I32(a[12]);
  int64_t count = N(a[13]), group = heads / kv;
  float scale = (float)(1.0 / sqrt((double)size));
  parallel(count * kv, [=](int64_t t) {
    int64_t s = t / kv, g = t % kv;
    int64_t start = segments[s], length = segments[s + 1] - start;
    if (length == 0) return;
    int64_t offset = (start * kv + g) * size, kv_stride = kv * size, q_stride = heads * size;
    int64_t packed_t = packed_size(size, length), packed_n = packed_size(length, size);
    float* keys_t = scratch(SCRATCH_PACK_C, 2 * packed_t + packed_n);
    float *values_t = keys_t + packed_t, *keys = values_t + packed_t;
    float* small = scratch(SCRATCH_PACK_D, 2 * packed_size(BLOCK, size));
    float* p = scratch(SCRATCH_ROWS, 2 * BLOCK * pad(length));
    float* ds = p + BLOCK * pad(length);
    int64_t length_panels = ceil_div(length, NR), size_panels = ceil_div(size, NR);
    pack_b(keys_t, {k + offset, kv_stride, true}, size, length, 0, length_panels);
    pack_b(values_t, {v + offset, kv_stride, true}, size, length, 0, length_panels);
    for (int64_t i = 0; i < length; i++) {
      memset(dk + offset + i * kv_stride, 0, size * 4);
      memset(dv + offset + i * kv_stride, 0, size * 4);
    }
    for (int64_t i = 0; i < length; i += BLOCK) {
      int64_t rows = min64(BLOCK, length - i), width = i + rows, stride = pad(width);
      pack_b(keys, {k + offset, kv_stride, false}, width, size, 0, size_panels);
      for (int64_t h = g * group; h < (g + 1) * group; h++) {
        int64_t at = ((start + i) * heads + h) * size;
        const float* logs = lse + (start + i) * heads + h;
        multiply_packed(rows, width, size, {q + at, q_stride, false}, keys_t, p, stride, false, nullptr);
        causal_probabilities(p, rows, stride, i + 1, width, scale, logs, heads);
        multiply_packed(rows, width, size, {dout + at, q_stride, false}, values_t, ds, stride, false, nullptr);
        for (int64_t r = 0; r < rows; r++) {
          float delta = dot(dout + at + r * q_stride, out + at + r * q_stride, size);
          float *pr = p + r * stride, *dr = ds + r * stride;
          for (int64_t j = 0; j < width; j++) dr[j] = pr[j] * (dr[j] - delta) * scale;
        }
        multiply_packed(rows, size, width, {ds, stride, false}, keys, dq + at, q_stride, false, nullptr);
        float *dout_packed = small, *q_packed = small + packed_size(BLOCK, size);
        pack_b(dout_packed, {dout + at, q_stride, false}, rows, size, 0, size_panels);
        pack_b(q_packed, {q + at, q_stride, false}, rows, size, 0, size_panels);
        multiply_packed(width, size, rows, {p, stride, true}, dout_packed, dv + offset, kv_stride, true, nullptr);
        multiply_packed(width, size, rows, {ds, stride, true}, q_packed, dk + offset, kv_stride, true, nullptr);
      }
    }
  });
  return 0;
}
}  // namespace ISA
