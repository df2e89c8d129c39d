// Tensor memory: 64-byte aligned blocks, kept for reuse after release, since a training step allocates the same sizes
// again and again and fresh pages from the system would cost more than the kernels. Small blocks come in size classes;
// large ones are cut from segments (best fit, neighbours joined on release), so that sizes that differ share memory
// and the peak stays near what lives at the same time. Segments ask for huge pages: a matrix product walks through many
// pages at once.
#include "engine.h"
#include <cstdlib>
#include <mutex>
#include <new>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace {
struct alignas(64) Block {
  size_t bytes;           // header not counted
  Block *before, *after;  // neighbours in the segment; both null and `large` false: a block of its own
  void* derived;          // see buffer_derived
  uint64_t derived_key;
  bool large, free;
};
static_assert(sizeof(Block) == 64, "keeps the data behind it aligned");
enum : size_t { SMALL = 32 << 10, SEGMENT = 64 << 20, HUGE_PAGE = 2 << 20, LEAST_REST = 4096 };

std::mutex lock;
size_t in_use = 0, cached = 0, peak = 0, count = 0, derived_bytes = 0;

// Never destroyed: tensors may still be released while the process ends.
std::unordered_map<size_t, std::vector<Block*>>& small_blocks() {
  static auto* blocks = new std::unordered_map<size_t, std::vector<Block*>>();
  return *blocks;
}
typedef std::set<std::pair<size_t, Block*>> FreeBlocks;
FreeBlocks& free_blocks() {
  static auto* blocks = new FreeBlocks();
  return *blocks;
}

inline size_t round_up(size_t bytes, size_t step) { return (bytes + step - 1) / step * step; }

// Eight classes per power of two: at most 12.5 % is wasted and sizes that differ a little share blocks.
size_t size_class(size_t bytes) {
  if (bytes <= 512) return round_up(bytes == 0 ? 1 : bytes, 64);
  size_t step = 64;
  while (step * 16 < bytes) step *= 2;
  return round_up(bytes, step);
}

void trim() {
  for (auto& entry : small_blocks()) {
    for (Block* block : entry.second) {
      cached -= block->bytes;
      std::free(block);
    }
    entry.second.clear();
  }
  FreeBlocks& list = free_blocks();
  for (auto it = list.begin(); it != list.end();) {
    Block* block = it->second;
    if (block->before || block->after) {
      ++it;
      continue;
    }
    cached -= block->bytes;
    it = list.erase(it);
    std::free(block);
  }
}

Block* take_small(size_t bytes) {
  size_t size = size_class(bytes);
  auto& blocks = small_blocks()[size];
  if (!blocks.empty()) {
    Block* block = blocks.back();
    blocks.pop_back();
    cached -= size;
    return block;
  }
  Block* block = (Block*)std::aligned_alloc(64, size + sizeof(Block));
  if (block) *block = Block{size, nullptr, nullptr, nullptr, 0, false, false};
  return block;
}

// A new segment as one free block.
bool add_segment(size_t bytes) {
  size_t size = round_up(bytes + sizeof(Block), HUGE_PAGE);
  if (size < SEGMENT) size = SEGMENT;
  Block* block = (Block*)std::aligned_alloc(HUGE_PAGE, size);
  if (!block) return false;
#if defined(__linux__)
  madvise(block, size, MADV_HUGEPAGE);  // only a wish: without it all works, slower
#endif
  *block = Block{size - sizeof(Block), nullptr, nullptr, nullptr, 0, true, true};
  free_blocks().insert({block->bytes, block});
  cached += block->bytes;
  return true;
}

Block* take_large(size_t bytes) {
  size_t size = round_up(bytes, 64);
  FreeBlocks& list = free_blocks();
  auto it = list.lower_bound({size, nullptr});
  if (it == list.end()) {
    if (!add_segment(size)) return nullptr;
    it = list.lower_bound({size, nullptr});
  }
  Block* block = it->second;
  list.erase(it);
  cached -= block->bytes;
  if (block->bytes >= size + sizeof(Block) + LEAST_REST) {
    Block* rest = (Block*)((char*)(block + 1) + size);
    *rest = Block{block->bytes - size - sizeof(Block), block, block->after, nullptr, 0, true, true};
    if (rest->after) rest->after->before = rest;
    block->after = rest;
    block->bytes = size;
    list.insert({rest->bytes, rest});
    cached += rest->bytes;
  }
  block->free = false;
  return block;
}

