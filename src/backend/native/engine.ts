import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { addonPath } from '../../../native/addon-path.mjs';
import { userError } from '../../core/index.ts';

/** What native/src/addon.cpp exports. Addresses are numbers: they fit 53 bits on every supported machine. */
interface Addon {
  operations: Record<string, number>;
  run(operation: number): number;
  allocate(bytes: number): number;
  release(address: number): void;
  read(address: number, into: ArrayBufferView): void;
  write(address: number, from: ArrayBufferView): void;
  /** Valid until eight more are asked for: take addresses right before the operation. */
  address(array: ArrayBufferView): number;
  attach(block: Float64Array): void;
  threads(wanted: number): number;
  /** 0 bytes in use, 1 bytes kept for reuse, 2 buffers, 3 most bytes in use, 4 bytes of packed weights. */
  memory(which: number): number;
  /** Gives memory kept for reuse back to the system and starts the high-water mark anew. */
  trim(): void;
  instructionSet(limit: number): number;
  features(): string[];
}

const ARGUMENTS = 8192;
const addonSets = ['portable', 'avx2', 'avx512'] as const;
/** The last two are WebAssembly's; relaxed SIMD has fused multiply-adds. */
export type InstructionSet = (typeof addonSets)[number] | 'simd128' | 'relaxed-simd';

/**
 * What computes: the addon, or the same sources as WebAssembly (../wasm/engine.ts). Write numbers into `args`, then
 * `run(operation)`. The functions that are properties may be taken out of the engine as variables.
 */
export interface Engine {
  readonly name: 'native' | 'wasm';
  /** Numbers of the operations by name. */
  readonly op: Readonly<Record<string, number>>;
  readonly args: Float64Array;
  run: (operation: number) => number;
  readonly allocate: (bytes: number) => number;
  readonly release: (address: number) => void;
  readonly read: (address: number, into: ArrayBufferView) => void;
  readonly write: (address: number, from: ArrayBufferView) => void;
  /**
   * Address for the very next operation of an array of JavaScript's that the operation only reads. At most eight
   * arrays an operation. A copy where the engine has a memory of its own.
   */
  readonly input: (array: ArrayBufferView) => number;
  /** The same for an array that the operation fills; what it held may be invisible to the operation. */
  readonly output: (array: ArrayBufferView) => number;
  /** The same for an array that the operation reads and writes. Prefer `input` and `output`: they copy once. */
  readonly address: (array: ArrayBufferView) => number;
  /** Bytes in use (0), bytes kept for reuse (1), buffers (2), most bytes in use (3), bytes of packed weights (4). */
  readonly memory: (which: number) => number;
  /** Gives memory kept for reuse back to the system where that is possible; starts the high-water mark anew. */
  readonly trim: () => void;
  /** Sets the number of threads unless `wanted` is 0; returns it. */
  threads(wanted: number): number;
  /** Chooses the best instruction set not above `limit`; returns it. */
  instructionSet(limit: InstructionSet): InstructionSet;
  features(): string[];
}

const engines = new Map<string, Engine>();

/** Makes a loaded engine known to the functions below, by the name of its tfjs backend. */
export function registerEngine(engine: Engine): void {
  engines.set(engine.name, engine);
}

/** The engine of the current tfjs backend; when that has none, the best that is loaded. */
function currentEngine(): Engine | undefined {
  return engines.get(tf.getBackend()) ?? engines.get('native') ?? engines.get('wasm');
}

/** Loads the addon once; throws what makes it impossible, in one line. */
export function loadEngine(): Engine {
  const loaded = engines.get('native');
  if (loaded !== undefined) return loaded;
  const file = addonPath();
  if (!existsSync(file)) {
    throw new Error('not built from the present sources; npm run build:native builds it or says why not');
  }
  const addon = createRequire(import.meta.url)(file) as Addon;
  const args = new Float64Array(ARGUMENTS);
  addon.attach(args);
  addon.threads(wantedThreads());
  const { run, allocate, release, read, write, memory, trim } = addon;
  const address = keeping(addon.address);
  const engine: Engine = {
    name: 'native',
    op: addon.operations,
    args,
    run,
    allocate,
    release,
    read,
    write,
    input: address,
    output: address,
    address,
    memory,
    trim,
    threads: addon.threads,
    instructionSet: (limit) =>
      addonSets[addon.instructionSet(Math.max(0, addonSets.indexOf(limit as 'portable')))]!,
    features: addon.features,
  };
  registerEngine(engine);
  return engine;
}

/** More than any operation takes arrays of JavaScript's. */
const KEPT = 8;

/**
 * An address is only a number: the array behind it could be collected before the operation runs, even one held
 * in a local variable, since compiled code forgets variables after their last use. So the last few stay held.
 */
function keeping(address: Addon['address']): Addon['address'] {
  const kept = new Array<ArrayBufferView | undefined>(KEPT).fill(undefined);
  let next = 0;
  return (array) => {
    kept[next] = array;
    next = (next + 1) % KEPT;
    return address(array);
  };
}

const MOST_THREADS = 256;

/** INTERPLAY_THREADS, else the number of cores. @throws THREADS */
export function wantedThreads(): number {
  const text = process.env.INTERPLAY_THREADS;
  if (text === undefined || text === '') return Math.min(availableParallelism(), MOST_THREADS);
  const wanted = Number(text);
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= MOST_THREADS) return wanted;
  throw userError('THREADS', `INTERPLAY_THREADS from 1 to ${MOST_THREADS}`, text, 'correct or unset it');
}

/** Threads the current engine computes with; 1 when none is loaded. */
export function threadCount(): number {
  return currentEngine()?.threads(0) ?? 1;
}

/** Sets the number of threads of the current engine. Results do not depend on it. @throws THREADS */
export function setThreadCount(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > MOST_THREADS) {
    throw userError(
      'THREADS',
      `a number of threads from 1 to ${MOST_THREADS}`,
      String(count),
      'give another',
    );
  }
  (currentEngine() ?? loadEngine()).threads(count);
}

/** The current engine's instruction set; `limit` forbids better ones (tests run every set this machine has). */
export function instructionSet(limit: InstructionSet = 'avx512'): InstructionSet {
  return (currentEngine() ?? loadEngine()).instructionSet(limit);
}

/** Vector extensions of this machine as the current engine sees them; empty when none is loaded. */
export function cpuFeatures(): string[] {
  return currentEngine()?.features() ?? [];
}

/** Time per operation of the current engine while `work` runs, slowest first: `[{operation, calls, milliseconds}]`. */
export function profileOperations(
  work: () => void,
): { operation: string; calls: number; milliseconds: number }[] {
  const current = currentEngine() ?? loadEngine();
  const names = Object.keys(current.op);
  const calls = new Array<number>(names.length).fill(0);
  const spent = new Array<number>(names.length).fill(0);
  const { run } = current;
  current.run = (operation) => {
    const start = performance.now();
    const value = run(operation);
    spent[operation]! += performance.now() - start;
    calls[operation]!++;
    return value;
  };
  try {
    work();
  } finally {
    current.run = run;
  }
  return names
    .map((operation, i) => ({ operation, calls: calls[i]!, milliseconds: spent[i]! }))
    .filter((row) => row.calls > 0)
    .sort((a, b) => b.milliseconds - a.milliseconds);
}
