/** What the dual objective and RLP compute, against float64 models and finite differences. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from '../../../src/backend/index.ts';
import { createQwen2, disposeQwen2, type Qwen2 } from '../../../src/model/index.ts';
import { objectiveSchema } from '../../../src/rl/options.ts';
import { predictAtOnce } from '../../../src/rl/rmt/accuracy.ts';
import { nextTokens } from '../../../src/rl/rmt/difficulty.ts';
import { updateAverage } from '../../../src/rl/rmt/ema.ts';
import { nextTokenLoss, withoutDrawn } from '../../../src/rl/rmt/nextTokenLoss.ts';
import { textsOf } from '../../../src/rl/rmt/positions.ts';
import { promptsOf } from '../../../src/rl/rmt/prompts.ts';
import { behindThought, payInformationGain } from '../../../src/rl/rmt/rewards.ts';
import type { ThoughtGroup } from '../../../src/rl/rmt/sampling.ts';
import { parseThought } from '../../../src/rl/rmt/thought.ts';
import type { ScoredRollout } from '../../../src/rl/types.ts';
import { policyGradient, update } from '../../../src/rl/update.ts';
import { AdamW, pack } from '../../../src/train/index.ts';
import { logits64, logSoftmax64 } from '../../model/float64.ts';
import { TINY, tinyModel, tinySequences, valuesOf } from '../../train/tiny.ts';
import { madeUpRollouts, scored } from '../tiny.ts';

const SEQUENCES = tinySequences(4);
const BATCH = pack(SEQUENCES);
/** Rows of different texts, the first and the last of the batch among them. */
const DRAWN = [0, 5, 9, BATCH.ids.length - 1];
const OPTIONS = { weight: 0.1, normalize: 'tokens' as const, microBatchTokens: 1000, recompute: false };
const OPEN = 27;
const CLOSE = 28;

type Weights = Map<string, Float64Array>;
const weightsOf = (model: Qwen2): Weights =>
  new Map([...valuesOf(model.parameters)].map(([name, values]) => [name, Float64Array.from(values)]));

/** log p of each token of a sequence behind the first, float64. */
function logProbabilities64(weights: Weights, ids: readonly number[]): number[] {
  return logits64(TINY, weights, ids.slice(0, -1)).map((logits, t) => logSoftmax64(logits)[ids[t + 1]!]!);
}

/** λ·L_NTP written out: a sum over the rows that were not drawn. */
function plainLoss(weights: Weights, drawn: readonly number[], normalize: 'tokens' | 'texts'): number {
  const rows = SEQUENCES.flatMap((ids) => logProbabilities64(weights, ids));
  const kept = rows.filter((_, row) => !drawn.includes(row));
  const divisor = normalize === 'tokens' ? kept.length : SEQUENCES.length;
  return (-0.1 * kept.reduce((sum, value) => sum + value, 0)) / divisor;
}

function near(got: number, wanted: number, tolerance: number, what: string): void {
  assert.ok(Math.abs(got - wanted) <= tolerance, `${what}: ${got}, not ${wanted}`);
}

/** Values of gradients, which are disposed of. */
function take(gradients: Map<string, tf.Tensor>): Map<string, Float32Array> {
  const values = valuesOf(gradients);
  tf.dispose([...gradients.values()]);
  return values;
}

