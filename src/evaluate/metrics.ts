/**
 * Metrics of an evaluation, computed from its saved samples and nothing else. Every statistic is a mean over
 * problems of a per-problem value (failures count as wrong, nothing is dropped), with a bootstrap interval over
 * problems. Names are explained in docs/metrics.md.
 */
import { userError } from '../core/errors.ts';
import { randomFamily } from '../core/random.ts';
import { ERROR_TYPES, type ErrorType, FIRST_ERROR_KINDS, type FirstErrorKind } from '../verify/types.ts';
import { bootstrapMeans, DEFAULT_LEVEL, DEFAULT_REPLICATES, type Estimate } from './bootstrap.ts';
import { majAtK, passAtK, passHatK } from './passAtK.ts';
import {
  countSample,
  emptyTally,
  meanProcessAccuracy,
  type SampleRow,
  type Tallies,
  type TaskFacts,
  type TaskTally,
  VERIFIERS,
  type Verifier,
} from './tally.ts';

/** Named ranges of op, both ends included. */
export type OpRanges = Readonly<Record<string, readonly [low: number, high: number]>>;

/** In distribution, edge of the training range, and hard, as in the paper. */
export const DEFAULT_RANGES: OpRanges = { id: [2, 10], edge: [11, 14], hard: [15, 20] };

/** Statistics of a set of problems. */
export interface GroupMetrics {
  problems: number;
  /** Different graphs: what the bootstrap draws. */
  clusters: number;
  samples: number;
  /** Problems without any sample, for which nothing was tried: they make every mean of the group NaN. */
  missing: number;
  /** By verifier, then by k. NaN when a problem has fewer than k samples. */
  pass_at_k: Record<Verifier, Record<string, Estimate>>;
  /** pass^k: that all of k samples are right. As above. */
  pass_hat_k: Record<Verifier, Record<string, Estimate>>;
  /** maj@k: that the most frequent answer of k samples is right. By k; NaN as above. */
  maj_at_k: Record<string, Estimate>;
  /** Share of samples that are verified: mean@n by our verifier. */
  verified: Estimate;
  /** Share whose answer is right, whatever the steps. */
  answer_correct: Estimate;
  /** Share that the reference's evaluator accepts. */
  compatible: Estimate;
  /** Share without an answer that could be read. */
  unanswered: Estimate;
  /** Mean process accuracy. */
  process_accuracy: Estimate;
  /** Share of samples with at least one error of the type; not exclusive. */
  errors: Record<ErrorType, Estimate>;
  /** Share of samples whose first failing step is of the kind; exclusive. */
  first_errors: Record<FirstErrorKind, Estimate>;
  /** The rest: samples without a failing step (their answer may still be wrong). */
  no_failing_step: Estimate;
}

/** Content of `metrics.json` (there, NaN is null). */
export interface Metrics {
  k: number[];
  seed: number;
  ranges: OpRanges;
  interval: { method: string; level: number; replicates: number };
  overall: GroupMetrics;
  /** Keys are ops in ascending order; the other groups by name. */
  by_op: Record<string, GroupMetrics>;
  by_context: Record<string, GroupMetrics>;
  by_mode: Record<string, GroupMetrics>;
  /** Only ranges that have problems. */
  by_range: Record<string, GroupMetrics>;
}

export interface MetricsOptions {
  k: readonly number[];
  /** Default {@link DEFAULT_RANGES}. */
  ranges?: OpRanges;
  /** Of the bootstrap. */
  seed: number;
  /** Bootstrap replicates, default 1000. */
  replicates?: number;
  /** Tasks that count although they may have no sample; default those of the rows. */
  tasks?: readonly TaskFacts[];
}

interface Problem {
  op: number;
  template: string;
  mode: string;
  samples: number;
  cluster: string;
  /** One per statistic. */
  values: number[];
}

/**
 * All metrics of judged samples. The order of the rows does not matter.
 * @throws userError METRICS_ROWS when there are none, a sample is there twice, or a task has two ops
 */
export function computeMetrics(rows: Iterable<SampleRow>, options: MetricsOptions): Metrics {
  const tallies: Tallies = new Map();
  for (const row of rows) countSample(tallies, row);
  return metricsOf(tallies, options);
}

