// What stands in for the operating system where the engine runs as WebAssembly: one linear memory shared by the
// calling JavaScript thread and the workers. There are no C++ exceptions: an error is recorded here and ends the
// call by a trap, which JavaScript turns into the error that the addon throws (src/backend/wasm/engine.ts).
#pragma once
#include "engine.h"

// A lock that sleeps when it must. Critical sections hold no loop and no call, so that a terminated JavaScript
// thread, which V8 stops only at those, never leaves one locked.
struct Lock {
  constexpr Lock() noexcept : state(0) {}
  int32_t state;  // 0 free, 1 held, 2 held and awaited
  void acquire() {
    int32_t seen = 0;
    if (__atomic_compare_exchange_n(&state, &seen, 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return;
    while (__atomic_exchange_n(&state, 2, __ATOMIC_SEQ_CST) != 0) __builtin_wasm_memory_atomic_wait32(&state, 2, -1);
  }
  void release() {
    if (__atomic_exchange_n(&state, 0, __ATOMIC_SEQ_CST) == 2) __builtin_wasm_memory_atomic_notify(&state, 1);
  }
};

enum Failure { FAILURE_NONE, FAILURE_MESSAGE, FAILURE_MEMORY };
// Records the first error of a call and traps.
[[noreturn]] void fail_with(Failure kind, const char* message);
// Derived data made so far is made anew when it is asked for: a call that failed may have left it unfinished.
void buffer_forget_derived();
// Ends a job that a trap or a termination of the calling thread left open; only that thread may call it. False when
// workers do not leave the job, because they wait for what that thread left undone: none is used any more, then.
bool pool_recover();
