/** Metrics as tables in long form: one row per number, ready for figures and files. */
import { type ColumnTable, from } from 'arquero';
import type { Estimate, GroupMetrics, Metrics, Verifier } from '../evaluate/index.ts';
import { VERIFIERS } from '../evaluate/index.ts';

/** What the rows of a frame are split by. */
export type Grouping = 'op' | 'range' | 'context' | 'mode' | 'overall';

/** Columns of {@link passAtKFrame}, beside the one named after the grouping. */
export interface PassAtKRow {
  verifier: Verifier;
  k: number;
  /** In [0, 1]; NaN when a problem has fewer than k samples. */
  value: number;
  low: number;
  high: number;
  /** Problems. */
  n: number;
  /** Different graphs among them; below about 20, intervals of shares near 0 or 1 are too narrow. */
  clusters: number;
}

/** Columns of {@link errorTypesFrame} and {@link firstErrorsFrame}, beside the grouping's. */
export interface ShareRow {
  type: string;
  /** Share of samples, in [0, 1]. */
  share: number;
  low: number;
  high: number;
  /** Problems. */
  n: number;
  /** Different graphs among them. */
  clusters: number;
  samples: number;
}

export interface FrameOptions {
  /** Default `op`. */
  by?: Grouping;
}

/**
 * pass@k with intervals. Columns: the grouping (`op` a number, others a text), then {@link PassAtKRow}'s.
 * `verifiers` defaults to all three.
 */
export function passAtKFrame(
  metrics: Metrics,
  { by = 'op', verifiers = VERIFIERS }: FrameOptions & { verifiers?: readonly Verifier[] } = {},
): ColumnTable {
  return frameOf(metrics, by, (group) =>
    verifiers.flatMap((verifier) =>
      Object.entries(group.pass_at_k[verifier]).map(
        ([k, estimate]): PassAtKRow => ({
          verifier,
          k: Number(k),
          ...numbers(estimate),
          clusters: group.clusters,
        }),
      ),
    ),
  );
}

/**
 * Share of samples with each type of error, and of those that are `correct` by our verifier. Types do not
 * exclude each other. Columns: the grouping, then {@link ShareRow}'s.
 */
export function errorTypesFrame(metrics: Metrics, { by = 'op' }: FrameOptions = {}): ColumnTable {
  return frameOf(metrics, by, (group) => [
    shareRow('correct', group.verified, group),
    ...shareRows(group.errors, group),
  ]);
}

/**
 * Share of samples by the kind of their first failing step (exclusive); `none` is the rest: no step fails.
 * Columns: the grouping, then {@link ShareRow}'s.
 */
export function firstErrorsFrame(metrics: Metrics, { by = 'op' }: FrameOptions = {}): ColumnTable {
  return frameOf(metrics, by, (group) => [
    shareRow('none', group.no_failing_step, group),
    ...shareRows(group.first_errors, group),
  ]);
}

function frameOf(metrics: Metrics, by: Grouping, rowsOf: (group: GroupMetrics) => object[]): ColumnTable {
  const groups: Record<string, GroupMetrics> =
    by === 'overall' ? { all: metrics.overall } : metrics[`by_${by}` as const];
  return from(
    Object.entries(groups).flatMap(([name, group]) =>
      rowsOf(group).map((row) => ({ [by]: by === 'op' ? Number(name) : name, ...row })),
    ),
  );
}

function shareRows(estimates: Record<string, Estimate>, group: GroupMetrics): ShareRow[] {
  return Object.entries(estimates).map(([type, estimate]) => shareRow(type, estimate, group));
}

function shareRow(type: string, estimate: Estimate, { clusters, samples }: GroupMetrics): ShareRow {
  const { value, low, high, n } = numbers(estimate);
  return { type, share: value, low, high, n, clusters, samples };
}

/** Metrics read from a file have null where they were NaN. */
function numbers({ value, low, high, n }: Estimate): Estimate {
  return { value: value ?? Number.NaN, low: low ?? Number.NaN, high: high ?? Number.NaN, n };
}
