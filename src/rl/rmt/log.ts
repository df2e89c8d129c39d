/** What a step on plain text leaves in the run's log and samples; names are documented in docs/metrics.md. */
import type { Tokenizer } from '../../tokenizer/index.ts';
import type { GrpoTiming } from '../log.ts';
import type { UpdateStatistics } from '../types.ts';
import { type NextTokenAccuracy, PREDICTIONS, type TokenAccuracies } from './accuracy.ts';
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
    } & Record<
      `validation_accuracy_${'plain' | 'thinking'}${'' | `_${Bucket}`}${'' | '_low' | '_high'}`,
      number
    > &
    Record<`validation_${'entropy' | 'tokens'}${'' | `_${Bucket}`}`, number>
>;

/** A line of timing.jsonl: a step, or a validation. */
export type RmtTiming = GrpoTiming;

/** Shares of easy, medium and hard by name. */
export const byDifficulty = (shares: readonly number[]): Record<string, number> =>
  Object.fromEntries(BUCKETS.map((bucket, i) => [bucket, shares[i]!]));

/** The metrics of a validation: of all its tokens, and by difficulty. */
export function accuracyMetrics({ by_bucket: byBucket, ...all }: NextTokenAccuracy) {
  const groups: [ending: string, found: TokenAccuracies | undefined][] = [
    ['', all],
    ...BUCKETS.map((bucket) => [`_${bucket}`, byBucket[bucket]] as [string, TokenAccuracies | undefined]),
  ];
  const named = groups.flatMap(([ending, found]) => {
    if (found === undefined) return [];
    const accuracies = PREDICTIONS.flatMap((how) => {
      const name = `validation_accuracy_${how}${ending}`;
      const { value, low, high } = found[how];
      return Object.entries({ [name]: value, [`${name}_low`]: low, [`${name}_high`]: high });
    });
    const { entropy, plain } = found;
    return [
      ...accuracies,
      [`validation_entropy${ending}`, entropy],
      [`validation_tokens${ending}`, plain.n],
    ] as [keyof RmtMetrics, number][];
  });
  return {
    ...(Object.fromEntries(named) as Partial<RmtMetrics>),
    validation_thought_length: all.thought_length,
    validation_closed: all.closed,
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
