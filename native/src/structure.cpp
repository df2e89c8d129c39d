// Operations that move, compare or count elements; memory-bound, so compiled once for every machine.
// Types: 0 float32, 1 int32, 2 bool (one byte).
#include "engine.h"
#include <math.h>
#include <string.h>

namespace {
enum Type { FLOAT, INT, BOOL };
inline int64_t type_size(int type) { return type == BOOL ? 1 : 4; }
inline double read(const void* p, int type, int64_t i) {
  return type == FLOAT ? ((const float*)p)[i] : type == INT ? ((const int32_t*)p)[i] : ((const uint8_t*)p)[i];
}
// JavaScript's ToInt32, which is what storing into an Int32Array does: NaN and ∞ give 0, the rest wraps.
inline int32_t to_int32(double x) {
  if (x >= -2147483648.0 && x <= 2147483647.0) return (int32_t)x;
  if (x != x || isinf(x)) return 0;
  double m = fmod(trunc(x), 4294967296.0);
  if (m < 0) m += 4294967296.0;
  return (int32_t)(uint32_t)m;
}

// Walks the outer dimensions of a broadcast pair; `dims` as in the binary operation of elementwise.cpp.
template <class F>
void walk(int rank, const double* dims, const F& f) {
  int64_t inner = N(dims[3 * rank - 3]), sa = N(dims[3 * rank - 2]), sb = N(dims[3 * rank - 1]), outer = 1;
  for (int d = 0; d + 1 < rank; d++) outer *= N(dims[3 * d]);
  parallel_ranges(outer, max64(1, 32768 / max64(1, inner)), [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; row++) {
      int64_t rest = row, oa = 0, ob = 0;
      for (int d = rank - 2; d >= 0; d--) {
        int64_t size = N(dims[3 * d]), i = rest % size;
        rest /= size;
        oa += i * N(dims[3 * d + 1]);
        ob += i * N(dims[3 * d + 2]);
      }
      f(row * inner, oa, sa, ob, sb, inner);
    }
  });
}

enum Comparison { EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, AND, OR };
template <class T>
void compare_run(int op, uint8_t* out, const T* a, int64_t sa, const T* b, int64_t sb, int64_t n) {
#define CASE(NAME, EXPRESSION)                                                       \
  case NAME:                                                                         \
    for (int64_t i = 0; i < n; i++) { T x = a[i * sa], y = b[i * sb]; out[i] = EXPRESSION; } \
    break
  switch (op) {
    CASE(EQUAL, x == y);
    CASE(NOT_EQUAL, x != y);
    CASE(LESS, x < y);
    CASE(LESS_EQUAL, x <= y);
    CASE(GREATER, x > y);
    CASE(GREATER_EQUAL, x >= y);
    CASE(AND, x && y);
    CASE(OR, x || y);
    default: fail("unknown comparison");
  }
#undef CASE
}
}  // namespace

