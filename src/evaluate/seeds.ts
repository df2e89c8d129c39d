/** Statistics over runs that differ in their seed alone: what a single run, and a bootstrap over its problems, cannot tell. */
import { studentQuantile } from './bootstrap.ts';

export interface SeedMean {
  mean: number;
  /** Ends of the interval; NaN for a single run, which says nothing about others. */
  low: number;
  high: number;
  /** Standard deviation between runs, n − 1 below; NaN for one. */
  sd: number;
  /** Runs. */
  n: number;
}

/**
 * Mean over runs with Student's interval, mean ± t(n − 1)·sd/√n: with three runs it is 2.5 standard deviations wide to each
 * side. One value per run; a paired comparison gives the differences.
 * @param level coverage, default 0.95
 */
export function meanOverSeeds(values: readonly number[], level = 0.95): SeedMean {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n < 2) return { mean, low: Number.NaN, high: Number.NaN, sd: Number.NaN, n };
  const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
  const margin = (studentQuantile(n - 1, (1 + level) / 2) * sd) / Math.sqrt(n);
  return { mean, low: mean - margin, high: mean + margin, sd, n };
}
