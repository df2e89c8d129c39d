// Output projection with cross-entropy, or log-probabilities of given tokens: logits are made and used in blocks of
// rows; where they are few enough they are kept for the gradient, else computed again there.
#include "simd.h"

namespace ISA {
namespace {
enum { ROWS = 48 };

// log Σ exp(x), and with `mean` Σ p x: of what softmax weights. NaN anywhere gives NaN.
float row_lse(const float* x, int64_t n, float* mean) {
  float max = row_max(x, n);
  float shift = max == -INFINITY ? 0 : max;  // only NaN or −∞: let the exponential tell
  double total = 0, weighted = 0;
  for (int64_t first = 0; first < n; first += 2048) {  // short sums in float32, the sum of them in float64
    int64_t last = min64(n, first + 2048);
    vf s = {}, w = {};
    int64_t i = first;
    for (; i + WIDTH <= last; i += WIDTH) {
      vf y = load(x + i) - shift, e = exp_falling(y);
      s += e;
      if (mean) w += e > 0.0f ? e * y : e;  // 0 · −∞ is 0 here
    }
    total += sum(s);
    if (mean) weighted += sum(w);
    for (; i < last; i++) {
      float y = x[i] - shift, e = exp_falling(splat(y))[0];
      total += e;
      if (mean) weighted += e > 0.0f ? e * y : e;
    }
  }
  if (mean) *mean = (float)(shift + weighted / total);
  return (float)(shift + log(total));
}
// Rows whose logit gradients are held at once (16 MB): depends on the vocabulary alone.
int64_t stretch(int64_t vocabulary) { return max64(ROWS, (int64_t(4) << 20) / max64(1, vocabulary) / ROWS * ROWS); }

void scale_row(float* x, int64_t n, float scale) {
  if (scale != 1) map1(n, x, x, [=](vf y) { return y * scale; });
}
}  // namespace

// nll [T], lse [T], mean [T] or 0, logits [T, V] or 0, hidden, head, targets (int32), T, D, V, scale. Logits are
// scale · hidden · headᵀ; nll = lse − logit of the target; mean = Σ p · logit, so that the entropy is lse − mean.
double crossEntropy(const double* a) {
  float *nll = F32(a[0]), *lse = F32(a[1]), *mean = F32(a[2]), *kept = F32(a[3]);
  const float *hidden = F32(a[4]), *head = F32(a[5]);
  const int32_t* targets = I32(a[6]);
  int64_t t = N(a[7]), d = N(a[8]), vocabulary = N(a[9]);
  float scale = (float)a[10];
  for (int64_t i = 0; i < t; i++)
    if (targets[i] < 0 || targets[i] >= vocabulary) return fail("linearCrossEntropy: a target is outside the vocabulary"), 0;
  float* packed = scratch(SCRATCH_PACK_C, packed_size(d, vocabulary));
  parallel(ceil_div(vocabulary, NR), [=](int64_t j) { pack_b(packed, {head, d, true}, d, vocabulary, j, j + 1); });
  parallel(ceil_div(t, ROWS), [=](int64_t block) {
    int64_t first = block * ROWS, rows = min64(ROWS, t - first);
    float* logits = kept ? kept + first * vocabulary : scratch(SCRATCH_ROWS, ROWS * vocabulary);
    multiply_packed(rows, vocabulary, d, {hidden + first * d, d, false}, packed, logits, vocabulary, false, nullptr);
    for (int64_t i = 0; i < rows; i++) {
      float* row = logits + i * vocabulary;
      scale_row(row, vocabulary, scale);
      float l = row_lse(row, vocabulary, mean ? mean + first + i : nullptr);
      lse[first + i] = l;
      nll[first + i] = l - row[targets[first + i]];
    }
  });
  return 0;
}

// dhidden, dhead, hidden, head, targets, lse, mean or 0, upstream gradients of nll, of lse, of mean (or 0), T, D, V,
// scale, kept logits or 0, may they be overwritten. With p = exp(logit − lse):
// dlogit = p · (dnll + dlse + dmean · (1 + logit − mean)) − dnll at the target.
double crossEntropyGrad(const double* a) {
  float *dhidden = F32(a[0]), *dhead = F32(a[1]);
  const float *hidden = F32(a[2]), *head = F32(a[3]);
  const int32_t* targets = I32(a[4]);
  const float *lse = F32(a[5]), *mean = F32(a[6]), *dnll = F32(a[7]), *dlse = F32(a[8]), *dmean = F32(a[9]);
  int64_t t = N(a[10]), d = N(a[11]), vocabulary = N(a[12]);
  float scale = (float)a[13];
  float* kept = F32(a[14]);
  bool overwrite = kept && a[15] != 0;
  int64_t packed_t = kept ? 0 : packed_size(d, vocabulary);
  float* packed = scratch(SCRATCH_PACK_C, packed_t + packed_size(vocabulary, d));
  float* packed_n = packed + packed_t;
  if (!kept) parallel(ceil_div(vocabulary, NR), [=](int64_t j) { pack_b(packed, {head, d, true}, d, vocabulary, j, j + 1); });
  parallel(ceil_div(d, NR), [=](int64_t j) { pack_b(packed_n, {head, d, false}, vocabulary, d, j, j + 1); });
  int64_t held = overwrite ? max64(1, t) : min64(max64(1, t), stretch(vocabulary));
  float* all = overwrite ? kept : scratch(SCRATCH_ROWS2, held * vocabulary);
  if (t == 0) memset(dhead, 0, vocabulary * d * 4);
  for (int64_t begin = 0; begin < t; begin += held) {
    int64_t end = min64(t, begin + held);
    parallel(ceil_div(end - begin, ROWS), [=](int64_t block) {
      int64_t first = begin + block * ROWS, rows = min64(ROWS, end - first);
      float* logits = all + (first - begin) * vocabulary;
      if (!kept) multiply_packed(rows, vocabulary, d, {hidden + first * d, d, false}, packed, logits, vocabulary, false, nullptr);
      for (int64_t i = 0; i < rows; i++) {
        float* row = logits + i * vocabulary;
        const float* from = kept ? kept + (first + i) * vocabulary : row;
        if (!kept) scale_row(row, vocabulary, scale);
        float l = lse[first + i], gn = dnll[first + i] * scale, g = gn + dlse[first + i] * scale;
        if (mean) {
          float gm = dmean[first + i] * scale, m = mean[first + i];
          map1(vocabulary, from, row, [=](vf x) {
            vf p = exp_falling(x - l);
            return p > 0.0f ? p * (g + gm * (1.0f + x - m)) : p * (g + gm);
          });
        } else {
          map1(vocabulary, from, row, [=](vf x) { return exp_falling(x - l) * g; });
        }
        row[targets[first + i]] -= gn;
      }
      multiply_packed(rows, d, vocabulary, {logits, vocabulary, false}, packed_n, dhidden + first * d, d, false, nullptr);
    });
    multiply(vocabulary, d, end - begin, {all, vocabulary, true}, {hidden + begin * d, d, false}, dhead, d, begin > 0, nullptr);
  }
  return 0;
}
}  // namespace ISA
