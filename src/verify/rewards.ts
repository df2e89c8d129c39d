/**
 * Rewards by name: pure functions of a verdict. The paper's (eq. 3, A.4): R = α·R_out + (1−α)·R_pv with
 * R_pv = ProcessAcc and no gating; strict pays the outcome only if the process is right. The `compatible-`
 * ones are what the reference's code pays (PAPER §5.3).
 */
import { userError } from '../core/errors.ts';
import type { Rewards, Verdict } from './types.ts';

/** Composite reward for the weight α ∈ [0, 1] of the outcome. */
export function compositeReward(outcome: number, process: number, alpha: number): number {
  return alpha * outcome + (1 - alpha) * process;
}

/** The rewards of a verdict record. */
export function rewardsOf(answerCorrect: boolean, processAccuracy: number): Rewards {
  const outcome = answerCorrect ? 1 : 0;
  return {
    outcome,
    process: processAccuracy,
    composite: {
      '0.2': compositeReward(outcome, processAccuracy, 0.2),
      '0.5': compositeReward(outcome, processAccuracy, 0.5),
    },
    strict: processAccuracy === 1 ? outcome : 0,
  };
}

export type Reward = (verdict: Verdict) => number;

const NAMED: Record<string, Reward> = {
  outcome: (verdict) => verdict.rewards.outcome,
  process: (verdict) => verdict.rewards.process,
  strict: (verdict) => verdict.rewards.strict,
  'compatible-outcome': (verdict) => verdict.compatible.rewards.outcome,
  'compatible-a0.2_p0.8': (verdict) => verdict.compatible.rewards['a0.2_p0.8'],
  'compatible-a0.5_p0.5': (verdict) => verdict.compatible.rewards['a0.5_p0.5'],
  'compatible-strict': (verdict) => verdict.compatible.rewards.strict,
};

/** Names for help and messages; `composite-α` takes any α in [0, 1]. */
export const REWARD_NAMES: readonly string[] = [...Object.keys(NAMED), 'composite-0.2', 'composite-0.5'];

/**
 * The reward of a name: `outcome`, `process`, `strict`, `composite-0.2` (any α), `compatible-strict`, ….
 * @throws userError REWARD_NAME
 */
export function rewardByName(name: string): Reward {
  if (Object.hasOwn(NAMED, name)) return NAMED[name]!;
  const match = /^composite-(\d(?:\.\d+)?)$/.exec(name);
  const alpha = match === null ? Number.NaN : Number(match[1]);
  if (alpha >= 0 && alpha <= 1) {
    return ({ rewards }) => compositeReward(rewards.outcome, rewards.process, alpha);
  }
  throw userError('REWARD_NAME', `one of ${REWARD_NAMES.join(', ')}`, name, 'choose one of these rewards');
}

/**
 * A weighted sum of rewards, each by its name or a function of one's own:
 * `weightedReward([['outcome', 0.5], ['process', 0.3], [(verdict) => (verdict.parsed ? 1 : 0), 0.2]])`. Weights may be
 * negative (a penalty) and need not add up to 1. With one's own function it throws REWARD_VALUE when that gives no number.
 * @throws userError REWARD_NAME, REWARD_WEIGHTS
 */
export function weightedReward(
  parts: readonly (readonly [reward: string | Reward, weight: number])[],
): Reward {
  if (parts.length === 0)
    throw userError('REWARD_WEIGHTS', 'at least one reward', 'none', 'give one with its weight');
  const terms = parts.map(([reward, weight]) => {
    const label = typeof reward === 'string' ? reward : reward.name || 'a function';
    if (!Number.isFinite(weight)) {
      throw userError(
        'REWARD_WEIGHTS',
        `a number as weight of ${label}`,
        String(weight),
        'correct the weight',
      );
    }
    return { label, weight, pay: typeof reward === 'string' ? rewardByName(reward) : reward };
  });
  return (verdict) => {
    let sum = 0;
    for (const { label, weight, pay } of terms) {
      const value: unknown = pay(verdict);
      if (typeof value !== 'number' || !Number.isFinite(value)) {
        throw userError(
          'REWARD_VALUE',
          `a finite number from ${label}`,
          String(value),
          'correct the function',
        );
      }
      sum += weight * value;
    }
    return sum;
  };
}
