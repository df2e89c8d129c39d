// Reductions, softmax and the fused row-wise operations of the transformer, float32.
#include "simd.h"

namespace ISA {
namespace {
enum Reduction { SUM, MEAN, MAX, MIN, PROD };

double reduce_run(int op, const float* x, int64_t n) {
  switch (op) {
    case MAX: { float m = -INFINITY; bool nan = false; for (int64_t i = 0; i < n; i++) { m = x[i] > m ? x[i] : m; nan |= x[i] != x[i]; } return nan ? NAN : m; }
    case MIN: { float m = INFINITY; bool nan = false; for (int64_t i = 0; i < n; i++) { m = x[i] < m ? x[i] : m; nan |= x[i] != x[i]; } return nan ? NAN : m; }
    case PROD: { double p = 1; for (int64_t i = 0; i < n; i++) p *= x[i]; return p; }
    default: {
      double lanes[8] = {};
      int64_t i = 0;
      for (; i + 8 <= n; i += 8) for (int j = 0; j < 8; j++) lanes[j] += x[i + j];
      for (; i < n; i++) lanes[0] += x[i];
      return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
    }
  }
}

// Columns [first, last) of [rows, stride], at most 64 of them.
void reduce_columns(int op, float* out, const float* x, int64_t rows, int64_t stride, int64_t first, int64_t last) {
  double acc[64];
  int64_t n = last - first;
  double start = op == MAX ? -INFINITY : op == MIN ? INFINITY : op == PROD ? 1 : 0;
  for (int64_t j = 0; j < n; j++) acc[j] = start;
  for (int64_t i = 0; i < rows; i++) {
    const float* row = x + i * stride + first;
    switch (op) {
      case MAX: for (int64_t j = 0; j < n; j++) { double y = row[j]; acc[j] = y > acc[j] || y != y ? y : acc[j]; } break;
      case MIN: for (int64_t j = 0; j < n; j++) { double y = row[j]; acc[j] = y < acc[j] || y != y ? y : acc[j]; } break;
      case PROD: for (int64_t j = 0; j < n; j++) acc[j] *= row[j]; break;
      default: for (int64_t j = 0; j < n; j++) acc[j] += row[j];
    }
  }
  double scale = op == MEAN ? 1.0 / rows : 1.0;
  for (int64_t j = 0; j < n; j++) out[first + j] = (float)(op == MEAN ? acc[j] * scale : acc[j]);
}
}  // namespace

// op, out, x, outer, reduced, inner: out[o, i] = reduction over r of x[o, r, i], sums in float64
double reduce(const double* v) {
  int op = (int)v[0];
  float* out = F32(v[1]);
  const float* x = F32(v[2]);
  int64_t outer = N(v[3]), r = N(v[4]), inner = N(v[5]);
  if (inner == 1) {
    parallel_ranges(outer, max64(1, 16384 / max64(1, r)), [=](int64_t i, int64_t e) {
      for (; i < e; i++) {
        double total = reduce_run(op, x + i * r, r);
        out[i] = (float)(op == MEAN ? total / r : total);
      }
    });
  } else {
    int64_t pieces = ceil_div(inner, 64);
    auto piece = [=](int64_t task) {
      int64_t o = task / pieces, j = task % pieces * 64;
      reduce_columns(op, out + o * inner, x + o * r * inner, r, inner, j, min64(inner, j + 64));
    };
    if (outer * r * inner < 32768) for (int64_t t = 0; t < outer * pieces; t++) piece(t);
    else parallel(outer * pieces, piece);
  }
  return 0;
}

// out, x, rows, n, log
double softmax(const double* v) {
  float* out = F32(v[0]);
  const float* x = F32(v[1]);
  int64_t rows = N(v[2]), n = N(v[3]);
  bool log = v[4] != 0;
  parallel_ranges(rows, max64(1, 8192 / max64(1, n)), [=](int64_t i, int64_t e) {
    for (; i < e; i++) {
      const float* row = x + i * n;
      float* to = out + i * n;
      float max = (float)reduce_run(MAX, row, n);
      map1(n, row, to, [=](vf y) { return exp(y - max); });
      double total = reduce_run(SUM, to, n);
      if (log) {
        float lse = (float)::log(total);
        for (int64_t j = 0; j < n; j++) to[j] = row[j] - max - lse;
      } else {
        float scale = (float)(1.0 / total);
        for (int64_t j = 0; j < n; j++) to[j] *= scale;
      }
    }
  });
  return 0;
}

namespace {
inline float inverse_rms(const float* x, int64_t n, double epsilon) {
  return (float)(1.0 / sqrt((double)dot(x, x, n) / n + epsilon));
}
}  // namespace

// out, x, weight, rows, n, epsilon
double rmsNorm(const double* v) {
  float* out = F32(v[0]);
  const float *x = F32(v[1]), *w = F32(v[2]);
  int64_t rows = N(v[3]), n = N(v[4]);
  double epsilon = v[5];
  parallel_ranges(rows, max64(1, 16384 / max64(1, n)), [=](int64_t i, int64_t e) {
    for (; i < e; i++) {
      const float* row = x + i * n;
      float r = inverse_rms(row, n, epsilon);
      for (int64_t j = 0; j < n; j++) out[i * n + j] = row[j] * r * w[j];
    }
  });
  return 0;
}

// dx, dw, x, weight, dy, rows, n, epsilon, added. With r = 1/rms: dx = r·w·dy − x·r³/n·Σ(w·dy·x), dw = Σ_t dy·x·r.
// `added` (or 0) is added to dx, the gradient of x from elsewhere; it may be dx itself.
double rmsNormGrad(const double* v) {
  float *dx = F32(v[0]), *dw = F32(v[1]);
  buffer_changed(dx);  // perhaps the memory of the residual's gradient
  const float *x = F32(v[2]), *w = F32(v[3]), *dy = F32(v[4]);
  int64_t rows = N(v[5]), n = N(v[6]);
  double epsilon = v[7];
  const float* added = F32(v[8]);
  // Partial sums of dw per fixed chunk of rows, added in order: the same bits for any number of threads.
  int64_t chunk = max64(64, ceil_div(rows, 64)), chunks = ceil_div(rows, chunk);
  float* partial = scratch(SCRATCH_PARTIAL, max64(1, chunks * n));
  parallel(chunks, [=](int64_t c) {
    float* sums = partial + c * n;
    for (int64_t j = 0; j < n; j++) sums[j] = 0;
    for (int64_t i = c * chunk; i < min64(rows, (c + 1) * chunk); i++) {
      const float *xr = x + i * n, *dr = dy + i * n;
      float* to = dx + i * n;
      float r = inverse_rms(xr, n, epsilon);
      vf total = {};
      int64_t j = 0;
      for (; j + WIDTH <= n; j += WIDTH) total += load(w + j) * load(dr + j) * load(xr + j);
      float s = sum(total);
      for (; j < n; j++) s += w[j] * dr[j] * xr[j];
      float factor = r * r * r * s / n;
      const float* more = added ? added + i * n : nullptr;
      for (j = 0; j + WIDTH <= n; j += WIDTH) {
        vf d = load(dr + j), y = load(xr + j);
        store(sums + j, load(sums + j) + d * y * r);
        vf g = r * load(w + j) * d - y * factor;
        store(to + j, more ? load(more + j) + g : g);
      }
      for (; j < n; j++) {
        sums[j] += dr[j] * xr[j] * r;
        float g = r * w[j] * dr[j] - xr[j] * factor;
        to[j] = more ? more[j] + g : g;
      }
    }
  });
  for (int64_t j = 0; j < n; j++) {
    double total = 0;
    for (int64_t c = 0; c < chunks; c++) total += partial[c * n + j];
    dw[j] = (float)total;
  }
  return 0;
}

// to, from, n: to += from
double accumulate(const double* v) {
  float* to = F32(v[0]);
  const float* from = F32(v[1]);
  buffer_changed(to);
  parallel_ranges(N(v[2]), 32768, [=](int64_t i, int64_t e) {
    for (; i < e; i++) to[i] += from[i];
  });
  return 0;
}
}  // namespace ISA
