import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
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
const instructionSets = ['portable', 'avx2', 'avx512'] as const;
export type InstructionSet = (typeof instructionSets)[number];

/** The loaded addon with its argument block: write numbers into `args`, then `run(operation)`. */
export interface Engine
  extends Omit<Addon, 'operations' | 'threads' | 'attach' | 'instructionSet' | 'features' | 'trim'> {
  readonly op: Readonly<Record<string, number>>;
  readonly args: Float64Array;
  readonly addon: Addon;
}

let engine: Engine | undefined;

/** Loads the addon once; throws what makes it impossible, in one line. */
export function loadEngine(): Engine {
  if (engine !== undefined) return engine;
  const file = addonPath();
  if (!existsSync(file)) {
    throw new Error('not built from the present sources; npm run build:native builds it or says why not');
  }
  const addon = createRequire(import.meta.url)(file) as Addon;
  const args = new Float64Array(ARGUMENTS);
  addon.attach(args);
  addon.threads(wantedThreads());
  const { run, allocate, release, read, write, memory } = addon;
  const address = keeping(addon.address);
  engine = { op: addon.operations, args, run, allocate, release, read, write, address, memory, addon };
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

/** INTERPLAY_THREADS, else the number of cores. */
function wantedThreads(): number {
  const text = process.env.INTERPLAY_THREADS;
  if (text === undefined || text === '') return Math.min(availableParallelism(), MOST_THREADS);
  const wanted = Number(text);
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= MOST_THREADS) return wanted;
  throw userError('THREADS', `INTERPLAY_THREADS from 1 to ${MOST_THREADS}`, text, 'correct or unset it');
}

/** Threads the native backend computes with; 1 when it is not loaded. */
export function threadCount(): number {
  return engine?.addon.threads(0) ?? 1;
}

/** Sets the number of threads. Results do not depend on it. @throws THREADS */
export function setThreadCount(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > MOST_THREADS) {
    throw userError(
      'THREADS',
      `a number of threads from 1 to ${MOST_THREADS}`,
      String(count),
      'give another',
    );
  }
  loadEngine().addon.threads(count);
}

/** The instruction set in use; `limit` forbids better ones (tests run every set this machine has). */
export function instructionSet(limit: InstructionSet = 'avx512'): InstructionSet {
  return instructionSets[loadEngine().addon.instructionSet(instructionSets.indexOf(limit))]!;
}

/** Vector extensions of this machine as the native backend sees them; empty when it is not built. */
export function cpuFeatures(): string[] {
  return existsSync(addonPath()) ? loadEngine().addon.features() : [];
}

/** Time per native operation while `work` runs, slowest first: `[{operation, calls, milliseconds}]`. */
export function profileOperations(
  work: () => void,
): { operation: string; calls: number; milliseconds: number }[] {
  const current = loadEngine();
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
