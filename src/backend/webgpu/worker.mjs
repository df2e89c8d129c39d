// The thread that owns the WebGPU device: runs tfjs's kernels and reads back for a main thread that waits
// (connection.ts has the protocol). Plain Node, so that it starts without a loader.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';

const { dawn, backendFile, port, state } = workerData;
const REPLIES = 0;
const ENDED = 1;

/** Data of the tensors, by the main thread's numbers, and the numbers back. */
const data = new Map();
const numbers = new WeakMap();
/** What went wrong in commands that nobody waited for: the answer to the next one that somebody does. */
let fault;
let tf;
let backend;

const firstLine = (error) => String(error?.message ?? error).split('\n')[0];

async function open() {
  const { create, globals } = await import(pathToFileURL(dawn).href);
  Object.assign(globalThis, globals);
  const gpu = create([]);
  const adapter = await gpu.requestAdapter();
  if (adapter === null) return { adapter: undefined };
  const navigator = globalThis.navigator ?? {};
  Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
  const require = createRequire(backendFile);
  tf = require('@tensorflow/tfjs-core'); // the copy that the backend registers with
  require(backendFile);
  await tf.setBackend('webgpu');
  backend = tf.backend();
  backend.device.addEventListener?.('uncapturederror', ({ error }) => {
    fault ??= `WebGPU: ${firstLine(error)}`;
  });
  void backend.device.lost.then((lost) => {
    fault = `the WebGPU device is lost: ${firstLine(lost)}`;
  });
  return { adapter: adapter.info.description || adapter.info.device || adapter.info.vendor };
}

const info = ({ id, shape, dtype }) => ({ dataId: data.get(id), shape, dtype });

/** Runs a kernel; outputs get numbers from `first` on, unless they are the data of an input. */
function run({ name, inputs, attributes, first }) {
  const given = Array.isArray(inputs) ? inputs.map(info) : {};
  if (!Array.isArray(inputs)) {
    for (const key in inputs) given[key] = inputs[key] && info(inputs[key]);
  }
  const { kernelFunc } = tf.getKernel(name, 'webgpu');
  const result = kernelFunc({ inputs: given, backend, attrs: attributes });
  const list = Array.isArray(result);
  const outputs = (list ? result : [result]).map(({ dataId, shape, dtype }) => {
    let id = numbers.get(dataId);
    if (id === undefined) {
      id = first++;
      data.set(id, dataId);
      numbers.set(dataId, id);
    }
    return { id, shape, dtype };
  });
  return { list, outputs };
}

function execute(command) {
  switch (command.kind) {
    case 'write': {
      const dataId = backend.write(command.values, command.shape, command.dtype);
      data.set(command.id, dataId);
      numbers.set(dataId, command.id);
      return undefined;
    }
    case 'free': {
      const dataId = data.get(command.id);
      data.delete(command.id);
      backend.disposeData(dataId, true); // the main thread counts references
      return undefined;
    }
    case 'kernel':
      return run(command);
    case 'read':
      return backend.read(data.get(command.id));
    case 'memory':
      return { ...backend.memory(), tensors: data.size };
    default:
      throw new Error(`unknown command ${command.kind}`);
  }
}

/** Commands run in order, however long reading takes. */
let last = Promise.resolve();

async function work(commands) {
  for (const command of commands) {
    const { sequence } = command;
    let value;
    try {
      value = execute(command);
      if (value instanceof Promise) value = await value;
    } catch (error) {
      fault ??= firstLine(error);
    }
    if (sequence === undefined) continue;
    port.postMessage(fault === undefined ? { sequence, value } : { sequence, fault });
    fault = undefined;
    Atomics.add(state, REPLIES, 1);
    Atomics.notify(state, REPLIES);
  }
}

process.on('exit', () => {
  Atomics.store(state, ENDED, 1);
  Atomics.add(state, REPLIES, 1);
  Atomics.notify(state, REPLIES);
});

try {
  const { adapter } = await open();
  const kernels = adapter === undefined ? [] : tf.getKernelsForBackend('webgpu');
  port.on('message', (commands) => {
    last = last.then(() => work(commands));
  });
  parentPort.postMessage({ adapter, kernels: kernels.map(({ kernelName }) => kernelName) });
} catch (error) {
  parentPort.postMessage({ fault: firstLine(error) });
}
