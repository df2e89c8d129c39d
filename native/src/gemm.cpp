// Single-precision matrix multiplication after the BLIS scheme (Van Zee & van de Geijn 2015): B packed into panels of
// NR columns, an MR×NR tile of C held in registers, blocks of A in the second-level cache. A is read in place when its
// rows are contiguous and do not collide in the cache, else packed. K is never divided among threads.
#include "tile.h"

namespace ISA {
namespace {
#if defined(__AVX2__)
// out[p * out_stride + r] = rows[r * stride + p], 8 × 8.
inline void transpose_block(const float* rows, int64_t stride, float* out, int64_t out_stride) {
  __m256 r[8];
  for (int i = 0; i < 8; i++) r[i] = _mm256_loadu_ps(rows + i * stride);
  transpose8(r, r);
  for (int i = 0; i < 8; i++) _mm256_storeu_ps(out + i * out_stride, r[i]);
}
// out[p * 6 + r] = rows[r * stride + p], 6 × 8; writes two numbers more.
inline void transpose6(const float* rows, int64_t stride, float* out) {
  __m256 r[8];
  for (int i = 0; i < 6; i++) r[i] = _mm256_loadu_ps(rows + i * stride);
  r[6] = r[7] = _mm256_setzero_ps();
  transpose8(r, r);
  for (int i = 0; i < 8; i++) _mm256_storeu_ps(out + i * 6, r[i]);
}
#endif

enum { PACK_VECTOR = (MR + WIDTH - 1) / WIDTH * WIDTH };

// `rows` rows of A from (i0, p0) on, k columns, to columns [at, at + k) of panels [out_k][MR], the last panel narrower.
void pack_a(float* out, int64_t out_k, int64_t at, View a, int64_t i0, int64_t p0, int64_t rows, int64_t k) {
  int64_t whole = rows / MR, rest = rows % MR;
  float *panels = out + at * MR, *edge = out + whole * MR * out_k + at * rest;
  if (a.transposed) {
    // Row by row of the stored matrix: going panel by panel would visit each cache line several times, at strides that
    // evict it in between. Whole vectors are written; what goes beyond a group of MR is overwritten by the next p.
    const float* from = a.data + p0 * a.stride + i0;
    for (int64_t p = 0; p + 1 < k; p++, from += a.stride) {
      __builtin_prefetch(from + 8 * a.stride);
      for (int64_t j = 0; j < whole; j++) {
        const float* in = from + j * MR;
        float* to = panels + j * MR * out_k + p * MR;
        if (j * MR + PACK_VECTOR <= rows) for (int v = 0; v < MR; v += WIDTH) store(to + v, load(in + v));
        else for (int i = 0; i < MR; i++) to[i] = in[i];
      }
      for (int64_t i = 0; i < rest; i++) edge[p * rest + i] = from[whole * MR + i];
    }
    for (int64_t j = 0; j < whole; j++)
      for (int i = 0; i < MR; i++) panels[j * MR * out_k + (k - 1) * MR + i] = from[j * MR + i];
    for (int64_t i = 0; i < rest; i++) edge[(k - 1) * rest + i] = from[whole * MR + i];
    return;
  }
  for (int64_t j = 0; j <= whole; j++) {
    int64_t height = j < whole ? MR : rest;
    const float* in = a.data + (i0 + j * MR) * a.stride + p0;
    float* to = j < whole ? panels + j * MR * out_k : edge;
    int64_t p = 0;
#if defined(__AVX2__)
    if (height == 6 && WIDTH == 8) {
      for (; p + 8 < k; p += 8) transpose6(in + p, a.stride, to + p * 6);
    }
#endif
    for (; p < k; p++)
      for (int64_t i = 0; i < height; i++) to[p * height + i] = in[i * a.stride + p];
  }
}

// Rows [p0, p1) of a B that lies by rows, to panels [first, last) of [k][NR]. Row by row, for the same reason as above.
void pack_b_rows(float* out, View b, int64_t k, int64_t n, int64_t first, int64_t last, int64_t p0, int64_t p1) {
  int64_t whole = min64(last, n / NR);
  for (int64_t p = p0; p < p1; p++)
    for (int64_t j = first; j < whole; j++)
      for (int i = 0; i < NV; i++)
        store(out + j * NR * k + p * NR + i * WIDTH, load(b.data + p * b.stride + j * NR + i * WIDTH));
  for (int64_t j = max64(first, whole); j < last; j++) {
    int64_t columns = n - j * NR;
    for (int64_t p = p0; p < p1; p++) {
      float* to = out + j * NR * k + p * NR;
      for (int64_t i = 0; i < columns; i++) to[i] = b.data[p * b.stride + j * NR + i];
      for (int64_t i = columns; i < NR; i++) to[i] = 0;
    }
  }
}

// Length of the pieces of K: an A block and a panel of B stay in the caches. A function of k only.
inline int64_t depth(int64_t k) {
  if (k <= 384) return k;
  int64_t pieces = ceil_div(k, 320);
  return ceil_div(ceil_div(k, pieces), 8) * 8;
}

// Rows of A that a task holds packed: with a panel of B they fill most of a second-level cache.
enum { BLOCK_ROWS = MR * (WIDTH == 16 ? 12 : 24) };

// Rows of A that lie a multiple of 2 KB apart fall into the same few sets of the first-level cache: packing pays then,
// if there are panels enough to use the copy.
inline bool packs(View a, int64_t panels) { return a.transposed || (a.stride % 512 == 0 && panels >= 4); }

// The activation of an epilogue on finished elements of C.
void activate(Activation activation, float slope, float* c, int64_t c_stride, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) {
    float* row = c + i * c_stride;
    switch (activation) {
      case RELU: map1(columns, row, row, [](vf x) { return x != x ? x : x > 0.0f ? x : splat(0); }); break;
      case RELU6: map1(columns, row, row, [](vf x) { vf y = x < 0.0f ? splat(0) : x; return y > 6.0f ? splat(6) : y; }); break;
      case ELU: map1(columns, row, row, [](vf x) { return x < 0.0f ? exp(x) - 1.0f : x; }); break;
      case SIGMOID: map1(columns, row, row, [](vf x) { return sigmoid(x); }); break;
      case LEAKY_RELU: map1(columns, row, row, [=](vf x) { return x < 0.0f ? x * slope : x; }); break;
      case LINEAR: break;
    }
  }
}

// Panel `j` (of all of C) for rows [i0, i1) and the piece [p, p + kd) of K. `pa`, unless null, is A packed from row i0
// on, with `pack_k` columns from `pack_p` on.
inline void panel_product(int64_t i0, int64_t i1, int64_t j, int64_t n, int64_t p, int64_t kd, bool last, View a,
                          const float* pa, int64_t pack_k, int64_t pack_p, const float* pb, float* c, int64_t c_stride,
                          const Epilogue& e) {
  int64_t columns = min64(NR, n - j * NR), rest = (i1 - i0) % MR, at = i0 * c_stride + j * NR;
  Finish finish{p > 0 ? c + at : e.addend ? e.addend + at : nullptr, e.bias && last ? e.bias + j * NR : nullptr,
                e.alpha, p > 0 ? 1 : e.beta};
  int64_t piece = p - pack_p, edge = i1 - rest, edge_at = (edge - i0) * c_stride;
  if (pa) packed_tiles[MR - 1](i0, i1, kd, pa + piece * MR, pack_k * MR, 0, pb, c + at, c_stride, columns, finish);
  else direct_tiles[MR - 1](i0, i1, kd, a.data + i0 * a.stride + p, MR * a.stride, a.stride, pb, c + at, c_stride, columns, finish);
  if (rest > 0) {
    if (finish.addend) finish.addend += edge_at;
    if (pa) packed_tiles[rest - 1](edge, i1, kd, pa + (edge - i0) * pack_k + piece * rest, 0, 0, pb, c + at + edge_at, c_stride, columns, finish);
    else direct_tiles[rest - 1](edge, i1, kd, a.data + edge * a.stride + p, 0, a.stride, pb, c + at + edge_at, c_stride, columns, finish);
  }
  if (last && e.activation != LINEAR) activate(e.activation, e.slope, c + at, c_stride, i1 - i0, columns);
}

// Rows [i0, i1), panels [j0, j1) of a packed B; `packed_a`, unless null, is all of A in panels [k][MR].
void multiply_block(int64_t i0, int64_t i1, int64_t j0, int64_t j1, int64_t n, int64_t k, View a, const float* packed_a,
                    const float* packed_b, float* c, int64_t c_stride, const Epilogue& e) {
  int64_t kc = depth(k);
  bool pack = !packed_a && packs(a, j1 - j0);
  for (int64_t p = 0; p < k; p += kc) {
    int64_t kd = min64(kc, k - p);
    for (int64_t ib = i0; ib < i1; ib += BLOCK_ROWS) {
      int64_t ie = min64(i1, ib + BLOCK_ROWS);
      const float* pa = packed_a ? packed_a + ib * k : nullptr;
      if (pack) {
        float* own = scratch(SCRATCH_PACK_A, BLOCK_ROWS * kd);
        pack_a(own, kd, 0, a, ib, p, ie - ib, kd);
        pa = own;
      }
      for (int64_t j = j0; j < j1; j++)
        panel_product(ib, ie, j, n, p, kd, p + kd >= k, a, pa, pack ? kd : k, pack ? p : 0,
                      packed_b + j * NR * k + p * NR, c, c_stride, e);
    }
  }
}

// All rows, panels [j0, j1) of a B that is packed panel by panel just before use: for few rows.
void multiply_few_rows(int64_t m, int64_t j0, int64_t j1, int64_t n, int64_t k, View a, View b, float* c,
                       int64_t c_stride, const Epilogue& e) {
  int64_t kc = depth(k);
  float* panel = scratch(SCRATCH_PACK_B, k * NR);
  for (int64_t j = j0; j < j1; j++) {
    pack_b(panel, {b.at(0, j * NR), b.stride, b.transposed}, k, min64(NR, n - j * NR), 0, 1);
    for (int64_t p = 0; p < k; p += kc) {
      int64_t kd = min64(kc, k - p);
      panel_product(0, m, j, n, p, kd, p + kd >= k, a, nullptr, 0, 0, panel + p * NR, c, c_stride, e);
    }
  }
}

// k = 0: what remains of the epilogue.
void empty_product(int64_t m, int64_t n, float* c, int64_t c_stride, const Epilogue& e) {
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++)
      c[i * c_stride + j] = (e.addend ? e.beta * e.addend[i * c_stride + j] : 0) + (e.bias ? e.bias[j] : 0);
  activate(e.activation, e.slope, c, c_stride, m, n);
}

