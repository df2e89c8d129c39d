import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from '../../src/backend/index.ts';
import { randomFamily } from '../../src/core/random.ts';
import { createQwen2, disposeQwen2, type ModelConfig, type Qwen2 } from '../../src/model/index.ts';
import { AGGREGATIONS, type ObjectiveInput } from '../../src/rl/options.ts';
import { scoreTokens } from '../../src/rl/score.ts';
import type { ScoredRollout } from '../../src/rl/types.ts';
import { policyGradient, type UpdateOptions, updatePolicy } from '../../src/rl/update.ts';
import { AdamW } from '../../src/train/index.ts';
import { logits64, logSoftmax64, type Weights } from '../model/float64.ts';
import { TINY, tinyModel, valuesOf } from '../train/tiny.ts';
import { type PlainBatch, plainLoss } from './reference.ts';
import { ADAMW, madeUpRollouts, OPTIONS, objective, scored } from './tiny.ts';

/** Loss and gradient of one mini-batch as plain numbers. */
function gradientOf(model: Qwen2, rollouts: readonly ScoredRollout[], options: Partial<UpdateOptions> = {}) {
  const { gradients, sums } = policyGradient(model, rollouts, { ...OPTIONS, ...options });
  const values = valuesOf(gradients);
  tf.dispose([...gradients.values()]);
  return { sums, values };
}

/** Largest difference relative to the largest value. */
function difference(a: ReadonlyMap<string, Float32Array>, b: ReadonlyMap<string, Float32Array>): number {
  let [apart, size] = [0, 0];
  for (const [name, x] of a) {
    x.forEach((value, i) => {
      apart = Math.max(apart, Math.abs(value - b.get(name)![i]!));
      size = Math.max(size, Math.abs(value));
    });
  }
  return apart / size;
}

/** So small that every parameter can be moved up and down in float64. */
const SMALL: ModelConfig = {
  ...TINY,
  hidden_size: 4,
  intermediate_size: 6,
  vocab_size: 11,
  initializer_range: 0.5,
};

/** The batch that the naive objective reads, from the float64 model. */
function plainBatch(weights: Weights, rollouts: readonly ScoredRollout[], temperature: number): PlainBatch {
  const current: number[][] = [];
  const entropies: number[][] = [];
  for (const { prompt, response } of rollouts) {
    const logits = logits64(SMALL, weights, [...prompt, ...response]);
    const rows = response.map((_, t) => logSoftmax64(logits[prompt.length - 1 + t]!, temperature));
    current.push(rows.map((row, t) => row[response[t]!]!));
    entropies.push(rows.map((row) => row.reduce((sum, x) => sum - Math.exp(x) * x, 0)));
  }
  const given = (of: (rollout: ScoredRollout) => Float32Array) =>
    rollouts.map((each) => Array.from(of(each)));
  return {
    current,
    entropies,
    old: given((each) => each.oldLogProbabilities),
    oldEntropies: given((each) => each.oldEntropies!),
    reference: given((each) => each.referenceLogProbabilities!),
    advantages: given((each) => each.advantages),
    mask: given((each) => each.mask),
  };
}

