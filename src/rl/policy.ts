/** The clipped policy term (PPO, 1707.06347; clip-higher of DAPO, 2503.14476; dual clip, 1912.09729). */
import type { ClipOptions } from './options.ts';

/** A term of the loss and its derivative by the quantity that it is a function of. */
export interface Term {
  value: number;
  slope: number;
}

/** The side on which a ratio was clipped. */
export type Clipped = 'low' | 'high' | 'dual';

/** x kept within ± limit; as it is without a limit. */
export function clamp(x: number, limit: number | null): number {
  return limit === null ? x : Math.min(limit, Math.max(-limit, x));
}

/** The importance ratio of a log-ratio, with verl's clamp. */
export function ratioOf(logRatio: number, { log_ratio_limit: limit }: ClipOptions): number {
  return Math.exp(clamp(logRatio, limit));
}

/**
 * −min(ρA, clip(ρ, 1 − low, 1 + high)·A), and for A < 0 with a dual clip c at most −cA; ρ = exp(log-ratio). The slope is
 * by the log-ratio: −ρA inside, 0 where a clip or the clamp of the log-ratio holds.
 */
export function policyTerm(
  logRatio: number,
  advantage: number,
  options: ClipOptions,
): Term & { clipped?: Clipped } {
  const ratio = ratioOf(logRatio, options);
  const { low, high, dual } = options;
  if (advantage > 0 && ratio > 1 + high) return { value: -(1 + high) * advantage, slope: 0, clipped: 'high' };
  if (advantage < 0 && dual !== null && Math.max(ratio, 1 - low) > dual) {
    return { value: -dual * advantage, slope: 0, clipped: 'dual' };
  }
  if (advantage < 0 && ratio < 1 - low) return { value: -(1 - low) * advantage, slope: 0, clipped: 'low' };
  const value = -ratio * advantage;
  return { value, slope: clamp(logRatio, options.log_ratio_limit) === logRatio ? value : 0 };
}
