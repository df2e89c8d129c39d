// Decoding with a key/value cache: attention of one new token per sequence, and a whole step of the decoder
// (embedding → layers → norm → logits) in one call.
//
// Every sum of a row of a step has one accumulator and runs in ascending order, whatever the number of rows, so the
// logits of a sequence do not depend on what is decoded beside it.
#include "simd.h"
#if !defined(__wasm__)
#include <sched.h>
#endif

namespace ISA {
namespace {
// ---- a team of threads that goes through a sequence of stages together ----
#if defined(__wasm__)
// There the calling thread may be ended at any moment, and a member that waits for it would wait for ever: each stage
// is a job of the pool, and the team is the caller alone.
struct Team {
  static int64_t most() { return 1; }
  template <class F>
  void stage(uint64_t, int64_t count, const F& task) { parallel(count, task); }
};
#else
// Stages of a few microseconds each, one after another: a job of the pool for each would cost as much as they do.
// Instead the step is one job, every member runs the same program, and the tasks of a stage are taken from a counter.
// A member that comes late finds the earlier stages done; nobody waits for one that has not come. A task must not
// throw: the others would wait for its end.
class Team {
  // Compiler builtins, not std::atomic: its functions could be kept from another instruction set's file.
  alignas(64) uint64_t ticket = 0;  // stage << 32 | next task
  alignas(64) int64_t done = 0;     // tasks of this stage that have ended
  uint64_t now() const { return __atomic_load_n(&ticket, __ATOMIC_ACQUIRE); }

