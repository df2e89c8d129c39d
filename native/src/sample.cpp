// One token per row of logits: the choice of the reference in src/backend/ops/sample-tokens.ts. Like there, all sums
// are in float64: a draw differs only where the uniform number lies within rounding (1e-15) of a token's border.
#include "simd.h"

namespace ISA {
namespace {
enum { LANES = WIDTH / 2, BLOCK = 128 };
typedef double vd __attribute__((vector_size(LANES * 8)));
typedef double vdu __attribute__((vector_size(LANES * 8), aligned(8), may_alias));
typedef int64_t vl __attribute__((vector_size(LANES * 8)));
typedef float vh __attribute__((vector_size(LANES * 4)));
typedef float vhu __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

// e^x for x ≤ 0 or NaN, relative error < 4e-16; subnormal results and 0 as in IEEE. Argument reduction by ln 2 in two
// parts and the rational approximation e^r = 1 + 2rP(r²) / (Q(r²) − rP(r²)) of Moshier's Cephes library.
inline vd exponential(vd x) {
  const double magic = 6755399441055744.0;  // 1.5 · 2^52: adding it rounds to an integer
  vd y = x < -746.0 ? x * 0 - 746.0 : x;
  y = x == -INFINITY ? (vd){} - 746.0 : y;
  vd n = (y * 1.4426950408889634073599 + magic) - magic;
  vd r = (y - n * 6.93145751953125e-1) - n * 1.42860682030941723212e-6;
  vd rr = r * r;
  vd p = r * ((1.26177193074810590878e-4 * rr + 3.02994407707441961300e-2) * rr + 9.99999999999999999910e-1);
  vd q = ((3.00198505138664455042e-6 * rr + 2.52448340349684104192e-3) * rr + 2.27265548208155028766e-1) * rr + 2.0;
  vd e = 1.0 + 2.0 * (p / (q - p));
  // Two factors 2^half and 2^rest: 2^n alone would be subnormal at the end.
  vd half = (n * 0.5 + magic) - magic, rest = n - half;
  vl first = (vl)(half + (magic + 1023)) << 52, second = (vl)(rest + (magic + 1023)) << 52;
  return e * (vd)first * (vd)second;
}

inline vd differences(const float* row, double max) { return __builtin_convertvector(*(const vhu*)row, vd) - max; }

// out[i] = exp((row[i] − max) / temperature) for n ≤ BLOCK numbers; returns their sum, whose order depends on n alone.
double block_weights(double* out, const float* row, int64_t n, double max, double temperature) {
  vd total[2] = {};
  int64_t i = 0;
  for (; i + 2 * LANES <= n; i += 2 * LANES) {
    for (int h = 0; h < 2; h++) {
      vd x = differences(row + i + h * LANES, max);
      vd e = exponential(temperature == 1 ? x : x / temperature);
      *(vdu*)(out + i + h * LANES) = e;
      total[h] += e;
    }
  }
  vd both = total[0] + total[1];
  double sum = 0;
  for (int l = 0; l < LANES; l++) sum += both[l];
  if (i < n) {
    float rest[2 * LANES] = {};
    memcpy(rest, row + i, (n - i) * 4);
    for (int h = 0; h < 2; h++) {
      vd e = exponential(differences(rest + h * LANES, max) / temperature);
      for (int l = 0; l < LANES && i + h * LANES + l < n; l++) {
        out[i + h * LANES + l] = e[l];
        sum += e[l];
      }
    }
  }
  return sum;
}

struct Greatest {
  float value = -INFINITY;
  bool nan = false;
};
Greatest greatest(const float* row, int64_t n) {
  Greatest found;
  vf most = splat(-INFINITY);
  vi odd = {};
  int64_t i = 0;
  for (; i + WIDTH <= n; i += WIDTH) {
    vf x = load(row + i);
    most = x > most ? x : most;
    odd |= x != x;
  }
  for (int l = 0; l < WIDTH; l++) {
    if (most[l] > found.value) found.value = most[l];
    found.nan |= odd[l] != 0;
  }
  for (; i < n; i++) {
    if (row[i] > found.value) found.value = row[i];
    found.nan |= row[i] != row[i];
  }
  return found;
}

// Sets the weight of every id outside top-k and top-p to 0; of equal weights the lower id is kept. The kept are few as
// a rule, so they are taken from a heap one by one. `heap` has room for n ids. (No std::sort: functions of the standard
// library's headers could be kept from another instruction set's file.)
void truncate(double* weights, int32_t* heap, int64_t n, double top_p, int64_t top_k) {
  auto before = [=](int32_t a, int32_t b) { return weights[a] != weights[b] ? weights[a] > weights[b] : a < b; };
  auto sift = [=](int64_t at, int64_t count) {
    int32_t id = heap[at];
    for (int64_t child; (child = 2 * at + 1) < count; at = child) {
      if (child + 1 < count && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], id)) break;
      heap[at] = heap[child];
    }
    heap[at] = id;
  };
  int64_t left = n;  // in the heap; behind them what was taken, the last first
  auto take = [&] {
    int32_t first = heap[0];
    heap[0] = heap[--left];
    heap[left] = first;
    sift(0, left);
    return first;
  };
  for (int64_t i = 0; i < n; i++) heap[i] = (int32_t)i;
  for (int64_t i = n / 2 - 1; i >= 0; i--) sift(i, n);
  if (top_k > 0 && top_k < n) {
    double total = 0, cumulative = 0;
    for (int64_t i = 0; i < top_k; i++) total += weights[take()];
    if (top_p < 1) {
      for (int64_t i = n - 1; i >= n - top_k; i--) {
        cumulative += weights[heap[i]];
        if (cumulative < top_p * total) continue;
        left = i;
        break;
      }
    }
  } else {
    double total = 0, cumulative = 0;
    for (int64_t i = 0; i < n; i++) total += weights[i];
    while (left > 0) {
      cumulative += weights[take()];
      if (cumulative >= top_p * total) break;
    }
  }
  for (int64_t i = 0; i < left; i++) weights[heap[i]] = 0;
}

