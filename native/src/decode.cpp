// Decoding with a key/value cache: attention of one new token per sequence, and a whole step of the decoder
// (embedding → layers → norm → logits) in one call.
//
// Every sum of a row of a step has one accumulator and runs in ascending order, whatever the number of rows, so the
// logits of a sequence do not depend on what is decoded beside it.
#include "panels.h"
#include "cached.h"
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

// ---- single rows ----
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