 public:
  static int64_t most() { return pool_threads(); }
  template <class F>
  void stage(uint64_t index, int64_t count, const F& task) {  // count ≥ 1
    uint64_t t = now();
    while (t >> 32 == index && (int64_t)(uint32_t)t < count) {
      if (!__atomic_compare_exchange_n(&ticket, &t, t + 1, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) continue;
      task((int64_t)(uint32_t)t);
      if (__atomic_add_fetch(&done, 1, __ATOMIC_ACQ_REL) == count) {
        __atomic_store_n(&done, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&ticket, (index + 1) << 32, __ATOMIC_RELEASE);
        return;
      }
      t = now();
    }
    for (int spin = 0; now() >> 32 == index; spin++) {
      if (spin < 4000) pause_cpu();
      else sched_yield();
    }
  }
};
#endif

// ---- products of few rows with packed weights ----
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

// ---- attention of one token with a cache ----
// The n rows of a cache are read as four streams, the quarters: the processor fetches several streams faster than
// one, and that is what this costs. What is left of n / 4 comes last. All orders depend on n and the sizes alone.
enum { STREAMS = 4, PART = 16 };  // rows of each stream that are read for all heads of a group before the next ones

// scores[h · stride + r · quarter + j] = queries[h] · keys[r · quarter + j] for H heads, r < STREAMS, j < rows. The same
// places of `ahead` are fetched meanwhile: the values, which are read next.
template <int H>
void stream_dots(float* scores, int64_t stride, const float* queries, const float* keys, const float* ahead, int64_t quarter, int64_t rows, int64_t size) {
  enum { J = 2 / H };
  int64_t j = 0;
  for (; j + J <= rows; j += J) {
    vf total[8] = {};
    for (int64_t i = 0; i < size; i += WIDTH) {
      vf q[H];
#pragma GCC unroll 2
      for (int h = 0; h < H; h++) q[h] = load(queries + h * size + i);
#pragma GCC unroll 8
      for (int r = 0; r < STREAMS * J; r++) {
        int64_t at = (r % STREAMS * quarter + j + r / STREAMS) * size + i;
        if (i % 16 == 0) __builtin_prefetch(ahead + at);
        vf key = load(keys + at);
#pragma GCC unroll 2
        for (int h = 0; h < H; h++) total[h * STREAMS * J + r] += q[h] * key;
      }
    }
    float sums[8];
    sum8(total, sums);
#pragma GCC unroll 8
    for (int r = 0; r < STREAMS * J; r++)
#pragma GCC unroll 2
      for (int h = 0; h < H; h++) scores[h * stride + r % STREAMS * quarter + j + r / STREAMS] = sums[h * STREAMS * J + r];
  }
  for (; j < rows; j++)
    for (int r = 0; r < STREAMS; r++) scores[r * quarter + j] = dot(queries, keys + (r * quarter + j) * size, size);
}

// scores[h · stride + j] = queries[h] · keys[j] for n keys and `group` queries of `size` numbers.
void group_dots(float* scores, int64_t stride, const float* queries, int64_t group, const float* keys, const float* ahead, int64_t n, int64_t size) {
  int64_t quarter = size % WIDTH == 0 ? n / STREAMS : 0;
  for (int64_t j = 0; j < quarter; j += PART) {
    int64_t rows = min64(PART, quarter - j), h = 0;
    for (; h + 2 <= group; h += 2)
      stream_dots<2>(scores + h * stride + j, stride, queries + h * size, keys + j * size, ahead + j * size, quarter, rows, size);
    if (h < group) stream_dots<1>(scores + h * stride + j, stride, queries + h * size, keys + j * size, ahead + j * size, quarter, rows, size);
  }
  for (int64_t j = STREAMS * quarter; j < n; j++)
    for (int64_t h = 0; h < group; h++) scores[h * stride + j] = dot(queries + h * size, keys + j * size, size);
}

// out[h] += Σ weights[h · stride + r · apart + j] · values[r · apart + j] over r < R and j < rows, for H heads and C
// vectors of columns.
template <int H, int C, int R>
inline void weighted_columns(float* out, int64_t size, const float* weights, int64_t stride, const float* values, int64_t apart, int64_t rows) {
  vf total[H][C];
#pragma GCC unroll 2
  for (int h = 0; h < H; h++)
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) total[h][c] = load(out + h * size + c * WIDTH);
  for (int64_t j = 0; j < rows; j++) {
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) {
      vf w[H];
#pragma GCC unroll 2
      for (int h = 0; h < H; h++) w[h] = splat(weights[h * stride + r * apart + j]);
#pragma GCC unroll 4
      for (int c = 0; c < C; c++) {
        vf value = load(values + (r * apart + j) * size + c * WIDTH);
#pragma GCC unroll 2
        for (int h = 0; h < H; h++) total[h][c] += w[h] * value;
      }
    }
  }
#pragma GCC unroll 2
  for (int h = 0; h < H; h++)
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) store(out + h * size + c * WIDTH, total[h][c]);
}
template <int H, int R>
inline void weighted_sum(float* out, const float* weights, int64_t stride, const float* values, int64_t apart, int64_t rows, int64_t size) {
  int64_t i = 0;
  for (; i + 4 * WIDTH <= size; i += 4 * WIDTH)
    weighted_columns<H, 4, R>(out + i, size, weights, stride, values + i, apart, rows);
  for (; i + WIDTH <= size; i += WIDTH)
    weighted_columns<H, 1, R>(out + i, size, weights, stride, values + i, apart, rows);
  for (; i < size; i++)
    for (int h = 0; h < H; h++) {
      float total = out[h * size + i];
      for (int64_t j = 0; j < rows; j++)
        for (int r = 0; r < R; r++) total += weights[h * stride + r * apart + j] * values[(r * apart + j) * size + i];
      out[h * size + i] = total;
    }
}
template <int R>
inline void group_sum(float* out, const float* weights, int64_t stride, int64_t group, const float* values, int64_t apart, int64_t rows, int64_t size) {
  int64_t h = 0;
  for (; h + 2 <= group; h += 2)
    weighted_sum<2, R>(out + h * size, weights + h * stride, stride, values, apart, rows, size);
  if (h < group) weighted_sum<1, R>(out + h * size, weights + h * stride, stride, values, apart, rows, size);
}

// In place: n scores become exp(score·scale − max); returns 1 / their sum.
float softmax_weights(float* s, int64_t n, float scale) {
  vf mv = splat(-INFINITY);
  int64_t j = 0;
  for (; j + WIDTH <= n; j += WIDTH) {
    vf x = load(s + j);
    mv = x > mv ? x : mv;
  }
  float max = -INFINITY;
  for (int l = 0; l < WIDTH; l++) max = mv[l] > max ? mv[l] : max;
  for (; j < n; j++) max = s[j] > max ? s[j] : max;
  max *= scale;
  if (max == -INFINITY) max = 0;  // only NaN or −∞ scores: let the exponential tell
  vf total = {};
  for (j = 0; j + WIDTH <= n; j += WIDTH) {
    vf e = exp(load(s + j) * scale - max);
    store(s + j, e);
    total += e;
  }
  float t = sum(total);
  if (j < n) {
    float tail[WIDTH] = {};
    memcpy(tail, s + j, (n - j) * 4);
    store(tail, exp(load(tail) * scale - max));
    for (int l = 0; j < n; j++, l++) {
      s[j] = tail[l];
      t += tail[l];
    }
  }
  return 1.0f / t;
}

