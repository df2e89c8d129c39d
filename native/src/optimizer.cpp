// AdamW and the global norm over a list of tensors, cut into fixed chunks of elements.
#include "simd.h"

namespace ISA {
namespace {
enum { CHUNK = 16384 };

// One entry of an argument list: a tensor of n elements, and the fields that go with it.
struct List {
  const double* entries;
  int64_t tensors, fields, size_field;
  int64_t size(int64_t i) const { return N(entries[i * fields + size_field]); }
  int64_t chunks() const {
    int64_t total = 0;
    for (int64_t i = 0; i < tensors; i++) total += ceil_div(size(i), CHUNK);
    return total;
  }
  // body(fields of the tensor, first element, last element) for each chunk, in parallel; `index` numbers them all.
  template <class F>
  void each(const F& body) const {
    parallel(chunks(), [=](int64_t index) {
      int64_t chunk = index, i = 0;
      for (; chunk >= ceil_div(size(i), CHUNK); i++) chunk -= ceil_div(size(i), CHUNK);
      body(entries + i * fields, chunk * CHUNK, min64(size(i), (chunk + 1) * CHUNK), index);
    });
  }
};

// Σ x² over all tensors in float64: partial sums per chunk, added in order. `pointer` is the field of the address.
double sum_of_squares(const List& list, int64_t pointer) {
  double* sums = (double*)scratch(SCRATCH_PARTIAL, 2 * max64(1, list.chunks()));
  list.each([=](const double* tensor, int64_t first, int64_t last, int64_t index) {
    const float* x = F32(tensor[pointer]);
    double lanes[8] = {};
    int64_t j = first;
    for (; j + 8 <= last; j += 8) for (int l = 0; l < 8; l++) lanes[l] += (double)x[j + l] * x[j + l];
    for (; j < last; j++) lanes[0] += (double)x[j] * x[j];
    double s = 0;
    for (int l = 0; l < 8; l++) s += lanes[l];
    sums[index] = s;
  });
  double sum = 0;
  for (int64_t i = 0, n = list.chunks(); i < n; i++) sum += sums[i];
  return sum;
}
}  // namespace

// tensors, stepSize, beta1, beta2, 1/√(1−β2ᵗ), epsilon, 1 − lr·weightDecay, gradientScale, clip or 0, then per tensor:
// parameter, gradient, m, v, n, decay. With `clip`, gradients are scaled down to that global norm, and their norm
// before is returned.
double adamw(const double* a) {
  float step_size = (float)a[1], b1 = (float)a[2], b2 = (float)a[3], correction = (float)a[4], epsilon = (float)a[5];
  float shrink = (float)a[6], c1 = (float)(1 - a[2]), c2 = (float)(1 - a[3]);
  double scale = a[7], clip = a[8], norm = 0;
  List list = {a + 9, N(a[0]), 6, 4};
  for (int64_t i = 0; i < list.tensors; i++) buffer_changed(F32(list.entries[i * 6]));
  if (clip > 0) {
    norm = sqrt(sum_of_squares(list, 1)) * scale;
    double share = clip / (norm + 1e-6);
    if (!(share >= 1)) scale *= share;  // also for NaN, which must reach the parameters
  }
  float gradient_scale = (float)scale;
  list.each([=](const double* tensor, int64_t first, int64_t last, int64_t) {
    float* __restrict p = F32(tensor[0]) + first;
    const float* __restrict g = F32(tensor[1]) + first;
    float* __restrict m = F32(tensor[2]) + first;
    float* __restrict v = F32(tensor[3]) + first;
    float keep = tensor[5] != 0 ? shrink : 1.0f;
    for (int64_t j = 0; j < last - first; j++) {
      float grad = g[j] * gradient_scale;
      float mj = m[j] * b1 + grad * c1, vj = v[j] * b2 + grad * grad * c2;
      m[j] = mj;
      v[j] = vj;
      p[j] = p[j] * keep - step_size * mj / (sqrtf(vj) * correction + epsilon);
    }
  });
  return norm;
}

// tensors, then per tensor: pointer, n
double sumOfSquares(const double* a) {
  return sum_of_squares({a + 1, N(a[0]), 2, 1}, 0);
}
}  // namespace ISA