// The first id whose cumulative weight is above `threshold`; else the last of positive weight.
struct Search {
  double cumulative, threshold;
  int64_t id = -1;
  bool scan(const double* weights, int64_t n, int64_t first) {
    for (int64_t i = 0; i < n; i++) {
      if (weights[i] <= 0) continue;
      id = first + i;
      cumulative += weights[i];
      if (cumulative > threshold) return true;
    }
    return false;
  }
};
}  // namespace

// logits, rows, vocabulary, temperature, topP, topK, uniforms (float64), ids (int32), log-probabilities,
// number of ids that may be drawn; returns the number of rows without a finite greatest logit, whose id is −1
double sample(const double* a) {
  const float* logits = F32(a[0]);
  int64_t rows = N(a[1]), size = N(a[2]), top_k = N(a[5]), n = N(a[9]);
  double temperature = a[3], top_p = a[4];
  const double* uniforms = (const double*)(uintptr_t)a[6];
  int32_t* ids = I32(a[7]);
  float* logs = F32(a[8]);
  const bool truncated = (top_k > 0 && top_k < n) || top_p < 1;
  const int64_t blocks = ceil_div(size, BLOCK), drawn_blocks = ceil_div(n, BLOCK);
  auto choose = [=](int64_t b) {
    const float* row = logits + b * size;
    Greatest inside = greatest(row, n), beyond = greatest(row + n, size - n);
    // What is never drawn still has its probability.
    float best = inside.value, most = best > beyond.value ? best : beyond.value;
    if (inside.nan || beyond.nan || !__builtin_isfinite(best) || !__builtin_isfinite(most)) {
      ids[b] = -1;
      logs[b] = NAN;
      return;
    }
    double buffer[BLOCK], total = -1;
    int64_t id = 0;
    if (temperature == 0) {
      while (row[id] != best) id++;
    } else {
      double* sums = (double*)scratch(SCRATCH_ROWS, 2 * drawn_blocks + (truncated ? 3 * n : 0));
      double* weights = truncated ? sums + drawn_blocks : nullptr;
      double mass = 0;
      for (int64_t j = 0; j < drawn_blocks; j++) {
        int64_t at = j * BLOCK, count = min64(BLOCK, n - at);
        sums[j] = block_weights(truncated ? weights + at : buffer, row + at, count, best, temperature);
      }
      if (truncated) {
        truncate(weights, (int32_t*)(weights + n), n, top_p, top_k);
        for (int64_t j = 0; j < drawn_blocks; j++) {
          sums[j] = 0;
          for (int64_t i = j * BLOCK; i < min64(n, (j + 1) * BLOCK); i++) sums[j] += weights[i];
        }
      }
      for (int64_t j = 0; j < drawn_blocks; j++) mass += sums[j];
      if (!truncated && temperature == 1 && n == size) total = mass;
      // First by blocks, then inside the block where the threshold lies.
      Search search{0, uniforms[b] * mass};
      int64_t j = 0, last = 0;
      for (; j < drawn_blocks && search.cumulative + sums[j] <= search.threshold; j++) {
        if (sums[j] > 0) last = j;
        search.cumulative += sums[j];
      }
      if (j == drawn_blocks) j = last;
      for (; j < drawn_blocks; j++) {
        int64_t at = j * BLOCK, count = min64(BLOCK, n - at);
        if (!truncated) block_weights(buffer, row + at, count, best, temperature);
        if (search.scan(truncated ? weights + at : buffer, count, at)) break;
      }
      id = search.id;
    }
    if (total < 0) {
      total = 0;
      for (int64_t j = 0; j < blocks; j++)
        total += block_weights(buffer, row + j * BLOCK, min64(BLOCK, size - j * BLOCK), most, 1);
    }
    ids[b] = (int32_t)id;
    logs[b] = (float)(row[id] - (double)most - ::log(total));
  };
  if (rows * size < 16384) for (int64_t b = 0; b < rows; b++) choose(b);
  else parallel(rows, choose);
  double bad = 0;
  for (int64_t b = 0; b < rows; b++) bad += ids[b] < 0;
  return bad;
}
}  // namespace ISA