/** {@link computeMetrics} of rows that were counted one by one. */
export function metricsOf(tallies: Tallies, options: MetricsOptions): Metrics {
  const k = [...options.k];
  const { seed, ranges = DEFAULT_RANGES, replicates = DEFAULT_REPLICATES, tasks = [] } = options;
  const all = new Map(tallies);
  for (const task of tasks) if (!all.has(task.task_id)) all.set(task.task_id, emptyTally(task));
  const problems = problemsOf(all, k);
  const group = (name: string, members: readonly Problem[]): GroupMetrics =>
    groupMetrics(members, k, replicates, seed, name);
  const groupBy = (name: string, key: (problem: Problem) => string): Record<string, GroupMetrics> => {
    const members = groupRows(problems, key);
    const keys = [...members.keys()].sort((a, b) => (name === 'op' ? Number(a) - Number(b) : a < b ? -1 : 1));
    return Object.fromEntries(keys.map((value) => [value, group(`${name}:${value}`, members.get(value)!)]));
  };
  const byRange: Record<string, GroupMetrics> = {};
  for (const [name, [low, high]] of Object.entries(ranges)) {
    const members = problems.filter(({ op }) => op >= low && op <= high);
    if (members.length > 0) byRange[name] = group(`range:${name}:${low}:${high}`, members);
  }
  return {
    k,
    seed,
    ranges,
    interval: {
      method: 'expanded percentile bootstrap over problems, clustered by graph',
      level: DEFAULT_LEVEL,
      replicates,
    },
    overall: group('overall', problems),
    by_op: groupBy('op', ({ op }) => String(op)),
    by_context: groupBy('context', ({ template }) => template),
    by_mode: groupBy('mode', ({ mode }) => mode),
    by_range: byRange,
  };
}

/** Per-problem values in the order in which {@link groupMetrics} takes them. */
function problemsOf(tallies: Tallies, ks: readonly number[]): Problem[] {
  if (tallies.size === 0) throw userError('METRICS_ROWS', 'at least one sample', 'none', 'sample first');
  // In the order of the ids, so that the order of the rows cannot change the bootstrap's draws.
  const ids = [...tallies.keys()].sort((a, b) => (a < b ? -1 : 1));
  return ids.map((id) => {
    const tally = tallies.get(id)!;
    const { op, template, mode, fingerprint } = tally.task;
    const samples = tally.indices.length;
    return { op, template, mode, samples, cluster: fingerprint ?? id, values: valuesOf(tally, ks) };
  });
}

/** A task without samples has NaN everywhere. */
function valuesOf(tally: TaskTally, ks: readonly number[]): number[] {
  const n = tally.indices.length;
  const rights = VERIFIERS.map((verifier) => tally.right[verifier]);
  const wrong = [...tally.wrongAnswers.values()];
  return [
    ...rights.flatMap((c) => ks.map((k) => passAtK(n, c, k))),
    ...rights.flatMap((c) => ks.map((k) => passHatK(n, c, k))),
    ...ks.map((k) => majAtK(tally.right.answer, wrong, tally.unanswered, k)),
    tally.right.verified / n,
    tally.right.answer / n,
    tally.right.compatible / n,
    tally.unanswered / n,
    meanProcessAccuracy(tally),
    ...ERROR_TYPES.map((type) => tally.errors[type] / n),
    ...FIRST_ERROR_KINDS.map((kind) => tally.firstErrors[kind] / n),
    tally.noFailingStep / n,
  ];
}

/** Rows by a key, in the order in which keys first come. */
export function groupRows<T>(rows: readonly T[], key: (row: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const name = key(row);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return groups;
}

function groupMetrics(
  problems: readonly Problem[],
  ks: readonly number[],
  replicates: number,
  seed: number,
  name: string,
): GroupMetrics {
  const columns = problems[0]!.values.map((_, s) => Float64Array.from(problems, ({ values }) => values[s]!));
  const clusters = problems.map(({ cluster }) => cluster);
  const streams = randomFamily('bootstrap', seed, name);
  const estimates = bootstrapMeans(columns, { streams, replicates, clusters });
  let next = 0;
  const take = <K extends string>(keys: readonly K[]): Record<K, Estimate> =>
    Object.fromEntries(keys.map((key) => [key, estimates[next++]!])) as Record<K, Estimate>;
  const byVerifier = (): Record<Verifier, Record<string, Estimate>> =>
    Object.fromEntries(VERIFIERS.map((verifier) => [verifier, take(ks.map(String))])) as Record<
      Verifier,
      Record<string, Estimate>
    >;
  return {
    problems: problems.length,
    clusters: new Set(clusters).size,
    samples: problems.reduce((sum, { samples }) => sum + samples, 0),
    missing: problems.filter(({ samples }) => samples === 0).length,
    pass_at_k: byVerifier(),
    pass_hat_k: byVerifier(),
    maj_at_k: take(ks.map(String)),
    verified: estimates[next++]!,
    answer_correct: estimates[next++]!,
    compatible: estimates[next++]!,
    unanswered: estimates[next++]!,
    process_accuracy: estimates[next++]!,
    errors: take(ERROR_TYPES),
    first_errors: take(FIRST_ERROR_KINDS),
    no_failing_step: estimates[next++]!,
  };
}
