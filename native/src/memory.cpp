// Tensor memory: 64-byte aligned blocks in size classes, kept for reuse after release. A training step
// allocates the same sizes again and again; fresh pages from the system would cost more than the kernels.
#include "engine.h"
#include <cstdlib>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

namespace {
struct Header {
  size_t bytes;  // class size, header not counted
  char pad[56];
};
static_assert(sizeof(Header) == 64, "keeps the block behind it aligned");

std::mutex lock;
std::unordered_map<size_t, std::vector<Header*>>& cache() {
  static auto* blocks = new std::unordered_map<size_t, std::vector<Header*>>();
  return *blocks;
}
size_t in_use = 0, cached = 0, peak = 0, count = 0;

// Eight classes per power of two: at most 12.5 % is wasted and sizes that differ a little share blocks.
size_t size_class(size_t bytes) {
  if (bytes <= 512) return (bytes + 63) / 64 * 64 + (bytes == 0 ? 64 : 0);
  size_t step = 64;
  while (step * 16 < bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

void trim() {
  for (auto& entry : cache()) {
    for (Header* header : entry.second) std::free(header);
    entry.second.clear();
  }
  cached = 0;
}
}  // namespace

void* buffer_allocate(size_t bytes) {
  size_t size = size_class(bytes);
  std::lock_guard<std::mutex> guard(lock);
  auto& free_blocks = cache()[size];
  Header* header;
  if (!free_blocks.empty()) {
    header = free_blocks.back();
    free_blocks.pop_back();
    cached -= size;
  } else {
    header = (Header*)std::aligned_alloc(64, size + sizeof(Header));
    if (!header) {
      trim();
      header = (Header*)std::aligned_alloc(64, size + sizeof(Header));
      if (!header) return nullptr;
    }
    header->bytes = size;
  }
  in_use += size;
  count++;
  if (in_use > peak) peak = in_use;
  return header + 1;
}

void buffer_release(void* pointer) {
  if (!pointer) return;
  Header* header = (Header*)pointer - 1;
  std::lock_guard<std::mutex> guard(lock);
  in_use -= header->bytes;
  count--;
  try {
    cache()[header->bytes].push_back(header);
  } catch (const std::bad_alloc&) {  // no room for the list: the block goes back to the system
    std::free(header);
    return;
  }
  cached += header->bytes;
  // What is idle never exceeds what the work once needed at the same time (and a floor for small work).
  size_t limit = peak > (size_t(64) << 20) ? peak : (size_t(64) << 20);
  if (cached > limit) trim();
}

double buffer_bytes_in_use() { std::lock_guard<std::mutex> guard(lock); return (double)in_use; }
double buffer_bytes_cached() { std::lock_guard<std::mutex> guard(lock); return (double)cached; }
double buffer_count() { std::lock_guard<std::mutex> guard(lock); return (double)count; }

float* scratch(Scratch slot, int64_t wanted) {
  size_t floats = (size_t)wanted;
  struct Held {
    float* data[SCRATCH_COUNT] = {};
    size_t size[SCRATCH_COUNT] = {};
    ~Held() { for (float* p : data) std::free(p); }
  };
  static thread_local Held held;
  if (held.size[slot] < floats) {
    std::free(held.data[slot]);
    held.size[slot] = 0;
    size_t bytes = (floats * 4 + floats / 2 + 4096 + 63) / 64 * 64;
    held.data[slot] = (float*)std::aligned_alloc(64, bytes);
    if (!held.data[slot]) throw std::bad_alloc();
    held.size[slot] = bytes / 4 - 32;  // kernels may read and write a vector past the end
  }
  return held.data[slot];
}
