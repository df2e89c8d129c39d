// Causal grouped-query attention over packed segments, forward and backward, and one step with a cache.
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
// out[j] = query · keys[j], n keys of `size` numbers: eight keys at a time, so that their sums across lanes overlap.
void dots(float* out, const float* query, const float* keys, int64_t n, int64_t size) {
  int64_t j = 0;
  if (size % WIDTH == 0) {
    for (; j + 8 <= n; j += 8) {
      vf total[8] = {};
      for (int64_t i = 0; i < size; i += WIDTH) {
        vf q = load(query + i);
#pragma GCC unroll 8
        for (int r = 0; r < 8; r++) total[r] += q * load(keys + (j + r) * size + i);
      }
      sum8(total, out + j);
    }
  }
  for (; j < n; j++) out[j] = dot(query, keys + j * size, size);
}

// out = factor · Σ_j weights[j] · rows[j], the sums in registers.
void weighted_sum(float* out, const float* weights, const float* rows, int64_t n, int64_t size, float factor) {
  int64_t i = 0;
  for (; i + 4 * WIDTH <= size; i += 4 * WIDTH) {
    vf total[4] = {};
    for (int64_t j = 0; j < n; j++)
#pragma GCC unroll 4
      for (int c = 0; c < 4; c++) total[c] += weights[j] * load(rows + j * size + i + c * WIDTH);
    for (int c = 0; c < 4; c++) store(out + i + c * WIDTH, total[c] * factor);
  }
  for (; i + WIDTH <= size; i += WIDTH) {
    vf total = {};
    for (int64_t j = 0; j < n; j++) total += weights[j] * load(rows + j * size + i);
    store(out + i, total * factor);
  }
  for (; i < size; i++) {
    float total = 0;
    for (int64_t j = 0; j < n; j++) total += weights[j] * rows[j * size + i];
    out[i] = total * factor;
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

// out, q, k, v, cacheK, cacheV, heads, kvHeads, size, capacity, batch, lengths (int32), slots (int32).
// Cache layout [slot, kvHead, row, D]: the rows a head reads are contiguous.
double cachedAttention(const double* a) {
  float* out = F32(a[0]);
  const float *q = F32(a[1]), *k = F32(a[2]), *v = F32(a[3]);
  float *cache_k = F32(a[4]), *cache_v = F32(a[5]);
  int64_t heads = N(a[6]), kv = N(a[7]), size = N(a[8]), capacity = N(a[9]), batch = N(a[10]);
  const int32_t *lengths = I32(a[11]), *slots = I32(a[12]);
  int64_t group = heads / kv;
  float scale = (float)(1.0 / sqrt((double)size));
  auto task = [=](int64_t t) {
    int64_t b = t / kv, g = t % kv, n = lengths[b] + 1;
    float* keys = cache_k + (slots[b] * kv + g) * capacity * size;
    float* values = cache_v + (slots[b] * kv + g) * capacity * size;
    memcpy(keys + (n - 1) * size, k + (b * kv + g) * size, size * 4);
    memcpy(values + (n - 1) * size, v + (b * kv + g) * size, size * 4);
    float* scores = scratch(SCRATCH_ROWS, pad(n));
    for (int64_t h = g * group; h < (g + 1) * group; h++) {
      const float* query = q + (b * heads + h) * size;
      float* to = out + (b * heads + h) * size;
      dots(scores, query, keys, n, size);
      float inverse, log;
      causal_exp(scores, 1, 0, n, n, scale, &inverse, &log);
      weighted_sum(to, scores, values, n, size, inverse);
    }
  };
  int64_t work = 0;
  for (int64_t b = 0; b < batch; b++) work += lengths[b] + 1;
  if (work * heads * size < 20000) for (int64_t t = 0; t < batch * kv; t++) task(t);
  else parallel(batch * kv, task);
  return 0;
}
}  // namespace ISA
