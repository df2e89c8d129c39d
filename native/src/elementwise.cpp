// Element-wise float32 operations. Numbers of operations are the order of `binaryOperations` and
// `unaryOperations` in src/backend/native/kernels/elementwise.ts.
#include "simd.h"
#include <math.h>

namespace ISA {
namespace {
enum Binary { ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM, SQUARED_DIFFERENCE, POW, MOD, FLOOR_DIV, PRELU, SIGMOID_GRAD, TANH_GRAD, RELU_GRAD, ATAN2, ELU_GRAD };

inline float floor_mod(float a, float b) {
  float rest = fmodf(a, b);
  return (a < 0 && b < 0) || (a >= 0 && b >= 0) ? rest : fmodf(rest + b, b);
}

// Innermost run: strides of a and b are 0 or 1.
template <class F>
inline void run(float* out, const float* a, int64_t sa, const float* b, int64_t sb, int64_t n, const F& f) {
  if (sa && sb) for (int64_t i = 0; i < n; i++) out[i] = f(a[i], b[i]);
  else if (sa) { float y = *b; for (int64_t i = 0; i < n; i++) out[i] = f(a[i], y); }
  else if (sb) { float x = *a; for (int64_t i = 0; i < n; i++) out[i] = f(x, b[i]); }
  else { float z = f(*a, *b); for (int64_t i = 0; i < n; i++) out[i] = z; }
}

void run_binary(int op, float* out, const float* a, int64_t sa, const float* b, int64_t sb, int64_t n) {
#define CASE(NAME, EXPRESSION) \
  case NAME: run(out, a, sa, b, sb, n, [](float x, float y) -> float { return EXPRESSION; }); break
  switch (op) {
    CASE(ADD, x + y);
    CASE(SUB, x - y);
    CASE(MUL, x * y);
    CASE(DIV, x / y);
    // Math.max and Math.min: NaN if either is.
    CASE(MAXIMUM, x != x ? x : y != y ? y : x > y ? x : y);
    CASE(MINIMUM, x != x ? x : y != y ? y : x < y ? x : y);
    CASE(SQUARED_DIFFERENCE, (x - y) * (x - y));
    CASE(POW, powf(x, y));
    CASE(MOD, floor_mod(x, y));
    CASE(FLOOR_DIV, floorf(x / y));
    CASE(PRELU, x < 0 ? x * y : x);
    CASE(SIGMOID_GRAD, x * y * (1.0f - y));
    CASE(TANH_GRAD, x * (1.0f - y * y));
    CASE(RELU_GRAD, y > 0 ? x : 0.0f);
    CASE(ATAN2, atan2f(x, y));
    CASE(ELU_GRAD, y >= 0 ? x : x * (y + 1.0f));
    default: fail("unknown binary operation");
  }
#undef CASE
}

enum Unary {
  NEG, ABS, EXP, EXPM1, LOG, LOG1P, SQRT, RSQRT, SQUARE, RECIPROCAL, SIN, COS, TAN, TANH, SIGMOID, RELU, RELU6, ELU,
  SELU, SOFTPLUS, ERF, SIGN, FLOOR, CEIL, ROUND, STEP, CLIP, LEAKY_RELU, SILU, LINEAR, ASIN, ACOS, ATAN, SINH, COSH,
  ASINH, ACOSH, ATANH
};

template <class F>
inline void each(float* out, const float* a, int64_t n, const F& f) {
  for (int64_t i = 0; i < n; i++) out[i] = f(a[i]);
}

// p and q: parameters of the operation (bounds of CLIP, slope of LEAKY_RELU and STEP, factor and offset of LINEAR).
void run_unary(int op, float* out, const float* a, int64_t n, float p, float q) {
#define EACH(NAME, EXPRESSION) \
  case NAME: each(out, a, n, [=](float x) -> float { return EXPRESSION; }); break
#define VECTOR(NAME, EXPRESSION) \
  case NAME: map1(n, a, out, [=](vf x) -> vf { return EXPRESSION; }); break
  switch (op) {
    EACH(NEG, -x);
    EACH(ABS, fabsf(x));
    VECTOR(EXP, exp(x));
    EACH(EXPM1, expm1f(x));
    EACH(LOG, logf(x));
    EACH(LOG1P, log1pf(x));
    EACH(SQRT, sqrtf(x));
    EACH(RSQRT, 1.0f / sqrtf(x));
    EACH(SQUARE, x * x);
    EACH(RECIPROCAL, 1.0f / x);
    EACH(SIN, sinf(x));
    EACH(COS, cosf(x));
    EACH(TAN, tanf(x));
    VECTOR(TANH, tanh(x));
    VECTOR(SIGMOID, sigmoid(x));
    EACH(RELU, x < 0 ? 0.0f : x);
    EACH(RELU6, x < 0 ? 0.0f : x > 6 ? 6.0f : x);
    EACH(ELU, x >= 0 ? x : expm1f(x));
    EACH(SELU, x >= 0 ? 1.0507009873554804934193349852946f * x : 1.7580993408473768599402175208123f * expm1f(x));
    EACH(SOFTPLUS, x != x ? x : x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x)));
    EACH(ERF, erff(x));
    EACH(SIGN, x < 0 ? -1.0f : x > 0 ? 1.0f : 0.0f);
    EACH(FLOOR, floorf(x));
    EACH(CEIL, ceilf(x));
    EACH(ROUND, rintf(x));  // halves to even, as tfjs
    EACH(STEP, x != x ? x : x > 0 ? 1.0f : p);
    EACH(CLIP, x > q ? q : x < p ? p : x);
    EACH(LEAKY_RELU, x < 0 ? p * x : x);
    VECTOR(SILU, x * sigmoid(x));
    EACH(LINEAR, x * p + q);
    EACH(ASIN, asinf(x));
    EACH(ACOS, acosf(x));
    EACH(ATAN, atanf(x));
    EACH(SINH, sinhf(x));
    EACH(COSH, coshf(x));
    EACH(ASINH, asinhf(x));
    EACH(ACOSH, acoshf(x));
    EACH(ATANH, atanhf(x));
    default: fail("unknown unary operation");
  }
#undef EACH
#undef VECTOR
}
}  // namespace

