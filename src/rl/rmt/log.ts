/** What a step on plain text leaves in the run's log and samples; names are documented in docs/metrics.md. */
import type { Tokenizer } from '../../tokenizer/index.ts';
import type { GrpoTiming } from '../log.ts';
import type { UpdateStatistics } from '../types.ts';
import type { NextTokenAccuracy } from './accuracy.ts';
import { BUCKETS, type Bucket } from './difficulty.ts';
import type { ThoughtGroup } from './sampling.ts';
import type { ThoughtStatistics } from './statistics.ts';

/** A line of metrics.jsonl: a step, or a validation. */
export type RmtMetrics = { step: number } & Partial<
  ThoughtStatistics &
    Omit<UpdateStatistics, 'tokens'> & {
      /** Tokens of text so far. */
      tokens: number;
      update_tokens: number;
      updates: number;
      /** Mean −log p of the tokens that were not drawn, before the update, nats. */
      next_token_loss: number;
      /** B_t, and p_t by bucket. */
      thinking_budget: number;
      curriculum_by_difficulty: Record<string, number>;
      /** Mean entropy of the texts' tokens, nats. */
      text_entropy: number;
      learning_rate: number;
      sampler_gap: number;
      token_equivalents: number;
      validation_loss: number;
      validation_thought_length: number;
      validation_closed: number;
      validation_accuracy_plain: number;
      validation_accuracy_plain_low: number;
      validation_accuracy_plain_high: number;
      validation_accuracy_plain_by_difficulty: Record<string, number>;
      validation_accuracy_thinking: number;
      validation_accuracy_thinking_low: number;
      validation_accuracy_thinking_high: number;
      validation_accuracy_thinking_by_difficulty: Record<string, number>;
    }
>;

/** A line of timing.jsonl: a step, or a validation. */
export type RmtTiming = GrpoTiming;

/** Shares of easy, medium and hard by name. */
export const byDifficulty = (shares: readonly number[]): Record<string, number> =>
  Object.fromEntries(BUCKETS.map((bucket, i) => [bucket, shares[i]!]));

/** The metrics of a validation. */
export function accuracyMetrics({ plain, thinking, by_bucket, ...means }: NextTokenAccuracy) {
  const by = (name: 'plain' | 'thinking') =>
    Object.fromEntries(
      BUCKETS.flatMap((bucket) => {
        const found = by_bucket[bucket];
        return found === undefined ? [] : [[bucket, found[name].value] as const];
      }),
    );
  return {
    validation_accuracy_plain: plain.value,
    validation_accuracy_plain_low: plain.low,
    validation_accuracy_plain_high: plain.high,
    validation_accuracy_plain_by_difficulty: by('plain'),
    validation_accuracy_thinking: thinking.value,
    validation_accuracy_thinking_low: thinking.low,
    validation_accuracy_thinking_high: thinking.high,
    validation_accuracy_thinking_by_difficulty: by('thinking'),
    validation_thought_length: means.thought_length,
    validation_closed: means.closed,
  };
}

/** A line of `samples/step-N.jsonl`. */
export interface ThoughtRow {
  step: number;
  /** Place of the token among those drawn, and of the response in its group. */
  position: number;
  sample_index: number;
  difficulty: Bucket | null;
  prompt: string;
  response: string;
  /** The text's own tokens. */
  target: string;
  correct: boolean | null;
  /** Of the response, and of the thought in it. */
  tokens: number;
  thought_length: number;
  stop_reason: 'stop' | 'length';
  reward: number;
  reward_parts: Record<string, number>;
  advantage: number;
}

/** Lines of a step; `advantages` by group. */
export function* thoughtRows(
  step: number,
  groups: readonly ThoughtGroup[],
  advantages: readonly Float64Array[],
  tokenizer: Tokenizer,
): Generator<ThoughtRow> {
  for (const [position, { prompt, rollouts }] of groups.entries()) {
    const text = tokenizer.decode(prompt.ids);
    const target = tokenizer.decode(prompt.truth);
    for (const rollout of rollouts) {
      yield {
        step,
        position,
        sample_index: rollout.sampleIndex,
        difficulty: prompt.bucket ?? null,
        prompt: text,
        response: tokenizer.decode(rollout.response),
        target,
        correct: rollout.correct ?? null,
        tokens: rollout.response.length,
        thought_length: rollout.thought.length,
        stop_reason: rollout.truncated ? 'length' : 'stop',
        reward: rollout.reward,
        reward_parts: rollout.parts,
        advantage: advantages[position]![rollout.sampleIndex]!,
      };
    }
  }
}
