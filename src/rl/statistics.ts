/**
 * What a step's rollouts say: rewards, verdicts, lengths, groups, and whether rewards are being hacked (a right answer
 * whose steps are wrong). Over all sampled responses, those of dropped groups included. Names: docs/metrics.md.
 */
import { ERROR_TYPES, type ErrorType } from '../verify/types.ts';
import type { JudgedRollout, StepRollouts } from './rollouts.ts';
import { groupKind, hasSignal } from './signal.ts';

export interface RolloutStatistics {
  /** After length shaping; standard deviation with divisor n. */
  reward: number;
  reward_std: number;
  /** Mean of each part of the reward, before weighting; only where there are several. */
  reward_by_part?: Record<string, number>;
  /** Shares of responses: every step and the answer right; the answer right. */
  pass_rate: number;
  answer_rate: number;
  process_accuracy: number;
  /** Share of responses with a right answer that are not verified, and the types of error among all such. */
  hacked: number;
  hacked_by_error: Record<string, number>;
  /** Shares of responses with an error of the type. */
  errors_by_type: Record<ErrorType, number>;
  truncated: number;
  /** New tokens of a response. */
  response_length: number;
  response_length_max: number;
  prompt_length: number;
  /** Shares of groups by right answers, and of those whose rewards are all equal. */
  groups_all_correct: number;
  groups_all_wrong: number;
  groups_mixed: number;
  groups_without_signal: number;
  /** Under dynamic sampling. */
  sampling_batches?: number;
  groups_sampled: number;
  groups_trained: number;
}

/** Means over everything that a step sampled. */
export function rolloutStatistics({ groups, trained, rounds }: StepRollouts): RolloutStatistics {
  const rollouts = groups.flatMap((group) => group.rollouts);
  const mean = (value: (rollout: JudgedRollout) => number) => average(rollouts.map(value));
  const reward = mean((rollout) => rollout.reward);
  const parts = Object.keys(rollouts[0]!.parts);
  const hacked = rollouts.filter(({ verdict }) => verdict.answer_correct && !verdict.verified);
  const kinds = groups.map((group) => groupKind(group.rollouts.map(({ verdict }) => verdict.answer_correct)));
  const ofKind = (kind: string) => average(kinds.map((each) => Number(each === kind)));
  const errorShares = (of: readonly JudgedRollout[]) =>
    ERROR_TYPES.map((type) => {
      const count = of.filter(({ verdict }) => verdict.errors.includes(type)).length;
      return [type, count / rollouts.length] as const;
    });
  return {
    reward,
    reward_std: Math.sqrt(mean((rollout) => (rollout.reward - reward) ** 2)),
    ...(parts.length > 1
      ? { reward_by_part: Object.fromEntries(parts.map((name) => [name, mean((r) => r.parts[name]!)])) }
      : {}),
    pass_rate: mean(({ verdict }) => Number(verdict.verified)),
    answer_rate: mean(({ verdict }) => Number(verdict.answer_correct)),
    process_accuracy: mean(({ verdict }) => verdict.process_accuracy),
    hacked: hacked.length / rollouts.length,
    hacked_by_error: Object.fromEntries(errorShares(hacked).filter(([, share]) => share > 0)),
    errors_by_type: Object.fromEntries(errorShares(rollouts)) as Record<ErrorType, number>,
    truncated: mean((rollout) => Number(rollout.truncated)),
    response_length: mean((rollout) => rollout.response.length),
    response_length_max: rollouts.reduce((most, { response }) => Math.max(most, response.length), 0),
    prompt_length: mean((rollout) => rollout.prompt.length),
    groups_all_correct: ofKind('all_correct'),
    groups_all_wrong: ofKind('all_wrong'),
    groups_mixed: ofKind('mixed'),
    groups_without_signal: average(
      groups.map((group) => Number(!hasSignal(group.rollouts.map((r) => r.reward)))),
    ),
    ...(rounds > 1 || trained.length < groups.length ? { sampling_batches: rounds } : {}),
    groups_sampled: groups.length,
    groups_trained: trained.length,
  };
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