inline int64_t score_stride(int64_t n) { return ceil_div(n + 1, 16) * 16; }  // behind the scores: 1 / their sum

// The heads of a group attend over n rows of their cache, each row read once: out, queries [group, size].
void attend(float* out, const float* queries, int64_t group, const float* keys, const float* values, int64_t n,
            int64_t size, float* scores) {
  int64_t stride = score_stride(n);
  float scale = (float)(1.0 / sqrt((double)size));
  group_dots(scores, stride, queries, group, keys, values, n, size);
  for (int64_t h = 0; h < group; h++) {
    float* weights = scores + h * stride;
    weights[n] = softmax_weights(weights, n, scale);
  }
  memset(out, 0, group * size * 4);
  int64_t quarter = n / STREAMS;
  for (int64_t j = 0; j < quarter; j += PART)
    group_sum<STREAMS>(out, scores + j, stride, group, values + j * size, quarter, min64(PART, quarter - j), size);
  group_sum<1>(out, scores + STREAMS * quarter, stride, group, values + STREAMS * quarter * size, 0, n % STREAMS, size);
  for (int64_t h = 0; h < group; h++)
    for (int64_t i = 0; i < size; i++) out[h * size + i] *= scores[h * stride + n];
}

inline float inverse_rms(const float* x, int64_t n, double epsilon) {
  return (float)(1.0 / sqrt((double)dot(x, x, n) / n + epsilon));
}
void norm_row(float* out, const float* x, const float* weight, int64_t n, double epsilon) {
  float r = inverse_rms(x, n, epsilon);
  for (int64_t j = 0; j < n; j++) out[j] = x[j] * r * weight[j];
}
// Turns one head by the angles of its position; table: cosines, then sines.
void turn(float* out, const float* x, const float* table, int64_t size) {
  int64_t half = size / 2;
  const float *cos = table, *sin = table + half;
  for (int64_t j = 0; j < half; j++) {
    float a = x[j], b = x[half + j], c = cos[j], s = sin[j];
    out[j] = a * c - b * s;
    out[half + j] = b * c + a * s;
  }
}
}  // namespace

// out, q, k, v, cacheK, cacheV, heads, kvHeads, size, capacity, batch, lengths (int32), slots (int32).
// Cache layout [slot, kvHead, row, D]: the rows a head reads are contiguous.
double cachedAttention(const double* a) {
  float* out = F32(a[0]);
  const float *q = F32(a[1]), *k = F32(a[2]), *v = F32(a[3]);
  float *cache_k = F32(a[4]), *cache_v = F32(a[5]);
  int64_t heads = N(a[6]), kv = N(a[7]), size = N(a[8]), capacity = N(a[9]), batch = N(a[10]);
  const int32_t *lengths = I32(a[11]), *slots = I32(a[12]);
  int64_t group = heads / kv;
  auto task = [=](int64_t t) {
    int64_t b = t / kv, g = t % kv, n = lengths[b] + 1;
    float* keys = cache_k + (slots[b] * kv + g) * capacity * size;
    float* values = cache_v + (slots[b] * kv + g) * capacity * size;
    memcpy(keys + (n - 1) * size, k + t * size, size * 4);
    memcpy(values + (n - 1) * size, v + t * size, size * 4);
    float* scores = scratch(SCRATCH_ROWS, group * score_stride(n));
    attend(out + t * group * size, q + t * group * size, group, keys, values, n, size, scores);
  };
  int64_t work = 0;
  for (int64_t b = 0; b < batch; b++) work += lengths[b] + 1;
  if (work * heads * size < 20000) for (int64_t t = 0; t < batch * kv; t++) task(t);
  else parallel(batch * kv, task);
  return 0;
}

