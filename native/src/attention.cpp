// Causal grouped-query attention over packed segments, forward and backward (after Dao 2023).
// q, out: [T, H, D]; k, v: [T, Hkv, D]. Scores exist only for a block of queries and a chunk of keys at a time.
#include "simd.h"

namespace ISA {
namespace {
enum { BLOCK = 48 };  // query rows: a multiple of every MR

// Queries go in blocks against chunks of keys, so that scores stay in the caches and never take more than a chunk,
// however long the segment. On the diagonal, strips of rows leave out most of what the mask would: boundaries of
// chunks and blocks coincide, so only the last chunk of a block is cut by the diagonal. All are multiples of
// every MR, the chunks also of every NR.
enum { STRIP = 12, CHUNK = 288, GRAD_CHUNK = 144 };
static_assert(BLOCK % STRIP == 0 && STRIP % MR == 0 && CHUNK % BLOCK == 0 && GRAD_CHUNK % BLOCK == 0, "");
static_assert(CHUNK % NR == 0 && BLOCK % NR % WIDTH == 0, "");

// Where segment s begins in a list: entries count[0] + … + count[s − 1].
struct Starts {
  int64_t* first;
  int64_t segments;
  int64_t total() const { return first[segments]; }
  int64_t find(int64_t index) const {
    int64_t low = 0, high = segments - 1;
    while (low < high) {
      int64_t middle = (low + high + 1) / 2;
      if (first[middle] <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }
};
template <class F>
Starts starts_of(int64_t* memory, int64_t segments, const F& count) {
  memory[0] = 0;
  for (int64_t s = 0; s < segments; s++) memory[s + 1] = memory[s] + count(s);
  return {memory, segments};
}

// Heads lie `heads · size` apart, often a power of two: read in place, the rows of a block would fall on a few sets of
// the first cache. So each block is copied to where it is dense.
void copy_rows(float* to, int64_t to_stride, const float* from, int64_t from_stride, int64_t rows, int64_t size) {
  for (int64_t i = 0; i < rows; i++) memcpy(to + i * to_stride, from + i * from_stride, size * 4);
}

// Columns of V [rows, size] as panels of a chunk each: chunk c begins at c · chunk · (padded size).
void pack_chunks(float* out, const float* v, int64_t stride, int64_t rows, int64_t size, int64_t chunk) {
  int64_t panels = ceil_div(size, NR);
  for (int64_t c = 0; c < rows; c += chunk)
    pack_b(out + c * panels * NR, {v + c * stride, stride, false}, min64(chunk, rows - c), size, 0, panels);
}
// C[m, size] (+)= A[m, k] · rows [from, from + k) of a chunk packed with `packed_rows` rows.
void multiply_rows(int64_t m, int64_t size, int64_t from, int64_t k, int64_t packed_rows, View a, const float* packed,
                   float* c, int64_t c_stride, bool accumulate) {
  if (from == 0 && k == packed_rows) return multiply_packed(m, size, k, a, packed, c, c_stride, accumulate, nullptr);
  for (int64_t j = 0; j < size; j += NR)
    multiply_packed(m, min64(NR, size - j), k, a, packed + j * packed_rows + from * NR, c + j, c_stride, accumulate, nullptr);
}

// A row's scores of one chunk become exp(score·scale − max) for the first n, zero up to `width`; `max` and `total` run
// over the chunks. Returns the factor for what was summed with the maximum before.
float softmax_chunk(float* row, int64_t n, int64_t width, float scale, float* max, float* total) {
  float top = row_max(row, n);
  top *= scale;
  if (*max > top) top = *max;
  float shift = top == -INFINITY ? 0 : top;  // only NaN or −∞ so far: let the exponential tell
  vf s0 = {}, s1 = {};
  int64_t j = 0;
  for (; j + 2 * WIDTH <= n; j += 2 * WIDTH) {
    vf x = exp_falling(load(row + j) * scale - shift), y = exp_falling(load(row + j + WIDTH) * scale - shift);
    store(row + j, x);
    store(row + j + WIDTH, y);
    s0 += x;
    s1 += y;
  }
  for (; j + WIDTH <= n; j += WIDTH) {
    vf x = exp_falling(load(row + j) * scale - shift);
    store(row + j, x);
    s0 += x;
  }
  float t = sum(s0 + s1);
  if (j < n) {
    float tail[WIDTH] = {};
    memcpy(tail, row + j, (n - j) * 4);
    store(tail, exp_falling(load(tail) * scale - shift));
    for (int l = 0; j < n; j++, l++) {
      row[j] = tail[l];
      t += tail[l];
    }
  }
  for (; j < width; j++) row[j] = 0;
  float factor = exp_falling(splat(*max - shift))[0];
  *total = *total * factor + t;
  *max = top;
  return factor;
}
}  // namespace

// out, lse [T, H], q, k, v, heads, kvHeads, size, segments (int32), number of segments
double attention(const double* a) {
  float *out = F32(a[0]), *lse = F32(a[1]);
  const float *q = F32(a[2]), *k = F32(a[3]), *v = F32(a[4]);
  int64_t heads = N(a[5]), kv = N(a[6]), size = N(a[7]);
  const int32_t* segments = I32(a[8]);
  int64_t count = N(a[9]), group = heads / kv;
  if (count <= 0 || segments[count] == 0) return 0;
  float scale = (float)(1.0 / sqrt((double)size));
  auto length_of = [=](int64_t s) -> int64_t { return segments[s + 1] - segments[s]; };
  int64_t* memory = (int64_t*)scratch(SCRATCH_PARTIAL, 4 * (count + 1));
  Starts panels = starts_of(memory, count, [=](int64_t s) { return ceil_div(length_of(s), NR); });
  Starts blocks = starts_of(memory + count + 1, count, [=](int64_t s) { return ceil_div(length_of(s), BLOCK); });
  int64_t padded = ceil_div(size, NR) * NR;
  float* packed_keys = scratch(SCRATCH_PACK_C, kv * (panels.total() * NR * size + segments[count] * padded));
  float* packed_values = packed_keys + kv * panels.total() * NR * size;
  auto keys_of = [=](int64_t s, int64_t g) {
    return packed_keys + (kv * panels.first[s] + g * (panels.first[s + 1] - panels.first[s])) * NR * size;
  };
  auto values_of = [=](int64_t s, int64_t g) { return packed_values + (kv * segments[s] + g * length_of(s)) * padded; };
  parallel(count * kv, [=](int64_t t) {
    int64_t s = t / kv, g = t % kv, length = length_of(s), at = (segments[s] * kv + g) * size;
    pack_b(keys_of(s, g), {k + at, kv * size, true}, size, length, 0, ceil_div(length, NR));
    pack_chunks(values_of(s, g), v + at, kv * size, length, size, CHUNK);
  });
  parallel(blocks.total() * kv, [=](int64_t t) {
    int64_t s = blocks.find(t / kv), length = length_of(s);
    int64_t local = t - blocks.first[s] * kv, n = blocks.first[s + 1] - blocks.first[s];
    int64_t g = local / n, i = (n - 1 - local % n) * BLOCK;  // the longest first
    int64_t rows = min64(BLOCK, length - i), end = i + rows, stride = heads * size;
    const float *keys = keys_of(s, g), *values = values_of(s, g);
    float* scores = scratch(SCRATCH_ROWS, BLOCK * (CHUNK + 2 * size));
    float *queries = scores + BLOCK * CHUNK, *mixed = queries + BLOCK * size;
    for (int64_t h = g * group; h < (g + 1) * group; h++) {
      int64_t at = ((segments[s] + i) * heads + h) * size;
      copy_rows(queries, size, q + at, stride, rows, size);
      float max[BLOCK], total[BLOCK];
      for (int64_t r = 0; r < rows; r++) max[r] = -INFINITY, total[r] = 0;
      for (int64_t c = 0; c < end; c += CHUNK) {
        int64_t stop = min64(end, c + CHUNK), step = stop <= i ? rows : STRIP;
        const float* chunk_values = values + c * padded;
        for (int64_t r0 = 0; r0 < rows; r0 += step) {
          int64_t m = min64(step, rows - r0), width = min64(stop, i + r0 + m) - c;
          float* part = scores + r0 * CHUNK;
          multiply_packed(m, width, size, {queries + r0 * size, size, false}, keys + c * size, part, CHUNK, false, nullptr);
          for (int64_t r = 0; r < m; r++) {
            float factor = softmax_chunk(part + r * CHUNK, min64(width, i + r0 + r + 1 - c), width, scale, max + r0 + r, total + r0 + r);
            float* to = mixed + (r0 + r) * size;
            if (c > 0 && factor != 1) map1(size, to, to, [=](vf x) { return x * factor; });
          }
          multiply_rows(m, size, 0, width, min64(CHUNK, length - c), {part, CHUNK, false}, chunk_values,
                        mixed + r0 * size, size, c > 0);
        }
      }
      for (int64_t r = 0; r < rows; r++) {
        float inverse = 1.0f / total[r];
        map1(size, mixed + r * size, out + at + r * stride, [=](vf x) { return x * inverse; });
        lse[(segments[s] + i + r) * heads + h] = (max[r] == -INFINITY ? 0 : max[r]) + logf(total[r]);
      }
    }
  });
  return 0;
}

namespace {
// to[c * to_stride + r] = from[r * BLOCK + c] for r < rows, c < columns.
void transpose(float* to, int64_t to_stride, const float* from, int64_t rows, int64_t columns) {
  int64_t r = 0;
#if defined(__AVX2__)
  for (; r + 8 <= rows; r += 8)
    for (int64_t c = 0; c < columns; c += 8) {  // a row of `from` is whole vectors; `to` has BLOCK rows
      __m256 x[8];
      for (int i = 0; i < 8; i++) x[i] = _mm256_loadu_ps(from + (r + i) * BLOCK + c);
      transpose8(x, x);
      for (int i = 0; i < 8; i++) _mm256_storeu_ps(to + (c + i) * to_stride + r, x[i]);
    }
#endif
  for (; r < rows; r++)
    for (int64_t c = 0; c < columns; c++) to[c * to_stride + r] = from[r * BLOCK + c];
}

// One row of transposed scores, a key's against a block of queries: score → P = exp(score·scale − lse), and
// dP → dS = P (dP − delta) scale; zero for the first `hidden` queries, which come before the key.
inline void probabilities(float* p, float* ds, int64_t hidden, float scale, const float* lse, const float* delta) {
  vi lanes;
  for (int l = 0; l < WIDTH; l++) lanes[l] = l;
  for (int64_t c = 0; c < BLOCK; c += WIDTH) {
    vf x = {}, d = {};
    if (c + WIDTH > hidden) {
      x = exp_falling(load(p + c) * scale - load(lse + c));
      d = x * (load(ds + c) - load(delta + c)) * scale;
      if (c < hidden) {
        vi seen = lanes >= (int32_t)(hidden - c);
        x = seen ? x : splat(0);
        d = seen ? d : splat(0);
      }
    }
    store(p + c, x);
    store(ds + c, d);
  }
}

struct Buffer {
  float* data = nullptr;
  explicit Buffer(int64_t floats) {
    if (floats > 0 && !(data = (float*)buffer_allocate(floats * 4))) out_of_memory();
  }
  ~Buffer() { buffer_release(data); }
  Buffer(const Buffer&) = delete;
};
}  // namespace

// dq, dk, dv, dout, out, lse, q, k, v, heads, kvHeads, size, segments, number of segments.
// P = softmax(S), S = scale·QKᵀ: dV = PᵀdO, dS = P∘(dOVᵀ − rowsum(dO∘O))·scale, dQ = dS K, dK = dSᵀQ.
// S and dS are computed transposed, so that four of the five products read them as they lie.
//
// A task takes a piece of the queries of a (segment, key/value head). Short segments are one piece; of long ones that
// would leave threads idle, all pieces but the last sum dK and dV into memory of their own, added in order at the end.
double attentionGrad(const double* a) {
  float *dq = F32(a[0]), *dk = F32(a[1]), *dv = F32(a[2]);
  const float *dout = F32(a[3]), *out = F32(a[4]), *lse = F32(a[5]);
  const float *q = F32(a[6]), *k = F32(a[7]), *v = F32(a[8]);
  int64_t heads = N(a[9]), kv = N(a[10]), size = N(a[11]);
  const int32_t* segments = I32(a[12]);
  int64_t count = N(a[13]), group = heads / kv;
  if (count <= 0 || segments[count] == 0) return 0;
  float scale = (float)(1.0 / sqrt((double)size));
  int64_t padded = ceil_div(size, NR) * NR, kv_stride = kv * size, q_stride = heads * size;
  auto length_of = [=](int64_t s) -> int64_t { return segments[s + 1] - segments[s]; };
  double work = 0;
  for (int64_t s = 0; s < count; s++) work += (double)length_of(s) * length_of(s) * kv;
  // Pieces of equal area: 16 tasks in all, where segments are long enough for it.
  auto pieces_of = [=](int64_t s) {
    double share = (double)length_of(s) * length_of(s) / work;
    return max64(1, min64(min64(8, (int64_t)(16 * share)), length_of(s) / (4 * BLOCK)));
  };
  auto boundary = [=](int64_t s, int64_t piece) {  // first query of a piece
    int64_t n = ceil_div(length_of(s), BLOCK);
    return min64(length_of(s), (int64_t)(n * sqrt((double)piece / pieces_of(s)) + 0.5) * BLOCK);
  };
  int64_t* memory = (int64_t*)scratch(SCRATCH_PARTIAL, 4 * (count + 1));
  Starts pieces = starts_of(memory, count, pieces_of);
  Starts partial_rows = starts_of(memory + count + 1, count, [=](int64_t s) {
    int64_t rows = 0;
    for (int64_t p = 1; p < pieces_of(s); p++) rows += boundary(s, p);
    return rows;
  });
  Buffer held(2 * partial_rows.total() * kv_stride);
  float* partial = held.data;
  // Rows of dK, then of dV, that piece p (not the last) of segment s sums into.
  auto partial_of = [=](int64_t s, int64_t piece) {
    int64_t rows = partial_rows.first[s];
    for (int64_t p = 1; p <= piece; p++) rows += boundary(s, p);
    return partial + 2 * rows * kv_stride;
  };
  // Keys and values dense by head, and keys packed as the second factor of dS K.
  float* packed_keys = scratch(SCRATCH_PACK_C, kv * segments[count] * (padded + 2 * size));
  float *dense_keys = packed_keys + kv * segments[count] * padded, *dense_values = dense_keys + kv * segments[count] * size;
  auto head_at = [=](int64_t s, int64_t g) { return kv * segments[s] + g * length_of(s); };
  parallel(count * kv, [=](int64_t t) {
    int64_t s = t / kv, g = t % kv, length = length_of(s), at = head_at(s, g), offset = (segments[s] * kv + g) * size;
    copy_rows(dense_keys + at * size, size, k + offset, kv_stride, length, size);
    copy_rows(dense_values + at * size, size, v + offset, kv_stride, length, size);
    pack_chunks(packed_keys + at * padded, dense_keys + at * size, size, length, size, GRAD_CHUNK);
  });
  parallel(pieces.total() * kv, [=](int64_t t) {
    int64_t s = pieces.find(t / kv), g = t % kv, piece = t / kv - pieces.first[s], length = length_of(s);
    bool last = piece == pieces.first[s + 1] - pieces.first[s] - 1;
    int64_t begin = boundary(s, piece), until = boundary(s, piece + 1);
    const float *ks = dense_keys + head_at(s, g) * size, *vs = dense_values + head_at(s, g) * size;
    const float* keys = packed_keys + head_at(s, g) * padded;
    float* dks = scratch(SCRATCH_ROWS2, 2 * until * size);
    float* dvs = dks + until * size;
    if (until > 0) memset(dks, 0, 2 * until * size * 4);
    int64_t packed_t = packed_size(size, BLOCK), packed_n = BLOCK * padded;
    float* q_t = scratch(SCRATCH_PACK_D, 2 * packed_t + 2 * packed_n + BLOCK * size);
    float *do_t = q_t + packed_t, *q_n = do_t + packed_t, *do_n = q_n + packed_n, *dqs = do_n + packed_n;
    float* p = scratch(SCRATCH_ROWS, 3 * GRAD_CHUNK * BLOCK);  // [keys, BLOCK]
    float *ds = p + GRAD_CHUNK * BLOCK, *ds_t = ds + GRAD_CHUNK * BLOCK;  // ds_t: [BLOCK, keys]
    for (int64_t i = begin; i < until; i += BLOCK) {
      int64_t rows = min64(BLOCK, until - i), end = i + rows, size_panels = padded / NR;
      for (int64_t h = g * group; h < (g + 1) * group; h++) {
        int64_t at = ((segments[s] + i) * heads + h) * size;
        float shift[BLOCK] = {}, delta[BLOCK] = {};
        for (int64_t r = 0; r < rows; r++) {
          shift[r] = lse[(segments[s] + i + r) * heads + h];
          delta[r] = dot(dout + at + r * q_stride, out + at + r * q_stride, size);
        }
        pack_b(q_t, {q + at, q_stride, true}, size, rows, 0, ceil_div(rows, NR));
        pack_b(do_t, {dout + at, q_stride, true}, size, rows, 0, ceil_div(rows, NR));
        pack_b(q_n, {q + at, q_stride, false}, rows, size, 0, size_panels);
        pack_b(do_n, {dout + at, q_stride, false}, rows, size, 0, size_panels);
        for (int64_t c = 0; c < end; c += GRAD_CHUNK) {
          int64_t stop = min64(end, c + GRAD_CHUNK);
          // All keys before the block at once, then strips of those inside it, without the queries before them.
          for (int64_t j = c; j < stop;) {
            int64_t n = j < i ? min64(stop, i) - j : min64(STRIP, stop - j);
            int64_t skip = j < i ? 0 : (j - i) / NR * NR;
            float *pj = p + (j - c) * BLOCK, *dj = ds + (j - c) * BLOCK;
            multiply_packed(n, rows - skip, size, {ks + j * size, size, false}, q_t + skip * size, pj + skip, BLOCK, false, nullptr);
            multiply_packed(n, rows - skip, size, {vs + j * size, size, false}, do_t + skip * size, dj + skip, BLOCK, false, nullptr);
            for (int64_t x = 0; x < n; x++) probabilities(pj + x * BLOCK, dj + x * BLOCK, j + x - i, scale, shift, delta);
            multiply_rows(n, size, skip, rows - skip, rows, {pj + skip, BLOCK, false}, do_n, dvs + j * size, size, true);
            multiply_rows(n, size, skip, rows - skip, rows, {dj + skip, BLOCK, false}, q_n, dks + j * size, size, true);
            j += n;
          }
          transpose(ds_t, GRAD_CHUNK, ds, stop - c, rows);
          int64_t step = stop <= i ? rows : STRIP;
          for (int64_t r0 = 0; r0 < rows; r0 += step) {
            int64_t m = min64(step, rows - r0), width = min64(stop, i + r0 + m) - c;
            multiply_rows(m, size, 0, width, min64(GRAD_CHUNK, length - c), {ds_t + r0 * GRAD_CHUNK, GRAD_CHUNK, false},
                          keys + c * padded, dqs + r0 * size, size, c > 0);
          }
        }
        copy_rows(dq + at, q_stride, dqs, size, rows, size);
      }
    }
    int64_t offset = (segments[s] * kv + g) * size;
    float* sums = last ? nullptr : partial_of(s, piece) + g * size;
    copy_rows(last ? dk + offset : sums, kv_stride, dks, size, until, size);
    copy_rows(last ? dv + offset : sums + until * kv_stride, kv_stride, dvs, size, until, size);
  });
  if (partial_rows.total() == 0) return 0;
  for (int64_t s = 0; s < count; s++) {
    for (int64_t piece = 0; piece < pieces_of(s) - 1; piece++) {
      int64_t n = boundary(s, piece + 1) * kv_stride;
      const float* from = partial_of(s, piece);
      float *to_k = dk + segments[s] * kv_stride, *to_v = dv + segments[s] * kv_stride;
      parallel_ranges(n, 16384, [=](int64_t x, int64_t e) {
        for (; x < e; x++) {
          to_k[x] += from[x];
          to_v[x] += from[n + x];
        }
      });
    }
  }
  return 0;
}
}  // namespace ISA
