// Single-precision matrix multiplication after the BLIS scheme (Van Zee & van de Geijn 2015): B packed once
// into panels of NR columns, an MR×NR tile of C held in registers. A is read in place when its rows are
// contiguous and packed when transposed. K is never divided among threads.
#include "simd.h"

namespace ISA {
namespace {
enum { NV = NR / WIDTH };

// The part of a tile that lies inside C, at its right edge. Apart from the tile so that the compiler keeps the
// accumulators in registers there.
__attribute__((noinline)) void store_edge(const float* buffer, int rows, float* c, int64_t c_stride, int64_t columns,
                                          bool accumulate, const float* bias) {
  for (int i = 0; i < rows; i++) {
    float* out = c + i * c_stride;
    for (int64_t j = 0; j < columns; j++) {
      float v = buffer[i * NR + j];
      if (accumulate) v += out[j];
      if (bias) v += bias[j];
      out[j] = v;
    }
  }
}

// One tile: M rows of A (row r, column p at a[r * row + p * column]) times a panel.
template <int M, bool PACKED>
inline __attribute__((always_inline)) void tile(int64_t k, const float* a, int64_t row, const float* b, float* c,
                                                int64_t c_stride, int64_t columns, bool accumulate,
                                                const float* bias) {
  vf acc[M][NV] = {};
  for (int64_t p = 0; p < k; p++) {
    vf bv[NV];
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) bv[j] = load(b + j * WIDTH);
#pragma GCC unroll 16
    for (int i = 0; i < M; i++) {
      vf av = splat(PACKED ? a[i] : a[i * row]);
#pragma GCC unroll 4
      for (int j = 0; j < NV; j++) acc[i][j] = multiply_add(av, bv[j], acc[i][j]);
    }
    a += PACKED ? M : 1;
    b += NR;
  }
  if (columns == NR) {
#pragma GCC unroll 16
    for (int i = 0; i < M; i++) {
#pragma GCC unroll 4
      for (int j = 0; j < NV; j++) {
        float* out = c + i * c_stride + j * WIDTH;
        vf v = acc[i][j];
        if (accumulate) v += load(out);
        if (bias) v += load(bias + j * WIDTH);
        store(out, v);
      }
    }
  } else {
    float buffer[M * NR];
#pragma GCC unroll 16
    for (int i = 0; i < M; i++) {
#pragma GCC unroll 4
      for (int j = 0; j < NV; j++) store(buffer + i * NR + j * WIDTH, acc[i][j]);
    }
    store_edge(buffer, M, c, c_stride, columns, accumulate, bias);
  }
}

typedef void (*Tile)(int64_t, const float*, int64_t, const float*, float*, int64_t, int64_t, bool, const float*);
template <int M, bool PACKED>
void tile_entry(int64_t k, const float* a, int64_t row, const float* b, float* c, int64_t c_stride, int64_t columns,
                bool accumulate, const float* bias) {
  tile<M, PACKED>(k, a, row, b, c, c_stride, columns, accumulate, bias);
}
#define TILES(P)                                                                                              \
  {                                                                                                           \
    tile_entry<1, P>, tile_entry<2, P>, tile_entry<3, P>, tile_entry<4, P> TILES_6(P) TILES_12(P)             \
  }
#if WIDTH >= 8
#define TILES_6(P) , tile_entry<5, P>, tile_entry<6, P>
#else
#define TILES_6(P)
#endif
#if WIDTH >= 16
#define TILES_12(P)                                                                                       \
  , tile_entry<7, P>, tile_entry<8, P>, tile_entry<9, P>, tile_entry<10, P>, tile_entry<11, P>, tile_entry<12, P>
#else
#define TILES_12(P)
#endif
const Tile direct_tiles[MR] = TILES(false);
const Tile packed_tiles[MR] = TILES(true);

#if defined(__AVX2__)
// out[p * out_stride + r] = rows[r * stride + p], 8 × 8.
inline void transpose8(const float* rows, int64_t stride, float* out, int64_t out_stride) {
  __m256 r[8], t[8];
  for (int i = 0; i < 8; i++) r[i] = _mm256_loadu_ps(rows + i * stride);
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
    r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
  for (int i = 0; i < 4; i++) {
    _mm256_storeu_ps(out + i * out_stride, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
    _mm256_storeu_ps(out + (i + 4) * out_stride, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
  }
}
#endif

// `rows` rows of a transposed A as panels [K][MR], the last narrower. Row by row of the stored matrix: going panel by
// panel would visit each cache line several times, at strides that evict it in between.
void pack_a(float* out, const float* a, int64_t stride, int64_t rows, int64_t k) {
  int64_t whole = rows / MR, rest = rows % MR;
  for (int64_t p = 0; p < k; p++) {
    const float* from = a + p * stride;
    for (int64_t j = 0; j < whole; j++) {
      float* to = out + j * MR * k + p * MR;
      for (int i = 0; i < MR; i++) to[i] = from[j * MR + i];
    }
    float* to = out + whole * MR * k + p * rest;
    for (int64_t i = 0; i < rest; i++) to[i] = from[whole * MR + i];
  }
}

// Length of the pieces of K: an A block and a panel of B stay in the caches. A function of k only.
inline int64_t depth(int64_t k) {
  if (k <= 384) return k;
  int64_t pieces = ceil_div(k, 320);
  return ceil_div(ceil_div(k, pieces), 8) * 8;
}
inline int64_t block_rows() { return MR * (WIDTH == 16 ? 6 : 12); }

// Rows [i0, i1), panels [j0, j1).
void multiply_block(int64_t i0, int64_t i1, int64_t j0, int64_t j1, int64_t n, int64_t k, View a, const float* packed_b,
                    float* c, int64_t c_stride, bool accumulate, const float* bias) {
  int64_t kc = depth(k);
  for (int64_t p = 0; p < k; p += kc) {
    int64_t kd = min64(kc, k - p);
    bool last = p + kd >= k;
    for (int64_t ib = i0; ib < i1; ib += block_rows()) {
      int64_t ie = min64(i1, ib + block_rows());
      float* pa = nullptr;
      if (a.transposed) {
        pa = scratch(SCRATCH_PACK_A, block_rows() * kd + 64);
        pack_a(pa, a.data + p * a.stride + ib, a.stride, ie - ib, kd);
      }
      for (int64_t j = j0; j < j1; j++) {
        const float* pb = packed_b + j * NR * k + p * NR;
        int64_t columns = min64(NR, n - j * NR);
        const float* panel_bias = bias && last ? bias + j * NR : nullptr;
        for (int64_t i = ib; i < ie; i += MR) {
          int64_t rows = min64(MR, ie - i);
          float* out = c + i * c_stride + j * NR;
          bool add = accumulate || p > 0;
          if (pa) packed_tiles[rows - 1](kd, pa + (i - ib) * kd, 0, pb, out, c_stride, columns, add, panel_bias);
          else direct_tiles[rows - 1](kd, a.data + i * a.stride + p, a.stride, pb, out, c_stride, columns, add, panel_bias);
        }
      }
    }
  }
}

void empty_product(int64_t m, int64_t n, float* c, int64_t c_stride, bool accumulate, const float* bias) {
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) c[i * c_stride + j] = (accumulate ? c[i * c_stride + j] : 0) + (bias ? bias[j] : 0);
}
}  // namespace

void pack_b(float* out, View b, int64_t k, int64_t n, int64_t first, int64_t last) {
  if (!b.transposed) {
    // Row by row, for the same reason as in pack_a; whole panels first.
    int64_t whole = min64(last, n / NR);
    for (int64_t p = 0; p < k; p++)
      for (int64_t j = first; j < whole; j++)
        for (int i = 0; i < NV; i++)
          store(out + j * NR * k + p * NR + i * WIDTH, load(b.data + p * b.stride + j * NR + i * WIDTH));
    for (int64_t j = max64(first, whole); j < last; j++) {
      int64_t columns = n - j * NR;
      for (int64_t p = 0; p < k; p++) {
        float* to = out + j * NR * k + p * NR;
        for (int64_t i = 0; i < columns; i++) to[i] = b.data[p * b.stride + j * NR + i];
        for (int64_t i = columns; i < NR; i++) to[i] = 0;
      }
    }
    return;
  }
  for (int64_t j = first; j < last; j++) {
    float* panel = out + j * NR * k;
    int64_t columns = min64(NR, n - j * NR);
    const float* in = b.data + j * NR * b.stride;
    int64_t done = 0;
#if defined(__AVX2__)
    for (; done + 8 <= columns; done += 8) {
      int64_t p = 0;
      for (; p + 8 <= k; p += 8) transpose8(in + done * b.stride + p, b.stride, panel + p * NR + done, NR);
      for (; p < k; p++)
        for (int i = 0; i < 8; i++) panel[p * NR + done + i] = in[(done + i) * b.stride + p];
    }
#endif
    for (; done < columns; done++)
      for (int64_t p = 0; p < k; p++) panel[p * NR + done] = in[done * b.stride + p];
    for (; done < NR; done++)
      for (int64_t p = 0; p < k; p++) panel[p * NR + done] = 0;
  }
}

void multiply_packed(int64_t m, int64_t n, int64_t k, View a, const float* packed_b, float* c, int64_t c_stride,
                     bool accumulate, const float* bias) {
  if (k == 0) return empty_product(m, n, c, c_stride, accumulate, bias);
  multiply_block(0, m, 0, ceil_div(n, NR), n, k, a, packed_b, c, c_stride, accumulate, bias);
}

void multiply(int64_t m, int64_t n, int64_t k, View a, View b, float* c, int64_t c_stride, bool accumulate,
              const float* bias) {
  if (m == 0 || n == 0) return;
  if (k == 0) return empty_product(m, n, c, c_stride, accumulate, bias);
  // B is packed in stretches of columns of at most 16 MB.
  int64_t stretch = max64(NR, (int64_t(4) << 20) / k / NR * NR);
  for (int64_t n0 = 0; n0 < n; n0 += stretch) {
    int64_t nd = min64(stretch, n - n0);
    View bs = {b.at(0, n0), b.stride, b.transposed};
    int64_t panels = ceil_div(nd, NR);
    float* packed = scratch(SCRATCH_PACK_B, packed_size(k, nd));
    const float* bias_part = bias ? bias + n0 : nullptr;
    int threads = pool_threads();
    if (threads == 1 || m * nd * k < 100000) {
      pack_b(packed, bs, k, nd, 0, panels);
      multiply_packed(m, nd, k, a, packed, c + n0, c_stride, accumulate, bias_part);
      continue;
    }
    if (k * nd < 8192) pack_b(packed, bs, k, nd, 0, panels);
    else parallel(ceil_div(panels, 4), [=](int64_t j) { pack_b(packed, bs, k, nd, 4 * j, min64(panels, 4 * j + 4)); });
    int64_t row_blocks = ceil_div(m, block_rows());
    int64_t rows = ceil_div(ceil_div(m, row_blocks), MR) * MR;
    row_blocks = ceil_div(m, rows);
    int64_t column_blocks = min64(panels, row_blocks >= 3 * threads ? 1 : ceil_div(3 * threads, row_blocks));
    int64_t width = ceil_div(panels, column_blocks);
    column_blocks = ceil_div(panels, width);
    parallel(row_blocks * column_blocks, [=](int64_t task) {
      int64_t i = task / column_blocks * rows, j = task % column_blocks * width;
      multiply_block(i, min64(m, i + rows), j, min64(panels, j + width), nd, k, a, packed, c + n0, c_stride,
                     accumulate, bias_part);
    });
  }
}

// m, n, k, A, B, C, transposeA, transposeB, batch, strideA, strideB, bias, accumulate
double gemm(const double* v) {
  int64_t m = N(v[0]), n = N(v[1]), k = N(v[2]);
  const float *a = F32(v[3]), *b = F32(v[4]), *bias = F32(v[11]);
  float* c = F32(v[5]);
  bool ta = v[6] != 0, tb = v[7] != 0, accumulate = v[12] != 0;
  int64_t batch = N(v[8]), step_a = N(v[9]), step_b = N(v[10]);
  auto view_a = [=](int64_t i) { return View{a + i * step_a, ta ? m : k, ta}; };
  auto view_b = [=](int64_t i) { return View{b + i * step_b, tb ? k : n, tb}; };
  if (m == 0 || n == 0) return 0;
  if (batch > 1 && (batch >= 2 * pool_threads() || m * n * k < 100000)) {
    auto one = [=](int64_t i) {
      float* packed = scratch(SCRATCH_PACK_C, packed_size(k, n));
      pack_b(packed, view_b(i), k, n, 0, ceil_div(n, NR));
      multiply_packed(m, n, k, view_a(i), packed, c + i * m * n, n, accumulate, bias);
    };
    if (batch * m * n * k < 100000) for (int64_t i = 0; i < batch; i++) one(i);
    else parallel(batch, one);
  } else {
    for (int64_t i = 0; i < batch; i++) multiply(m, n, k, view_a(i), view_b(i), c + i * m * n, n, accumulate, bias);
  }
  return 0;
}

// A run of fused multiply-adds in registers on the calling thread, for benchmarks: ten independent chains hide the
// latency of every machine so far. Returns the number of floating-point operations.
double fmaPeak(const double* v) {
  int64_t rounds = N(v[0]);
  vf x = splat(0.999999f), y = splat(1e-7f);
  vf a0 = x, a1 = x, a2 = x, a3 = x, a4 = x, a5 = x, a6 = x, a7 = x, a8 = x, a9 = x;
  for (int64_t r = 0; r < rounds; r++) {
#define STEP(v) v = v * x + y; KEEP(v)
#if defined(__x86_64__) && (WIDTH <= 8 || defined(__AVX512F__))
#define KEEP(v) asm volatile("" : "+x"(v))  // or the compiler would fold the chains
#else
#define KEEP(v)
#endif
    STEP(a0); STEP(a1); STEP(a2); STEP(a3); STEP(a4); STEP(a5); STEP(a6); STEP(a7); STEP(a8); STEP(a9);
#undef STEP
#undef KEEP
  }
  *scratch(SCRATCH_PARTIAL, 16) = sum(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9);
  return 2.0 * 10 * WIDTH * (double)rounds;
}
}  // namespace ISA