describe('rl: the update against float64', () => {
  let model: Qwen2;
  before(async () => {
    await useBackend('native');
    model = createQwen2(SMALL, 5);
  });
  after(() => disposeQwen2(model));

  const weightsOf = (): Map<string, Float64Array> =>
    new Map([...valuesOf(model.parameters)].map(([name, x]) => [name, Float64Array.from(x)]));

  it('scores what an independent float64 model says, at any temperature', () => {
    const rollouts = scored(model, madeUpRollouts(3, 2, SMALL.vocab_size));
    for (const temperature of [1, 0.6]) {
      const { current, entropies } = plainBatch(weightsOf(), rollouts, temperature);
      scoreTokens(model, rollouts, { temperature, microBatchTokens: 20 }).forEach((scores, i) => {
        assert.equal(scores.logProbabilities.length, rollouts[i]!.response.length);
        // Logits of a few units in float32.
        scores.logProbabilities.forEach((x, t) => {
          assert.ok(
            Math.abs(x - current[i]![t]!) < 1e-5,
            `log p ${i} ${t}: ${x}, expected ${current[i]![t]}`,
          );
        });
        scores.entropies.forEach((x, t) => {
          assert.ok(
            Math.abs(x - entropies[i]![t]!) < 1e-5,
            `entropy ${i} ${t}: ${x}, expected ${entropies[i]![t]}`,
          );
        });
      });
    }
  });

  it('has the gradient of the whole objective, model included, that central differences have', () => {
    const temperature = 0.8;
    const rollouts = scored(model, madeUpRollouts(2, 3, SMALL.vocab_size), 0.4, temperature);
    rollouts[4]!.mask.fill(0);
    const length = { const_norm_length: 8 };
    const objectives = [
      objective({ kl: { beta: 0.3 }, entropy: { bonus: 0.05 }, clip: { dual: 1.4 } }),
      objective({
        ratio: 'sequence',
        aggregation: 'const_norm',
        ...length,
        kl: { beta: 0.2, estimator: 'k1' },
      }),
      objective({ preset: 'dapo', entropy: { bonus: 0, top_quantile: 0.5 } }),
      objective({
        preset: 'grpo',
        ratio: 'sequence',
        kl: { beta: 0.2, estimator: 'k2' },
        entropy: { bonus: -0.1 },
      }),
      objective({ aggregation: 'seq_mean_token_sum', kl: { beta: 0.2, estimator: 'abs' } }),
    ];
    const found = objectives.map((each) => gradientOf(model, rollouts, { objective: each, temperature }));
    const weights = weightsOf();
    const losses = () => {
      const batch = plainBatch(weights, rollouts, temperature);
      return objectives.map((each) => plainLoss(batch, each));
    };
    losses().forEach((loss, o) => {
      assert.ok(
        Math.abs(found[o]!.sums.loss - loss) < 1e-5,
        `loss ${o}: ${found[o]!.sums.loss}, expected ${loss}`,
      );
    });
    const sides = new Set(
      found.flatMap(({ sums }) => Object.entries(sums.clipped).flatMap(([k, n]) => (n ? [k] : []))),
    );
    assert.deepEqual([...sides].sort(), ['dual', 'high', 'low']); // every clip is somewhere in it
    let checked = 0;
    for (const [name, values] of weights) {
      for (let i = 0; i < values.length; i++) {
        const value = values[i]!;
        const [up, down] = [1e-5, -1e-5].map((by) => {
          values[i] = value + by;
          return losses();
        });
        values[i] = value;
        found.forEach(({ values: gradient }, o) => {
          const expected = (up![o]! - down![o]!) / 2e-5;
          const x = gradient.get(name)![i]!;
          // float32 arithmetic through the model; gradients here are up to about 1.
          assert.ok(
            Math.abs(x - expected) <= 2e-5 + 1e-4 * Math.abs(expected),
            `${o} ${name}[${i}]: ${x}, expected ${expected}`,
          );
          checked++;
        });
      }
    }
    assert.ok(checked > 1500, `${checked} numbers checked`);
  });
});

