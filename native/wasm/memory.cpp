// Memory of the engine in WebAssembly: one heap for tensors, scratch and C++ objects, two-level segregated fit
// (Masmano et al. 2004, "TLSF: a new dynamic memory allocator for real-time systems"): free neighbours are joined
// at once, since linear memory can grow to 4 GB and never shrinks. Blocks are multiples of 64 bytes.
#include "platform.h"
#include <new>
#include <string.h>

extern "C" unsigned char __heap_base;

namespace {
struct Block {
  uint32_t size;  // with this header
  uint32_t free;
  Block* below;  // the neighbour at the lower address
  Block *next, *previous;  // in its bin, when free
  void* derived;           // see buffer_derived
  uint32_t derived_epoch;
  uint64_t derived_key;
  char pad[24];
};
static_assert(sizeof(Block) == 64, "keeps the data behind it aligned");

enum { UNIT = 64, SUB_BITS = 4, SUBS = 1 << SUB_BITS, LEVELS = 26 - SUB_BITS + 1 };
constexpr uint32_t GROWTH = 16u << 20;

// Constant-initialized: usable before anything else of C++.
Lock lock;
Block* bins[LEVELS][SUBS];
uint32_t levels_used, subs_used[LEVELS];
Block* top;  // the block at the end of the heap
uint32_t heap_end;
uint32_t in_use, count, idle, peak;
uint32_t derived_bytes;
uint32_t epoch;  // of derived data: what a call that failed may have left unfinished is of an older one

struct Bin { uint32_t level, sub; };
// Sixteen bins per power of two of units; below sixteen units, one bin each.
inline Bin bin_of(uint32_t size) {
  uint32_t units = size / UNIT;
  if (units < SUBS) return {0, units};
  uint32_t log = 31 - __builtin_clz(units);
  return {log - SUB_BITS + 1, (units >> (log - SUB_BITS)) - SUBS};
}
// Sizes are rounded up to the least of a bin, at most by 1/16: then any block of the bin serves.
inline uint32_t size_class(uint32_t bytes) {
  uint32_t units = (bytes + UNIT - 1) / UNIT;
  if (units >= SUBS) {
    uint32_t step = 1u << (31 - __builtin_clz(units) - SUB_BITS);
    units = (units + step - 1) & ~(step - 1);
  }
  return units * UNIT;
}
inline __attribute__((always_inline)) void insert(Block* b) {
  Bin bin = bin_of(b->size);
  b->free = 1;
  b->previous = nullptr;
  b->next = bins[bin.level][bin.sub];
  if (b->next) b->next->previous = b;
  bins[bin.level][bin.sub] = b;
  levels_used |= 1u << bin.level;
  subs_used[bin.level] |= 1u << bin.sub;
  idle += b->size;
}
inline __attribute__((always_inline)) void remove(Block* b) {
  Bin bin = bin_of(b->size);
  b->free = 0;
  if (b->next) b->next->previous = b->previous;
  if (b->previous) b->previous->next = b->next;
  else if (!(bins[bin.level][bin.sub] = b->next)) {
    subs_used[bin.level] &= ~(1u << bin.sub);
    if (!subs_used[bin.level]) levels_used &= ~(1u << bin.level);
  }
  idle -= b->size;
}
inline Block* above(Block* b) { return b == top ? nullptr : (Block*)((char*)b + b->size); }

inline __attribute__((always_inline)) Block* find(uint32_t size) {
  Bin bin = bin_of(size);
  uint32_t subs = subs_used[bin.level] & (~0u << bin.sub);
  if (!subs) {
    uint32_t higher = bin.level + 1 < 32 ? levels_used & (~0u << (bin.level + 1)) : 0;
    if (!higher) return nullptr;
    bin.level = __builtin_ctz(higher);
    subs = subs_used[bin.level];
  }
  return bins[bin.level][__builtin_ctz(subs)];
}

// More memory at the end of the heap, joined to a free block there.
inline __attribute__((always_inline)) Block* extend(uint32_t size) {
  const uint32_t page = 65536;
  if (!heap_end) {
    heap_end = ((uint32_t)(uintptr_t)&__heap_base + UNIT - 1) / UNIT * UNIT;
  }
  uint64_t have = (uint64_t)__builtin_wasm_memory_size(0) * page;
  uint64_t from = top && top->free ? (uint32_t)(uintptr_t)top : heap_end;
  uint64_t need = from + size;
  if (need > 0xffffffc0u) return nullptr;
  if (need > have) {
    uint64_t wanted = need > have + GROWTH ? need : have + GROWTH;
    uint32_t pages = (uint32_t)((wanted - have + page - 1) / page), least = (uint32_t)((need - have + page - 1) / page);
    if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1 && __builtin_wasm_memory_grow(0, least) == (size_t)-1)
      return nullptr;
    have = (uint64_t)__builtin_wasm_memory_size(0) * page;
    if (have > 0xffffffc0u) have = 0xffffffc0u;
  }
  uint32_t end = (uint32_t)(have / UNIT * UNIT);
  Block* b;
  if (top && top->free) {
    b = top;
    remove(b);
    b->size = end - (uint32_t)(uintptr_t)b;
  } else {
    b = (Block*)(uintptr_t)heap_end;
    b->size = end - heap_end;
    b->below = top;
    b->free = 0;
    top = b;
  }
  heap_end = end;
  return b;
}
}  // namespace

