// Vector primitives of one instruction set: included only by the files that are compiled once per set
// (ISA = avx512 | avx2 | portable), everything inside that set's namespace.
#pragma once
#include "engine.h"
#include <math.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#ifndef ISA
#error "compile with -DISA=avx2, avx512 or portable"
#endif

#if defined(WIDTH)
// Forced: how the code for 16 lanes is tested on machines without AVX-512 (docs/backends.md).
#elif defined(__AVX512F__)
#define WIDTH 16
#elif defined(__AVX2__)
#define WIDTH 8
#else
#define WIDTH 4
#endif

namespace ISA {
typedef float vf __attribute__((vector_size(WIDTH * 4)));
typedef int32_t vi __attribute__((vector_size(WIDTH * 4)));
typedef uint32_t vu __attribute__((vector_size(WIDTH * 4)));
typedef float vfu __attribute__((vector_size(WIDTH * 4), aligned(4), may_alias));

static inline vf load(const float* p) { return *(const vfu*)p; }
static inline void store(float* p, vf v) { *(vfu*)p = v; }
static inline vf splat(float x) { return x - (vf){}; }
// a · b + c, in one rounding where the instruction set has it, whatever the compiler would choose.
static inline vf multiply_add(vf a, vf b, vf c) {
#if WIDTH == 16 && defined(__AVX512F__)
  return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif WIDTH == 8 && defined(__FMA__)
  return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__wasm_relaxed_simd__)
  return __builtin_wasm_relaxed_madd_f32x4(a, b, c);
#else
  return a * b + c;
#endif
}
static inline float sum(vf v) {
  float total[WIDTH];
  store(total, v);
  for (int step = WIDTH / 2; step > 0; step /= 2)
    for (int i = 0; i < step; i++) total[i] += total[i + step];
  return total[0];
}

// out[r] = sum of the lanes of v[r], eight at once.
static inline void sum8(const vf* v, float* out) {
#if defined(__AVX2__) && (WIDTH == 8 || defined(__AVX512F__))
  __m256 h[8];
  for (int r = 0; r < 8; r++) {
#if WIDTH == 8
    h[r] = (__m256)v[r];
#else
    h[r] = _mm256_add_ps(_mm512_castps512_ps256((__m512)v[r]), _mm512_extractf32x8_ps((__m512)v[r], 1));
#endif
  }
  __m256 low = _mm256_hadd_ps(_mm256_hadd_ps(h[0], h[1]), _mm256_hadd_ps(h[2], h[3]));
  __m256 high = _mm256_hadd_ps(_mm256_hadd_ps(h[4], h[5]), _mm256_hadd_ps(h[6], h[7]));
  _mm256_storeu_ps(out, _mm256_add_ps(_mm256_permute2f128_ps(low, high, 0x20), _mm256_permute2f128_ps(low, high, 0x31)));
#else
  for (int r = 0; r < 8; r++) out[r] = sum(v[r]);
#endif
}

// e^(x − n ln 2) for the whole number n nearest to x / ln 2 (Cephes' polynomial).
static inline vf exp_rest(vf x, vf n) {
  vf r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  vf p = splat(1.9875691500E-4f);
  p = p * r + 1.3981999507E-3f;
  p = p * r + 8.3334519073E-3f;
  p = p * r + 4.1665795894E-2f;
  p = p * r + 1.6666665459E-1f;
  p = p * r + 5.0000001201E-1f;
  return p * r * r + r + 1.0f;
}
// e^x, relative error < 2e-7; NaN and infinities as in IEEE.
static inline vf exp(vf x) {
  const vf high = splat(89.0f), low = splat(-104.0f);
  vf y = x > high ? high : x;
  y = y < low ? low : y;
  const vf magic = splat(12582912.0f);  // adding it rounds to an integer
  vf n = (y * 1.44269504088896341f + magic) - magic;
  vf p = exp_rest(y, n);
  vi whole = __builtin_convertvector(n == n ? n : splat(0), vi);
  vi half = whole >> 1;  // two factors: 2^n alone would overflow or be subnormal at the ends
  vi rest = whole - half;
  p = p * (vf)((half + 127) << 23) * (vf)((rest + 127) << 23);
  return x != x ? x : p;
}
// e^x for x up to about 0, as softmax needs it (exact at 0; below −87, where the result would be subnormal, 0).
static inline vf exp_falling(vf x) {
  const vf magic = splat(12582912.0f);
  vf shifted = x * 1.44269504088896341f + magic;
  vf n = shifted - magic;
  vf p = exp_rest(x, n);
  p = p * (vf)(((vu)shifted << 23) + (127u << 23));  // the integer is in the low bits of `shifted`
  return x < -87.0f ? splat(0) : p;
}
static inline vf sigmoid(vf x) { return 1.0f / (1.0f + exp(-x)); }
static inline vf absolute(vf x) { return (vf)((vi)x & 0x7fffffff); }
static inline vf tanh(vf x) {
  vf a = absolute(x);
  vf e = exp(a * -2.0f);
  vf large = (1.0f - e) / (1.0f + e);
  large = (vf)((vi)large | ((vi)x & (int32_t)0x80000000));
  vf s = x * x;
  vf p = splat(-5.70498872745E-3f);
  p = p * s + 2.06390887954E-2f;
  p = p * s + -5.37397155531E-2f;
  p = p * s + 1.33314422036E-1f;
  p = p * s + -3.33332819422E-1f;
  vf small = p * s * x + x;
  return a < 0.625f ? small : large;
}

