/**
 * Where the time of some work goes, by native kernel: matrix products by shape, everything else by name, what the
 * addon does besides kernels, and the rest, which is JavaScript. The lines add up to the whole.
 */
import { currentNative } from '../src/backend/native/backend.ts';
import type { Engine } from '../src/backend/native/engine.ts';
import { internalError } from '../src/core/index.ts';
import { floatingPointOperations, productName } from './products.ts';

export interface ProfileLine {
  kernel: string;
  calls: number;
  milliseconds: number;
  /** Floating-point operations of all calls; undefined for what is no matrix product. */
  operations: number | undefined;
}

export interface Profile {
  lines: ProfileLine[];
  /** Milliseconds of the whole work, lines included. */
  total: number;
  /** Pages that the system had to give the process. */
  pageFaults: number;
}

/** Runs of the work; the one of median duration is shown. */
const RUNS = 7;
const REST = 'JavaScript and engine';

/** The addon's functions that take time besides `run`. */
const services = ['allocate', 'release', 'read', 'write'] as const;

/** Profiles the work (after it has run once to warm up) and lays out the table. */
export function profile(title: string, work: () => void, peak: number | null): string {
  const engine = currentNative()?.engine;
  if (engine === undefined) return `${title}: there is a profile of the native backend only`;
  work();
  const runs = Array.from({ length: RUNS }, () => record(engine, work));
  const middle = runs.toSorted((a, b) => a.total - b.total)[RUNS >> 1]!;
  return `${title}, by kernel (the median of ${RUNS} runs)\n${layOut(middle, peak)}`;
}

/** One run of the work, kernel by kernel; what is left of the total comes last. */
export function record(engine: Engine, work: () => void): Profile {
  const stop = watch(engine);
  try {
    work();
  } finally {
    stop();
  }
  return stop();
}

/**
 * Notes every call of the engine from now on. The function that it returns ends that and gives the profile (the same
 * one when called again), so that work with pauses can be watched, too.
 */
export function watch(engine: Engine): () => Profile {
  const lines = new Map<string, ProfileLine>();
  const names = new Map(Object.entries(engine.op).map(([name, number]) => [number, name]));
  const { run, allocate, release, read, write } = engine;
  const add = (kernel: string, started: number, operations?: number) => {
    const milliseconds = performance.now() - started;
    const line = lines.get(kernel);
    if (line === undefined) {
      lines.set(kernel, { kernel, calls: 1, milliseconds, operations });
      return;
    }
    line.calls++;
    line.milliseconds += milliseconds;
    if (operations !== undefined) line.operations = (line.operations ?? 0) + operations;
  };
  engine.run = (operation) => {
    const { label, operations } = describe(names.get(operation) ?? `operation ${operation}`, engine.args);
    const started = performance.now();
    const value = run(operation);
    add(label, started, operations);
    return value;
  };
  for (const service of services) {
    const original = engine[service] as (...values: unknown[]) => unknown;
    (engine as Record<(typeof services)[number], unknown>)[service] = (...values: unknown[]) => {
      const started = performance.now();
      const value = original(...values);
      add(service, started);
      return value;
    };
  }
  const faults = process.resourceUsage().minorPageFault;
  const started = performance.now();
  let found: Profile | undefined;
  return () => {
    if (found !== undefined) return found;
    const total = performance.now() - started;
    Object.assign(engine, { run, allocate, release, read, write });
    const sorted = [...lines.values()].sort((a, b) => b.milliseconds - a.milliseconds);
    const inside = sorted.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    // Kernels run one after another inside the work; a sum above it would mean that something is counted twice.
    if (inside > total) throw internalError(`kernels took ${inside} ms of ${total} ms`);
    sorted.push({ kernel: REST, calls: 1, milliseconds: total - inside, operations: undefined });
    found = { lines: sorted, total, pageFaults: process.resourceUsage().minorPageFault - faults };
    return found;
  };
}

/** Share of the time that kernels took: neither the engine's services nor JavaScript. */
export function arithmeticShare({ lines, total }: Profile): number {
  const other = new Set<string>([REST, ...services]);
  return lines.reduce((sum, line) => sum + (other.has(line.kernel) ? 0 : line.milliseconds), 0) / total;
}

/** The line that a call belongs to, from its arguments where the operation is known to be a matrix product. */
function describe(name: string, args: Float64Array): { label: string; operations: number | undefined } {
  const at = (index: number) => args[index]!;
  if (name === 'gemm') {
    const product = { m: at(0), n: at(1), k: at(2), transposeA: at(6) === 1, transposeB: at(7) === 1 };
    const batch = at(8);
    return {
      label: `gemm ${productName(product)}${batch === 1 ? '' : ` (${batch}×)`}`,
      operations: batch * floatingPointOperations(product),
    };
  }
  return { label: name, operations: undefined };
}

/** Lines of text; FLOP/s only of matrix products. */
export function layOut({ lines, total, pageFaults }: Profile, peak: number | null): string {
  const width = Math.max(...lines.map(({ kernel }) => kernel.length));
  const text = lines.map(({ kernel, calls, milliseconds, operations }) => {
    const share = ((100 * milliseconds) / total).toFixed(1).padStart(5);
    const beginning = `  ${kernel.padEnd(width)} ${milliseconds.toFixed(3).padStart(10)} ms ${share} %`;
    if (kernel === REST) return beginning;
    const count = `${beginning} ${String(calls).padStart(6)} calls`;
    if (operations === undefined) return count;
    const rate = (1000 * operations) / milliseconds;
    const ofPeak = peak === null ? '' : `, ${((100 * rate) / peak).toFixed(0)} % of the peak`;
    return `${count} ${(rate / 1e9).toFixed(1).padStart(7)} GFLOP/s${ofPeak}`;
  });
  text.push(
    `  ${'sum'.padEnd(width)} ${total.toFixed(3).padStart(10)} ms 100.0 %, ${pageFaults} page faults`,
  );
  return text.join('\n');
}
