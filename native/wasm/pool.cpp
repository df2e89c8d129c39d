// The thread pool on Web Workers' terms: as native/src/pool.cpp, one job at a time, tasks taken from a counter, the
// caller works too and never waits for a worker that has not started. Threads are started by JavaScript; one that
// is not wanted any more sleeps. A task that fails traps: on a worker JavaScript reports it (worker_failed), on the
// caller it recovers (pool_recover).
#include "platform.h"

namespace {
// generation << 16 | open << 15 | active workers
uint64_t state;
int64_t next_task;
int32_t epoch, sleepers;    // workers sleep on `epoch` until the next job
int32_t done, waiting;      // the caller sleeps on `done` until the last worker leaves the job
int32_t target;             // workers wanted
bool busy, failed;
TaskFunction function;
void* context;
int64_t count;
constexpr uint64_t OPEN = 1 << 15, ACTIVE = OPEN - 1;
enum { SPIN = 3000 };

inline int32_t get(const int32_t* p) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }
inline uint64_t state_now() { return __atomic_load_n(&state, __ATOMIC_SEQ_CST); }

inline void take_tasks() {
  for (;;) {
    int64_t i = __atomic_fetch_add(&next_task, (int64_t)1, __ATOMIC_RELAXED);
    if (i >= count) return;
    function(context, i);
  }
}

void leave() {
  __atomic_fetch_sub(&state, (uint64_t)1, __ATOMIC_SEQ_CST);
  if (get(&waiting)) {
    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
    __builtin_wasm_memory_atomic_notify(&done, 1);
  }
}

// Waits until no worker is in the job, each time for at most `patience` nanoseconds (-1: without end).
bool close_job(int64_t patience) {
  __atomic_fetch_and(&state, ~OPEN, __ATOMIC_SEQ_CST);
  bool patient = true;
  for (int spin = 0; (state_now() & ACTIVE) != 0 && patient; spin++) {
    if (spin < 4 * SPIN) continue;
    int32_t seen = get(&done);
    __atomic_store_n(&waiting, 1, __ATOMIC_SEQ_CST);
    if ((state_now() & ACTIVE) != 0) patient = __builtin_wasm_memory_atomic_wait32(&done, seen, patience) != 2;
    __atomic_store_n(&waiting, 0, __ATOMIC_SEQ_CST);
  }
  busy = false;
  return (state_now() & ACTIVE) == 0;
}
}  // namespace

int pool_threads() { return get(&target) + 1; }

void pool_resize(int threads) {
  __atomic_store_n(&target, threads < 1 ? 0 : threads - 1, __ATOMIC_SEQ_CST);
  __builtin_wasm_memory_atomic_notify(&target, ~0u);
}

bool pool_recover() {
  bool free = true;
  if (busy) {
    __atomic_store_n(&next_task, count, __ATOMIC_SEQ_CST);
    free = close_job(2000000000);
    if (!free) pool_resize(1);
  }
  failed = false;
  return free;
}

void pool_run(int64_t tasks, TaskFunction task, void* what) {
  // Nested use, on whichever thread: it does the tasks alone. `busy` changes only while no worker is in a job.
  if (busy || get(&target) == 0) {
    for (int64_t i = 0; i < tasks; i++) task(what, i);
    return;
  }
  function = task;
  context = what;
  count = tasks;
  __atomic_store_n(&next_task, (int64_t)0, __ATOMIC_SEQ_CST);
  busy = true;
  __atomic_store_n(&state, (((state_now() >> 16) + 1) << 16) | OPEN, __ATOMIC_SEQ_CST);
  __atomic_fetch_add(&epoch, 1, __ATOMIC_SEQ_CST);
  if (get(&sleepers) > 0) __builtin_wasm_memory_atomic_notify(&epoch, ~0u);
  take_tasks();
  close_job(-1);
  if (failed) __builtin_trap();  // what a worker recorded
}

extern "C" {
// The life of worker `index` (from 0); returns never, traps when a task fails.
__attribute__((export_name("worker_loop"))) void worker_loop(int index) {
  uint64_t last = 0;
  auto ready = [&](uint64_t s) { return (s & OPEN) && (s >> 16) != last; };
  for (;;) {
    int32_t wanted = get(&target);
    if (index >= wanted) {
      __builtin_wasm_memory_atomic_wait32(&target, wanted, -1);
      continue;
    }
    uint64_t s = state_now();
    for (int spin = 0; spin < SPIN && !ready(s); spin++) s = state_now();
    if (!ready(s)) {
      int32_t seen = get(&epoch);
      __atomic_fetch_add(&sleepers, 1, __ATOMIC_SEQ_CST);
      if (!ready(state_now())) __builtin_wasm_memory_atomic_wait32(&epoch, seen, -1);
      __atomic_fetch_sub(&sleepers, 1, __ATOMIC_SEQ_CST);
      continue;
    }
    if (!__atomic_compare_exchange_n(&state, &s, s + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) continue;
    last = s >> 16;
    take_tasks();
    leave();
  }
}
// After every worker has been terminated: as if none had ever been.
__attribute__((export_name("reset_pool"))) void reset_pool() {
  __atomic_store_n(&state, ((state_now() >> 16) + 1) << 16, __ATOMIC_SEQ_CST);
  sleepers = 0;
  failed = false;
}
// After a trap in worker_loop: ends the job as failed. The worker then enters the loop again.
__attribute__((export_name("worker_failed"))) void worker_failed() {
  failed = true;
  __atomic_store_n(&next_task, count, __ATOMIC_SEQ_CST);
  leave();
}
}
