import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { relaxedWasmFile, wasmFile } from '../../../native/wasm-path.mjs';
import { internalError } from '../../core/index.ts';
import { type Engine, type InstructionSet, registerEngine, wantedThreads } from '../native/engine.ts';

/** What native/wasm/*.cpp exports. Pointers arrive as signed 32-bit integers. */
interface Exports {
  readonly __stack_pointer: WebAssembly.Global;
  readonly __tls_size: WebAssembly.Global;
  initialize(): void;
  arguments(): number;
  argument_count(): number;
  transient_begin(): number;
  transient_bytes(): number;
  operation_count(): number;
  operation_name(index: number): number;
  run(operation: number): number;
  allocate(bytes: number): number;
  release(address: number): void;
  memory(which: number): number;
  trim(): void;
  resize(threads: number): void;
  recover(): number;
  reset_pool(): void;
  recorded_message(): number;
}

/** Kinds of failure, as in native/wasm/platform.h. */
const FAILURE_MESSAGE = 1;
const FAILURE_MEMORY = 2;

const WORKER_STACK = 256 * 1024;
const PAGE = 65536;
/** The least a system must grant; most machines grant the 4 GB that 32-bit addresses reach. */
const mostPages = [65536, 32768, 16384, 8192];

/** (func (result v128) (f32x4.relaxed_madd …)): valid where relaxed SIMD is known. */
const fusedMultiplyAdd = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x0a, 0x13, 0x01, 0x11, 0x00],
  ...[0x41, 0x00, 0xfd, 0x0f],
  ...[0x41, 0x00, 0xfd, 0x0f],
  ...[0x41, 0x00, 0xfd, 0x0f],
  ...[0xfd, 0x85, 0x02, 0x0b],
]);

let engine: WasmEngine | undefined;

/**
 * The engine compiled to WebAssembly (native/wasm/*.wasm), for machines where the addon cannot be built.
 * Throws, in one line, what makes it impossible. Threads start with `start`.
 */
export function loadWasmEngine(): WasmEngine {
  if (engine === undefined) {
    const set = WebAssembly.validate(fusedMultiplyAdd) ? 'relaxed-simd' : 'simd128';
    const file = set === 'relaxed-simd' ? relaxedWasmFile : wasmFile;
    engine = new WasmEngine(new WebAssembly.Module(readFileSync(file)), set);
    registerEngine(engine);
  }
  return engine;
}

/** An array of JavaScript's that the next operation reads or writes, with where its copy is. */
interface Passed {
  array: ArrayBufferView;
  address: number;
  /** Whether the operation's results must be copied back. */
  back: boolean;
  /** Allocated for this array alone. */
  own: boolean;
}

export class WasmEngine implements Engine {
  readonly name = 'wasm';
  readonly op: Readonly<Record<string, number>>;
  readonly args: Float64Array;
  private readonly memory_: WebAssembly.Memory;
  private readonly exports: Exports;
  private readonly stackTop: number;
  /** All linear memory as bytes; replaced when memory has grown. */
  private bytes: Uint8Array;
  private readonly transient: { begin: number; bytes: number; used: number };
  private passed: Passed[] = [];
  private wanted: number;
  private workers: Worker[] = [];
  private running = false;
  /** Whether a call is under way: still true at the next one when JavaScript's execution was terminated. */
  private entered = false;

  constructor(
    private readonly module: WebAssembly.Module,
    private readonly set: 'simd128' | 'relaxed-simd',
  ) {
    this.wanted = wantedThreads();
    this.memory_ = sharedMemory();
    const instance = new WebAssembly.Instance(module, { env: { memory: this.memory_ } });
    this.exports = instance.exports as unknown as Exports;
    this.exports.initialize();
    this.stackTop = this.exports.__stack_pointer.value as number;
    this.bytes = new Uint8Array(this.memory_.buffer);
    const { exports } = this;
    this.args = new Float64Array(this.memory_.buffer, exports.arguments() >>> 0, exports.argument_count());
    this.transient = {
      begin: exports.transient_begin() >>> 0,
      bytes: exports.transient_bytes(),
      used: 0,
    };
    const op: Record<string, number> = {};
    for (let i = 0; i < exports.operation_count(); i++) op[this.text(exports.operation_name(i))] = i;
    this.op = op;
  }

  // Kernels take these out of the engine as variables, hence arrow functions.

  readonly run = (operation: number): number => {
    if (this.entered) this.recover();
    // A file older than the kernels that call it may lack an operation.
    if (!(operation >= 0)) {
      throw internalError('an operation that the WebAssembly file lacks: node native/build-wasm.mjs');
    }
    this.entered = true;
    let value: number;
    try {
      value = this.exports.run(operation);
    } catch (error) {
      throw this.failure(error);
    }
    this.entered = false;
    if (this.passed.length > 0) this.takeBack();
    return value;
  };

  readonly allocate = (bytes: number): number => {
    const address = this.exports.allocate(bytes) >>> 0;
    if (address === 0) throw outOfMemory();
    return address;
  };

  readonly release = (address: number): void => this.exports.release(address);

