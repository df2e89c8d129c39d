// Products of few rows with packed weights, panel by panel: what costs is reading the weights. Every sum of a row has one
// accumulator and runs in ascending order, whatever the number of rows.
#pragma once
#include "simd.h"

namespace ISA {
namespace {
enum { NV = NR / WIDTH, ROWS = MR * (WIDTH == 16 ? 6 : 12), PIECE = 128, WIDE = 4 };

// buffer[M][NR] (+)= M rows of a times k rows of a panel. Meanwhile the next rows of a and part of the next panel are
// fetched: the weights of a step come from the third-level cache or from memory, once for all rows.
template <int M>
__attribute__((noinline)) void tile(int64_t k, const float* a, int64_t stride, const float* b, float* buffer, bool first,
                                    const float* next_a, const float* next_b) {
  vf acc[M][NV];
#pragma GCC unroll 16
  for (int i = 0; i < M; i++)
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) acc[i][j] = first ? (vf){} : load(buffer + i * NR + j * WIDTH);
  auto step = [&](int64_t p) __attribute__((always_inline)) {
    vf bv[NV];
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) bv[j] = load(b + p * NR + j * WIDTH);
#pragma GCC unroll 16
    for (int i = 0; i < M; i++) {
      vf av = splat(a[i * stride + p]);
#pragma GCC unroll 4
      for (int j = 0; j < NV; j++) acc[i][j] += av * bv[j];
    }
  };
  int64_t p = 0;
  for (; p + 16 <= k; p += 16) {
#pragma GCC unroll 16
    for (int i = 0; i < M; i++) __builtin_prefetch(next_a + i * stride + p);
#pragma GCC unroll 4
    for (int i = 0; i < NR / 8; i++) __builtin_prefetch(next_b + (p / 16 * (NR / 8) + i) * 16);
    for (int u = 0; u < 16; u++) step(p + u);
  }
  for (; p < k; p++) step(p);
#pragma GCC unroll 16
  for (int i = 0; i < M; i++)
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) store(buffer + i * NR + j * WIDTH, acc[i][j]);
}
typedef void (*Tile)(int64_t, const float*, int64_t, const float*, float*, bool, const float*, const float*);
const Tile tiles[MR] = {
    tile<1>, tile<2>, tile<3>, tile<4>,
#if WIDTH >= 8
    tile<5>, tile<6>,
#endif
#if WIDTH >= 16
    tile<7>, tile<8>, tile<9>, tile<10>, tile<11>, tile<12>,
#endif
};

// As tile, for M rows and P panels of the whole depth: the speed of few rows is that of reading the weights, and the
// processor reads several streams faster than one. Panel q goes to buffer + q · ROWS · NR.
template <int M, int P>
void streams(int64_t k, const float* a, int64_t stride, const float* b, float* buffer) {
  vf acc[P][M][NV] = {};
  for (int64_t p = 0; p < k; p++) {
    vf av[M];
#pragma GCC unroll 4
    for (int i = 0; i < M; i++) av[i] = splat(a[i * stride + p]);
#pragma GCC unroll 4
    for (int q = 0; q < P; q++)
#pragma GCC unroll 4
      for (int j = 0; j < NV; j++) {
        vf bv = load(b + (q * k + p) * NR + j * WIDTH);
#pragma GCC unroll 4
        for (int i = 0; i < M; i++) acc[q][i][j] += av[i] * bv;
      }
  }
#pragma GCC unroll 4
  for (int q = 0; q < P; q++)
#pragma GCC unroll 4
    for (int i = 0; i < M; i++)
#pragma GCC unroll 4
      for (int j = 0; j < NV; j++) store(buffer + (q * ROWS + i) * NR + j * WIDTH, acc[q][i][j]);
}

// buffer[q][row][NR] = rows of a [rows, k] times panel q of `panels` ≤ WIDE. The order of every sum is 0 … k − 1.
void multiply_panels(int64_t rows, int64_t k, const float* a, int64_t stride, const float* panel, int64_t panels, float* buffer) {
  int64_t q = 0;
  auto go = [&](int count, void (*kernel)(int64_t, const float*, int64_t, const float*, float*)) {
    for (; q + count <= panels; q += count) kernel(k, a, stride, panel + q * NR * k, buffer + q * ROWS * NR);
  };
  if (rows == 1) {
    go(4, streams<1, 4>);
    go(2, streams<1, 2>);
    go(1, streams<1, 1>);
  } else if (rows == 2) {
    go(2, streams<2, 2>);
    go(1, streams<2, 1>);
  } else if (rows == 3) {
    go(2, streams<3, 2>);
    go(1, streams<3, 1>);
  }
  for (; q < panels; q++) {
    const float* b = panel + q * NR * k;
    for (int64_t p = 0; p < k; p += PIECE) {  // a piece of the panel stays in the first-level cache for all rows
      int64_t kd = min64(PIECE, k - p);
      for (int64_t i = 0; i < rows; i += MR) {
        const float* next_a = i + MR < rows ? a + (i + MR) * stride + p : a + p + PIECE;
        const float* next_b = b + (p + kd) * NR + i / MR * (PIECE / 16 * (NR / 8) * 16);
        tiles[min64(MR, rows - i) - 1](kd, a + i * stride + p, stride, b + p * NR, buffer + (q * ROWS + i) * NR, p == 0, next_a, next_b);
      }
    }
  }
}

// A matrix [n, k] of weights and where its product goes.
struct Product {
  const float *packed, *bias;
  float* out;
  int64_t out_stride, n, k;
  int64_t panels() const { return ceil_div(n, NR); }
  const float* panel(int64_t j) const { return packed + j * NR * k; }
};

enum After { STORE, ADD };
void finish_panel(After epilogue, const float* buffer, const Product& to, int64_t j, int64_t first, int64_t rows) {
  int64_t columns = min64(NR, to.n - j * NR);
  const float* bias = to.bias ? to.bias + j * NR : nullptr;
  for (int64_t i = 0; i < rows; i++) {
    float* out = to.out + (first + i) * to.out_stride + j * NR;
    const float* from = buffer + i * NR;
    if (columns == NR) {
#pragma GCC unroll 4
      for (int c = 0; c < NR; c += WIDTH) {
        vf v = load(from + c);
        if (bias) v += load(bias + c);
        store(out + c, epilogue == ADD ? load(out + c) + v : v);
      }
    } else {
      for (int64_t c = 0; c < columns; c++) {
        float v = from[c];
        if (bias) v += bias[c];
        out[c] = epilogue == ADD ? out[c] + v : v;
      }
    }
  }
}
}  // namespace
}  // namespace ISA
