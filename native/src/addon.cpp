// The Node-API face of the engine. JavaScript writes numbers (sizes, addresses) into one shared block and calls
// run(operation): the cost of a call is that of one integer argument, whatever the operation takes.
#include "engine.h"
#include <exception>
#include <new>
#include <node_api.h>
#include <stdexcept>
#include <string.h>

#define SIMD_OP(name)                                      \
  namespace portable { double name(const double*); }       \
  namespace avx2 { double name(const double*); }           \
  namespace avx512 { double name(const double*); }
#define PLAIN_OP(name) namespace plain { double name(const double*); }
#include "ops.def"
#undef SIMD_OP
#undef PLAIN_OP

namespace {
const char* const op_names[] = {
#define SIMD_OP(name) #name,
#define PLAIN_OP(name) #name,
#include "ops.def"
#undef SIMD_OP
#undef PLAIN_OP
};
constexpr int op_count = sizeof(op_names) / sizeof(op_names[0]);

enum Level { PORTABLE, AVX2, AVX512 };
Operation operations[op_count];
Level level = PORTABLE;

void choose(Level wanted) {
  level = wanted;
  int i = 0;
#if defined(__x86_64__)
#define SIMD_OP(name) operations[i++] = level == AVX512 ? avx512::name : level == AVX2 ? avx2::name : portable::name;
#else
#define SIMD_OP(name) operations[i++] = portable::name;
#endif
#define PLAIN_OP(name) operations[i++] = plain::name;
#include "ops.def"
#undef SIMD_OP
#undef PLAIN_OP
}

Level best_level() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return AVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return AVX2;
#endif
  return PORTABLE;
}

thread_local double* block = nullptr;  // this JavaScript thread's arguments

double number(napi_env env, napi_value value) {
  double x = 0;
  napi_get_value_double(env, value, &x);
  return x;
}
napi_value result(napi_env env, double x) {
  napi_value value;
  napi_create_double(env, x, &value);
  return value;
}
template <int COUNT>
struct Arguments {
  napi_value values[COUNT];
  Arguments(napi_env env, napi_callback_info info) {
    size_t count = COUNT;
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  }
};
bool array_data(napi_env env, napi_value value, void** data, size_t* bytes) {
  napi_typedarray_type type;
  size_t length;
  if (napi_get_typedarray_info(env, value, &type, &length, data, nullptr, nullptr) != napi_ok) {
    napi_throw_type_error(env, nullptr, "expected a typed array");
    return false;
  }
  size_t size = type == napi_float64_array || type == napi_bigint64_array || type == napi_biguint64_array ? 8
                : type == napi_int16_array || type == napi_uint16_array                                  ? 2
                : type == napi_int8_array || type == napi_uint8_array || type == napi_uint8_clamped_array ? 1
                                                                                                          : 4;
  *bytes = length * size;
  return true;
}

