/**
 * Metrics of an evaluation, computed from its saved samples and nothing else. Every statistic is a mean over
 * problems of a per-problem value (failures count as wrong, nothing is dropped), with a bootstrap interval over
 * problems. Names are explained in docs/metrics.md.
 */
import { userError } from '../core/errors.ts';
import { randomFamily } from '../core/random.ts';
import { parseNumber } from '../verify/index.ts';
import type { Verdict } from '../verify/types.ts';
import { ERROR_TYPES, type ErrorType, FIRST_ERROR_KINDS, type FirstErrorKind } from '../verify/types.ts';
import { bootstrapMeans, DEFAULT_LEVEL, DEFAULT_REPLICATES, type Estimate } from './bootstrap.ts';
import { majAtK, passAtK, passHatK } from './passAtK.ts';

/** One judged sample: what the metrics read of a row of `samples.jsonl`. */
export type SampleRow = Pick<
  Verdict,
  'verified' | 'answer_correct' | 'process_accuracy' | 'errors' | 'first_error'
> & {
  compatible: Pick<Verdict['compatible'], 'perfect'>;
  task_id: string;
  sample_index: number;
  op: number;
  template: string;
  mode: string;
  extracted_answer?: string | null;
  /** Of the task's graph: problems over one graph are one cluster of the bootstrap. */
  fingerprint?: string;
};

/**
 * Who says that a sample is right. `verified`: every step and the answer, by our verifier; `compatible`: the
 * reference's evaluator; `answer`: the answer alone.
 */
export const VERIFIERS = ['verified', 'compatible', 'answer'] as const;
export type Verifier = (typeof VERIFIERS)[number];

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
  /** By verifier, then by k. NaN when a problem has fewer than k samples. */
  pass_at_k: Record<Verifier, Record<string, Estimate>>;
  /** pass^k: that all of k samples are right. As above. */
  pass_hat_k: Record<Verifier, Record<string, Estimate>>;
  /** maj@k: that the most frequent answer of k samples is right. By k; NaN as above. */
  maj_at_k: Record<string, Estimate>;
  /** Share of samples that are verified: mean@n by our verifier. */
  verified: Estimate;
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
export function computeMetrics(rows: readonly SampleRow[], options: MetricsOptions): Metrics {
  const k = [...options.k];
  const { seed, ranges = DEFAULT_RANGES, replicates = DEFAULT_REPLICATES } = options;
  const problems = problemsOf(rows, k);
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
function problemsOf(rows: readonly SampleRow[], ks: readonly number[]): Problem[] {
  if (rows.length === 0) {
    throw userError('METRICS_ROWS', 'at least one sample', 'none', 'sample first');
  }
  const byTask = groupRows(rows, (row) => row.task_id);
  // In the order of the ids, so that the order of the rows cannot change the bootstrap's draws.
  const ids = [...byTask.keys()].sort((a, b) => (a < b ? -1 : 1));
  return ids.map((id) => {
    const samples = byTask.get(id)!;
    const { op, template, mode, fingerprint } = samples[0]!;
    const indices = new Set(samples.map((row) => row.sample_index));
    if (indices.size < samples.length || samples.some((row) => row.op !== op)) {
      const got = indices.size < samples.length ? 'a sample index twice' : 'several ops';
      throw userError(
        'METRICS_ROWS',
        'one row per task and sample',
        `task ${id} with ${got}`,
        'remove repeats',
      );
    }
    const n = samples.length;
    const share = (has: (row: SampleRow) => boolean): number => samples.filter(has).length / n;
    const counts = VERIFIERS.map((verifier) => samples.filter((row) => isRight(row, verifier)).length);
    const values = counts.flatMap((c) => ks.map((k) => passAtK(n, c, k)));
    values.push(...counts.flatMap((c) => ks.map((k) => passHatK(n, c, k))));
    const { right, wrong, silent } = votes(samples);
    values.push(...ks.map((k) => majAtK(right, wrong, silent, k)));
    values.push(share((row) => row.verified));
    values.push(samples.reduce((sum, row) => sum + row.process_accuracy, 0) / n);
    for (const type of ERROR_TYPES) values.push(share((row) => row.errors.includes(type)));
    for (const kind of FIRST_ERROR_KINDS) values.push(share((row) => row.first_error?.kind === kind));
    values.push(share((row) => row.first_error === null));
    return { op, template, mode, samples: n, cluster: fingerprint ?? id, values };
  });
}

/** How many samples gave the right answer, each wrong one, and none. */
function votes(samples: readonly SampleRow[]): { right: number; wrong: number[]; silent: number } {
  const wrong = new Map<string, number>();
  let right = 0;
  let silent = 0;
  for (const { answer_correct, extracted_answer } of samples) {
    if (answer_correct) right++;
    else if (extracted_answer === undefined || extracted_answer === null || extracted_answer === '') silent++;
    else {
      const answer = String(parseNumber(extracted_answer) ?? extracted_answer);
      wrong.set(answer, (wrong.get(answer) ?? 0) + 1);
    }
  }
  return { right, wrong: [...wrong.values()], silent };
}

/** Whether a verifier calls the sample right. */
export function isRight(row: SampleRow, verifier: Verifier): boolean {
  if (verifier === 'verified') return row.verified;
  return verifier === 'answer' ? row.answer_correct : row.compatible.perfect;
}

function groupRows<T>(rows: readonly T[], key: (row: T) => string): Map<string, T[]> {
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
    pass_at_k: byVerifier(),
    pass_hat_k: byVerifier(),
    maj_at_k: take(ks.map(String)),
    verified: estimates[next++]!,
    process_accuracy: estimates[next++]!,
    errors: take(ERROR_TYPES),
    first_errors: take(FIRST_ERROR_KINDS),
    no_failing_step: estimates[next++]!,
  };
}