  readonly read = (address: number, into: ArrayBufferView): void => {
    bytesOf(into).set(this.view(address, into.byteLength));
  };

  readonly write = (address: number, from: ArrayBufferView): void => {
    this.view(address, from.byteLength).set(bytesOf(from));
  };

  readonly input = (array: ArrayBufferView): number => {
    const address = this.pass(array, false);
    this.write(address, array);
    return address;
  };

  readonly output = (array: ArrayBufferView): number => this.pass(array, true);

  readonly address = (array: ArrayBufferView): number => {
    const address = this.pass(array, true);
    this.write(address, array);
    return address;
  };

  readonly memory = (which: number): number => this.exports.memory(which);

  readonly trim = (): void => this.exports.trim();

  threads(wanted: number): number {
    if (wanted > 0) {
      this.wanted = wanted;
      if (this.running) this.resize();
    }
    return this.wanted;
  }

  /** What the runtime knows; nothing can be forbidden it. */
  instructionSet(): InstructionSet {
    return this.set;
  }

  features(): string[] {
    return [...new Set(['simd128', this.set])];
  }

  /** Starts the threads, once; called when the backend is first used. */
  start(): void {
    if (this.running) return;
    this.running = true;
    this.resize();
  }

  /** Starts workers that are missing; those that are too many sleep. A worker takes part as soon as it is there. */
  private resize(): void {
    while (this.workers.length < this.wanted - 1) {
      try {
        this.workers.push(this.startWorker(this.workers.length));
      } catch {
        this.wanted = this.workers.length + 1; // threads are forbidden or used up: fewer compute the same
      }
    }
    this.exports.resize(this.wanted);
  }

  private startWorker(index: number): Worker {
    const threadLocalBytes = this.exports.__tls_size.value as number;
    const block = this.allocate(WORKER_STACK + threadLocalBytes);
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
      workerData: {
        module: this.module,
        memory: this.memory_,
        index,
        stackTop: block + WORKER_STACK,
        threadLocal: block + WORKER_STACK,
      },
      // Neither the loader of this process nor its settings are of use to a thread that only computes.
      execArgv: [],
      env: {},
    });
    worker.on('error', () => {}); // one that does not start is one less: the others do its tasks
    worker.unref();
    return worker;
  }

  private pass(array: ArrayBufferView, back: boolean): number {
    const { transient } = this;
    const size = Math.ceil(array.byteLength / 64) * 64;
    const own = size > transient.bytes - transient.used;
    const address = own ? this.allocate(size) : transient.begin + transient.used;
    if (!own) transient.used += size;
    this.passed.push({ array, address, back, own });
    return address;
  }

  private takeBack(): void {
    for (const { array, address, back, own } of this.passed) {
      if (back) this.read(address, array);
      if (own) this.release(address);
    }
    this.forget();
  }

  private forget(): void {
    this.passed = [];
    this.transient.used = 0;
  }

  private view(address: number, length: number): Uint8Array {
    // Memory may have grown, also by a worker.
    if (address + length > this.bytes.byteLength) this.bytes = new Uint8Array(this.memory_.buffer);
    return this.bytes.subarray(address, address + length);
  }

  private text(address: number): string {
    const start = address >>> 0;
    let end = start;
    while (this.bytes[end] !== 0) end++;
    return Buffer.from(this.bytes.slice(start, end)).toString('utf8');
  }

  /** The error that the addon throws in the same case; leaves the engine as before the call. */
  private failure(error: unknown): Error {
    const kind = this.recover();
    if (kind === FAILURE_MEMORY) return outOfMemory();
    if (kind === FAILURE_MESSAGE) return new Error(this.text(this.exports.recorded_message()));
    return new Error(`the wasm backend failed (${error instanceof Error ? error.message : String(error)})`);
  }

  private recover(): number {
    const result = this.exports.recover(); // on the stack where it is: workers may still use the frames above
    this.exports.__stack_pointer.value = this.stackTop;
    for (const { address, own } of this.passed) if (own) this.release(address);
    this.forget();
    this.entered = false;
    if (result < 0) this.replaceWorkers();
    return result < 0 ? -1 - result : result;
  }

  /** Ends workers that wait for what a terminated call left undone, then starts others; meanwhile there is one thread. */
  private replaceWorkers(): void {
    const lost = this.workers;
    this.workers = [];
    this.running = false;
    void Promise.all(lost.map((worker) => worker.terminate())).then(() => {
      this.exports.reset_pool();
      this.start();
    });
  }
}

function sharedMemory(): WebAssembly.Memory {
  const initial = (2 * 1024 * 1024) / PAGE;
  for (const maximum of mostPages) {
    try {
      return new WebAssembly.Memory({ initial, maximum, shared: true });
    } catch (error) {
      if (!(error instanceof RangeError) || maximum === mostPages.at(-1)) throw error;
    }
  }
  throw internalError('unreachable');
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function outOfMemory(): Error {
  return Object.assign(new Error('the wasm backend could not get the memory it needs'), {
    code: 'OUT_OF_MEMORY',
  });
}
