// Output projection and cross-entropy together: the logits of a stretch of rows live in scratch memory only.
#include "simd.h"

namespace ISA {
namespace {
enum { ROWS = 48 };

float row_lse(const float* x, int64_t n) {
  float max = -INFINITY;
  bool nan = false;
  for (int64_t i = 0; i < n; i++) {
    max = x[i] > max ? x[i] : max;
    nan |= x[i] != x[i];
  }
  if (nan) return NAN;
  if (max == -INFINITY) return max;
  vf total = {};
  int64_t i = 0;
  for (; i + WIDTH <= n; i += WIDTH) total += exp(load(x + i) - max);
  double t = sum(total);
  for (; i < n; i++) t += exp(splat(x[i] - max))[0];
  return (float)(max + log(t));
}
// Rows whose logit gradients are held at once (16 MB): depends on the vocabulary alone.
int64_t stretch(int64_t vocabulary) { return max64(ROWS, (int64_t(4) << 20) / max64(1, vocabulary) / ROWS * ROWS); }
}  // namespace

// nll [T], lse [T], hidden, head, targets (int32), T, D, V
double crossEntropy(const double* a) {
  float *nll = F32(a[0]), *lse = F32(a[1]);
  const float *hidden = F32(a[2]), *head = F32(a[3]);
  const int32_t* targets = I32(a[4]);
  int64_t t = N(a[5]), d = N(a[6]), vocabulary = N(a[7]);
  for (int64_t i = 0; i < t; i++)
    if (targets[i] < 0 || targets[i] >= vocabulary) return fail("linearCrossEntropy: a target is outside the vocabulary"), 0;
  float* packed = scratch(SCRATCH_PACK_B, packed_size(d, vocabulary));
  parallel(ceil_div(vocabulary, NR), [=](int64_t j) { pack_b(packed, {head, d, true}, d, vocabulary, j, j + 1); });
  parallel(ceil_div(t, ROWS), [=](int64_t block) {
    int64_t first = block * ROWS, rows = min64(ROWS, t - first);
    float* logits = scratch(SCRATCH_ROWS, ROWS * vocabulary);
    multiply_packed(rows, vocabulary, d, {hidden + first * d, d, false}, packed, logits, vocabulary, false, nullptr);
    for (int64_t i = 0; i < rows; i++) {
      float l = row_lse(logits + i * vocabulary, vocabulary);
      lse[first + i] = l;
      nll[first + i] = l - logits[i * vocabulary + targets[first + i]];
    }
  });
  return 0;
}

// dhidden, dhead, hidden, head, targets, lse, upstream [T], T, D, V (dhidden or dhead may be 0: not wanted)
double crossEntropyGrad(const double* a) {
  float *dhidden = F32(a[0]), *dhead = F32(a[1]);
  const float *hidden = F32(a[2]), *head = F32(a[3]);
  const int32_t* targets = I32(a[4]);
  const float *lse = F32(a[5]), *upstream = F32(a[6]);
  int64_t t = N(a[7]), d = N(a[8]), vocabulary = N(a[9]);
  int64_t packed_t = packed_size(d, vocabulary);
  float* packed = scratch(SCRATCH_PACK_C, packed_t + packed_size(vocabulary, d));
  float* packed_n = packed + packed_t;
  parallel(ceil_div(vocabulary, NR), [=](int64_t j) { pack_b(packed, {head, d, true}, d, vocabulary, j, j + 1); });
  parallel(ceil_div(d, NR), [=](int64_t j) { pack_b(packed_n, {head, d, false}, vocabulary, d, j, j + 1); });
  int64_t held = min64(t, stretch(vocabulary));
  float* all = scratch(SCRATCH_ROWS2, max64(1, held * vocabulary));
  if (dhead && t == 0) memset(dhead, 0, vocabulary * d * 4);
  for (int64_t begin = 0; begin < t; begin += held) {
    int64_t end = min64(t, begin + held);
    parallel(ceil_div(end - begin, ROWS), [=](int64_t block) {
      int64_t first = begin + block * ROWS, rows = min64(ROWS, end - first);
      float* logits = all + (first - begin) * vocabulary;
      multiply_packed(rows, vocabulary, d, {hidden + first * d, d, false}, packed, logits, vocabulary, false, nullptr);
      for (int64_t i = 0; i < rows; i++) {
        float* row = logits + i * vocabulary;
        float l = lse[first + i], g = upstream[first + i];
        map1(vocabulary, row, row, [=](vf x) { return exp(x - l) * g; });
        row[targets[first + i]] -= g;
      }
      if (dhidden)
        multiply_packed(rows, d, vocabulary, {logits, vocabulary, false}, packed_n, dhidden + first * d, d, false, nullptr);
    });
    if (dhead) multiply(vocabulary, d, end - begin, {all, vocabulary, true}, {hidden + begin * d, d, false}, dhead, d, begin > 0, nullptr);
  }
  return 0;
}
}  // namespace ISA