// Tensors are what the figures are about; scratch, derived data and C++ objects live in the same heap.
static void* allocate(size_t bytes, bool tensor) {
  if (bytes > 0xf0000000u) return nullptr;  // rounding up must not reach 2³²
  uint32_t size = size_class((uint32_t)bytes + (bytes == 0) + sizeof(Block));
  lock.acquire();
  Block* b = find(size);
  if (b) remove(b);
  else b = extend(size);
  if (b) {
    if (b->size - size >= 2 * UNIT) {
      Block* rest = (Block*)((char*)b + size);
      rest->size = b->size - size;
      rest->below = b;
      if (b == top) top = rest;
      else ((Block*)((char*)rest + rest->size))->below = rest;
      b->size = size;
      insert(rest);
    }
    if (tensor) {
      in_use += b->size;
      count++;
      if (in_use > peak) peak = in_use;
    }
    b->derived = nullptr;
  }
  lock.release();
  return b ? b + 1 : nullptr;
}

static void release(void* pointer, bool tensor) {
  Block* b = (Block*)pointer - 1;
  lock.acquire();
  if (tensor) {
    in_use -= b->size;
    count--;
  }
  Block* up = above(b);
  if (up && up->free) {
    remove(up);
    b->size += up->size;
    if (up == top) top = b;
    else ((Block*)((char*)b + b->size))->below = b;
  }
  Block* down = b->below;
  if (down && down->free) {
    remove(down);
    down->size += b->size;
    if (b == top) top = down;
    else ((Block*)((char*)down + down->size))->below = down;
    b = down;
  }
  insert(b);
  lock.release();
}

void* buffer_allocate(size_t bytes) { return allocate(bytes, true); }
void buffer_release(void* pointer) {
  if (!pointer) return;
  buffer_changed(pointer);
  release(pointer, true);
}

namespace {
void* allocate_other(size_t bytes) { return allocate(bytes, false); }
void release_other(void* p) {
  if (p) release(p, false);
}
}  // namespace

void* buffer_derived(void* pointer, uint64_t key, size_t bytes, bool* made) {
  Block* b = (Block*)pointer - 1;
  *made = !b->derived || b->derived_key != key || b->derived_epoch != epoch;
  if (*made) {
    buffer_changed(pointer);
    void* derived = allocate_other(bytes);
    if (!derived) fail_with(FAILURE_MEMORY, nullptr);
    __atomic_fetch_add(&derived_bytes, ((Block*)derived - 1)->size, __ATOMIC_RELAXED);
    b->derived_key = key;
    b->derived_epoch = epoch;
    b->derived = derived;
  }
  return b->derived;
}

void buffer_changed(void* pointer) {
  Block* b = (Block*)pointer - 1;
  void* derived = b->derived;
  if (!derived) return;
  b->derived = nullptr;
  __atomic_fetch_sub(&derived_bytes, ((Block*)derived - 1)->size, __ATOMIC_RELAXED);
  release_other(derived);
}

void buffer_forget_derived() { epoch++; }

double buffer_statistic(BufferStatistic which) {
  switch (which) {
    case IN_USE: return (double)in_use;
    case CACHED: return (double)idle;
    case COUNT: return (double)count;
    case PEAK: return (double)peak;
    default: return (double)derived_bytes;
  }
}
void buffer_reset_peak() { peak = in_use; }
void buffer_trim() {}  // linear memory cannot shrink

float* scratch(Scratch slot, int64_t floats) {
  struct Held {
    float* data[SCRATCH_COUNT];
    int64_t size[SCRATCH_COUNT];
  };
  static thread_local Held held;
  if (held.size[slot] < floats) {
    release_other(held.data[slot]);
    held.data[slot] = nullptr;
    held.size[slot] = 0;
    int64_t wanted = floats + floats / 8 + 1024;
    held.data[slot] = wanted < (int64_t(1) << 30) ? (float*)allocate_other((size_t)wanted * 4) : nullptr;
    if (!held.data[slot]) fail_with(FAILURE_MEMORY, nullptr);
    held.size[slot] = wanted - 32;  // kernels may read and write a vector past the end
  }
  return held.data[slot];
}

// ---- what the C++ and C libraries ask for ----
void* operator new(size_t bytes) {
  void* p = allocate_other(bytes);
  if (!p) fail_with(FAILURE_MEMORY, nullptr);
  return p;
}
void* operator new[](size_t bytes) { return operator new(bytes); }
void* operator new(size_t bytes, std::align_val_t) { return operator new(bytes); }
void operator delete(void* p) noexcept { release_other(p); }
void operator delete[](void* p) noexcept { release_other(p); }
void operator delete(void* p, size_t) noexcept { release_other(p); }
void operator delete[](void* p, size_t) noexcept { release_other(p); }
void operator delete(void* p, std::align_val_t) noexcept { release_other(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { release_other(p); }
extern "C" {
void* malloc(size_t bytes) { return allocate_other(bytes); }
void* aligned_alloc(size_t alignment, size_t bytes) { return alignment <= UNIT ? allocate_other(bytes) : nullptr; }
void free(void* p) { release_other(p); }
}
