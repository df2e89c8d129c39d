/**
 * Speed of the task generator: tasks drawn, rendered and serialised as JSON lines, per second of CPU time on one
 * core. The public reference was measured the same way (CPU seconds, its best settings) on another day and
 * machine state; its numbers are the peer.
 */
import { createTaskSource } from '../src/tasks/index.ts';
import type { BenchmarkRow } from './table.ts';

/** Forward problems per CPU second and core of the reference, three contexts pooled (PAPER.md §1.13). */
const REFERENCE: Readonly<Record<string, number>> = { 2: 145.9, 5: 516.4, 10: 126.4, 15: 100.9, 20: 71.5 };

/** Least speed that we hold ourselves to. */
const LIMITS: Readonly<Record<string, number>> = { '2-10': 20_000, 20: 8_000 };

const ROUNDS = 5;
const TASKS = 4_000;

/** Runs the benchmark: seconds of work on one core. The best round counts: others share the machine. */
export function generateBenchmark(): BenchmarkRow[] {
  const rows = ['2-10', '2', '5', '10', '15', '20'].map((ops) => {
    const ours = measure('paper', ops);
    const peer = REFERENCE[ops] ?? null;
    return {
      work: `forward, op ${ops}`,
      ours,
      unit: 'tasks/s',
      peer,
      peer_name: peer === null ? null : 'reference, measured elsewhere',
      ratio: peer === null ? null : ours / peer,
      limit: LIMITS[ops] ?? null,
    };
  });
  return [
    ...rows,
    {
      work: 'forward, micro world, op 2-6',
      ours: measure('micro', '2-6'),
      unit: 'tasks/s',
      peer: null,
      peer_name: null,
      ratio: null,
      limit: null,
    },
  ];
}

function measure(world: string, ops: string): number {
  const source = createTaskSource({ world, ops });
  let best = 0;
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < TASKS; i++) bytes += JSON.stringify(source.at(round * TASKS + i)).length;
    const { user, system } = process.cpuUsage(before);
    best = Math.max(best, (TASKS / (user + system)) * 1e6);
  }
  return bytes > 0 ? best : Number.NaN;
}
