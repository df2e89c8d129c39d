/**
 * Speed of the task generator: tasks drawn, rendered and serialised as JSON lines, per second of CPU time on one
 * core. The public reference was measured the same way (CPU seconds, its best settings) on another day and
 * machine state; its numbers are the peer. Last, two workers against one, by the wall clock.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTaskSource, type TaskSourceOptions, writeTasks } from '../src/tasks/index.ts';
import { type BenchmarkOptions, type BenchmarkRow, row } from './table.ts';

/** Problems per CPU second and core of the reference (PAPER.md §1.13): three contexts pooled; depth 3 in the zoo only. */
const REFERENCE: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  forward: { 2: 145.9, 5: 516.4, 10: 126.4, 15: 100.9, 20: 71.5 },
  reverse: { 2: 61.5, 5: 40.2, 10: 9.0, 15: 6.2, 20: 4.7 },
  'forward, depth 3': { 5: 95.9, 10: 84.0, 15: 60.6, 20: 24.9 },
  'reverse, depth 3': { 5: 25.2, 10: 6.5, 15: 5.8, 20: 3.2 },
};

/** Least speed that we hold ourselves to, in tasks/s. */
const LIMITS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  forward: { '2-10': 20_000, 20: 8_000 },
  reverse: { '2-10': 10_000, 20: 4_000 },
};
/** Least ratio of two workers to one. */
const TWO_WORKERS = 1.8;

const ROUNDS = 5;
const TASKS = 4_000;
/** Rounds' worth of tasks in each written file, and pairs of files: starting the workers (about 1.5 s) must not count. */
const FILE_ROUNDS = 100;
const FILE_PAIRS = 2;

/** Runs the benchmark: two minutes. `tasks` is how many each round draws, 4,000 by default. */
export async function generateBenchmark({ tasks = TASKS }: BenchmarkOptions): Promise<BenchmarkRow[]> {
  const rows: BenchmarkRow[] = [];
  for (const mode of ['forward', 'reverse']) {
    for (const ops of ['2-10', '2', '5', '10', '15', '20'])
      rows.push(speed(mode, ops, { modes: [mode] }, tasks));
  }
  for (const mode of ['forward', 'reverse']) {
    for (const ops of ['5', '10', '15', '20']) {
      const source = { modes: [mode], depths: [3], contexts: ['zoo'] };
      rows.push(speed(`${mode}, depth 3`, ops, source, tasks));
    }
  }
  rows.push(speed('forward, micro world', '2-6', { world: 'micro' }, tasks));
  rows.push(await twoWorkers(FILE_ROUNDS * tasks));
  return rows;
}

/** Tasks per CPU second; the best round counts: others share the machine. */
function speed(kind: string, ops: string, options: TaskSourceOptions, tasks: number): BenchmarkRow {
  const source = createTaskSource({ ...options, ops });
  let best = 0;
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < tasks; i++) bytes += JSON.stringify(source.at(round * tasks + i)).length;
    const { user, system } = process.cpuUsage(before);
    best = Math.max(best, (tasks / (user + system)) * 1e6);
  }
  const peer = REFERENCE[kind]?.[ops];
  return row(
    `${kind}, op ${ops}`,
    'tasks/s',
    bytes > 0 ? best : Number.NaN,
    peer === undefined ? undefined : { value: peer, name: 'reference, measured elsewhere' },
    LIMITS[kind]?.[ops] ?? null,
  );
}

/** Wall-clock speed of two workers over that of one, a file written each time; the best of each. */
async function twoWorkers(count: number): Promise<BenchmarkRow> {
  const folder = mkdtempSync(join(tmpdir(), 'interplay-generate-'));
  try {
    const seconds = async (workers: number): Promise<number> => {
      const started = performance.now();
      await writeTasks({ source: { ops: '2-10' }, count, out: join(folder, `${workers}.jsonl`), workers });
      return (performance.now() - started) / 1000;
    };
    const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let pair = 0; pair < FILE_PAIRS; pair++) {
      for (const [i, workers] of [1, 2].entries()) best[i] = Math.min(best[i]!, await seconds(workers));
    }
    const [one, two] = best as [number, number];
    const work = `two workers against one, ${count} tasks of op 2-10 written`;
    return row(work, '× as fast', one / two, undefined, TWO_WORKERS);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