describe('rmt: losses', () => {
  let model: Qwen2;
  before(async () => {
    await useBackend('auto');
    model = tinyModel(3);
  });
  after(() => {
    if (model) disposeQwen2(model);
  });

  it('has the next-token loss and the gradient of all tokens but those that were drawn', () => {
    const weights = weightsOf(model);
    for (const normalize of ['tokens', 'texts'] as const) {
      const { loss, mean, gradients } = nextTokenLoss(model, BATCH, DRAWN, { ...OPTIONS, normalize });
      near(loss, plainLoss(weights, DRAWN, normalize), 1e-6, 'loss');
      near(mean, plainLoss(weights, DRAWN, 'tokens') / 0.1, 1e-5, 'mean');
      const values = take(gradients);
      for (const [name, index] of [
        ['model.embed_tokens.weight', 8 * SEQUENCES[1]![2]! + 3],
        ['model.layers.0.self_attn.v_proj.weight', 5],
        ['model.layers.1.mlp.down_proj.weight', 17],
        ['model.norm.weight', 2],
      ] as const) {
        const own = weights.get(name)!;
        const moved = (by: number) => {
          const original = own[index]!;
          own[index] = original + by;
          const value = plainLoss(weights, DRAWN, normalize);
          own[index] = original;
          return value;
        };
        const slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        near(values.get(name)![index]!, slope, 1e-5 + 1e-4 * Math.abs(slope), `${name}[${index}]`);
      }
    }
  });

  it('is the same in pieces, and with layers computed again', () => {
    const whole = nextTokenLoss(model, BATCH, DRAWN, OPTIONS);
    const wanted = take(whole.gradients);
    const cut = nextTokenLoss(model, BATCH, DRAWN, { ...OPTIONS, microBatchTokens: 8, recompute: true });
    near(cut.loss, whole.loss, 1e-7, 'loss');
    for (const [name, values] of take(cut.gradients)) {
      values.forEach((value, i) => {
        near(value, wanted.get(name)![i]!, 1e-7, name);
      });
    }
  });

  it('does not know what the drawn tokens are as targets, and knows every other', () => {
    const gradientsWith = (row: number) => {
      const targets = BATCH.targets.slice();
      targets[row] = (targets[row]! + 1) % TINY.vocab_size;
      return take(nextTokenLoss(model, { ...BATCH, targets }, DRAWN, OPTIONS).gradients);
    };
    const original = take(nextTokenLoss(model, BATCH, DRAWN, OPTIONS).gradients);
    for (let row = 0; row < BATCH.ids.length; row++) {
      const same = [...gradientsWith(row)].every(([name, values]) =>
        values.every((value, i) => value === original.get(name)![i]),
      );
      assert.equal(same, DRAWN.includes(row), `row ${row}`);
    }
    const masked = withoutDrawn({ ...BATCH, weights: new Float32Array(BATCH.ids.length).fill(2) }, [1]);
    assert.deepEqual([...masked.weights!.slice(0, 3)], [2, 0, 2], 'own weights stay');
  });

  it('has no policy loss on any token that was not drawn', () => {
    // The thoughts' own prompts bear none: with all advantages 0 nothing is left of the policy part.
    const texts = textsOf(BATCH);
    const drawn = DRAWN.map((row) => ({ row, bucket: undefined }));
    const rollouts: ScoredRollout[] = promptsOf(texts, drawn, [OPEN], 1).flatMap((prompt, group) =>
      [
        [3, 4, CLOSE, 5],
        [CLOSE, 6],
      ].map((response, i) => ({
        group,
        prompt: prompt.ids,
        response,
        truncated: false,
        reward: i,
        oldLogProbabilities: new Float32Array(response.length).fill(-3),
        advantages: new Float32Array(response.length).fill(i === 0 ? 1 : -1),
        mask: new Float32Array(response.length).fill(1),
      })),
    );
    const objective = objectiveSchema.parse({ preset: 'rlp', clip: { low: 1, high: 1e9 } });
    const options = { objective, temperature: 1, microBatchTokens: 1000 };
    const { gradients, sums } = policyGradient(model, rollouts, options);
    // The loss written out over thought and prediction tokens alone, ratios to the old log-probabilities of −3.
    const weights = weightsOf(model);
    const plain = (values: Weights) =>
      rollouts.reduce((total, { prompt, response, advantages }) => {
        const logs = logProbabilities64(values, [...prompt, ...response]).slice(-response.length);
        const terms = logs.map((log, t) => -Math.exp(log + 3) * advantages[t]!);
        return total + terms.reduce((a, b) => a + b, 0) / response.length / rollouts.length;
      }, 0);
    near(sums.loss, plain(weights), 1e-5, 'loss');
    const values = take(gradients);
    for (const [name, index] of [
      ['model.embed_tokens.weight', 8 * CLOSE + 1],
      ['model.layers.1.self_attn.q_proj.weight', 7],
      ['model.layers.0.mlp.up_proj.weight', 11],
    ] as const) {
      const own = weights.get(name)!;
      const original = own[index]!;
      own[index] = original + 1e-5;
      const high = plain(weights);
      own[index] = original - 1e-5;
      const slope = (high - plain(weights)) / 2e-5;
      own[index] = original;
      near(values.get(name)![index]!, slope, 1e-5 + 1e-4 * Math.abs(slope), `${name}[${index}]`);
    }
  });

  it('updates on the sum of both losses, and on one alone where there is no other', () => {
    const objective = objectiveSchema.parse({ preset: 'rlp' });
    const rollouts = scored(model, madeUpRollouts(2, 3));
    const options = { objective, temperature: 1, microBatchTokens: 1000, groupsPerMiniBatch: 9, epochs: 1 };
    const policy = policyGradient(model, rollouts, options);
    const policyValues = take(policy.gradients);
    const next = nextTokenLoss(model, BATCH, DRAWN, OPTIONS);
    const nextValues = take(next.gradients);
    for (const given of [rollouts, []]) {
      const own = tinyModel(3);
      // Without momentum and scaling, a first step with ε = 1e9 moves by −rate · gradient / 1e9.
      const settings = { beta1: 0, beta2: 0, epsilon: 1e9, weightDecay: 0, clip: 1e9 };
      const optimizer = new AdamW(own.parameters, settings);
      const before = valuesOf(own.parameters);
      const further = () => nextTokenLoss(own, BATCH, DRAWN, OPTIONS);
      const made = update(own, optimizer, given, { ...options, rate: 1e9, further }, 1);
      near(made.loss, (given.length > 0 ? policy.sums.loss : 0) + next.loss, 1e-6, 'loss');
      for (const [name, values] of valuesOf(own.parameters)) {
        values.forEach((value, i) => {
          const gradient = nextValues.get(name)![i]! + (given.length > 0 ? policyValues.get(name)![i]! : 0);
          near(before.get(name)![i]! - value, gradient, 1e-6, `${name}[${i}]`);
        });
      }
      optimizer.dispose();
      disposeQwen2(own);
    }
  });

  it('knows the entropy of every token', () => {
    const weights = weightsOf(model);
    const found = nextTokens(model, BATCH, 8);
    let row = 0;
    for (const ids of SEQUENCES) {
      for (const logits of logits64(TINY, weights, ids.slice(0, -1))) {
        const logs = logSoftmax64(logits);
        const entropy = -logs.reduce((sum, log) => sum + Math.exp(log) * log, 0);
        near(found.entropies[row]!, entropy, 1e-5, `entropy of row ${row}`);
        near(found.logProbabilities[row]!, logs[BATCH.targets[row]!]!, 1e-5, `log p of row ${row}`);
        row++;
      }
    }
    assert.equal(row, BATCH.ids.length);
  });

  it('predicts at once what is most likely, thinking aside', () => {
    const weights = weightsOf(model);
    const prompts = promptsOf(
      textsOf(BATCH),
      DRAWN.slice(0, 3).map((row) => ({ row, bucket: undefined })),
      [],
      1,
    );
    const best = (except: readonly number[]) =>
      prompts.map(({ prefix }) => {
        const logits = logits64(TINY, weights, prefix).at(-1)!;
        for (const id of except) logits[id] = Number.NEGATIVE_INFINITY;
        return [logits.indexOf(Math.max(...logits))];
      });
    const tokens = prompts.map((prompt) => ({ prompt }));
    const first = predictAtOnce(model, tokens, new Set(), 8);
    assert.deepEqual(first, best([]));
    const barred = first.map(([id]) => id!);
    assert.deepEqual(predictAtOnce(model, tokens, new Set(barred), 1000), best(barred));
  });
});