describe('rl: batching of the update', () => {
  let model: Qwen2;
  let rollouts: ScoredRollout[];
  before(async () => {
    await useBackend('native');
    model = tinyModel(5);
    rollouts = scored(model, madeUpRollouts(5, 3), 0.3);
    rollouts[7]!.mask.fill(0);
    for (const { advantages } of rollouts.slice(9, 12)) advantages.fill(0);
  });
  after(() => disposeQwen2(model));

  for (const aggregation of AGGREGATIONS) {
    for (const ratio of ['token', 'sequence'] as const) {
      const given: ObjectiveInput = { aggregation, ratio, const_norm_length: 9, entropy: { bonus: 0.01 } };

      it(`is the same however it is accumulated: ${aggregation}, ratio by ${ratio}`, () => {
        const whole = gradientOf(model, rollouts, { objective: objective(given) });
        for (const microBatchTokens of [1, 17, 40, 80]) {
          for (const recompute of [false, true]) {
            const options = { objective: objective(given), microBatchTokens, recompute };
            const pieces = gradientOf(model, rollouts, options);
            assert.deepEqual(pieces.sums, whole.sums); // sums of the same bits in the same order
            const apart = difference(whole.values, pieces.values);
            assert.ok(apart < 2e-6, `${microBatchTokens}: ${apart}`); // float32 sums in another order
          }
        }
      });

      it(`is the same in another order of the rollouts: ${aggregation}, ratio by ${ratio}`, () => {
        const whole = gradientOf(model, rollouts, { objective: objective(given) });
        const shuffled = randomFamily('order').at(0).shuffle(rollouts.slice());
        const other = gradientOf(model, shuffled, { objective: objective(given), microBatchTokens: 50 });
        assert.ok(
          Math.abs(other.sums.loss - whole.sums.loss) < 1e-12,
          `${other.sums.loss} ${whole.sums.loss}`,
        );
        const apart = difference(whole.values, other.values);
        assert.ok(apart < 2e-6, `${apart}`);
      });
    }
  }

  it('skips the gradient of rollouts that move nothing, and nothing else', () => {
    const plain = objective({ preset: 'dapo' });
    const [skipping, all] = [0, 1e-60].map((bonus) =>
      // So small that it is 0 in float32: the rollouts take part, and add nothing.
      gradientOf(model, rollouts, { objective: { ...plain, entropy: { ...plain.entropy, bonus } } }),
    );
    const apart = difference(skipping!.values, all!.values);
    assert.ok(apart < 2e-6, `${apart}`);
    for (const key of ['tokens', 'entropy', 'ratio', 'kl', 'policyLoss'] as const) {
      assert.ok(Math.abs(skipping!.sums[key] - all!.sums[key]) < 1e-9, key); // added up in another order
    }
  });

  it('makes an update of every mini-batch of whole groups, each epoch, and of the rest', () => {
    const run = (given: Partial<UpdateOptions>, of: readonly ScoredRollout[] = rollouts) => {
      const copy = tinyModel(5);
      const optimizer = new AdamW(copy.parameters, ADAMW);
      const result = updatePolicy(copy, optimizer, of, { ...OPTIONS, ...given });
      assert.equal(optimizer.step, result.updates.length);
      optimizer.dispose();
      disposeQwen2(copy);
      return result;
    };
    const tokensOf = (group: number) =>
      rollouts.reduce(
        (sum, each) => sum + (each.group === group ? each.mask.reduce((a, b) => a + b, 0) : 0),
        0,
      );
    const counts = [0, 1, 2, 3, 4].map(tokensOf);
    const pairs = [counts[0]! + counts[1]!, counts[2]! + counts[3]!, counts[4]!];
    const two = run({ groupsPerMiniBatch: 2, epochs: 2 });
    assert.deepEqual(
      two.updates.map(({ tokens }) => tokens),
      [...pairs, ...pairs],
    );
    assert.equal(two.mean.tokens, 2 * counts.reduce((a, b) => a + b));
    assert.equal(two.mean.ratio_max, Math.max(...two.updates.map((each) => each.ratio_max)));
    const mean = two.updates.reduce((sum, { entropy }) => sum + entropy / 6, 0);
    assert.ok(Math.abs(two.mean.entropy - mean) < 1e-12, 'mean entropy');

    // Shuffled by the given stream, groups stay together.
    const order = randomFamily('groups').at(0).shuffle([0, 1, 2, 3, 4]);
    const shuffled = run({ groupsPerMiniBatch: 1, order: randomFamily('groups').at(0) });
    assert.deepEqual(
      shuffled.updates.map(({ tokens }) => tokens),
      order.map((group) => counts[group]!),
    );

    // Nothing that bears loss: no update.
    const masked = rollouts.map((each) =>
      each.group === 1 ? { ...each, mask: each.mask.map(() => 0) } : each,
    );
    assert.equal(run({ groupsPerMiniBatch: 1 }, masked).updates.length, 4);
    const none = run({}, []);
    assert.equal(none.updates.length, 0);
    assert.ok(Number.isNaN(none.mean.loss) && none.mean.tokens === 0, 'mean of no update');
  });

  it('applies clipping of the gradient and the rate as AdamW does', () => {
    const one = tinyModel(5);
    const optimizer = new AdamW(one.parameters, ADAMW);
    const { gradients } = policyGradient(one, rollouts, OPTIONS);
    const norm = optimizer.update(gradients, 0.01);
    tf.dispose([...gradients.values()]);
    const two = tinyModel(5);
    const other = new AdamW(two.parameters, ADAMW);
    const { mean } = updatePolicy(two, other, rollouts, OPTIONS);
    assert.equal(mean.gradient_norm, norm);
    assert.deepEqual(valuesOf(two.parameters), valuesOf(one.parameters));
    for (const each of [optimizer, other]) each.dispose();
    for (const each of [one, two]) disposeQwen2(each);
  });

  it('changes nothing and says DIVERGED when loss or gradient is not finite, and frees everything', () => {
    const optimizer = new AdamW(model.parameters, ADAMW);
    updatePolicy(model, optimizer, rollouts, { ...OPTIONS, rate: 0 }); // moments that are not 0
    const state = () => [valuesOf(model.parameters), valuesOf(optimizer.moments()), optimizer.step];
    const before = state();
    const tensors = tf.memory().numTensors;
    const broken = (value: number) =>
      rollouts.map((each, i) => (i === 3 ? { ...each, advantages: each.advantages.map(() => value) } : each));
    for (const [given, options] of [
      [broken(Number.NaN), OPTIONS],
      [broken(Number.POSITIVE_INFINITY), OPTIONS],
      // A finite loss whose gradient is too large for float32.
      [rollouts, { ...OPTIONS, objective: objective({ entropy: { bonus: 1e60 } }) }],
    ] as const) {
      assert.throws(() => updatePolicy(model, optimizer, given, options), { code: 'DIVERGED' });
      assert.deepEqual(state(), before);
    }
    assert.equal(tf.memory().numTensors, tensors);
    optimizer.dispose();
  });

  it('frees what it makes', () => {
    const optimizer = new AdamW(model.parameters, ADAMW);
    const tensors = tf.memory().numTensors;
    updatePolicy(model, optimizer, rollouts, { ...OPTIONS, microBatchTokens: 20, rate: 0 });
    scoreTokens(model, rollouts, { temperature: 1, microBatchTokens: 20 });
    assert.equal(tf.memory().numTensors, tensors);
    optimizer.dispose();
  });
});
