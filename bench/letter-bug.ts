/**
 * What the reference's letter bug costs: pass@k of a solver that never errs, whose letters are its own. Every gold
 * solution is told again with letters drawn uniformly, and judged by both verdicts. The table of docs/verifier.md.
 */
import { randomFamily } from '../src/core/index.ts';
import { createTaskSource, responseText } from '../src/tasks/index.ts';
import { prepareGold, verify } from '../src/verify/index.ts';
import { letterPool, renameLetters } from '../test/verify/transform.ts';
import type { BenchmarkReport, BenchmarkRow } from './table.ts';

const OPS = Array.from({ length: 19 }, (_, i) => i + 2);
const PROBLEMS = 120;
const RENAMINGS = 60;
const MODES = ['forward', 'reverse'] as const;

interface Ceiling {
  compatible: { at1: number; at128: number };
  /** Ours. */
  verified: number;
}

function ceiling(op: number, mode: string): Ceiling {
  const streams = randomFamily('letter bug', op, mode);
  const tasks = createTaskSource({ ops: [op], modes: [mode], split: 'test', seed: 1 }).take(PROBLEMS);
  const sums = { at1: 0, at128: 0 };
  let verified = 0;
  tasks.forEach((task, i) => {
    const gold = prepareGold(task);
    const stream = streams.at(i);
    let right = 0;
    for (let r = 0; r < RENAMINGS; r++) {
      const verdict = verify(gold, renameLetters(responseText(task), stream, letterPool(mode)));
      if (verdict.compatible.perfect) right++;
      if (verdict.verified) verified++;
    }
    const p = right / RENAMINGS;
    sums.at1 += p;
    // Not the unbiased estimate, which needs 128 samples; the reference's table was made in this way, too.
    sums.at128 += 1 - (1 - p) ** 128;
  });
  return {
    compatible: { at1: sums.at1 / PROBLEMS, at128: sums.at128 / PROBLEMS },
    verified: verified / (PROBLEMS * RENAMINGS),
  };
}

/** Passed when our verdict accepts every one of them. */
export async function letterBugBenchmark(): Promise<BenchmarkReport> {
  const ceilings = OPS.map((op) => {
    const [forward, reverse] = MODES.map((mode) => ceiling(op, mode)) as [Ceiling, Ceiling];
    return { op, forward, reverse };
  });
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const half = (one: { forward: Ceiling; reverse: Ceiling }, k: 'at1' | 'at128'): number =>
    mean(MODES.map((mode) => one[mode].compatible[k]));
  const lines = ceilings.map((one) =>
    [
      one.op,
      ...MODES.flatMap((mode) => [one[mode].compatible.at1, one[mode].compatible.at128].map(share)),
      share(half(one, 'at1')),
      share(half(one, 'at128')),
      share(mean(MODES.map((mode) => one[mode].verified))),
    ].join(' | '),
  );
  const head =
    'op | forward pass@1 | forward pass@128 | reverse pass@1 | reverse pass@128 | 50/50 pass@1 | 50/50 pass@128 | ours, all';
  const table = [head, head.replace(/[^|]+/g, ' --- ').trim(), ...lines].map((line) => `| ${line} |`);
  const rows = [
    [2, 10],
    [11, 14],
    [15, 20],
  ].map(([low, high]): BenchmarkRow => {
    const members = ceilings.filter(({ op }) => op >= low! && op <= high!);
    return {
      work: `flawless solver, op ${low}-${high}, half reverse, reference's verdict`,
      ours: mean(members.map((one) => half(one, 'at1'))),
      unit: 'pass@1',
      peer: null,
      peer_name: null,
      ratio: null,
      limit: null,
    };
  });
  const passed = ceilings.every(({ forward, reverse }) => forward.verified === 1 && reverse.verified === 1);
  return { rows, tables: table, passed };
}

/** Three digits, and never "1.000" for less than 1. */
function share(value: number): string {
  return value === 1 ? '1' : Math.min(value, 0.999).toFixed(3).slice(1);
}
