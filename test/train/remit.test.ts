import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from '../../src/backend/index.ts';
import { disposeQwen2, type Qwen2, tokenLosses } from '../../src/model/index.ts';
import {
  AdamW,
  type PackedBatch,
  pack,
  Remit,
  type RemitOptions,
  remitWeights,
  type StepOptions,
  toTensors,
  trainStep,
} from '../../src/train/index.ts';
import { tinyModel, tinySequences, valuesOf } from './tiny.ts';

const options: RemitOptions = {
  epsilon: 0.2,
  scale: 2,
  temperature: 1,
  center: true,
  standardize: false,
  squash: 'sigmoid',
};

function near(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-5): void {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) => {
    assert.ok(Math.abs(actual[i]! - value) < tolerance, `${i}: ${actual[i]} and ${value}`);
  });
}

describe('ReMiT weights', () => {
  const d = Float32Array.of(0, 0.5, -0.5, 2, -1);
  const one = Int32Array.of(0, 5);

  it('are those of a calculation by hand', () => {
    // The mean is 0.2; 2·sigmoid of −0.2, 0.3, −0.7, 1.8, −1.2 is .90033, 1.14889, .66362, 1.71630, .46295.
    near(remitWeights(d, one, undefined, options), [0.90033, 1.14889, 0.8, 1.2, 0.8]);
  });

  it('are 1 where both models agree, whatever the squashing', () => {
    for (const squash of ['sigmoid', 'exponential', 'linear'] as const) {
      near(
        remitWeights(new Float32Array(3), Int32Array.of(0, 3), undefined, { ...options, squash }),
        [1, 1, 1],
      );
    }
  });

  it('are centred sequence by sequence, over the tokens that count', () => {
    const segments = Int32Array.of(0, 2, 5);
    const wide = { ...options, epsilon: 1, squash: 'linear' as const };
    near(remitWeights(d, segments, undefined, wide), [0.75, 1.25, 1 - 2 / 3, 2, 0]);
    near(remitWeights(d, segments, Float32Array.of(1, 0, 0, 1, 0.5), wide), [1, 1.5, 0, 2, 0]);
  });

  it('follow their options', () => {
    const wide = { ...options, epsilon: 1, center: false };
    near(
      remitWeights(d, one, undefined, { ...wide, squash: 'exponential' }),
      [1, 1.64872, 0.60653, 2, 0.36788],
    );
    near(
      remitWeights(d, one, undefined, { ...wide, squash: 'linear', temperature: 4 }),
      [1, 1.125, 0.875, 1.5, 0.75],
    );
    near(remitWeights(d, one, undefined, { ...wide, scale: 1 }), [0.5, 0.62246, 0.37754, 0.8808, 0.26894]);
    // Deviation of 1 and −1 about their mean 0 is 1, of 4 and −4 it is 4.
    const standardized = { ...wide, center: true, standardize: true, squash: 'linear' as const };
    near(
      remitWeights(Float32Array.of(0.5, -0.5, 4, -4), Int32Array.of(0, 2, 4), undefined, standardized),
      [2, 0, 2, 0],
    );
    near(remitWeights(Float32Array.of(3, 3), Int32Array.of(0, 2), undefined, standardized), [1, 1]);
  });
});

describe('a ReMiT step', () => {
  before(async () => {
    await useBackend('auto');
  });

  const losses = (model: Qwen2, batch: PackedBatch) =>
    tf.tidy(() => {
      const { targets, ...inputs } = toTensors(batch);
      return [...tokenLosses(model, inputs, targets).dataSync<'float32'>()];
    });

  /** Loss and gradients (as first moments, a tenth of them) of one step from the same weights. */
  function step(batch: PackedBatch, extra: Partial<StepOptions>) {
    const model = tinyModel(3);
    const optimizer = new AdamW(model.parameters, {
      beta1: 0.9,
      beta2: 0.95,
      epsilon: 1e-8,
      weightDecay: 0,
      clip: 1e9,
    });
    const result = trainStep(model, optimizer, batch, { rate: 1e-3, ...extra });
    const moments = valuesOf(optimizer.moments());
    optimizer.dispose();
    disposeQwen2(model);
    return { result, moments };
  }

  for (const against of ['current', 'frozen base'] as const) {
    it(`minimises −(1/n) Σ w·log p with constant w, against the ${against} model`, () => {
      const [current, reference, base] = [3, 4, 5].map(tinyModel) as [Qwen2, Qwen2, Qwen2];
      const models = new Remit(reference, against === 'current' ? undefined : base, options);
      const batch: PackedBatch = pack(tinySequences(6));
      const mask = Float32Array.from(batch.ids, (_, row) => (row % 5 === 4 ? 0 : 1));
      batch.weights = mask;

      // The formula in plain numbers.
      const now = losses(current, batch);
      const cost = against === 'current' ? now : losses(base, batch);
      const theirs = losses(reference, batch);
      const weights = now.map(() => 0);
      for (let s = 0; s + 1 < batch.segments.length; s++) {
        const rows = now.map((_, row) => row).slice(batch.segments[s], batch.segments[s + 1]);
        const counted = rows.filter((row) => mask[row] === 1);
        const mean = counted.reduce((sum, row) => sum + cost[row]! - theirs[row]!, 0) / counted.length;
        for (const row of counted) {
          const w = 2 / (1 + Math.exp(-(cost[row]! - theirs[row]! - mean)));
          weights[row] = Math.min(1.2, Math.max(0.8, w));
        }
      }
      const n = mask.reduce((sum, m) => sum + m, 0);
      const expected = weights.reduce((sum, w, row) => sum + w * now[row]!, 0) / n;
      const plain = now.reduce((sum, loss, row) => sum + mask[row]! * loss, 0) / n;
      const clipped = (end: number) => weights.filter((w) => w === end).length;

      const before = tf.memory().numTensors;
      for (const microBatchTokens of [1000, 10]) {
        const { result, moments } = step(batch, { remit: { models, normalize: 'tokens' }, microBatchTokens });
        // float32 against float64, sums of about 50 terms of size 3.
        near([result.remit!.objective, result.loss], [expected, plain], 1e-5);
        const { sums } = result.remit!;
        assert.deepEqual([sums.tokens, sums.low, sums.high], [n, clipped(0.8), clipped(1.2)]);
        near([sums.weight], [weights.reduce((a, b) => a + b, 0)], 1e-4);

        // The same gradient as with these weights as data, which are divided by their sum instead of n.
        const given = { ...batch, weights: Float32Array.from(weights) };
        const same = step(given, {});
        const byWeights = step(batch, { remit: { models, normalize: 'weights' }, microBatchTokens });
        near([byWeights.result.remit!.objective], [same.result.loss], 1e-5);
        const factor = sums.weight / n;
        for (const [name, values] of same.moments) {
          if (!name.endsWith('.m')) continue;
          near(byWeights.moments.get(name)!, [...values], 1e-6);
          near(
            moments.get(name)!,
            [...values].map((value) => value * factor),
            1e-6,
          );
        }
      }
      assert.equal(tf.memory().numTensors, before);
      models.dispose();
      if (against === 'current') disposeQwen2(base);
      disposeQwen2(current);
    });
  }
});