// One token per sequence through the whole decoder; its keys and values are appended to the caches.
// logits [B, V], ids, lengths, slots (int32 [B]), B, layers, D, heads, kvHeads, size, F, V, epsilon, rotary table
// [positions, size], capacity, embedding [V, D], final norm [D], head [V, D]; then for each layer: input norm, q weight,
// q bias, k weight, k bias, v weight, v bias, o weight, norm, gate weight, up weight, down weight, keys, values.
double decodeStep(const double* a) {
  enum { HEADER = 18, FIELDS = 14 };
  float* logits = F32(a[0]);
  const int32_t *ids = I32(a[1]), *lengths = I32(a[2]), *slots = I32(a[3]);
  const int64_t batch = N(a[4]), layers = N(a[5]), d = N(a[6]), heads = N(a[7]), kv = N(a[8]), size = N(a[9]);
  const int64_t f = N(a[10]), vocabulary = N(a[11]), capacity = N(a[14]);
  const double epsilon = a[12];
  const float *table = F32(a[13]), *embedding = F32(a[15]), *final_norm = F32(a[16]);
  const int64_t group = heads / kv, q_size = heads * size, kv_size = kv * size;
  if (batch == 0) return 0;

  // Rows end in an odd number of cache lines: at a power of two, those of a tile would share sets of the cache.
  auto stride_of = [](int64_t n) { return ceil_div(n, 32) * 32 + 16; };
  const int64_t d_stride = stride_of(d), q_stride = stride_of(q_size), kv_stride = stride_of(kv_size), f_stride = stride_of(f);
  int64_t longest = 0, cached = 0;
  for (int64_t b = 0; b < batch; b++) {
    longest = max64(longest, lengths[b] + 1);
    cached += lengths[b] + 1;
  }
  // Multiplications of the step; small ones are not worth a second thread.
  const int64_t per_row = layers * ((2 * q_size + 2 * kv_size + 3 * f) * d) + vocabulary * d;
  const int64_t work = batch * per_row + 2 * layers * cached * q_size;
  const int64_t members = work < 150000 ? 1 : Team::most();

  const int64_t shared = batch * (2 * d_stride + 2 * q_stride + 2 * kv_stride + f_stride);
  float* const space = scratch(SCRATCH_ROWS2, shared);
  float *x = space, *normed = x + batch * d_stride, *q = normed + batch * d_stride, *mixed = q + batch * q_stride;
  float *k = mixed + batch * q_stride, *v = k + batch * kv_stride, *gated = v + batch * kv_stride;
  // Of each thread: products of up to WIDE panels, of the gate and of up; or the queries and scores of a group.
  enum { PRODUCTS = WIDE * ROWS * NR };
  const int64_t score_floats = group * score_stride(longest);
  auto own = [=] { return scratch(SCRATCH_ROWS, max64(2 * PRODUCTS, score_floats + group * size)); };
  struct Layer {
    const float *input_norm, *norm;
    Product qkv[3], o[1], gate, up, down[1];
    float *keys, *values;
  };
  Layer* const plan = (Layer*)scratch(SCRATCH_PARTIAL, layers * (int64_t)sizeof(Layer) / 4);
  for (int64_t l = 0; l < layers; l++) {
    const double* at = a + HEADER + l * FIELDS;
    auto product = [&](int weight, int bias, float* out, int64_t out_stride, int64_t n, int64_t depth) {
      return Product{packed_weights(F32(at[weight]), n, depth), bias < 0 ? nullptr : F32(at[bias]), out, out_stride, n, depth};
    };
    Layer& layer = plan[l];
    layer.input_norm = F32(at[0]);
    layer.norm = F32(at[8]);
    layer.qkv[0] = product(1, 2, q, q_stride, q_size, d);
    layer.qkv[1] = product(3, 4, k, kv_stride, kv_size, d);
    layer.qkv[2] = product(5, 6, v, kv_stride, kv_size, d);
    layer.o[0] = product(7, -1, x, d_stride, d, q_size);
    layer.gate = product(9, -1, gated, f_stride, f, d);
    layer.up = product(10, -1, gated, f_stride, f, d);
    layer.down[0] = product(11, -1, x, d_stride, d, f);
    layer.keys = F32(at[12]);
    layer.values = F32(at[13]);
  }
  const Product head[1] = {{packed_weights(F32(a[17]), vocabulary, d), nullptr, logits, vocabulary, vocabulary, d}};

  const int64_t blocks = ceil_div(batch, ROWS);
  // Panels of one task: enough that taking it costs little, few enough that the members end together.
  auto chunk_of = [=](int64_t panels, int64_t depth) {
    int64_t wanted = 16384 / max64(1, min64(batch, ROWS) * depth * NR / 4);
    return max64(1, min64(min64(wanted, WIDE), panels / members));
  };
  Team team;
  auto member = [&](int64_t) {
    own();  // takes the memory before any stage, so that no task throws
    uint64_t stage = 0;

    auto norm_rows = [&](const float* weight, bool embed) {
      int64_t rows = max64(1, 4096 / d);
      team.stage(stage++, ceil_div(batch, rows), [&](int64_t t) {
        for (int64_t b = t * rows; b < min64(batch, (t + 1) * rows); b++) {
          if (embed) memcpy(x + b * d_stride, embedding + ids[b] * d, d * 4);
          norm_row(normed + b * d_stride, x + b * d_stride, weight, d, epsilon);
        }
      });
    };
    auto products = [&](const Product* list, int count, After epilogue, const float* from, int64_t stride) {
      int64_t panels = 0;
      for (int i = 0; i < count; i++) panels += list[i].panels();
      int64_t chunk = chunk_of(panels, list[0].k), chunks = ceil_div(panels, chunk);
      team.stage(stage++, blocks * chunks, [&](int64_t t) {
        int64_t first = t / chunks * ROWS, rows = min64(ROWS, batch - first);
        int64_t at = t % chunks * chunk, left = min64(chunk, panels - at);
        float* buffer = own();
        for (const Product* product = list; left > 0; at -= product++->panels()) {
          int64_t here = min64(left, product->panels() - at);
          if (here <= 0) continue;
          multiply_panels(rows, product->k, from + first * stride, stride, product->panel(at), here, buffer);
          for (int64_t i = 0; i < here; i++) finish_panel(epilogue, buffer + i * ROWS * NR, *product, at + i, first, rows);
          at += here;
          left -= here;
        }
      });
    };
    auto gate_and_up = [&](const Layer& layer) {
      int64_t panels = layer.gate.panels(), chunk = chunk_of(panels, 2 * d), chunks = ceil_div(panels, chunk);
      team.stage(stage++, blocks * chunks, [&](int64_t t) {
        int64_t first = t / chunks * ROWS, rows = min64(ROWS, batch - first);
        int64_t at = t % chunks * chunk, here = min64(chunk, panels - at);
        const float* from = normed + first * d_stride;
        float *buffer = own(), *ups = buffer + PRODUCTS;
        multiply_panels(rows, d, from, d_stride, layer.gate.panel(at), here, buffer);
        multiply_panels(rows, d, from, d_stride, layer.up.panel(at), here, ups);
        for (int64_t i = 0; i < here; i++) {
          float *gate = buffer + i * ROWS * NR, *up = ups + i * ROWS * NR;
          for (int64_t c = 0; c < rows * NR; c += WIDTH) {
            vf y = load(gate + c);
            store(gate + c, y * sigmoid(y) * load(up + c));
          }
          finish_panel(STORE, gate, layer.gate, at + i, first, rows);
        }
      });
    };
    auto attention = [&](const Layer& layer) {
      team.stage(stage++, batch * kv, [&](int64_t t) {
        int64_t b = t / kv, g = t % kv, n = lengths[b] + 1;
        const float* angles = table + (int64_t)lengths[b] * size;
        float *scores = own(), *queries = scores + score_floats;
        float* keys = layer.keys + (slots[b] * kv + g) * capacity * size;
        float* values = layer.values + (slots[b] * kv + g) * capacity * size;
        turn(keys + (n - 1) * size, k + b * kv_stride + g * size, angles, size);
        memcpy(values + (n - 1) * size, v + b * kv_stride + g * size, size * 4);
        int64_t at = g * group * size;
        for (int64_t h = 0; h < group; h++) turn(queries + h * size, q + b * q_stride + at + h * size, angles, size);
        attend(mixed + b * q_stride + at, queries, group, keys, values, n, size, scores);
      });
    };

    for (int64_t l = 0; l < layers; l++) {
      const Layer& layer = plan[l];
      norm_rows(layer.input_norm, l == 0);
      products(layer.qkv, 3, STORE, normed, d_stride);
      attention(layer);
      products(layer.o, 1, ADD, mixed, q_stride);
      norm_rows(layer.norm, false);
      gate_and_up(layer);
      products(layer.down, 1, ADD, gated, f_stride);
    }
    norm_rows(final_norm, layers == 0);
    products(head, 1, STORE, normed, d_stride);
  };
  parallel(members, member);
  return 0;
}
}  // namespace ISA