describe('rlp: information gain', () => {
  before(() => useBackend('auto'));

  it('is log p behind the thought minus log p of the baseline without it', () => {
    const [policy, average] = [3, 4].map((seed) => tinyModel(seed)) as [Qwen2, Qwen2];
    const [policy64, average64] = [policy, average].map(weightsOf) as [Weights, Weights];
    for (const span of [1, 2]) {
      const prompts = promptsOf(
        textsOf(BATCH),
        [6, 1].map((row) => ({ row, bucket: undefined })),
        [OPEN],
        span,
      );
      // The second thought was cut before it ended.
      const groups: ThoughtGroup[] = prompts.map((prompt, group) => ({
        prompt,
        rollouts: [[4, 5, CLOSE], [6, 7, 8], [CLOSE]].map((response, sampleIndex) => ({
          group,
          prompt: prompt.ids,
          response,
          truncated: sampleIndex === 1,
          reward: Number.NaN,
          sampleIndex,
          sampled: new Float32Array(response.length),
          thought: parseThought(response, CLOSE),
          parts: {},
        })),
      }));
      const baseline = nextTokens(average, BATCH, 1000).logProbabilities;
      payInformationGain(groups, policy, baseline, { close: CLOSE, microBatchTokens: 20 });
      for (const group of groups) {
        const { prefix, truth } = group.prompt;
        const behind = (weights: Weights, ids: readonly number[]) =>
          logProbabilities64(weights, [...ids, ...truth])
            .slice(-truth.length)
            .reduce((sum, log) => sum + log, 0);
        for (const [i, thought] of [[4, 5], [6, 7, 8], []].entries()) {
          const rollout = group.rollouts[i]!;
          const thinking = [...prefix, OPEN, ...thought, CLOSE];
          const wanted = behind(policy64, thinking) - behind(average64, prefix);
          near(rollout.reward, wanted, 1e-5, `gain ${i}`);
          assert.deepEqual(behindThought(rollout, group, CLOSE).prompt, thinking);
        }
      }
    }
    for (const model of [policy, average]) disposeQwen2(model);
  });

  it('has a baseline that follows the policy as an average, exactly', () => {
    const average = createQwen2(TINY, 1);
    const start = valuesOf(average.parameters);
    const expected = new Map([...start].map(([name, values]) => [name, values.slice()]));
    for (let step = 0; step < 5; step++) {
      const policy = tinyModel(10 + step);
      updateAverage(average, policy, 0.9);
      for (const [name, values] of valuesOf(policy.parameters)) {
        const own = expected.get(name)!;
        // Float32 products, rounded, and their rounded sum.
        const [kept, added] = [Math.fround(0.9), Math.fround(1 - 0.9)];
        own.forEach((value, i) => {
          own[i] = Math.fround(value * kept) + Math.fround(values[i]! * added);
        });
      }
      disposeQwen2(policy);
    }
    for (const [name, values] of valuesOf(average.parameters))
      assert.deepEqual(values, expected.get(name), name);
    // Towards weights that stay, the distance falls by τ each step.
    const still = tinyModel(99);
    const first = valuesOf(average.parameters);
    for (let step = 0; step < 10; step++) updateAverage(average, still, 0.9);
    const target = valuesOf(still.parameters);
    for (const [name, values] of valuesOf(average.parameters)) {
      values.forEach((value, i) => {
        const rest = 0.9 ** 10 * (first.get(name)![i]! - target.get(name)![i]!);
        near(value - target.get(name)![i]!, rest, 2e-6, name);
      });
    }
    for (const model of [average, still]) disposeQwen2(model);
  });
});
