// One thread of the wasm engine's pool (native/wasm/pool.cpp). Plain Node, so that it starts without a loader.
import { workerData } from 'node:worker_threads';

const { module, memory, index, stackTop, threadLocal } = workerData;
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
exports.__stack_pointer.value = stackTop;
exports.__wasm_init_tls(threadLocal);
for (;;) {
  try {
    exports.worker_loop(index);
  } catch {
    // A task trapped. What it recorded is reported by the thread that started the job.
    exports.__stack_pointer.value = stackTop;
    exports.worker_failed();
  }
}