napi_value run(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  int32_t op = -1;
  napi_get_value_int32(env, arguments.values[0], &op);
  if (op < 0 || op >= op_count || !block) {
    napi_throw_error(env, nullptr, "unknown operation");
    return nullptr;
  }
  return result(env, operations[op](block));
}
// allocate(bytes) → address
napi_value allocate(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  void* pointer = buffer_allocate((size_t)number(env, arguments.values[0]));
  if (!pointer) throw std::bad_alloc();
  return result(env, (double)(uintptr_t)pointer);
}
napi_value release(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  buffer_release(F32(number(env, arguments.values[0])));
  return nullptr;
}
// read(address, typed array), write(address, typed array)
napi_value read(napi_env env, napi_callback_info info) {
  Arguments<2> arguments(env, info);
  void* data;
  size_t bytes;
  if (array_data(env, arguments.values[1], &data, &bytes) && bytes > 0)
    memcpy(data, F32(number(env, arguments.values[0])), bytes);
  return nullptr;
}
napi_value write(napi_env env, napi_callback_info info) {
  Arguments<2> arguments(env, info);
  void* data;
  size_t bytes;
  if (array_data(env, arguments.values[1], &data, &bytes) && bytes > 0)
    memcpy(F32(number(env, arguments.values[0])), data, bytes);
  return nullptr;
}
// address(typed array): valid as long as the array is reachable; see engine.ts
napi_value address(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  void* data = nullptr;
  size_t bytes;
  array_data(env, arguments.values[0], &data, &bytes);
  return result(env, (double)(uintptr_t)data);
}
napi_value attach(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  void* data;
  size_t bytes;
  if (array_data(env, arguments.values[0], &data, &bytes)) {
    block = (double*)data;
    napi_ref keep;  // the block lives as long as the environment
    napi_create_reference(env, arguments.values[0], 1, &keep);
  }
  return nullptr;
}
napi_value threads(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  double wanted = number(env, arguments.values[0]);
  if (wanted >= 1) pool_resize((int)wanted);
  return result(env, pool_threads());
}
napi_value memory(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  return result(env, buffer_statistic((BufferStatistic)(int)number(env, arguments.values[0])));
}
// trim(): gives unused memory back to the system and forgets the high-water mark
napi_value trim(napi_env, napi_callback_info) {
  buffer_trim();
  buffer_reset_peak();
  return nullptr;
}
// instructionSet(limit): uses the best set this machine has, at most `limit`; returns what is used
napi_value instruction_set(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  double limit = number(env, arguments.values[0]);
  Level best = best_level();
  choose(limit < best ? (Level)(int)limit : best);
  return result(env, level);
}

// features() → names of the vector extensions of this machine
napi_value features(napi_env env, napi_callback_info) {
  napi_value list;
  napi_create_array(env, &list);
  uint32_t count = 0;
  auto add = [&](const char* name) {
    napi_value text;
    napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &text);
    napi_set_element(env, list, count++, text);
  };
#if defined(__x86_64__)
  __builtin_cpu_init();
#define FEATURE(name) if (__builtin_cpu_supports(name)) add(name);
  FEATURE("sse4.2") FEATURE("avx") FEATURE("avx2") FEATURE("fma") FEATURE("avx512f") FEATURE("avx512bw")
  FEATURE("avx512dq") FEATURE("avx512vl") FEATURE("avx512vnni")
#undef FEATURE
#elif defined(__aarch64__)
  add("neon");
#else
  (void)add;
#endif
  return list;
}

// What every exported function is wrapped in: a C++ exception must not reach Node's frames.
template <napi_callback FUNCTION>
napi_value guarded(napi_env env, napi_callback_info info) {
  try {
    return FUNCTION(env, info);
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, "OUT_OF_MEMORY", "the native backend could not get the memory it needs");
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  } catch (...) {
    napi_throw_error(env, nullptr, "the native backend failed");
  }
  return nullptr;
}

template <napi_callback FUNCTION>
void define(napi_env env, napi_value exports, const char* name) {
  napi_value value;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, guarded<FUNCTION>, nullptr, &value);
  napi_set_named_property(env, exports, name, value);
}
}  // namespace

void out_of_memory() { throw std::bad_alloc(); }
void fail(const char* message) { throw std::runtime_error(message); }

NAPI_MODULE_INIT() {
  static const bool chosen = (choose(best_level()), true);  // once, not again for each JavaScript thread
  (void)chosen;
  napi_value names;
  napi_create_object(env, &names);
  for (int i = 0; i < op_count; i++) napi_set_named_property(env, names, op_names[i], result(env, i));
  napi_set_named_property(env, exports, "operations", names);
  define<run>(env, exports, "run");
  define<allocate>(env, exports, "allocate");
  define<release>(env, exports, "release");
  define<read>(env, exports, "read");
  define<write>(env, exports, "write");
  define<address>(env, exports, "address");
  define<attach>(env, exports, "attach");
  define<threads>(env, exports, "threads");
  define<memory>(env, exports, "memory");
  define<trim>(env, exports, "trim");
  define<instruction_set>(env, exports, "instructionSet");
  define<features>(env, exports, "features");
  return exports;
}