// Joins a block with the free one behind it.
void join(Block* block) {
  Block* next = block->after;
  block->bytes += sizeof(Block) + next->bytes;
  block->after = next->after;
  if (block->after) block->after->before = block;
}

#if defined(INTERPLAY_SANITIZE)
// With checks of memory accesses every block is the system's own and exactly as large as asked for.
Block* take(size_t bytes) {
  void* memory = nullptr;
  if (posix_memalign(&memory, 64, bytes + sizeof(Block)) != 0) return nullptr;
  return new (memory) Block{bytes, nullptr, nullptr, nullptr, 0, false, false};
}
void give_back(Block* block) { std::free(block); }
#else
void give_back(Block* block) {
  if (!block->large) {
    size_t size = block->bytes;
    try {
      small_blocks()[size].push_back(block);
      cached += size;
    } catch (const std::bad_alloc&) {  // no room for the list: the block goes back to the system
      std::free(block);
    }
    return;
  }
  FreeBlocks& list = free_blocks();
  block->free = true;
  cached += block->bytes;
  if (block->after && block->after->free) {
    list.erase({block->after->bytes, block->after});
    cached += sizeof(Block);
    join(block);
  }
  if (block->before && block->before->free) {
    block = block->before;
    list.erase({block->bytes, block});
    cached += sizeof(Block);
    join(block);
  }
  list.insert({block->bytes, block});
}

Block* take(size_t bytes) {
  for (int attempt = 0; attempt < 2; attempt++) {
    Block* block = bytes <= SMALL ? take_small(bytes) : take_large(bytes);
    if (block) return block;
    trim();
  }
  return nullptr;
}
#endif

void drop_derived(Block* block) {
  if (!block->derived) return;
  Block* derived = (Block*)block->derived - 1;
  derived_bytes -= derived->bytes;
  give_back(derived);
  block->derived = nullptr;
}
}  // namespace

void* buffer_allocate(size_t bytes) {
  std::lock_guard<std::mutex> guard(lock);
  Block* block = take(bytes);
  if (!block) return nullptr;
  in_use += block->bytes;
  count++;
  if (in_use > peak) peak = in_use;
  return block + 1;
}

void buffer_release(void* pointer) {
  if (!pointer) return;
  Block* block = (Block*)pointer - 1;
  std::lock_guard<std::mutex> guard(lock);
  drop_derived(block);
  in_use -= block->bytes;
  count--;
  give_back(block);
}

void* buffer_derived(void* pointer, uint64_t key, size_t bytes, bool* made) {
  Block* block = (Block*)pointer - 1;
  std::lock_guard<std::mutex> guard(lock);
  *made = !block->derived || block->derived_key != key;
  if (*made) {
    drop_derived(block);
    Block* derived = take(bytes);
    if (!derived) throw std::bad_alloc();
    derived_bytes += derived->bytes;
    block->derived = derived + 1;
    block->derived_key = key;
  }
  return block->derived;
}

void buffer_changed(void* pointer) {
  Block* block = (Block*)pointer - 1;
  if (!block->derived) return;
  std::lock_guard<std::mutex> guard(lock);
  drop_derived(block);
}

double buffer_statistic(BufferStatistic which) {
  std::lock_guard<std::mutex> guard(lock);
  switch (which) {
    case IN_USE: return (double)in_use;
    case CACHED: return (double)cached;
    case COUNT: return (double)count;
    case PEAK: return (double)peak;
    default: return (double)derived_bytes;
  }
}

void buffer_reset_peak() {
  std::lock_guard<std::mutex> guard(lock);
  peak = in_use;
}

void buffer_trim() {
  std::lock_guard<std::mutex> guard(lock);
  trim();
}

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
