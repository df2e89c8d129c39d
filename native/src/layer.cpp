// Parts of a decoder layer in one operation each: projections with what follows them while it is in the caches, and
// their gradients. Weights are [outputs, inputs], as in checkpoints.
#include "simd.h"

namespace ISA {
namespace {
// x (D inputs a row) times the transposed weights, plus bias and residual unless null; the gradients of such a product.
inline void project(int64_t rows, int64_t inputs, int64_t outputs, const float* x, const float* weight, float* out,
                    const float* bias, const float* residual) {
  Epilogue epilogue;
  epilogue.bias = bias;
  epilogue.addend = residual;
  multiply(rows, outputs, inputs, {x, inputs, false}, {weight, inputs, true}, out, outputs, epilogue);
}
inline void input_gradient(int64_t rows, int64_t inputs, int64_t outputs, const float* dy, const float* weight, float* dx,
                           bool accumulate) {
  multiply(rows, inputs, outputs, {dy, outputs, false}, {weight, inputs, false}, dx, inputs, accumulate, nullptr);
}
inline void weight_gradient(int64_t rows, int64_t inputs, int64_t outputs, const float* dy, const float* x, float* dw) {
  multiply(outputs, inputs, rows, {dy, outputs, true}, {x, inputs, false}, dw, inputs, false, nullptr);
}

// out[j] = Σ_i x[i, j], in float64 and in the order of the rows.
void column_sums(float* out, const float* x, int64_t rows, int64_t columns) {
  parallel(ceil_div(columns, 64), [=](int64_t piece) {
    int64_t first = piece * 64, n = min64(64, columns - first);
    double total[64] = {};
    for (int64_t i = 0; i < rows; i++) {
      const float* row = x + i * columns + first;
      for (int64_t j = 0; j < n; j++) total[j] += row[j];
    }
    for (int64_t j = 0; j < n; j++) out[first + j] = (float)total[j];
  });
}

// Greatest position, which the table of cosines and sines must reach.
int32_t greatest_position(const int32_t* positions, int64_t rows) {
  int32_t greatest = -1;
  for (int64_t i = 0; i < rows; i++) {
    if (positions[i] < 0) fail("rotary: a position is negative");
    if (positions[i] > greatest) greatest = positions[i];
  }
  return greatest;
}

// Turns each head of each row by its position's angles, forwards (direction 1) or back (−1); out may be x. `table` is
// [capacity, 2, half], cosines then sines.
void rotate(float* out, const float* x, const float* table, const int32_t* positions, int64_t rows, int64_t heads,
            int64_t half, float direction) {
  parallel_ranges(rows, max64(1, 16384 / max64(1, heads * half * 2)), [=](int64_t i, int64_t e) {
    for (; i < e; i++) {
      const float *cos = table + positions[i] * half * 2, *sin = cos + half;
      for (int64_t h = 0; h < heads; h++) {
        const float* from = x + (i * heads + h) * half * 2;
        float* to = out + (i * heads + h) * half * 2;
        int64_t j = 0;
        for (; j + WIDTH <= half; j += WIDTH) {
          vf s = load(sin + j) * direction, c = load(cos + j), a = load(from + j), b = load(from + half + j);
          store(to + j, a * c - b * s);
          store(to + half + j, b * c + a * s);
        }
        for (; j < half; j++) {
          float s = sin[j] * direction, a = from[j], b = from[half + j];
          to[j] = a * cos[j] - b * s;
          to[half + j] = b * cos[j] + a * s;
        }
      }
    }
  });
}

// silu(g) · u
void gate_row(float* out, const float* g, const float* u, int64_t n) {
  int64_t j = 0;
  for (; j + WIDTH <= n; j += WIDTH) {
    vf x = load(g + j);
    store(out + j, x * sigmoid(x) * load(u + j));
  }
  for (; j < n; j++) out[j] = g[j] * sigmoid(splat(g[j]))[0] * u[j];
}

// silu(gate) · up again, and its gradients.
inline void gate_gradient(vf x, vf up, vf d, vf* gated, vf* dgate, vf* dup) {
  vf s = sigmoid(x), silu = x * s;
  *gated = silu * up;
  *dup = d * silu;
  *dgate = d * up * (s + silu * (1.0f - s));
}
// Any of the outputs may be one of the inputs; `gated` may be 0.
void gate_gradients(float* gated, float* dg, float* du, const float* g, const float* u, const float* dy, int64_t n) {
  parallel_ranges(n, 16384, [=](int64_t j, int64_t e) {
    vf y, a, b;
    for (; j + WIDTH <= e; j += WIDTH) {
      gate_gradient(load(g + j), load(u + j), load(dy + j), &y, &a, &b);
      if (gated) store(gated + j, y);
      store(dg + j, a);
      store(du + j, b);
    }
    for (; j < e; j++) {
      gate_gradient(splat(g[j]), splat(u[j]), splat(dy[j]), &y, &a, &b);
      if (gated) gated[j] = y[0];
      dg[j] = a[0];
      du[j] = b[0];
    }
  });
}
}  // namespace

// out, gate, up, n
double swiglu(const double* v) {
  float* out = F32(v[0]);
  const float *g = F32(v[1]), *u = F32(v[2]);
  parallel_ranges(N(v[3]), 16384, [=](int64_t i, int64_t e) { gate_row(out + i, g + i, u + i, e - i); });
  return 0;
}

// dgate, dup, gate, up, dy, n
double swigluGrad(const double* v) {
  gate_gradients(nullptr, F32(v[0]), F32(v[1]), F32(v[2]), F32(v[3]), F32(v[4]), N(v[5]));
  return 0;
}

// out, x, table, positions (int32), rows, heads, size, direction, capacity. Returns −1, or, having done nothing, the
// greatest position when the table does not reach it.
double rotary(const double* v) {
  const int32_t* positions = I32(v[3]);
  int64_t rows = N(v[4]);
  int32_t greatest = greatest_position(positions, rows);
  if (greatest >= N(v[8])) return greatest;
  rotate(F32(v[0]), F32(v[1]), F32(v[2]), positions, rows, N(v[5]), N(v[6]) / 2, (float)v[7]);
  return -1;
}

// q, k, v, x, then weight and bias of each, table, positions (int32), rows, D, heads, kvHeads, size, capacity. Queries
// and keys are turned by their positions. Returns as rotary does.
double qkvProjection(const double* a) {
  float *q = F32(a[0]), *k = F32(a[1]), *v = F32(a[2]);
  const float *x = F32(a[3]), *table = F32(a[10]);
  const int32_t* positions = I32(a[11]);
  int64_t rows = N(a[12]), d = N(a[13]), heads = N(a[14]), kv = N(a[15]), size = N(a[16]);
  int32_t greatest = greatest_position(positions, rows);
  if (greatest >= N(a[17])) return greatest;
  project(rows, d, heads * size, x, F32(a[4]), q, F32(a[5]), nullptr);
  rotate(q, q, table, positions, rows, heads, size / 2, 1);
  project(rows, d, kv * size, x, F32(a[6]), k, F32(a[7]), nullptr);
  rotate(k, k, table, positions, rows, kv, size / 2, 1);
  project(rows, d, kv * size, x, F32(a[8]), v, F32(a[9]), nullptr);
  return -1;
}

// dx, then dweight and dbias of q, k and v, x, weights of q, k and v, dq, dk, dv, table, positions, rows, D, heads,
// kvHeads, size. The table reaches the positions: the forward pass has seen to it.
double qkvProjectionGrad(const double* a) {
  float* dx = F32(a[0]);
  const float *x = F32(a[7]), *table = F32(a[14]);
  const int32_t* positions = I32(a[15]);
  int64_t rows = N(a[16]), d = N(a[17]), size = N(a[20]);
  int64_t outputs[3] = {N(a[18]) * size, N(a[19]) * size, N(a[19]) * size};
  float* turned = scratch(SCRATCH_ROWS2, max64(1, rows * outputs[0]));
  for (int i = 0; i < 3; i++) {
    const float *dy = F32(a[11 + i]), *weight = F32(a[8 + i]);
    if (i < 2) {
      rotate(turned, dy, table, positions, rows, outputs[i] / size, size / 2, -1);
      dy = turned;
    }
    input_gradient(rows, d, outputs[i], dy, weight, dx, i > 0);
    weight_gradient(rows, d, outputs[i], dy, x, F32(a[1 + 2 * i]));
    column_sums(F32(a[2 + 2 * i]), dy, rows, outputs[i]);
  }
  return 0;
}

// out, gate, up, gated [rows, F], x, weights of gate, up and down, residual or 0, rows, D, F: gate and up are products,
// gated = silu(gate) · up, out = gated · downᵀ (+ residual). Cut into tiles that are gated while they are in the cache.
double gatedFeedForward(const double* a) {
  enum { ROWS = 96, COLUMNS = 128 };  // multiples of every MR and NR
  float *out = F32(a[0]), *gate = F32(a[1]), *up = F32(a[2]), *gated = F32(a[3]);
  const float *x = F32(a[4]), *gate_weight = F32(a[5]), *up_weight = F32(a[6]), *residual = F32(a[8]);
  int64_t rows = N(a[9]), d = N(a[10]), f = N(a[11]), panels = ceil_div(f, NR);
  float* packed = scratch(SCRATCH_PACK_C, 2 * packed_size(d, f));
  float* packed_up = packed + packed_size(d, f);
  parallel(2 * panels, [=](int64_t i) {
    int64_t j = i / 2;
    if (i % 2) pack_b(packed_up, {up_weight, d, true}, d, f, j, j + 1);
    else pack_b(packed, {gate_weight, d, true}, d, f, j, j + 1);
  });
  int64_t stretches = ceil_div(f, COLUMNS);
  parallel(ceil_div(rows, ROWS) * stretches, [=](int64_t task) {
    int64_t i = task / stretches * ROWS, j = task % stretches * COLUMNS;
    int64_t m = min64(ROWS, rows - i), n = min64(COLUMNS, f - j), at = i * f + j;
    multiply_packed(m, n, d, {x + i * d, d, false}, packed + j * d, gate + at, f, false, nullptr);
    multiply_packed(m, n, d, {x + i * d, d, false}, packed_up + j * d, up + at, f, false, nullptr);
    for (int64_t r = 0; r < m; r++) gate_row(gated + at + r * f, gate + at + r * f, up + at + r * f, n);
  });
  project(rows, f, d, gated, F32(a[7]), out, nullptr, residual);
  return 0;
}

// dx, dweight of gate, up and down, x, weights of gate, up and down, gate, up, dy, rows, D, F, dgate, dup, gated. The
// last three are memory for what is in between: dgate and dup may be gate and up, where nobody needs them any more.
double gatedFeedForwardGrad(const double* a) {
  float *dx = F32(a[0]), *dgate = F32(a[14]), *dup = F32(a[15]), *gated = F32(a[16]);
  const float *x = F32(a[4]), *dy = F32(a[10]);
  int64_t rows = N(a[11]), d = N(a[12]), f = N(a[13]);
  input_gradient(rows, f, d, dy, F32(a[7]), gated, false);  // of silu(gate) · up, which then takes its place
  gate_gradients(gated, dgate, dup, F32(a[8]), F32(a[9]), gated, rows * f);
  weight_gradient(rows, f, d, dy, gated, F32(a[3]));
  input_gradient(rows, d, f, dgate, F32(a[5]), dx, false);
  input_gradient(rows, d, f, dup, F32(a[6]), dx, true);
  weight_gradient(rows, d, f, dgate, x, F32(a[1]));
  weight_gradient(rows, d, f, dup, x, F32(a[2]));
  return 0;
}
}  // namespace ISA