// Cuts C into tasks that keep all threads busy to the end: a multiple of their number, of equal size, with row blocks as
// high as the cache allows (a panel of B is read again for each). When every task packs its rows of A itself, rows are
// cut rather than columns, which would pack them several times.
struct Grid {
  int64_t rows, row_blocks, width, column_blocks;
  Grid(int64_t m, int64_t panels, int64_t threads, bool cut_columns) {
    int64_t wanted = 4 * threads, blocks = ceil_div(m, BLOCK_ROWS);
    if (cut_columns) {
      // Each column block reads all of A, each row block all of B: as little as possible.
      int64_t least = INT64_MAX;
      for (int64_t r = blocks, most = max64(r, min64(ceil_div(m, MR), wanted)); r <= most; r++) {
        int64_t columns = min64(panels, ceil_div(wanted, r)), read = m * columns + panels * NR * r;
        if ((r * columns < wanted && r < most) || read >= least) continue;
        least = read;
        blocks = r;
      }
    } else {
      blocks = ceil_div(blocks, threads) * threads;
      if (blocks < wanted) blocks = min64(ceil_div(m, 8 * MR), wanted);
    }
    rows = ceil_div(ceil_div(m, blocks), MR) * MR;
    row_blocks = ceil_div(m, rows);
    width = ceil_div(panels, min64(panels, ceil_div(wanted, row_blocks)));
    column_blocks = ceil_div(panels, width);
  }
  int64_t count() const { return row_blocks * column_blocks; }
};
// Below this many multiplications a second thread costs more than it saves.
const int64_t SERIAL_WORK = 100000;
}  // namespace

