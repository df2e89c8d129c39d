/** What the thoughts of a step say; names: docs/metrics.md. */
import { groupKind, hasSignal } from '../signal.ts';
import { BUCKETS } from './difficulty.ts';
import type { ThoughtGroup, ThoughtRollout } from './sampling.ts';

export interface ThoughtStatistics {
  /** Tokens thought about. */
  positions: number;
  reward: number;
  reward_std: number;
  /** Mean of each part of the reward, before weighting. */
  reward_by_part: Record<string, number>;
  /** Share of right predictions, in all and by bucket. */
  match?: number;
  match_by_difficulty?: Record<string, number>;
  /** Shares of the tokens that were drawn. */
  drawn_by_difficulty?: Record<string, number>;
  /** Share of thoughts with a positive reward. */
  reward_positive: number;
  /** Tokens between the tags, share of thoughts that came to an end, share cut at the limit. */
  thought_length: number;
  thought_length_by_difficulty?: Record<string, number>;
  closed: number;
  truncated: number;
  response_length: number;
  prompt_length: number;
  /** Shares of groups by their predictions, and of those whose rewards are all equal. */
  groups_all_correct?: number;
  groups_all_wrong?: number;
  groups_mixed?: number;
  groups_without_signal: number;
}

/** Means over a step's thoughts; undefined when nothing was drawn. */
export function thoughtStatistics(groups: readonly ThoughtGroup[]): ThoughtStatistics | undefined {
  if (groups.length === 0) return undefined;
  const rollouts = groups.flatMap((group) => group.rollouts);
  const mean = (value: (rollout: ThoughtRollout) => number) => average(rollouts.map(value));
  const reward = mean((rollout) => rollout.reward);
  const predicts = rollouts[0]!.correct !== undefined;
  const isRight = ({ correct }: ThoughtRollout) => Number(correct);
  const byBucket = (value: (rollout: ThoughtRollout) => number) => {
    const means = BUCKETS.map((name) => {
      const own = groups.filter(({ prompt }) => prompt.bucket === name).flatMap((group) => group.rollouts);
      return [name, average(own.map(value))] as const;
    });
    return Object.fromEntries(means.filter(([, value]) => !Number.isNaN(value)));
  };
  const kinds = groups.map((group) => groupKind(group.rollouts.map(({ correct }) => correct === true)));
  const ofKind = (kind: string) => average(kinds.map((each) => Number(each === kind)));
  const bucketed = groups[0]!.prompt.bucket !== undefined;
  const parts = Object.keys(rollouts[0]!.parts);
  return {
    positions: groups.length,
    reward,
    reward_std: Math.sqrt(mean((rollout) => (rollout.reward - reward) ** 2)),
    reward_by_part: Object.fromEntries(parts.map((name) => [name, mean((r) => r.parts[name]!)])),
    ...(predicts ? { match: mean(isRight) } : {}),
    ...(predicts && bucketed ? { match_by_difficulty: byBucket(isRight) } : {}),
    ...(bucketed
      ? {
          drawn_by_difficulty: Object.fromEntries(
            BUCKETS.map((name) => [
              name,
              average(groups.map(({ prompt }) => Number(prompt.bucket === name))),
            ]),
          ),
          thought_length_by_difficulty: byBucket(({ thought }) => thought.length),
        }
      : {}),
    reward_positive: mean((rollout) => Number(rollout.reward > 0)),
    thought_length: mean(({ thought }) => thought.length),
    closed: mean(({ thought }) => Number(thought.closed)),
    truncated: mean((rollout) => Number(rollout.truncated)),
    response_length: mean((rollout) => rollout.response.length),
    prompt_length: mean((rollout) => rollout.prompt.length),
    ...(predicts
      ? {
          groups_all_correct: ofKind('all_correct'),
          groups_all_wrong: ofKind('all_wrong'),
          groups_mixed: ofKind('mixed'),
        }
      : {}),
    groups_without_signal: average(
      groups.map((group) => Number(!hasSignal(group.rollouts.map((r) => r.reward)))),
    ),
  };
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
