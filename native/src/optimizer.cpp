// AdamW and the global norm over a list of tensors, cut into fixed chunks of elements.
#include "simd.h"

namespace ISA {
namespace {
enum { CHUNK = 16384 };
}

// tensors, stepSize, beta1, beta2, 1/√(1−β2ᵗ), epsilon, 1 − lr·weightDecay, gradientScale, then per tensor:
// parameter, gradient, m, v, n, decay
double adamw(const double* a) {
  int64_t tensors = N(a[0]);
  float step_size = (float)a[1], b1 = (float)a[2], b2 = (float)a[3], correction = (float)a[4], epsilon = (float)a[5];
  float shrink = (float)a[6], gradient_scale = (float)a[7];
  float c1 = (float)(1 - a[2]), c2 = (float)(1 - a[3]);
  const double* list = a + 8;
  int64_t total = 0;
  for (int64_t i = 0; i < tensors; i++) {
    total += ceil_div(N(list[i * 6 + 4]), CHUNK);
    buffer_changed(F32(list[i * 6]));
  }
  parallel(total, [=](int64_t chunk) {
    int64_t i = 0;
    for (;; i++) {
      int64_t chunks = ceil_div(N(list[i * 6 + 4]), CHUNK);
      if (chunk < chunks) break;
      chunk -= chunks;
    }
    const double* tensor = list + i * 6;
    int64_t first = chunk * CHUNK, last = min64(N(tensor[4]), first + CHUNK);
    float* p = F32(tensor[0]);
    const float* g = F32(tensor[1]);
    float *m = F32(tensor[2]), *v = F32(tensor[3]);
    float keep = tensor[5] != 0 ? shrink : 1.0f;
    for (int64_t j = first; j < last; j++) {
      float grad = g[j] * gradient_scale;
      float mj = m[j] * b1 + grad * c1, vj = v[j] * b2 + grad * grad * c2;
      m[j] = mj;
      v[j] = vj;
      p[j] = p[j] * keep - step_size * mj / (sqrtf(vj) * correction + epsilon);
    }
  });
  return 0;
}

// tensors, then per tensor: pointer, n
double sumOfSquares(const double* a) {
  int64_t tensors = N(a[0]);
  const double* list = a + 1;
  int64_t total = 0;
  for (int64_t i = 0; i < tensors; i++) total += ceil_div(N(list[i * 2 + 1]), CHUNK);
  double* sums = (double*)scratch(SCRATCH_PARTIAL, 2 * max64(1, total));
  parallel(total, [=](int64_t index) {
    int64_t chunk = index, i = 0;
    for (;; i++) {
      int64_t chunks = ceil_div(N(list[i * 2 + 1]), CHUNK);
      if (chunk < chunks) break;
      chunk -= chunks;
    }
    const float* x = F32(list[i * 2]);
    int64_t first = chunk * CHUNK, last = min64(N(list[i * 2 + 1]), first + CHUNK);
    double lanes[8] = {};
    int64_t j = first;
    for (; j + 8 <= last; j += 8) for (int l = 0; l < 8; l++) lanes[l] += (double)x[j + l] * x[j + l];
    for (; j < last; j++) lanes[0] += (double)x[j] * x[j];
    double s = 0;
    for (int l = 0; l < 8; l++) s += lanes[l];
    sums[index] = s;
  });
  double sum = 0;
  for (int64_t i = 0; i < total; i++) sum += sums[i];
  return sum;
}
}  // namespace ISA