namespace plain {
// out, type, n, value
double fill(const double* v) {
  int type = (int)v[1];
  double value = v[3];
  char* out = (char*)U8(v[0]);
  parallel_ranges(N(v[2]), 65536, [=](int64_t i, int64_t e) {
    if (type == FLOAT) { float x = (float)value; for (; i < e; i++) ((float*)out)[i] = x; }
    else if (type == INT) { int32_t x = to_int32(value); for (; i < e; i++) ((int32_t*)out)[i] = x; }
    else memset(out + i, value != 0, e - i);
  });
  return 0;
}

// out, outType, in, inType, n
double cast(const double* v) {
  void* out = U8(v[0]);
  const void* in = U8(v[2]);
  int to = (int)v[1], from = (int)v[3];
  parallel_ranges(N(v[4]), 32768, [=](int64_t i, int64_t e) {
    if (to == from) memcpy((char*)out + i * type_size(to), (const char*)in + i * type_size(to), (e - i) * type_size(to));
    else if (to == FLOAT && from == INT) for (; i < e; i++) ((float*)out)[i] = (float)((const int32_t*)in)[i];
    else if (to == FLOAT) for (; i < e; i++) ((float*)out)[i] = ((const uint8_t*)in)[i];
    else if (to == INT && from == BOOL) for (; i < e; i++) ((int32_t*)out)[i] = ((const uint8_t*)in)[i];
    else if (to == INT) for (; i < e; i++) ((int32_t*)out)[i] = to_int32(((const float*)in)[i]);
    else if (from == INT) for (; i < e; i++) ((uint8_t*)out)[i] = ((const int32_t*)in)[i] != 0;
    else for (; i < e; i++) ((uint8_t*)out)[i] = ((const float*)in)[i] != 0;  // NaN is true, as tfjs's notEqual(x, 0)
  });
  return 0;
}

// op, out (bool), a, b, type of a and b, rank, dims
double compare(const double* v) {
  int op = (int)v[0], type = (int)v[4];
  uint8_t* out = U8(v[1]);
  walk((int)v[5], v + 6, [=](int64_t at, int64_t oa, int64_t sa, int64_t ob, int64_t sb, int64_t n) {
    if (type == FLOAT) compare_run(op, out + at, F32(v[2]) + oa, sa, F32(v[3]) + ob, sb, n);
    else if (type == INT) compare_run(op, out + at, I32(v[2]) + oa, sa, I32(v[3]) + ob, sb, n);
    else compare_run(op, out + at, U8(v[2]) + oa, sa, U8(v[3]) + ob, sb, n);
  });
  return 0;
}

// out, condition (bool), a, b, type, n, repeat: element i uses condition[i / repeat]
double select(const double* v) {
  int64_t size = type_size((int)v[4]), repeat = N(v[6]);
  const uint8_t *condition = U8(v[1]), *a = U8(v[2]), *b = U8(v[3]);
  uint8_t* out = U8(v[0]);
  parallel_ranges(N(v[5]), 32768, [=](int64_t i, int64_t e) {
    if (size == 4 && repeat == 1) for (; i < e; i++) ((int32_t*)out)[i] = condition[i] ? ((const int32_t*)a)[i] : ((const int32_t*)b)[i];
    else for (; i < e; i++) memcpy(out + i * size, (condition[i / repeat] ? a : b) + i * size, size);
  });
  return 0;
}

// op, out (int32), a, b, rank, dims; intermediate results in float64 and wrapped, as tfjs
double integerBinary(const double* v) {
  enum { ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM, SQUARED_DIFFERENCE, POW, MOD, FLOOR_DIV };
  int op = (int)v[0];
  walk((int)v[4], v + 5, [=](int64_t at, int64_t oa, int64_t sa, int64_t ob, int64_t sb, int64_t n) {
    int32_t* out = I32(v[1]) + at;
    const int32_t *a = I32(v[2]) + oa, *b = I32(v[3]) + ob;
    for (int64_t i = 0; i < n; i++) {
      int32_t p = a[i * sa], q = b[i * sb];
      double x = p, y = q, r = 0;
      switch (op) {
        case ADD: out[i] = (int32_t)((uint32_t)p + (uint32_t)q); continue;
        case SUB: out[i] = (int32_t)((uint32_t)p - (uint32_t)q); continue;
        case MUL: r = x * y; break;
        case DIV: r = x / y; break;
        case MAXIMUM: out[i] = p > q ? p : q; continue;
        case MINIMUM: out[i] = p < q ? p : q; continue;
        case SQUARED_DIFFERENCE: r = (x - y) * (x - y); break;
        case POW: r = ::pow(x, y); break;
        case MOD: r = fmod(x, y); if (!((p < 0 && q < 0) || (p >= 0 && q >= 0))) r = fmod(r + y, y); break;
        case FLOOR_DIV: r = floor(x / y); break;
        default: fail("unknown integer operation"); return;
      }
      out[i] = to_int32(r);
    }
  });
  return 0;
}

// op (sum, mean unused, max, min, prod, any, all), out, x, type (int or bool), outer, reduced, inner
double integerReduce(const double* v) {
  enum { SUM, MEAN, MAX, MIN, PROD, ANY, ALL };
  int op = (int)v[0], type = (int)v[3];
  const void* x = U8(v[2]);
  int64_t r = N(v[5]), inner = N(v[6]);
  parallel_ranges(N(v[4]) * inner, max64(1, 16384 / max64(1, r)), [=](int64_t i, int64_t e) {
    for (; i < e; i++) {
      int64_t base = i / inner * r * inner + i % inner;
      double total = op == MAX ? -INFINITY : op == MIN ? INFINITY : op == PROD || op == ALL ? 1 : 0;
      for (int64_t j = 0; j < r; j++) {
        double y = read(x, type, base + j * inner);
        switch (op) {
          case SUM: total += y; break;
          case MAX: if (y > total) total = y; break;
          case MIN: if (y < total) total = y; break;
          case PROD: total *= y; break;
          case ANY: total = total != 0 || y != 0; break;
          case ALL: total = total != 0 && y != 0; break;
          default: fail("unknown integer reduction"); return;
        }
      }
      if (op == ANY || op == ALL || (type == BOOL && (op == MAX || op == MIN))) U8(v[1])[i] = total != 0;
      else I32(v[1])[i] = to_int32(total);
    }
  });
  return 0;
}

// out, in, element size (1 or 4), rank, then per dimension: size, stride in out, stride in in (elements; any
// sign, 0 repeats). Offsets are in the pointers. Transposition, slices, padding, tiling, concatenation.
double stridedCopy(const double* v) {
  char* out = (char*)U8(v[0]);
  const char* in = (const char*)U8(v[1]);
  int64_t size = N(v[2]);
  int rank = (int)v[3];
  const double* dims = v + 4;
  int64_t inner = N(dims[3 * rank - 3]), so = N(dims[3 * rank - 2]), si = N(dims[3 * rank - 1]), outer = 1;
  for (int d = 0; d + 1 < rank; d++) outer *= N(dims[3 * d]);
  // A transposition reads along a far stride: two innermost dimensions in tiles keep cache lines in use.
  bool tiled = rank >= 2 && size == 4 && so == 1 && si != 1 && si != 0 && N(dims[3 * rank - 4]) == 1 && N(dims[3 * rank - 6]) >= 4;
  if (tiled) {
    int64_t rows = N(dims[3 * rank - 6]), row_so = N(dims[3 * rank - 5]);
    outer /= rows;
    int64_t strips = ceil_div(rows, 16);
    auto strip = [=](int64_t task) {
      int64_t rest = task / strips, r0 = task % strips * 16, r1 = min64(rows, r0 + 16), oo = 0, oi = 0;
      for (int d = rank - 3; d >= 0; d--) {
        int64_t n = N(dims[3 * d]), i = rest % n;
        rest /= n;
        oo += i * N(dims[3 * d + 1]);
        oi += i * N(dims[3 * d + 2]);
      }
      int32_t* to = (int32_t*)out + oo;
      const int32_t* from = (const int32_t*)in + oi;
      for (int64_t c0 = 0; c0 < inner; c0 += 16)
        for (int64_t r = r0; r < r1; r++)
          for (int64_t c = c0; c < min64(inner, c0 + 16); c++) to[r * row_so + c] = from[c * si + r];
    };
    if (outer * rows * inner < 32768) for (int64_t t = 0; t < outer * strips; t++) strip(t);
    else parallel(outer * strips, strip);
    return 0;
  }
  parallel_ranges(outer, max64(1, 32768 / max64(1, inner)), [=](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; row++) {
      int64_t rest = row, oo = 0, oi = 0;
      for (int d = rank - 2; d >= 0; d--) {
        int64_t n = N(dims[3 * d]), i = rest % n;
        rest /= n;
        oo += i * N(dims[3 * d + 1]);
        oi += i * N(dims[3 * d + 2]);
      }
      char* to = out + oo * size;
      const char* from = in + oi * size;
      if (so == 1 && si == 1) memcpy(to, from, inner * size);
      else if (size == 4) for (int64_t i = 0; i < inner; i++) ((int32_t*)to)[i * so] = ((const int32_t*)from)[i * si];
      else for (int64_t i = 0; i < inner; i++) to[i * so] = from[i * si];
    }
  });
  return 0;
}

