/**
 * Intervals for means over problems by the percentile bootstrap: problems (or clusters of related problems) are
 * drawn with replacement, never the samples of a problem, whose noise is already in each problem's value.
 * Resampling those as well biases pass@k low.
 *
 * Percentiles of few units lie too close together, so they are expanded as Student's interval is beside the normal one
 * (Hesterberg 2015, The American Statistician 69:371); with hundreds of units that changes nothing to speak of.
 */
import { internalError } from '../core/errors.ts';
import type { RandomFamily } from '../core/random.ts';

/** A mean over problems with its interval; NaN where undefined. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
  /** Problems. */
  n: number;
}

export interface BootstrapOptions {
  /** Replicate r draws from `streams.at(r)`. */
  streams: RandomFamily;
  /** Default 1000. */
  replicates?: number;
  /** Coverage aimed at, default 0.95. */
  level?: number;
  /** Cluster of each problem; whole clusters are drawn. Default: every problem alone. */
  clusters?: readonly (string | number)[];
}

export const DEFAULT_REPLICATES = 1000;
export const DEFAULT_LEVEL = 0.95;

/**
 * Means and intervals of several statistics of the same problems (`columns[s][problem]`, values in [0, 1]). All
 * statistics share their draws, so their intervals can be compared.
 * A column with a NaN has no mean and no interval; one problem (or cluster) has no interval. When all values are
 * 0, or all are 1, the bootstrap would give a point: then the interval is Wilson's for n problems of n.
 */
export function bootstrapMeans(
  columns: readonly ArrayLike<number>[],
  { streams, replicates = DEFAULT_REPLICATES, level = DEFAULT_LEVEL, clusters }: BootstrapOptions,
): Estimate[] {
  const n = columns[0]?.length ?? 0;
  if (columns.some((column) => column.length !== n) || (clusters !== undefined && clusters.length !== n)) {
    throw internalError('columns and clusters of one length expected');
  }
  const { sums, sizes } = clusterSums(columns, n, clusters);
  const units = sizes.length;
  const replicateMeans = columns.map(() => new Float64Array(replicates));
  if (units > 1) {
    const drawn = new Uint32Array(units);
    for (let r = 0; r < replicates; r++) {
      const stream = streams.at(r);
      drawn.fill(0);
      for (let i = 0; i < units; i++) drawn[stream.below(units)]!++;
      const size = dot(drawn, sizes);
      sums.forEach((column, s) => {
        replicateMeans[s]![r] = dot(drawn, column) / size;
      });
    }
  }
  const tail = units < 2 ? Number.NaN : tailShare(units, level);
  return columns.map((column, s): Estimate => {
    const value = mean(column);
    if (units < 2 || Number.isNaN(value)) return { value, low: Number.NaN, high: Number.NaN, n };
    if (isAll(column, 0)) return { value, low: 0, high: wilsonMargin(units, level), n };
    if (isAll(column, 1)) return { value, low: 1 - wilsonMargin(units, level), high: 1, n };
    const sorted = replicateMeans[s]!.sort();
    return { value, low: quantile(sorted, tail), high: quantile(sorted, 1 - tail), n };
  });
}

/** Sums per cluster and cluster sizes; without clusters the values themselves and ones. */
function clusterSums(
  columns: readonly ArrayLike<number>[],
  n: number,
  clusters: readonly (string | number)[] | undefined,
): { sums: ArrayLike<number>[]; sizes: ArrayLike<number> } {
  if (clusters === undefined) return { sums: [...columns], sizes: new Float64Array(n).fill(1) };
  const index = new Map<string | number, number>();
  for (const cluster of clusters) if (!index.has(cluster)) index.set(cluster, index.size);
  const sizes = new Float64Array(index.size);
  const sums = columns.map(() => new Float64Array(index.size));
  clusters.forEach((cluster, i) => {
    const unit = index.get(cluster)!;
    sizes[unit]!++;
    columns.forEach((column, s) => {
      sums[s]![unit]! += column[i]!;
    });
  });
  return { sums, sizes };
}

function dot(counts: Uint32Array, values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += counts[i]! * values[i]!;
  return sum;
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return values.length === 0 ? Number.NaN : sum / values.length;
}

function isAll(values: ArrayLike<number>, value: number): boolean {
  for (let i = 0; i < values.length; i++) if (values[i] !== value) return false;
  return true;
}

/** Quantile of sorted values with linear interpolation. */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}

/** Share of the replicates beyond each end of the interval: Φ(−√(n/(n−1))·t), (1 − level)/2 for many units. */
function tailShare(units: number, level: number): number {
  const t = studentQuantile(units - 1, (1 + level) / 2);
  return 1 - normalBelow(Math.sqrt(units / (units - 1)) * t);
}

/** Quantile p > 0.5 of Student's t. */
export const studentQuantile = (freedom: number, p: number): number =>
  upperQuantile((x) => studentBelow(x, freedom), p);

/** Upper end of Wilson's score interval for 0 of n: z² / (n + z²). */
function wilsonMargin(n: number, level: number): number {
  const z = upperQuantile(normalBelow, (1 + level) / 2);
  return (z * z) / (n + z * z);
}

/** Where a distribution function reaches p > 0.5, by bisection. */
function upperQuantile(below: (x: number) => number, p: number): number {
  let low = 0;
  let high = 1;
  while (below(high) < p) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (below(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Distribution function of Student's t for t ≥ 0, in closed form (Abramowitz & Stegun 26.7.3 and 26.7.4). */
function studentBelow(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const cos2 = Math.cos(angle) ** 2;
  const odd = freedom % 2;
  let term = odd === 1 ? Math.cos(angle) : 1;
  let sum = 0;
  for (let i = odd; i <= freedom - 2; i += 2) {
    sum += term;
    term *= (cos2 * (i + 1)) / (i + 2);
  }
  const inside = odd === 1 ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
  return (1 + inside) / 2;
}

/** Φ(x) for x ≥ 0 by its series ½ + φ(x)·(x + x³/3 + x⁵/15 + …), exact to rounding. */
function normalBelow(x: number): number {
  if (x > 9) return 1; // to double precision
  let term = x;
  let sum = x;
  for (let i = 3; term > sum * 1e-17 && i < 1000; i += 2) {
    term *= (x * x) / i;
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}
