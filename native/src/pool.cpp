// The thread pool: one job at a time, tasks taken from a counter, the caller works too. Workers spin for a
// few tens of microseconds (kernels of a step follow each other closely), then sleep. The caller never
// waits for a worker that has not started: on a busy machine it simply does the work itself.
#include "engine.h"
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace {
struct Pool {
  // generation << 16 | open << 15 | active workers
  std::atomic<uint64_t> state{0};
  std::atomic<int64_t> next{0};
  std::atomic<int> sleepers{0};
  std::atomic<int> target{0};  // workers wanted; one with a higher index ends
  std::atomic<int> alive{0};
  TaskFunction function = nullptr;
  void* context = nullptr;
  int64_t count = 0;
  std::mutex sleep_lock, job_lock, error_lock;
  std::exception_ptr error;  // the first that a task of this job threw
  std::condition_variable wake;
  int started = 0;
};
constexpr uint64_t OPEN = 1 << 15, ACTIVE = OPEN - 1;

Pool& pool() {
  static Pool* instance = new Pool();  // never destroyed: workers may still sleep on it at exit
  return *instance;
}

void take_tasks(Pool& p) {
  for (;;) {
    int64_t i = p.next.fetch_add(1, std::memory_order_relaxed);
    if (i >= p.count) return;
    try {
      p.function(p.context, i);
    } catch (...) {  // must leave neither a worker nor, while others use its stack, the caller
      std::lock_guard<std::mutex> guard(p.error_lock);
      if (!p.error) p.error = std::current_exception();
      p.next.store(p.count);
    }
  }
}

void worker(int index) {
  Pool& p = pool();
  struct End {
    ~End() { pool().alive.fetch_sub(1); }
  } end;
  uint64_t last = 0;
  auto ready = [&](uint64_t s) { return (s & OPEN) && (s >> 16) != last; };
  for (;;) {
    uint64_t s = p.state.load();
    for (int spin = 0; spin < 1500 && !ready(s); spin++) {
      pause_cpu();
      s = p.state.load(std::memory_order_acquire);
    }
    if (!ready(s)) {
      std::unique_lock<std::mutex> guard(p.sleep_lock);
      p.sleepers.fetch_add(1);
      p.wake.wait(guard, [&] { return ready(p.state.load()) || index >= p.target.load(); });
      p.sleepers.fetch_sub(1);
      if (index >= p.target.load()) return;
      continue;
    }
    if (index >= p.target.load()) return;
    if (!p.state.compare_exchange_weak(s, s + 1)) continue;
    last = s >> 16;
    take_tasks(p);
    p.state.fetch_sub(1, std::memory_order_release);
  }
}

thread_local bool inside = false;
}  // namespace

int pool_threads() { return pool().target.load(std::memory_order_relaxed) + 1; }

void pool_resize(int threads) {
  Pool& p = pool();
  std::lock_guard<std::mutex> job(p.job_lock);
  if (threads < 1) threads = 1;
  {
    std::lock_guard<std::mutex> guard(p.sleep_lock);
    // Ended workers are not restarted one by one: all end, then as many as wanted start.
    p.target.store(threads - 1 < p.started ? threads - 1 : p.started);
  }
  p.wake.notify_all();
  p.started = p.target.load();
  // Or one that has not noticed would stay, beside another of its index.
  while (p.alive.load() > p.started) std::this_thread::yield();
  while (p.started < threads - 1) {
    p.target.store(p.started + 1);
    try {
      p.alive.fetch_add(1);
      std::thread(worker, p.started).detach();
    } catch (const std::system_error& error) {
      p.alive.fetch_sub(1);
      p.target.store(p.started);
      throw std::runtime_error("the native backend could not start " + std::to_string(threads) + " threads (" +
                               error.what() + "); set INTERPLAY_THREADS to fewer");
    }
    p.started++;
  }
}

void pool_run(int64_t count, TaskFunction function, void* context) {
  Pool& p = pool();
  // Nested use, or a second JavaScript thread while the pool is busy: the caller does it alone.
  if (inside || p.target.load(std::memory_order_relaxed) == 0 || !p.job_lock.try_lock()) {
    for (int64_t i = 0; i < count; i++) function(context, i);
    return;
  }
  inside = true;
  p.function = function;
  p.context = context;
  p.count = count;
  p.next.store(0);
  p.state.store((((p.state.load() >> 16) + 1) << 16) | OPEN);
  if (p.sleepers.load() > 0) {
    { std::lock_guard<std::mutex> guard(p.sleep_lock); }
    p.wake.notify_all();
  }
  take_tasks(p);
  p.state.fetch_and(~OPEN);
  for (int spin = 0; (p.state.load(std::memory_order_acquire) & ACTIVE) != 0; spin++) {
    if (spin < 4000) pause_cpu();
    else std::this_thread::yield();
  }
  std::exception_ptr error = std::exchange(p.error, nullptr);
  inside = false;
  p.job_lock.unlock();
  if (error) std::rethrow_exception(error);
}
