/** Learning-rate schedule. */

/** Linear warm-up, then a half cosine down to the floor (PAPER §4.1). */
export interface CosineSchedule {
  /** Highest rate, reached at the end of the warm-up. */
  peak: number;
  /** Rate of the last step. */
  floor: number;
  /** Where the warm-up ends, in the unit of the argument (steps, tokens). */
  warmup: number;
  /** Where the schedule ends, warm-up included. */
  total: number;
}

/**
 * Rate of the update that brings the run to `at` (steps or tokens, counted from 1): at/warm-up of the peak during
 * the warm-up, the peak at its end, the floor at the end of the schedule and after it.
 */
export function learningRate(schedule: CosineSchedule, at: number): number {
  const { peak, floor, warmup, total } = schedule;
  if (at <= warmup) return (peak * at) / warmup;
  if (at >= total) return total <= warmup ? peak : floor;
  const progress = (at - warmup) / (total - warmup);
  return floor + 0.5 * (peak - floor) * (1 + Math.cos(Math.PI * progress));
}
