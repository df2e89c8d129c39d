/** Learning-rate schedules: warm-up and cosine, constant, or warm-up, stable, decay. */

export const SCHEDULES = ['cosine', 'constant', 'wsd'] as const;
export const DECAY_SHAPES = ['linear', 'sqrt'] as const;

/** All lengths are in the unit of the argument of {@link learningRate} (steps, tokens). */
export interface Schedule {
  /**
   * After a linear warm-up, `cosine` falls in a half cosine to the floor (Loshchilov & Hutter 2017; PAPER §4.1),
   * `constant` stays at the peak, and `wsd` stays there until `decay` before the end and then falls to the floor
   * (warm-up, stable, decay: Hu et al. 2024, MiniCPM).
   */
  kind: (typeof SCHEDULES)[number];
  /** Highest rate, reached at the end of the warm-up. */
  peak: number;
  /** Rate of the last step; `constant` has none. */
  floor: number;
  /** Where the warm-up ends. */
  warmup: number;
  /** Where the schedule ends, warm-up included. */
  total: number;
  /** Length of the decay of `wsd`. */
  decay: number;
  /** Its form: `linear`, or `sqrt` for 1 − √progress (Hägele et al. 2024). */
  decayShape: (typeof DECAY_SHAPES)[number];
}

/**
 * Rate of the update that brings the run to `at` (steps or tokens, counted from 1): at/warm-up of the peak during
 * the warm-up, the peak at its end, and what {@link Schedule} says after it; the last rate from the end on.
 */
export function learningRate(schedule: Schedule, at: number): number {
  const { kind, peak, floor, warmup, total, decay, decayShape } = schedule;
  if (at <= warmup) return (peak * at) / warmup;
  if (kind === 'constant') return peak;
  if (at >= total) return total <= warmup ? peak : floor;
  if (kind === 'cosine') {
    const progress = (at - warmup) / (total - warmup);
    return floor + 0.5 * (peak - floor) * (1 + Math.cos(Math.PI * progress));
  }
  const progress = (at - (total - decay)) / decay;
  if (!(progress > 0)) return peak; // also without any decay
  return floor + (peak - floor) * (1 - (decayShape === 'linear' ? progress : Math.sqrt(progress)));
}
