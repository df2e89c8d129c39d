/** What thoughts are paid: RMT's mixture of match and length, RPT's match alone, RLP's information gain. */
import type { Qwen2 } from '../../model/qwen2.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import { scoreTokens } from '../score.ts';
import type { Rollout } from '../types.ts';
import { type Gate, isPaidForLength, lengthReward } from './budget.ts';
import type { ThoughtGroup, ThoughtRollout } from './sampling.ts';
import { type Match, matchesPrefix, matchesTokens } from './thought.ts';

/** How the length of a thought is paid; `budget` is B_t. */
export interface LengthTerms {
  budget: number;
  weight: number;
  most: number;
  gate: Gate;
}

/**
 * r = (1 − w)·match + w·length, or match alone without a budget (METHODS §1.4). A response whose thought does not end
 * has no prediction, and so no match; its length is paid as it is.
 */
export function payMatches(
  groups: readonly ThoughtGroup[],
  match: Match,
  length: LengthTerms | undefined,
  tokenizer: Tokenizer,
): void {
  for (const { prompt, rollouts } of groups) {
    for (const rollout of rollouts) {
      const { prediction } = rollout.thought;
      rollout.correct =
        match === 'token'
          ? matchesTokens(prediction, prompt.truth)
          : matchesPrefix(prediction, prompt.following, tokenizer);
    }
    const any = rollouts.some(({ correct }) => correct);
    for (const rollout of rollouts) payMatch(rollout, any, length);
  }
}

function payMatch(rollout: ThoughtRollout, any: boolean, terms: LengthTerms | undefined): void {
  const match = Number(rollout.correct);
  if (terms === undefined) {
    Object.assign(rollout, { reward: match, parts: { match } });
    return;
  }
  const { budget, weight, most, gate } = terms;
  const paid = isPaidForLength(gate, rollout.correct!, any);
  const length = paid ? lengthReward(rollout.thought.length, budget, most) : 0;
  Object.assign(rollout, { reward: (1 - weight) * match + weight * length, parts: { match, length } });
}

/**
 * RLP's reward (METHODS §2.2): r = log p_θ(x | prefix, thought) − log p̄_φ(x | prefix), the gain of the thought over the
 * no-think baseline in nats; over the sum of the tokens where several are predicted. The tokens x are the text's
 * own, behind `</think>`, which is put there where a thought was cut.
 *
 * @param baseline log p̄_φ of the batch's rows [T]
 */
export function payInformationGain(
  groups: readonly ThoughtGroup[],
  model: Qwen2,
  baseline: Float32Array,
  { close, microBatchTokens }: { close: number; microBatchTokens: number },
): void {
  const rollouts = groups.flatMap((group) => group.rollouts.map((rollout) => ({ rollout, group })));
  const predicted = scoreTokens(
    model,
    rollouts.map(({ rollout, group }) => behindThought(rollout, group, close)),
    { temperature: 1, microBatchTokens },
  );
  rollouts.forEach(({ rollout, group: { prompt } }, i) => {
    const thinking = sum(predicted[i]!.logProbabilities);
    const plain = sum(baseline.subarray(prompt.row, prompt.row + prompt.truth.length));
    rollout.reward = thinking - plain;
    rollout.parts = { predicted: thinking, baseline: plain };
  });
}

/** The text's own tokens as the response to prefix and thought. */
export function behindThought(
  { response, thought }: ThoughtRollout,
  group: ThoughtGroup,
  close: number,
): Rollout {
  const { prompt } = group;
  return {
    group: 0,
    prompt: [...prompt.ids, ...response.slice(0, thought.length), close],
    response: prompt.truth,
    truncated: false,
    reward: 0,
  };
}

const sum = (values: Float32Array): number => values.reduce((total, value) => total + value, 0);
