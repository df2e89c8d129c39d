/** Learning-rate schedule. */

/** Linear warm-up, then a half cosine down to the floor (PAPER §4.1). */
export interface CosineSchedule {
  /** Highest rate, reached at the end of the warm-up. */
  peak: number;
  /** Rate of the last step. */
  floor: number;
  /** Steps of warm-up. */
  warmupSteps: number;
  /** All steps, warm-up included. */
  totalSteps: number;
}

/**
 * Rate of step `step` (1-based). The first step of a warm-up of w steps gets peak/w, step w gets the peak, the
 * last step the floor. After the last step the floor stays.
 */
export function learningRate(schedule: CosineSchedule, step: number): number {
  const { peak, floor, warmupSteps, totalSteps } = schedule;
  if (step <= warmupSteps) return (peak * step) / warmupSteps;
  if (step >= totalSteps) return totalSteps <= warmupSteps ? peak : floor;
  const progress = (step - warmupSteps) / (totalSteps - warmupSteps);
  return floor + 0.5 * (peak - floor) * (1 + Math.cos(Math.PI * progress));
}
