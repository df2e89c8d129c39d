// The face of the engine in WebAssembly: what native/src/addon.cpp is to Node-API.
#include "platform.h"
#include <string.h>

#define SIMD_OP(name) namespace portable { double name(const double*); }
#define PLAIN_OP(name) namespace plain { double name(const double*); }
#include "ops.def"
#undef SIMD_OP
#undef PLAIN_OP

extern "C" void __wasm_call_ctors();

namespace {
const char* const op_names[] = {
#define SIMD_OP(name) #name,
#define PLAIN_OP(name) #name,
#include "ops.def"
#undef SIMD_OP
#undef PLAIN_OP
};
const Operation operations[] = {
#define SIMD_OP(name) portable::name,
#define PLAIN_OP(name) plain::name,
#include "ops.def"
#undef SIMD_OP
#undef PLAIN_OP
};
constexpr int op_count = sizeof(op_names) / sizeof(op_names[0]);
enum { ARGUMENTS = 8192, TRANSIENT = 65536 };
alignas(64) double block[ARGUMENTS];
alignas(64) char transient[TRANSIENT];  // copies of JavaScript's arrays, for the length of a call
int32_t failure;  // a Failure
const char* failure_message;
}  // namespace

void fail_with(Failure kind, const char* message) {
  int32_t none = FAILURE_NONE;
  if (__atomic_compare_exchange_n(&failure, &none, (int32_t)kind, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    failure_message = message;
  __builtin_trap();
}
void out_of_memory() { fail_with(FAILURE_MEMORY, nullptr); }
void fail(const char* message) { fail_with(FAILURE_MESSAGE, message); }

extern "C" {
#define EXPORT(name) __attribute__((export_name(#name))) name
void EXPORT(initialize)() { __wasm_call_ctors(); }
double* EXPORT(arguments)() { return block; }
int EXPORT(argument_count)() { return ARGUMENTS; }
char* EXPORT(transient_begin)() { return transient; }
int EXPORT(transient_bytes)() { return TRANSIENT; }
int EXPORT(operation_count)() { return op_count; }
const char* EXPORT(operation_name)(int i) { return op_names[i]; }
double EXPORT(run)(int op) { return operations[op](block); }
// 0 when there is no more memory.
void* EXPORT(allocate)(double bytes) { return bytes <= 4294967295.0 ? buffer_allocate((size_t)bytes) : nullptr; }
void EXPORT(release)(void* pointer) { buffer_release(pointer); }
double EXPORT(memory)(int which) {
  return buffer_statistic((BufferStatistic)which);
}
void EXPORT(trim)() { buffer_reset_peak(); }
int EXPORT(threads)() { return pool_threads(); }
void EXPORT(resize)(int threads) { pool_resize(threads); }
// After `run` trapped or was terminated: everything as before the call. Returns the recorded Failure; its message,
// a C string or null, is at recorded_message(). Negative when the workers are lost: JavaScript must end them.
int EXPORT(recover)() {
  bool free = pool_recover();
  buffer_forget_derived();
  int kind = failure;
  failure = FAILURE_NONE;
  return free ? kind : -1 - kind;
}
const char* EXPORT(recorded_message)() { return failure_message; }

// ---- what the C++ runtime asks for ----
[[noreturn]] void abort() { __builtin_trap(); }
int atexit(void (*)()) { return 0; }
int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }
int __cxa_thread_atexit(void (*)(void*), void*, void*) { return 0; }  // threads end with the process
[[noreturn]] void __cxa_pure_virtual() { __builtin_trap(); }
// Static variables of functions; the guard is 0, 1 when done (what compiled code tests) or 2 in progress.
int __cxa_guard_acquire(int32_t* guard) {
  for (;;) {
    int32_t seen = 0;
    if (__atomic_compare_exchange_n(guard, &seen, 2, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return 1;
    if (seen == 1) return 0;
  }
}
void __cxa_guard_release(int32_t* guard) { __atomic_store_n(guard, 1, __ATOMIC_SEQ_CST); }
}
