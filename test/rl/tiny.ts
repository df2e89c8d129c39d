/** Rollouts of tiny models for the tests of the update. */
import * as tf from '@tensorflow/tfjs-core';
import { type RandomStream, randomFamily } from '../../src/core/random.ts';
import { forward, type Qwen2 } from '../../src/model/index.ts';
import { type Objective, type ObjectiveInput, objectiveSchema } from '../../src/rl/options.ts';
import { scoreTokens } from '../../src/rl/score.ts';
import type { Rollout, ScoredRollout } from '../../src/rl/types.ts';
import type { UpdateOptions } from '../../src/rl/update.ts';
import { pack, toTensors } from '../../src/train/packing.ts';
import { logSoftmax64 } from '../model/float64.ts';
import { TINY } from '../train/tiny.ts';

export const objective = (given: ObjectiveInput = {}): Objective => objectiveSchema.parse(given);

export const ADAMW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, clip: 1 };
/** Of one update on everything. */
export const OPTIONS: UpdateOptions = {
  objective: objective(),
  temperature: 1,
  microBatchTokens: 1000,
  groupsPerMiniBatch: 1000,
  epochs: 1,
  rate: 0.01,
};

/** `groups` × `size` rollouts with made-up tokens: prompts of 2 to 5, responses of 1 to 6 tokens. */
export function madeUpRollouts(groups: number, size: number, vocabulary = TINY.vocab_size): Rollout[] {
  const stream = randomFamily('made-up rollouts', groups, size).at(0);
  const ids = (count: number) => Array.from({ length: count }, () => stream.below(vocabulary));
  return Array.from({ length: groups }, (_, group) => {
    const prompt = ids(stream.integer(2, 5));
    return Array.from({ length: size }, () => ({
      group,
      prompt,
      response: ids(stream.integer(1, 6)),
      truncated: false,
      reward: 0,
    }));
  }).flat();
}

/**
 * The rollouts scored by the model, with advantages of ±1 and such. With `off` > 0 the old and the reference's
 * log-probabilities are moved that far away at random, so that ratios lie on all sides of the clips.
 */
export function scored(
  model: Qwen2,
  rollouts: readonly Rollout[],
  off = 0,
  temperature = 1,
): ScoredRollout[] {
  const stream = randomFamily('scored rollouts').at(0);
  const scores = scoreTokens(model, rollouts, { temperature, microBatchTokens: 64 });
  const moved = (values: Float32Array) => values.map((x) => x + off * stream.normal());
  return rollouts.map((rollout, i) => {
    const { logProbabilities, entropies } = scores[i]!;
    const advantage = Math.round(4 * stream.normal()) / 4;
    return {
      ...rollout,
      oldLogProbabilities: moved(logProbabilities),
      oldEntropies: entropies,
      referenceLogProbabilities: moved(logProbabilities),
      advantages: new Float32Array(rollout.response.length).fill(advantage),
      mask: new Float32Array(rollout.response.length).fill(1),
    };
  });
}

/** Draws responses of `length` tokens from the model itself, one for each prompt. */
export function drawResponses(
  model: Qwen2,
  prompts: readonly (readonly number[])[],
  length: number,
  stream: RandomStream,
): number[][] {
  const texts = prompts.map((prompt) => [...prompt]);
  for (let t = 0; t < length; t++) {
    const logits = tf.tidy(() => {
      const { targets: _targets, ...batch } = toTensors(pack(texts.map((text) => [...text, 0])));
      return forward(model, batch).arraySync();
    });
    let end = 0;
    for (const text of texts) {
      end += text.length;
      text.push(stream.weighted(logSoftmax64(Float64Array.from(logits[end - 1]!)).map(Math.exp)));
    }
  }
  return texts.map((text, i) => text.slice(prompts[i]!.length));
}