void pack_b(float* out, View b, int64_t k, int64_t n, int64_t first, int64_t last) {
  if (!b.transposed) return pack_b_rows(out, b, k, n, first, last, 0, k);
  for (int64_t j = first; j < last; j++) {
    float* panel = out + j * NR * k;
    int64_t columns = min64(NR, n - j * NR);
    const float* in = b.data + j * NR * b.stride;
    int64_t done = 0;
#if defined(__AVX2__)
    for (; done + 8 <= columns; done += 8) {
      int64_t p = 0;
      for (; p + 8 <= k; p += 8) transpose_block(in + done * b.stride + p, b.stride, panel + p * NR + done, NR);
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
                     const Epilogue& e) {
  if (k == 0) return empty_product(m, n, c, c_stride, e);
  multiply_block(0, m, 0, ceil_div(n, NR), n, k, a, nullptr, packed_b, c, c_stride, e);
}

namespace {
void multiply_grid(const Grid& grid, int64_t m, int64_t n, int64_t k, View a, const float* packed_a,
                   const float* packed_b, float* c, int64_t c_stride, const Epilogue& e) {
  int64_t panels = ceil_div(n, NR);
  parallel(grid.count(), [&](int64_t task) {
    int64_t i = task / grid.column_blocks * grid.rows, j = task % grid.column_blocks * grid.width;
    multiply_block(i, min64(m, i + grid.rows), j, min64(panels, j + grid.width), n, k, a, packed_a, packed_b, c,
                   c_stride, e);
  });
}
}  // namespace

void multiply_packed_parallel(int64_t m, int64_t n, int64_t k, View a, const float* packed_b, float* c,
                              int64_t c_stride, const Epilogue& e) {
  if (m == 0 || n == 0) return;
  if (k == 0 || pool_threads() == 1 || m * n * k < SERIAL_WORK)
    return multiply_packed(m, n, k, a, packed_b, c, c_stride, e);
  multiply_grid(Grid(m, ceil_div(n, NR), pool_threads(), false), m, n, k, a, nullptr, packed_b, c, c_stride, e);
}

namespace {
// How a product of two matrices that both lie by rows of K is cut when each task packs its own part of both, piece by
// piece of K, so that what it packs stays in its cache: worth it while few tasks pack the same. `row_blocks` 0: not so.
struct OwnPacking {
  int64_t row_blocks = 0, column_blocks = 0;
  OwnPacking(int64_t m, int64_t n, int64_t k, int64_t threads) {
    int64_t least = 2 * (m + n);  // packing for all: written by one, read by another
    for (int64_t tasks = threads; tasks <= 4 * threads; tasks += threads) {
      for (int64_t r = 1; r <= tasks; r++) {
        int64_t c = tasks / r, rows = ceil_div(m, r), columns = ceil_div(n, c), cost = r * n + c * m;
        bool fits = tasks % r == 0 && rows >= MR && columns >= NR && (rows + columns) * depth(k) <= MOST;
        if (!fits || cost > least) continue;
        least = cost;
        row_blocks = r;
        column_blocks = c;
      }
    }
  }
  enum { MOST = 240000 };  // numbers of a task's parts of a piece: about a megabyte (measured)
};

void multiply_own_packing(OwnPacking own, int64_t m, int64_t n, int64_t k, View a, View b, float* c, int64_t c_stride,
                          const Epilogue& e) {
  int64_t kc = depth(k), rows = ceil_div(ceil_div(m, own.row_blocks), MR) * MR;
  int64_t width = ceil_div(ceil_div(n, NR), own.column_blocks);
  parallel(own.row_blocks * own.column_blocks, [&](int64_t task) {
    int64_t i0 = task / own.column_blocks * rows, i1 = min64(m, i0 + rows);
    int64_t j0 = task % own.column_blocks * width, n1 = min64(n, (j0 + width) * NR);
    if (i0 >= i1 || j0 * NR >= n1) return;
    float* pa = scratch(SCRATCH_PACK_A, rows * kc);
    float* pb = scratch(SCRATCH_OWN_B, width * NR * kc);
    for (int64_t p = 0; p < k; p += kc) {
      int64_t kd = min64(kc, k - p);
      pack_a(pa, kd, 0, a, i0, p, i1 - i0, kd);
      View piece = {b.at(p, j0 * NR), b.stride, false};
      int64_t panels = ceil_div(n1 - j0 * NR, NR);
      pack_b_rows(pb, piece, kd, n1 - j0 * NR, 0, panels, 0, kd);
      for (int64_t j = 0; j < panels; j++)
        panel_product(i0, i1, j0 + j, n, p, kd, p + kd >= k, a, pa, kd, p, pb + j * NR * kd, c, c_stride, e);
    }
  });
}
}  // namespace

void multiply(int64_t m, int64_t n, int64_t k, View a, View b, float* c, int64_t c_stride, const Epilogue& e) {
  if (m == 0 || n == 0) return;
  if (k == 0) return empty_product(m, n, c, c_stride, e);
  int threads = pool_threads();
  bool serial = threads == 1 || m * n * k < SERIAL_WORK;
  if (m <= BLOCK_ROWS && !packs(a, ceil_div(n, NR))) {
    int64_t panels = ceil_div(n, NR);
    if (serial) return multiply_few_rows(m, 0, panels, n, k, a, b, c, c_stride, e);
    int64_t width = max64(1, panels / (8 * threads));
    parallel(ceil_div(panels, width), [&](int64_t task) {
      multiply_few_rows(m, task * width, min64(panels, (task + 1) * width), n, k, a, b, c, c_stride, e);
    });
    return;
  }
  if (!serial && a.transposed && !b.transposed) {
    OwnPacking own(m, n, k, threads);
    if (own.row_blocks > 0) return multiply_own_packing(own, m, n, k, a, b, c, c_stride, e);
  }
  // B is packed in stretches of columns of at most 16 MB.
  int64_t stretch = max64(NR, (int64_t(4) << 20) / k / NR * NR);
  for (int64_t n0 = 0; n0 < n; n0 += stretch) {
    int64_t nd = min64(stretch, n - n0);
    View bs = {b.at(0, n0), b.stride, b.transposed};
    int64_t panels = ceil_div(nd, NR);
    float* packed = scratch(SCRATCH_PACK_B, packed_size(k, nd));
    Epilogue part = e;
    if (e.bias) part.bias += n0;
    if (e.addend) part.addend += n0;
    if (serial) {
      pack_b(packed, bs, k, nd, 0, panels);
      multiply_packed(m, nd, k, a, packed, c + n0, c_stride, part);
      continue;
    }
    // A transposed A that several tasks need is packed once for all, like B, by pieces of K: rows of both as they lie.
    Grid grid(m, panels, threads, false);
    bool share = a.transposed && grid.column_blocks > 1 && m * k <= int64_t(4) << 20;
    float* packed_a = share ? scratch(SCRATCH_WHOLE_A, ceil_div(m, MR) * MR * k) : nullptr;
    if (!bs.transposed) {
      int64_t piece = max64(32, ceil_div(k, 4 * threads));
      parallel(ceil_div(k, piece), [=](int64_t q) {
        int64_t p = q * piece, end = min64(k, p + piece);
        pack_b_rows(packed, bs, k, nd, 0, panels, p, end);
        if (share) pack_a(packed_a, k, p, a, 0, p, m, end - p);
      });
    } else {
      if (k * nd < 8192) pack_b(packed, bs, k, nd, 0, panels);
      else parallel(ceil_div(panels, 4), [=](int64_t j) { pack_b(packed, bs, k, nd, 4 * j, min64(panels, 4 * j + 4)); });
      if (share) {
        int64_t piece = max64(32, ceil_div(k, 4 * threads));
        parallel(ceil_div(k, piece), [=](int64_t q) {
          pack_a(packed_a, k, q * piece, a, 0, q * piece, m, min64(piece, k - q * piece));
        });
      }
    }
    if (share) grid = Grid(m, panels, threads, true);
    multiply_grid(grid, m, nd, k, a, packed_a, packed, c + n0, c_stride, part);
  }
}

const float* packed_weights(const float* weights, int64_t n, int64_t k) {
  bool made;
  size_t bytes = packed_size(k, n) * sizeof(float);
  // The layout differs between instruction sets by NR alone, which belongs to the key.
  float* packed = (float*)buffer_derived((void*)weights, (uint64_t)n << 40 | (uint64_t)k << 8 | NR, bytes, &made);
  if (!made) return packed;
  int64_t panels = ceil_div(n, NR);
  auto pack = [=](int64_t j) { pack_b(packed, {weights, k, true}, k, n, j, j + 1); };
  if (k * n < 8192) for (int64_t j = 0; j < panels; j++) pack(j);
  else parallel(panels, pack);
  return packed;
}

// m, n, k, A, B, C, transposeA, transposeB, batch, strideA, strideB, bias, addend, alpha, beta, activation, slope,
// constant B. C [batch, m, n] = act(alpha · op(A)·op(B) + beta · addend + bias); 0 for no bias or addend; an addend lies
// like C and may be C. A constant B ([n, k], transposed) is packed once and kept so until it changes.
double gemm(const double* v) {
  int64_t m = N(v[0]), n = N(v[1]), k = N(v[2]);
  const float *a = F32(v[3]), *b = F32(v[4]), *addend = F32(v[12]);
  float* c = F32(v[5]);
  bool ta = v[6] != 0, tb = v[7] != 0;
  int64_t batch = N(v[8]), step_a = N(v[9]), step_b = N(v[10]);
  Epilogue epilogue{F32(v[11]), nullptr, (float)v[13], (float)v[14], (Activation)(int)v[15], (float)v[16]};
  auto view_a = [=](int64_t i) { return View{a + i * step_a, ta ? m : k, ta}; };
  auto view_b = [=](int64_t i) { return View{b + i * step_b, tb ? k : n, tb}; };
  auto epilogue_at = [=](int64_t i) {
    Epilogue e = epilogue;
    if (addend) e.addend = addend + i * m * n;
    return e;
  };
  if (m == 0 || n == 0) return 0;
  if (v[17] != 0 && tb && batch == 1 && k > 0) {
    multiply_packed_parallel(m, n, k, view_a(0), packed_weights(b, n, k), c, n, epilogue_at(0));
  } else if (batch > 1 && (batch >= 2 * pool_threads() || m * n * k < SERIAL_WORK)) {
    auto one = [=](int64_t i) {
      float* packed = scratch(SCRATCH_PACK_C, packed_size(k, n));
      pack_b(packed, view_b(i), k, n, 0, ceil_div(n, NR));
      multiply_packed(m, n, k, view_a(i), packed, c + i * m * n, n, epilogue_at(i));
    };
    if (batch * m * n * k < SERIAL_WORK) for (int64_t i = 0; i < batch; i++) one(i);
    else parallel(batch, one);
  } else {
    for (int64_t i = 0; i < batch; i++) multiply(m, n, k, view_a(i), view_b(i), c + i * m * n, n, epilogue_at(i));
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
