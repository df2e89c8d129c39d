// What every translation unit of the engine shares. Kernels are compiled once per instruction set, so this
// header (included by all of them) holds no function body with external linkage: the linker would keep one
// copy, perhaps one compiled for instructions this machine lacks.
#pragma once
#include <stddef.h>
#include <stdint.h>

// ---- memory (memory.cpp) ----
void* buffer_allocate(size_t bytes);  // 64-byte aligned; nullptr when the system has no more
void buffer_release(void* pointer);
// Memory that holds something computed from a buffer's contents (packed weights): kept with the buffer and released with
// it, or when its contents change. Returns what is there under `key`, else new memory and *made = true. Throws
// std::bad_alloc.
void* buffer_derived(void* pointer, uint64_t key, size_t bytes, bool* made);
void buffer_changed(void* pointer);  // to be called by whatever writes to a buffer that others have read
enum BufferStatistic { IN_USE, CACHED, COUNT, PEAK, DERIVED };
double buffer_statistic(BufferStatistic which);  // bytes, except COUNT; PEAK is the most in use since the last reset
void buffer_reset_peak();
void buffer_trim();  // gives memory in which nothing lives back to the system
// Per-thread scratch that only grows; `slot` tells simultaneous uses apart. Never holds tensor data.
enum Scratch {
  SCRATCH_PACK_A, SCRATCH_PACK_B, SCRATCH_WHOLE_A, SCRATCH_OWN_B,  // of products alone (gemm.cpp)
  SCRATCH_PACK_C, SCRATCH_PACK_D, SCRATCH_ROWS, SCRATCH_ROWS2, SCRATCH_PARTIAL,  // of operations, which call products
  SCRATCH_COUNT
};
float* scratch(Scratch slot, int64_t floats);  // throws std::bad_alloc

// ---- threads (pool.cpp) ----
typedef void (*TaskFunction)(void* context, int64_t index);
// Runs tasks 0…count-1, each exactly once, on any thread; returns when all are done. A task must not depend
// on which thread runs it: that is what keeps results independent of the number of threads. What a task throws
// ends the job and is thrown again here, on the calling thread.
void pool_run(int64_t count, TaskFunction function, void* context);
int pool_threads();
void pool_resize(int threads);  // throws std::runtime_error when they do not start; fewer then work

namespace {
// Tells the processor that the thread waits in a loop.
inline void pause_cpu() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}
template <class F>
inline void parallel(int64_t count, const F& body) {
  struct Call {
    static void run(void* context, int64_t index) { (*(const F*)context)(index); }
  };
  if (count == 1) body(0);
  else if (count > 1) pool_run(count, &Call::run, (void*)&body);
}
inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }
// Splits [0, n) into ranges of at least `grain` and calls body(begin, end) in parallel.
template <class F>
inline void parallel_ranges(int64_t n, int64_t grain, const F& body) {
  if (n <= 0) return;
  int64_t chunks = min64(ceil_div(n, grain), (int64_t)pool_threads() * 4);
  if (chunks <= 1) { body((int64_t)0, n); return; }
  int64_t size = ceil_div(n, chunks);
  size = ceil_div(size, 16) * 16;  // a cache line of floats, so that no two threads share one
  parallel(ceil_div(n, size), [&](int64_t i) { body(i * size, min64(n, (i + 1) * size)); });
}
}  // namespace

// ---- operations (called from JavaScript with a block of numbers; see ops.def) ----
typedef double (*Operation)(const double* a);
[[noreturn]] void out_of_memory();  // throws; the JavaScript error OUT_OF_MEMORY
[[noreturn]] void fail(const char* message);  // throws; the addon makes it a JavaScript error

namespace {
inline float* F32(double v) { return (float*)(uintptr_t)v; }
inline int32_t* I32(double v) { return (int32_t*)(uintptr_t)v; }
inline uint8_t* U8(double v) { return (uint8_t*)(uintptr_t)v; }
inline int64_t N(double v) { return (int64_t)v; }
}  // namespace
