// One token per row of logits; the same arithmetic, in float64 and in the same order, as the reference in
// src/backend/ops/sample-tokens.ts.
#include "engine.h"
#include <algorithm>
#include <cmath>
#include <vector>

namespace {
void truncate(double* weights, int64_t n, double top_p, int64_t top_k) {
  std::vector<int32_t> order(n);
  for (int64_t i = 0; i < n; i++) order[i] = (int32_t)i;
  std::sort(order.begin(), order.end(), [=](int32_t a, int32_t b) { return weights[a] != weights[b] ? weights[a] > weights[b] : a < b; });
  int64_t kept = top_k > 0 ? std::min(top_k, n) : n;
  if (top_p < 1) {
    double total = 0, cumulative = 0;
    for (int64_t i = 0; i < kept; i++) total += weights[order[i]];
    for (int64_t i = 0; i < kept; i++) {
      cumulative += weights[order[i]];
      if (cumulative >= top_p * total) kept = i + 1;
    }
  }
  for (int64_t i = kept; i < n; i++) weights[order[i]] = 0;
}
}  // namespace

namespace plain {
// logits, rows, vocabulary, temperature, topP, topK, uniforms (float64), ids (int32), log-probabilities,
// number of ids that may be drawn; returns the number of rows without a finite greatest logit, whose id is −1
double sample(const double* v) {
  const float* logits = F32(v[0]);
  int64_t rows = N(v[1]), size = N(v[2]), top_k = N(v[5]), n = N(v[9]);
  double temperature = v[3], top_p = v[4];
  const double* uniforms = (const double*)(uintptr_t)v[6];
  int32_t* ids = I32(v[7]);
  float* logs = F32(v[8]);
  parallel(rows, [=](int64_t b) {
    const float* row = logits + b * size;
    int64_t best = 0;
    bool fine = true;
    for (int64_t i = 0; i < n; i++) {
      fine &= row[i] == row[i];
      if (row[i] > row[best]) best = i;
    }
    int64_t greatest = best;  // of all logits: what is never drawn still has its probability
    for (int64_t i = n; i < size; i++) {
      fine &= row[i] == row[i];
      if (row[i] > row[greatest]) greatest = i;
    }
    if (!fine || !std::isfinite(row[best]) || !std::isfinite(row[greatest])) { ids[b] = -1; logs[b] = NAN; return; }
    double max = row[best];
    int64_t id = best;
    if (temperature != 0) {
      double* weights = (double*)scratch(SCRATCH_ROWS, 2 * n);
      for (int64_t i = 0; i < n; i++) weights[i] = std::exp((row[i] - max) / temperature);
      if ((top_k > 0 && top_k < n) || top_p < 1) truncate(weights, n, top_p, top_k);
      double total = 0, cumulative = 0;
      for (int64_t i = 0; i < n; i++) total += weights[i];
      double threshold = uniforms[b] * total;
      for (int64_t i = 0; i < n; i++) {
        if (weights[i] <= 0) continue;
        id = i;
        cumulative += weights[i];
        if (cumulative > threshold) break;
      }
    }
    double total = 0;
    max = row[greatest];
    for (int64_t i = 0; i < size; i++) total += std::exp(row[i] - max);
    ids[b] = (int32_t)id;
    logs[b] = (float)(row[id] - max - std::log(total));
  });
  double bad = 0;
  for (int64_t b = 0; b < rows; b++) bad += ids[b] < 0;
  return bad;
}
}  // namespace plain
