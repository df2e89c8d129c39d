/** Advantages: how much better a response was rewarded than the other responses to the same prompt. */
import { internalError } from '../core/errors.ts';
import type { AdvantageOptions } from './options.ts';

/**
 * Advantage of every response, from the rewards of each group (one prompt's responses):
 * A = (r − baseline) / (deviation + ε); docs/rl.md says where each variant comes from. A reward of NaN, a response that
 * could not be scored, counts for nobody's baseline or deviation and has advantage 0. In a group of equal rewards every
 * advantage is exactly 0, whatever rounding makes of the mean.
 *
 * @param groups rewards by group; groups may differ in size
 * @returns advantages in the same arrangement
 */
export function groupAdvantages(
  groups: readonly (readonly number[])[],
  options: AdvantageOptions,
): Float64Array[] {
  const scored = groups.map((rewards) => rewards.filter((reward) => !Number.isNaN(reward)));
  const all = scored.flat();
  if (!all.every(Number.isFinite)) throw internalError('groupAdvantages: a reward is not finite');
  const batch = options.scale === 'batch' ? deviation(all, options.std) : 1;
  return groups.map((rewards, g) => {
    const peers = scored[g]!;
    const advantages = new Float64Array(rewards.length);
    const alone = peers.length === 1 && options.single === 'reward';
    if (!alone && allEqual(peers)) return advantages;
    const baseline = alone ? 0 : mean(peers);
    // The mean of the others: r − (Σ − r)/(n − 1) = n/(n − 1) · (r − mean).
    const others = options.baseline === 'leave_one_out' && !alone ? peers.length / (peers.length - 1) : 1;
    const spread = options.scale === 'group' ? deviation(peers, options.std) : batch;
    const divisor = options.scale === 'none' ? 1 : spread + options.epsilon;
    rewards.forEach((reward, i) => {
      if (!Number.isNaN(reward)) advantages[i] = (others * (reward - baseline)) / divisor;
    });
    return advantages;
  });
}

/** Standard deviation; 1 where there is none to speak of (fewer than two values, or all equal). */
function deviation(values: readonly number[], kind: AdvantageOptions['std']): number {
  if (allEqual(values)) return 1;
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return Math.sqrt(squares / (kind === 'sample' ? values.length - 1 : values.length));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function allEqual(values: readonly number[]): boolean {
  return values.every((value) => value === values[0]);
}
