import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { useBackend } from '../../src/backend/index.ts';
import { disposeQwen2 } from '../../src/model/index.ts';
import { lossWeight, splitBatch } from '../../src/train/accumulate.ts';
import { AdamW, type PackedBatch, pack, type StepResult, trainStep } from '../../src/train/index.ts';
import { tinyModel, tinySequences, valuesOf } from './tiny.ts';

describe('gradient accumulation', () => {
  before(async () => {
    await useBackend('auto');
  });

  it('cuts between sequences, in order, and loses nothing', () => {
    const lengths = fc.array(fc.integer({ min: 2, max: 9 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 30 }), (sizes, most) => {
        const sequences = sizes.map((size, s) => Array.from({ length: size }, (_, i) => 100 * s + i));
        const whole: PackedBatch = pack(sequences);
        whole.weights = Float32Array.from(whole.ids, (_, row) => row);
        const pieces = splitBatch(whole, most);
        for (const name of ['ids', 'positions', 'targets', 'weights'] as const) {
          assert.deepEqual(
            pieces.flatMap((piece) => [...piece[name]!]),
            [...whole[name]!],
          );
        }
        const parts = pieces.map((piece) => piece.segments.length - 1);
        assert.equal(
          parts.reduce((sum, n) => sum + n, 0),
          sizes.length,
        );
        pieces.forEach((piece, p) => {
          assert.equal(piece.segments.at(-1), piece.ids.length);
          assert.ok(
            piece.ids.length <= most || parts[p] === 1,
            'only a long sequence alone exceeds the limit',
          );
        });
      }),
    );
  });

  /** One step on the batch, cut into pieces of at most `most` rows. */
  function step(batch: PackedBatch, most: number | undefined) {
    const model = tinyModel(3);
    const options = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, clip: 0.5 };
    const optimizer = new AdamW(model.parameters, options);
    const before = tf.memory().numTensors;
    const rate = 1e-3;
    const result = trainStep(
      model,
      optimizer,
      batch,
      most === undefined ? { rate } : { rate, microBatchTokens: most },
    );
    assert.equal(tf.memory().numTensors, before);
    const moments = valuesOf(optimizer.moments());
    optimizer.dispose();
    disposeQwen2(model);
    return { result, moments };
  }

  function same(a: ReturnType<typeof step>, b: ReturnType<typeof step>): void {
    // Sums of at most 100 float32 terms in another order; gradients here are of size 0.001 to 1.
    const near = (x: number, y: number, name: string) =>
      assert.ok(Math.abs(x - y) <= 2e-6 * Math.max(1, Math.abs(x)), `${name}: ${x} and ${y}`);
    near(a.result.loss, b.result.loss, 'loss');
    near(a.result.gradientNorm, b.result.gradientNorm, 'norm');
    // First moments are gradients (times 0.1): they are compared and not the weights, as AdamW's first update has the
    // size of the rate whatever the gradient.
    for (const [name, values] of a.moments) {
      for (const [i, value] of values.entries()) near(value, b.moments.get(name)![i]!, name);
    }
  }

  it('1 × 8 = 8 × 1', () => {
    const batch = pack(tinySequences(8));
    const whole = step(batch, undefined);
    assert.equal(splitBatch(batch, 1).length, 8);
    same(step(batch, 1), whole);
    same(step(batch, 20), whole);
  });

  it('is the mean over weighted tokens of the whole batch, not over pieces', () => {
    const batch: PackedBatch = pack(tinySequences(8));
    batch.weights = Float32Array.from(batch.ids, (_, row) => (row % 3 === 0 ? 0 : row < 20 ? 2 : 0.5));
    assert.ok(lossWeight(batch) !== batch.ids.length);
    const whole = step(batch, undefined);
    same(step(batch, 1), whole);
    const plain: StepResult = step(pack(tinySequences(8)), undefined).result;
    assert.notEqual(whole.result.loss, plain.loss);
  });

  it('has loss 0 and no gradient when no token counts', () => {
    const batch: PackedBatch = pack(tinySequences(2));
    batch.weights = new Float32Array(batch.ids.length);
    const { loss, gradientNorm } = step(batch, undefined).result;
    assert.deepEqual([loss, gradientNorm], [0, 0]);
  });
});

describe('decay_all', () => {
  it('decays biases and norm weights, too', () => {
    const rate = 1e-2;
    const decayed = (decayAll: boolean) => {
      const model = tinyModel(3);
      const options = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.5, clip: 1, decayAll };
      const optimizer = new AdamW(model.parameters, options);
      const zeros = new Map([...model.parameters].map(([name, v]) => [name, tf.zerosLike(v)]));
      const before = valuesOf(model.parameters);
      optimizer.update(zeros, rate);
      const after = valuesOf(model.parameters);
      tf.dispose([...zeros.values()]);
      optimizer.dispose();
      disposeQwen2(model);
      return [...before].filter(([name, values]) => {
        const factor = after.get(name)![0]! / values[0]!;
        if (!(Math.abs(factor - (1 - rate * 0.5)) < 1e-6)) assert.equal(after.get(name)![0], values[0]);
        return values[0] !== 0 && factor !== 1;
      });
    };
    const names = (list: ReturnType<typeof decayed>) => list.map(([name]) => name);
    assert.ok(names(decayed(false)).every((name) => !/norm|bias/.test(name)));
    assert.ok(names(decayed(true)).includes('model.norm.weight'));
  });
});