// out, table, ids (int32), outer, rows, inner bytes, ids per outer, id step: out[o, i] = table[o, ids[o·step + i]]
double gather(const double* v) {
  char* out = (char*)U8(v[0]);
  const char* table = (const char*)U8(v[1]);
  const int32_t* ids = I32(v[2]);
  int64_t outer = N(v[3]), rows = N(v[4]), bytes = N(v[5]), count = N(v[6]), step = N(v[7]);
  int64_t distinct = step == 0 ? count : outer * count;
  for (int64_t i = 0; i < distinct; i++)
    if (ids[i] < 0 || ids[i] >= rows) return fail("gather: an index is outside the table"), 0;
  parallel_ranges(outer * count, max64(1, 65536 / max64(1, bytes)), [=](int64_t i, int64_t e) {
    for (; i < e; i++) memcpy(out + i * bytes, table + (i / count * rows + ids[i / count * step + i % count]) * bytes, bytes);
  });
  return 0;
}

// out [segments, inner], x [n, inner], ids (int32), n, inner, segments (float32); negative ids are dropped.
// Threads divide the columns, so every sum runs in the order of the rows.
double segmentSum(const double* v) {
  const int32_t* ids = I32(v[2]);
  int64_t n = N(v[3]), inner = N(v[4]), segments = N(v[5]);
  for (int64_t i = 0; i < n; i++)
    if (ids[i] >= segments) return fail("unsortedSegmentSum: a segment id is outside the range"), 0;
  parallel_ranges(inner, n * inner < 32768 ? inner : max64(32, inner / pool_threads()), [=](int64_t j0, int64_t j1) {
    for (int64_t s = 0; s < segments; s++) memset(F32(v[0]) + s * inner + j0, 0, (j1 - j0) * 4);
    for (int64_t i = 0; i < n; i++) {
      if (ids[i] < 0) continue;
      float* to = F32(v[0]) + ids[i] * inner;
      const float* from = F32(v[1]) + i * inner;
      for (int64_t j = j0; j < j1; j++) to[j] += from[j];
    }
  });
  return 0;
}

