/**
 * What changed between two evaluations of the same tasks: differences of pass@k, problem by problem, with intervals
 * from a bootstrap over problems. The same problems are drawn for both, so that how hard they are cancels: an interval
 * of the difference is far narrower than the two intervals side by side suggest (METHODS §8).
 */
import { userError } from '../core/errors.ts';
import { randomFamily } from '../core/random.ts';
import { bootstrapMeans, DEFAULT_REPLICATES, type Estimate } from './bootstrap.ts';
import { DEFAULT_RANGES, groupRows, type OpRanges } from './metrics.ts';
import { passAtK } from './passAtK.ts';
import {
  countSample,
  emptyTally,
  type SampleRow,
  type Tallies,
  type TaskFacts,
  type TaskTally,
  VERIFIERS,
  type Verifier,
} from './tally.ts';

/** What problems are grouped by. */
export type GainGrouping = 'overall' | 'op' | 'range' | 'context' | 'mode';

/** One difference of means. */
export interface Gain {
  by: GainGrouping;
  /** Op, range, context or mode; `all` of `overall`. */
  group: string;
  verifier: Verifier;
  k: number;
  /** pass@k of both, in [0, 1]; NaN when a problem has fewer than k samples. */
  before: number;
  after: number;
  /** after − before, with its paired interval. */
  gain: number;
  low: number;
  high: number;
  /** Problems, and different graphs among them: what the bootstrap draws. */
  n: number;
  clusters: number;
}

export interface GainOptions {
  k: readonly number[];
  /** Of the bootstrap. */
  seed: number;
  /** Default {@link DEFAULT_RANGES}. */
  ranges?: OpRanges;
  /** Default all. */
  verifiers?: readonly Verifier[];
  /** Default all but `mode`. */
  by?: readonly GainGrouping[];
  replicates?: number;
  /** Tasks that have no sample in one or the other; they make the statistics of their groups NaN. */
  without?: { before?: readonly TaskFacts[]; after?: readonly TaskFacts[] };
}

interface Pair {
  task: TaskFacts;
  before: TaskTally;
  after: TaskTally;
}

const GROUPINGS = ['overall', 'range', 'op', 'context'] as const satisfies readonly GainGrouping[];

/**
 * pass@k of `after` minus that of `before`, for all groups, verifiers and k. The order of rows does not matter; the
 * numbers of samples may differ.
 * @throws userError GAIN_TASKS when the two do not hold the same tasks; METRICS_ROWS when a sample is there twice
 */
export function pairedGains(
  before: Iterable<SampleRow>,
  after: Iterable<SampleRow>,
  options: GainOptions,
): Gain[] {
  const { without = {} } = options;
  const pairs = paired(tallied(before, without.before), tallied(after, without.after));
  return (options.by ?? GROUPINGS).flatMap((by) =>
    groupsOf(by, pairs, options.ranges ?? DEFAULT_RANGES).flatMap(([group, members]) =>
      gainsOf(by, group, members, options),
    ),
  );
}

function tallied(rows: Iterable<SampleRow>, without: readonly TaskFacts[] = []): Tallies {
  const tallies: Tallies = new Map();
  for (const row of rows) countSample(tallies, row);
  for (const [id, { indices }] of tallies) {
    if (new Set(indices).size === indices.length) continue;
    const got = `task ${id} with a sample index twice`;
    throw userError('METRICS_ROWS', 'one row per task and sample', got, 'remove repeats');
  }
  for (const task of without) if (!tallies.has(task.task_id)) tallies.set(task.task_id, emptyTally(task));
  return tallies;
}

/** In the order of the ids, so that the order of rows cannot change the bootstrap's draws. */
function paired(before: Tallies, after: Tallies): Pair[] {
  const ids = [...before.keys()].sort((a, b) => (a < b ? -1 : 1));
  const common = ids.filter((id) => after.has(id));
  if (common.length === 0 || common.length < before.size || common.length < after.size) {
    throw userError(
      'GAIN_TASKS',
      'two evaluations of the same tasks',
      `${before.size} and ${after.size} tasks, ${common.length} of them in both`,
      'evaluate both models on one task file',
    );
  }
  return common.map((id) => {
    const pair = { before: before.get(id)!, after: after.get(id)! };
    return { task: sameTask(pair.before.task, pair.after.task), ...pair };
  });
}

/** Ids may be no more than line numbers: the task must be the same by all that is known of it. */
function sameTask(before: TaskFacts, after: TaskFacts): TaskFacts {
  const facts = { ...after, ...before };
  for (const name of ['op', 'template', 'mode', 'fingerprint'] as const) {
    if ((after[name] ?? facts[name]) === facts[name]) continue;
    throw userError(
      'GAIN_TASKS',
      'two evaluations of the same tasks',
      `task ${before.task_id} with ${name} ${before[name]} and ${after[name]}`,
      'evaluate both models on one task file',
    );
  }
  return facts;
}

function groupsOf(by: GainGrouping, pairs: readonly Pair[], ranges: OpRanges): [string, Pair[]][] {
  if (by === 'overall') return [['all', [...pairs]]];
  if (by === 'range') {
    return Object.entries(ranges).flatMap(([name, [low, high]]): [string, Pair[]][] => {
      const members = pairs.filter(({ task }) => task.op >= low && task.op <= high);
      return members.length === 0 ? [] : [[name, members]];
    });
  }
  const key = { op: 'op', context: 'template', mode: 'mode' } as const;
  const groups = groupRows(pairs, ({ task }) => String(task[key[by]]));
  return [...groups].sort(([a], [b]) => (by === 'op' ? Number(a) - Number(b) : a < b ? -1 : 1));
}

function gainsOf(
  by: GainGrouping,
  group: string,
  pairs: readonly Pair[],
  { k: ks, seed, verifiers = VERIFIERS, replicates = DEFAULT_REPLICATES }: GainOptions,
): Gain[] {
  const statistics = verifiers.flatMap((verifier) => ks.map((k) => ({ verifier, k })));
  const passes = (side: 'before' | 'after') =>
    statistics.map(({ verifier, k }) =>
      pairs.map((pair) => passAtK(pair[side].indices.length, pair[side].right[verifier], k)),
    );
  const before = passes('before');
  const after = passes('after');
  const differences = after.map((column, s) => column.map((value, i) => value - before[s]![i]!));
  const clusters = pairs.map(({ task }) => task.fingerprint ?? task.task_id);
  const streams = randomFamily('bootstrap', seed, `gain:${by}:${group}`);
  // Shares are what bootstrapMeans knows: where everything is lost it is asked for the loss, which has Wilson's margin.
  const lost = differences.map((column) => column.every((difference) => difference === -1));
  const shares = differences.map((column, s) => (lost[s] ? column.map((difference) => -difference) : column));
  const estimates = bootstrapMeans(shares, { streams, replicates, clusters });
  return statistics.map(({ verifier, k }, s) => {
    const { value: gain, low, high, n } = lost[s] ? mirrored(estimates[s]!) : estimates[s]!;
    // No difference anywhere leaves room on both sides: Wilson's margin, which bootstrapMeans gives above 0 only.
    const same = differences[s]!.every((difference) => difference === 0);
    return {
      by,
      group,
      verifier,
      k,
      before: mean(before[s]!),
      after: mean(after[s]!),
      gain,
      low: same ? -high : low,
      high,
      n,
      clusters: new Set(clusters).size,
    };
  });
}

const mirrored = ({ value, low, high, n }: Estimate): Estimate => ({
  value: -value,
  low: -high,
  high: -low,
  n,
});

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
