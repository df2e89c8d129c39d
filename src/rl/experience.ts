/** From judged rollouts to what the update reads: log-probabilities under policy and reference, and advantages. */
import type { Qwen2 } from '../model/qwen2.ts';
import { groupAdvantages } from './advantage.ts';
import type { GrpoConfig } from './config.ts';
import { sequenceKl } from './kl.ts';
import { lossMask } from './overlong.ts';
import { scoreTokens } from './score.ts';
import type { Rollout, ScoredRollout, TokenScores } from './types.ts';

/** A rollout with the sampler's log p of each token, at temperature 1. */
type SampledRollout = Rollout & { sampled: Float32Array };
/** What scoring needs to know of a group: its responses, in all groups as many. */
type SampledGroup = { rollouts: readonly SampledRollout[] };
type Settings = Pick<GrpoConfig, 'objective' | 'temperature' | 'micro_batch_tokens'>;

/** The rollouts of a step, ready for the update. */
export interface Experience {
  rollouts: ScoredRollout[];
  /** By group, then by sample. */
  advantages: Float64Array[];
  /** Largest |log p of the sampler − log p of the trainer| of a token; undefined at temperatures other than 1. */
  samplerGap: number | undefined;
}

/**
 * Scores the groups of a step. `reference` is absent without one; `score` runs each forward pass (and may clock it).
 * With KL in the reward, β·KL of the response is taken off its reward before the group's advantages.
 */
export function makeExperience(
  model: Qwen2,
  reference: Qwen2 | undefined,
  groups: readonly SampledGroup[],
  config: Settings,
  score: <T>(work: () => T) => T,
): Experience {
  const rollouts = groups.flatMap((group) => group.rollouts);
  const { objective, temperature, micro_batch_tokens: microBatchTokens } = config;
  const old = score(() => scoreTokens(model, rollouts, { temperature, microBatchTokens }));
  const frozen =
    reference && score(() => scoreTokens(reference, rollouts, { temperature, microBatchTokens }));
  const penalised = rollouts.map((rollout, i) => rewardWithKl(rollout, old[i]!, frozen?.[i], config));
  let next = 0;
  const rewards = groups.map((group) => group.rollouts.map(() => penalised[next++]!));
  const advantages = groupAdvantages(rewards, objective.advantage);
  return {
    rollouts: rollouts.map((rollout, i) => {
      const { group, prompt, response, truncated } = rollout;
      const advantage = advantages[group]![i - firstOf(groups, group)]!;
      return {
        group,
        prompt,
        response,
        truncated,
        reward: rollout.reward,
        oldLogProbabilities: old[i]!.logProbabilities,
        oldEntropies: old[i]!.entropies,
        ...(frozen && { referenceLogProbabilities: frozen[i]!.logProbabilities }),
        advantages: new Float32Array(response.length).fill(advantage),
        mask: lossMask(response.length, truncated, objective.overlong),
      };
    }),
    advantages,
    samplerGap: temperature === 1 ? largestGap(rollouts, old) : undefined,
  };
}

/** Index of a group's first rollout; all groups have the same size. */
function firstOf(groups: readonly SampledGroup[], group: number): number {
  return group * groups[0]!.rollouts.length;
}

function rewardWithKl(
  rollout: Rollout,
  old: TokenScores,
  reference: TokenScores | undefined,
  { objective: { kl } }: Settings,
): number {
  if (kl.in === 'loss' || kl.beta === 0 || reference === undefined) return rollout.reward;
  return rollout.reward - kl.beta * sequenceKl(old.logProbabilities, reference.logProbabilities, kl);
}

function largestGap(rollouts: readonly SampledRollout[], old: readonly TokenScores[]): number {
  let largest = 0;
  rollouts.forEach(({ sampled }, i) => {
    const scores = old[i]!.logProbabilities;
    for (let t = 0; t < sampled.length; t++) largest = Math.max(largest, Math.abs(sampled[t]! - scores[t]!));
  });
  return largest;
}
