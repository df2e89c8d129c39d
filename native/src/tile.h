// The register tile of a matrix product: M rows of A times a panel of NR columns of B, its sums held in registers, and
// what becomes of them (scaling, an addend, a bias).
#pragma once
#include "simd.h"

namespace ISA {
namespace {
enum { NV = NR / WIDTH };
// Steps of the sum per round of a tile's loop. WebAssembly's compilers put all loads of a round before its arithmetic:
// more than one step spills registers there.
#if defined(__wasm__)
enum { K_UNROLL = 1 };
#else
enum { K_UNROLL = 4 };
#endif

// What becomes of the sums of a tile: alpha · sum + beta · addend + bias.
struct Finish {
  const float* addend;  // null: none; has the stride of C
  const float* bias;
  float alpha, beta;
};

// The ends of a tile that are more than a store: apart from it so that the compiler keeps the accumulators in
// registers there. The sums come through a buffer, which stays in the first-level cache.
__attribute__((noinline)) void finish_tile(const float* sums, int rows, float* c, int64_t c_stride, const Finish& finish) {
  const float *addend = finish.addend, *bias = finish.bias;
  for (int i = 0; i < rows; i++, c += c_stride, sums += NR) {
#pragma GCC unroll 4
    for (int j = 0; j < NR; j += WIDTH) {
      vf v = load(sums + j);
      if (finish.alpha != 1) v *= finish.alpha;
      if (addend) v += finish.beta * load(addend + i * c_stride + j);
      if (bias) v += load(bias + j);
      store(c + j, v);
    }
  }
}
__attribute__((noinline)) void finish_edge(const float* sums, int rows, float* c, int64_t c_stride, int64_t columns,
                                           const Finish& finish) {
  for (int i = 0; i < rows; i++) {
    float* out = c + i * c_stride;
    for (int64_t j = 0; j < columns; j++) {
      float v = sums[i * NR + j];
      if (finish.alpha != 1) v *= finish.alpha;
      if (finish.addend) v += finish.beta * finish.addend[i * c_stride + j];
      if (finish.bias) v += finish.bias[j];
      out[j] = v;
    }
  }
}

// The sums of one tile, M rows of A (row r, column p at a[r * row + p], or a[p * M + r] when packed) times a panel,
// to out[M][NR] with a stride; with ADD they start from what is there.
template <int M, bool PACKED, bool ADD>
inline __attribute__((always_inline)) void tile_sums(int64_t k, const float* a, int64_t row, const float* b, float* out,
                                                     int64_t out_stride) {
  vf acc[M][NV] = {};
  if (ADD) {
#pragma GCC unroll 16
    for (int i = 0; i < M; i++) {
#pragma GCC unroll 4
      for (int j = 0; j < NV; j++) acc[i][j] = load(out + i * out_stride + j * WIDTH);
    }
  }
#pragma GCC unroll K_UNROLL
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
#pragma GCC unroll 16
  for (int i = 0; i < M; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) store(out + i * out_stride + j * WIDTH, acc[i][j]);
  }
}

#if WIDTH == 8 && defined(__AVX2__) && defined(__x86_64__)
// Nearly all time is spent here, and compilers spill or copy the twelve accumulators as they please: by hand.
#define BROADCAST_FMA(FIRST, SECOND, S0, S1, S2, S3)                                \
  "vbroadcastss " FIRST ", %%ymm14\n\t"                                             \
  "vbroadcastss " SECOND ", %%ymm15\n\t"                                            \
  "vfmadd231ps %%ymm14, %%ymm12, %%ymm" S0 "\n\t"                                   \
  "vfmadd231ps %%ymm14, %%ymm13, %%ymm" S1 "\n\t"                                   \
  "vfmadd231ps %%ymm15, %%ymm12, %%ymm" S2 "\n\t"                                   \
  "vfmadd231ps %%ymm15, %%ymm13, %%ymm" S3 "\n\t"
#define PANEL_ROW(OFFSET0, OFFSET1)                                                 \
  "vmovups " OFFSET0 "(%[b]), %%ymm12\n\t"                                          \
  "vmovups " OFFSET1 "(%[b]), %%ymm13\n\t"
#define STEP_PACKED(B0, B1, A0, A1, A2, A3, A4, A5)                                 \
  PANEL_ROW(B0, B1)                                                                 \
  BROADCAST_FMA(A0 "(%[a])", A1 "(%[a])", "0", "1", "2", "3")                       \
  BROADCAST_FMA(A2 "(%[a])", A3 "(%[a])", "4", "5", "6", "7")                       \
  BROADCAST_FMA(A4 "(%[a])", A5 "(%[a])", "8", "9", "10", "11")
#define STEP_DIRECT(B0, B1, A)                                                                \
  PANEL_ROW(B0, B1)                                                                           \
  BROADCAST_FMA(A "(%[a])", A "(%[a],%[row])", "0", "1", "2", "3")                            \
  BROADCAST_FMA(A "(%[a],%[row],2)", A "(%[a3])", "4", "5", "6", "7")                         \
  BROADCAST_FMA(A "(%[a3],%[row])", A "(%[a3],%[row],2)", "8", "9", "10", "11")
#define ZERO(R) "vxorps %%ymm" R ", %%ymm" R ", %%ymm" R "\n\t"
#define STORE_ROW(S0, S1)                                                           \
  "vmovups %%ymm" S0 ", (%[out])\n\t"                                               \
  "vmovups %%ymm" S1 ", 32(%[out])\n\t"                                             \
  "add %[stride], %[out]\n\t"
#define LOAD_ROW(S0, S1)                                                            \
  "vmovups (%[from]), %%ymm" S0 "\n\t"                                              \
  "vmovups 32(%[from]), %%ymm" S1 "\n\t"                                            \
  "add %[stride], %[from]\n\t"
#define FROM_ZERO                                                                                                \
  ZERO("0") ZERO("1") ZERO("2") ZERO("3") ZERO("4") ZERO("5") ZERO("6") ZERO("7") ZERO("8") ZERO("9") ZERO("10") \
  ZERO("11")
#define FROM_OUT                                                                                        \
  LOAD_ROW("0", "1") LOAD_ROW("2", "3") LOAD_ROW("4", "5") LOAD_ROW("6", "7") LOAD_ROW("8", "9")         \
  LOAD_ROW("10", "11")
#define TILE_LOOP(START, FOUR_STEPS, ONE_STEP)                                                                   \
  START                                                                                                          \
  "test %[fours], %[fours]\n\t"                                                                                  \
  "jz 2f\n\t"                                                                                                    \
  ".p2align 5\n\t"                                                                                               \
  "1:\n\t" FOUR_STEPS                                                                                           \
  "dec %[fours]\n\t"                                                                                             \
  "jnz 1b\n\t"                                                                                                   \
  "2:\n\t"                                                                                                       \
  "test %[rest], %[rest]\n\t"                                                                                    \
  "jz 4f\n\t"                                                                                                    \
  "3:\n\t" ONE_STEP                                                                                             \
  "dec %[rest]\n\t"                                                                                              \
  "jnz 3b\n\t"                                                                                                   \
  "4:\n\t"                                                                                                       \
  STORE_ROW("0", "1") STORE_ROW("2", "3") STORE_ROW("4", "5") STORE_ROW("6", "7") STORE_ROW("8", "9")            \
  STORE_ROW("10", "11")
#define TILE_CLOBBERS                                                                                            \
  "ymm0", "ymm1", "ymm2", "ymm3", "ymm4", "ymm5", "ymm6", "ymm7", "ymm8", "ymm9", "ymm10", "ymm11", "ymm12",     \
      "ymm13", "ymm14", "ymm15", "cc", "memory"

#define PACKED_TILE(ADD, START)                                                                                        \
  template <>                                                                                                          \
  inline __attribute__((always_inline)) void tile_sums<6, true, ADD>(int64_t k, const float* a, int64_t,               \
                                                                     const float* b, float* out, int64_t out_stride) { \
    int64_t fours = k / 4, rest = k % 4;                                                                               \
    float* from = out;                                                                                                 \
    asm volatile(TILE_LOOP(START,                                                                                      \
                           STEP_PACKED("0", "32", "0", "4", "8", "12", "16", "20")                                     \
                           STEP_PACKED("64", "96", "24", "28", "32", "36", "40", "44")                                 \
                           STEP_PACKED("128", "160", "48", "52", "56", "60", "64", "68")                               \
                           STEP_PACKED("192", "224", "72", "76", "80", "84", "88", "92")                               \
                           "add $96, %[a]\n\t" "add $256, %[b]\n\t",                                                   \
                           STEP_PACKED("0", "32", "0", "4", "8", "12", "16", "20")                                     \
                           "add $24, %[a]\n\t" "add $64, %[b]\n\t")                                                    \
                 : [a] "+&r"(a), [b] "+&r"(b), [out] "+&r"(out), [from] "+&r"(from), [fours] "+&r"(fours),             \
                   [rest] "+&r"(rest)                                                                                  \
                 : [stride] "r"(out_stride * 4)                                                                        \
                 : TILE_CLOBBERS);                                                                                     \
  }
#define DIRECT_TILE(ADD, START)                                                                                        \
  template <>                                                                                                          \
  inline __attribute__((always_inline)) void tile_sums<6, false, ADD>(int64_t k, const float* a, int64_t row,          \
                                                                      const float* b, float* out, int64_t out_stride) {\
    int64_t fours = k / 4, rest = k % 4;                                                                               \
    float* from = out;                                                                                                 \
    const float* a3 = a + 3 * row;                                                                                     \
    asm volatile(TILE_LOOP(START,                                                                                      \
                           STEP_DIRECT("0", "32", "0") STEP_DIRECT("64", "96", "4")                                    \
                           STEP_DIRECT("128", "160", "8") STEP_DIRECT("192", "224", "12")                              \
                           "add $16, %[a]\n\t" "add $16, %[a3]\n\t" "add $256, %[b]\n\t",                              \
                           STEP_DIRECT("0", "32", "0")                                                                 \
                           "add $4, %[a]\n\t" "add $4, %[a3]\n\t" "add $64, %[b]\n\t")                                 \
                 : [a] "+&r"(a), [a3] "+&r"(a3), [b] "+&r"(b), [out] "+&r"(out), [from] "+&r"(from),                   \
                   [fours] "+&r"(fours), [rest] "+&r"(rest)                                                            \
                 : [stride] "r"(out_stride * 4), [row] "r"(row * 4)                                                    \
                 : TILE_CLOBBERS);                                                                                     \
  }
PACKED_TILE(false, FROM_ZERO)
PACKED_TILE(true, FROM_OUT)
DIRECT_TILE(false, FROM_ZERO)
DIRECT_TILE(true, FROM_OUT)
#endif

// Tiles of M rows one below another: rows [i0, i1) of C, whole tiles only. `a_step` numbers lie between the tiles of A.
template <int M, bool PACKED>
void tiles(int64_t i0, int64_t i1, int64_t k, const float* a, int64_t a_step, int64_t row, const float* b, float* c,
           int64_t c_stride, int64_t columns, Finish finish) {
  bool sums_only = columns == NR && !finish.bias && finish.alpha == 1;
  bool store = sums_only && !finish.addend;
  bool add = sums_only && finish.addend == c && finish.beta == 1;
  for (int64_t i = i0; i + M <= i1; i += M, a += a_step, c += M * c_stride) {
#pragma GCC unroll 16
    for (int r = 0; r < M; r++) {
      __builtin_prefetch(c + r * c_stride, 1);
      __builtin_prefetch(c + r * c_stride + NR - 1, 1);
    }
    if (store) {
      tile_sums<M, PACKED, false>(k, a, row, b, c, c_stride);
    } else if (add) {
      tile_sums<M, PACKED, true>(k, a, row, b, c, c_stride);
    } else {
      float sums[M * NR] __attribute__((aligned(64)));
      tile_sums<M, PACKED, false>(k, a, row, b, sums, NR);
      if (columns == NR) finish_tile(sums, M, c, c_stride, finish);
      else finish_edge(sums, M, c, c_stride, columns, finish);
      if (finish.addend) finish.addend += M * c_stride;
    }
  }
}

typedef void (*Tiles)(int64_t, int64_t, int64_t, const float*, int64_t, int64_t, const float*, float*, int64_t, int64_t,
                      Finish);
#define TILES(P)                                                                    \
  {                                                                                 \
    tiles<1, P>, tiles<2, P>, tiles<3, P>, tiles<4, P> TILES_6(P) TILES_12(P)           \
  }
#if WIDTH >= 8
#define TILES_6(P) , tiles<5, P>, tiles<6, P>
#else
#define TILES_6(P)
#endif
#if WIDTH >= 16
#define TILES_12(P) , tiles<7, P>, tiles<8, P>, tiles<9, P>, tiles<10, P>, tiles<11, P>, tiles<12, P>
#else
#define TILES_12(P)
#endif
const Tiles direct_tiles[MR] = TILES(false);
const Tiles packed_tiles[MR] = TILES(true);
}  // namespace
}  // namespace ISA