// The greatest of n floats, NaN left out; −∞ of none.
static inline float row_max(const float* x, int64_t n) {
  vf m0 = splat(-INFINITY), m1 = m0;
  int64_t i = 0;
  for (; i + 2 * WIDTH <= n; i += 2 * WIDTH) {
    vf a = load(x + i), b = load(x + i + WIDTH);
    m0 = a > m0 ? a : m0;
    m1 = b > m1 ? b : m1;
  }
  m0 = m1 > m0 ? m1 : m0;
  float max = -INFINITY;
  for (int l = 0; l < WIDTH; l++) max = m0[l] > max ? m0[l] : max;
  for (; i < n; i++) max = x[i] > max ? x[i] : max;
  return max;
}

#if defined(__AVX2__)
// Turns 8 rows of 8 into columns: out[c] holds element c of every row.
static inline void transpose8(const __m256* rows, __m256* out) {
  __m256 t[8], r[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
    r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
  for (int i = 0; i < 4; i++) {
    out[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
    out[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
  }
}
#endif

// Applies f(vf) to n floats; the last, partial vector goes through a buffer.
template <class F>
static inline void map1(int64_t n, const float* x, float* out, const F& f) {
  int64_t i = 0;
  for (; i + WIDTH <= n; i += WIDTH) store(out + i, f(load(x + i)));
  if (i < n) {
    float buffer[WIDTH] = {};
    memcpy(buffer, x + i, (n - i) * 4);
    store(buffer, f(load(buffer)));
    memcpy(out + i, buffer, (n - i) * 4);
  }
}

static inline float dot(const float* a, const float* b, int64_t n) {
  vf s0 = {}, s1 = {};
  int64_t i = 0;
  for (; i + 2 * WIDTH <= n; i += 2 * WIDTH) {
    s0 += load(a + i) * load(b + i);
    s1 += load(a + i + WIDTH) * load(b + i + WIDTH);
  }
  for (; i + WIDTH <= n; i += WIDTH) s0 += load(a + i) * load(b + i);
  float total = sum(s0 + s1);
  for (; i < n; i++) total += a[i] * b[i];
  return total;
}

// ---- matrix multiplication building blocks (gemm.cpp) ----
#if WIDTH == 16
enum { MR = 12, NR = 32 };
#elif WIDTH == 8
enum { MR = 6, NR = 16 };
#else
enum { MR = 4, NR = 8 };
#endif

// A matrix that may be read transposed: element (i, j) is data[i * stride + j], or data[j * stride + i].
struct View {
  const float* data;
  int64_t stride;
  bool transposed;
  const float* at(int64_t i, int64_t j) const { return transposed ? data + j * stride + i : data + i * stride + j; }
};
static inline int64_t packed_size(int64_t k, int64_t n) { return ceil_div(n, NR) * NR * k; }
// Columns [panel·NR, …) of B [K, N] for panels in [first, last), each panel [K][NR], zero-padded.
void pack_b(float* out, View b, int64_t k, int64_t n, int64_t first, int64_t last);

enum Activation { LINEAR, RELU, RELU6, ELU, SIGMOID, LEAKY_RELU };
// C = act(alpha · A·B + beta · addend + bias).
struct Epilogue {
  const float* bias = nullptr;    // [n]
  const float* addend = nullptr;  // [m, n] with the stride of C; may be C itself
  float alpha = 1, beta = 1;
  Activation activation = LINEAR;
  float slope = 0;  // of LEAKY_RELU below zero
};
// C[m, n] = A[m, k] · packed B, serial; the order of the sum over k depends on k alone.
void multiply_packed(int64_t m, int64_t n, int64_t k, View a, const float* packed_b, float* c, int64_t c_stride,
                     const Epilogue& epilogue);
// The same on all threads.
void multiply_packed_parallel(int64_t m, int64_t n, int64_t k, View a, const float* packed_b, float* c,
                              int64_t c_stride, const Epilogue& epilogue);
// The whole product on all threads. C must not overlap A or B.
void multiply(int64_t m, int64_t n, int64_t k, View a, View b, float* c, int64_t c_stride, const Epilogue& epilogue);
// Panels of Bᵀ for weights B [n, k], which must be a whole buffer: packed at the first call, kept with the buffer until
// buffer_changed or its release.
const float* packed_weights(const float* weights, int64_t n, int64_t k);

// C (+)= A·B (+ bias), for the callers that need no more.
static inline Epilogue plain_epilogue(float* c, bool accumulate, const float* bias) {
  Epilogue e;
  e.bias = bias;
  if (accumulate) e.addend = c;
  return e;
}
static inline void multiply_packed(int64_t m, int64_t n, int64_t k, View a, const float* packed_b, float* c,
                                   int64_t c_stride, bool accumulate, const float* bias) {
  multiply_packed(m, n, k, a, packed_b, c, c_stride, plain_epilogue(c, accumulate, bias));
}
static inline void multiply(int64_t m, int64_t n, int64_t k, View a, View b, float* c, int64_t c_stride,
                            bool accumulate, const float* bias) {
  multiply(m, n, k, a, b, c, c_stride, plain_epilogue(c, accumulate, bias));
}
}  // namespace ISA