// op, out, a, b, rank, then per dimension (outermost first): size, stride of a, stride of b (0 = broadcast;
// the innermost strides are 0 or 1)
double binary(const double* v) {
  int op = (int)v[0];
  float* out = F32(v[1]);
  const float *a = F32(v[2]), *b = F32(v[3]);
  int rank = (int)v[4];
  const double* dims = v + 5;
  int64_t inner = N(dims[3 * rank - 3]), sa = N(dims[3 * rank - 2]), sb = N(dims[3 * rank - 1]);
  if (rank == 1) {
    parallel_ranges(inner, 32768, [=](int64_t i, int64_t e) { run_binary(op, out + i, a + i * sa, sa, b + i * sb, sb, e - i); });
    return 0;
  }
  int64_t outer = 1;
  for (int d = 0; d + 1 < rank; d++) outer *= N(dims[3 * d]);
  parallel_ranges(outer, max64(1, 32768 / max64(1, inner)), [=](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; row++) {
      int64_t rest = row, oa = 0, ob = 0;
      for (int d = rank - 2; d >= 0; d--) {
        int64_t size = N(dims[3 * d]), i = rest % size;
        rest /= size;
        oa += i * N(dims[3 * d + 1]);
        ob += i * N(dims[3 * d + 2]);
      }
      run_binary(op, out + row * inner, a + oa, sa, b + ob, sb, inner);
    }
  });
  return 0;
}

// op, out, a, n, p, q
double unary(const double* v) {
  int op = (int)v[0];
  float* out = F32(v[1]);
  const float* a = F32(v[2]);
  float p = (float)v[4], q = (float)v[5];
  parallel_ranges(N(v[3]), 16384, [=](int64_t i, int64_t e) { run_unary(op, out + i, a + i, e - i, p, q); });
  return 0;
}
}  // namespace ISA