// out, type, ids (int32), n, depth, on, off
double oneHot(const double* v) {
  int64_t n = N(v[3]), depth = N(v[4]);
  const double blank[] = {v[0], v[1], (double)(n * depth), v[6]};
  fill(blank);
  int type = (int)v[1];
  for (int64_t i = 0; i < n; i++) {
    int64_t id = I32(v[2])[i];
    if (id < 0 || id >= depth) continue;
    if (type == FLOAT) F32(v[0])[i * depth + id] = (float)v[5];
    else if (type == INT) I32(v[0])[i * depth + id] = to_int32(v[5]);
    else U8(v[0])[i * depth + id] = v[5] != 0;
  }
  return 0;
}

// out (int32), x, type, rows, n, minimum?: the first extreme; NaN never wins, as tfjs
double argReduce(const double* v) {
  const void* x = U8(v[1]);
  int type = (int)v[2];
  int64_t n = N(v[4]);
  bool minimum = v[5] != 0;
  parallel_ranges(N(v[3]), max64(1, 16384 / max64(1, n)), [=](int64_t i, int64_t e) {
    for (; i < e; i++) {
      int64_t best = 0;
      double value = n > 0 ? read(x, type, i * n) : 0;
      for (int64_t j = 1; j < n; j++) {
        double y = read(x, type, i * n + j);
        if (minimum ? y < value : y > value) { value = y; best = j; }
      }
      I32(v[0])[i] = (int32_t)best;
    }
  });
  return 0;
}

// out, x, type, rows, n, exclusive, reverse, product
double cumulative(const double* v) {
  int type = (int)v[2];
  int64_t n = N(v[4]);
  bool exclusive = v[5] != 0, reverse = v[6] != 0, product = v[7] != 0;
  parallel_ranges(N(v[3]), max64(1, 16384 / max64(1, n)), [=](int64_t i, int64_t e) {
    for (; i < e; i++) {
      double total = product ? 1 : 0;
      for (int64_t j = 0; j < n; j++) {
        int64_t at = i * n + (reverse ? n - 1 - j : j);
        double y = read(U8(v[1]), type, at), next = product ? total * y : total + y;
        // Rounded at each step to the stored type, as an array of results does.
        if (type == FLOAT) next = (float)next; else next = to_int32(next);
        double result = exclusive ? total : next;
        if (type == FLOAT) F32(v[0])[at] = (float)result; else I32(v[0])[at] = to_int32(result);
        total = next;
      }
    }
  });
  return 0;
}

// out, type, n, start, step
double range(const double* v) {
  int64_t n = N(v[2]);
  for (int64_t i = 0; i < n; i++) {
    double x = v[3] + v[4] * (double)i;
    if (v[1] == FLOAT) F32(v[0])[i] = (float)x; else I32(v[0])[i] = to_int32(x);
  }
  return 0;
}

// destination, source, bytes per row, rows, destination stride (bytes), source stride (bytes)
double copyRows(const double* v) {
  for (int64_t i = 0; i < N(v[3]); i++) memmove(U8(v[0]) + i * N(v[4]), U8(v[1]) + i * N(v[5]), N(v[2]));
  return 0;
}
}  // namespace plain
