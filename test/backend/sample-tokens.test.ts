import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { type SampleOptions, sampleTokens, useBackend } from '../../src/backend/index.ts';
import { randomFamily } from '../../src/core/index.ts';
import { assertClose, describeNative, float, given, tensorOf, testedBackend } from './op-test.ts';

const stream = randomFamily('sample-test').at(0);
const uniforms = Float64Array.from({ length: 200 }, () => stream.uniform());
const settings: Omit<SampleOptions, 'uniforms'>[] = [
  { temperature: 0, topP: 1, topK: 0 },
  { temperature: 1, topP: 1, topK: 0 },
  { temperature: 0.7, topP: 0.9, topK: 0 },
  { temperature: 1.5, topP: 1, topK: 5 },
  { temperature: 1, topP: 0.5, topK: 20 },
  { temperature: 1, topP: 0, topK: 0 },
  { temperature: 0, topP: 1, topK: 0, vocabulary: 37 },
  { temperature: 1, topP: 1, topK: 0, vocabulary: 37 },
  { temperature: 0.8, topP: 0.9, topK: 20, vocabulary: 37 },
];

describe('sampleTokens [cpu]', () => {
  before(async () => {
    await useBackend('cpu');
  });
  const draw = (values: number[], options: Omit<SampleOptions, 'uniforms'>, u: number) =>
    sampleTokens(tf.tensor2d([values]), { ...options, uniforms: Float64Array.of(u) }).ids[0];

  it('inverts the cumulative distribution in id order', () => {
    const logits = [0.1, 0.2, 0.3, 0.4].map(Math.log);
    const all = { temperature: 1, topP: 1, topK: 0 };
    assert.deepEqual(
      [0, 0.09, 0.11, 0.29, 0.31, 0.59, 0.61, 0.999].map((u) => draw(logits, all, u)),
      [0, 0, 1, 1, 2, 2, 3, 3],
    );
    // Temperature 1/2 squares the probabilities: 1, 4, 9, 16 of 30.
    assert.deepEqual(
      [0.02, 0.04, 0.16, 0.18, 0.46, 0.48].map((u) => draw(logits, { ...all, temperature: 0.5 }, u)),
      [0, 1, 1, 2, 2, 3],
    );
  });

  it('truncates to the smallest set, equals by lower id', () => {
    const logits = [0.1, 0.2, 0.3, 0.4].map(Math.log);
    // topK 2 keeps ids 2 and 3, 3/7 and 4/7; topP 0.65 as well; topP 0.4 only id 3.
    for (const options of [
      { temperature: 1, topP: 1, topK: 2 },
      { temperature: 1, topP: 0.65, topK: 0 },
    ]) {
      assert.deepEqual(
        [0, 0.42, 0.44, 0.99].map((u) => draw(logits, options, u)),
        [2, 2, 3, 3],
      );
    }
    assert.equal(draw(logits, { temperature: 1, topP: 0.39, topK: 0 }, 0), 3);
    assert.deepEqual(
      [0, 0.49, 0.51].map((u) => draw([1, 1, 1, 1], { temperature: 1, topP: 1, topK: 2 }, u)),
      [0, 0, 1],
    );
    assert.equal(draw([2, 5, 5, 1], { temperature: 0, topP: 1, topK: 0 }, 0.9), 1);
  });

  it('reports the untruncated log-probability at temperature 1', () => {
    const { logProbabilities } = sampleTokens(tf.tensor2d([[0.1, 0.2, 0.3, 0.4].map(Math.log)]), {
      temperature: 0,
      topP: 0.1,
      topK: 1,
      uniforms: Float64Array.of(0),
    });
    assertClose(logProbabilities, [Math.log(0.4)], { absolute: 1e-6, relative: 0 }, 'log-probability');
  });

  it('never draws an id beyond the vocabulary; log-probabilities stay those of all logits', () => {
    const logits = [0.1, 0.2, 0.3, 0.4].map(Math.log);
    const all = { temperature: 1, topP: 1, topK: 0, vocabulary: 3 };
    // 1/6, 2/6, 3/6 remain; top-k and top-p truncate what remains.
    assert.deepEqual(
      [0, 0.16, 0.17, 0.49, 0.51, 0.999].map((u) => draw(logits, all, u)),
      [0, 0, 1, 1, 2, 2],
    );
    assert.equal(draw(logits, { ...all, topK: 1 }, 0), 2);
    assert.equal(draw(logits, { ...all, topP: 0.49 }, 0), 2);
    assert.equal(draw(logits, { ...all, vocabulary: 2, temperature: 0 }, 0.9), 1);
    assert.equal(draw(logits, { ...all, vocabulary: 4 }, 0.999), 3);
    assert.equal(draw(logits, { ...all, vocabulary: 9 }, 0.999), 3);
    const { logProbabilities } = sampleTokens(tf.tensor2d([logits]), {
      ...all,
      temperature: 0,
      uniforms: Float64Array.of(0),
    });
    assertClose(logProbabilities, [Math.log(0.3)], { absolute: 1e-6, relative: 0 }, 'log-probability');
    assert.throws(() => draw(logits, { ...all, vocabulary: 0 }, 0), /vocabulary/);
  });

  it('refuses NaN', () => {
    assert.throws(() => draw([1, Number.NaN], settings[1]!, 0.5), /NaN/);
    // also where nothing is drawn from: the log-probability needs it
    assert.throws(() => draw([1, Number.NaN], { ...settings[1]!, vocabulary: 1 }, 0.5), /NaN/);
    assert.throws(() => draw([-Infinity, 1], { ...settings[1]!, vocabulary: 1 }, 0.5), /-Infinity/);
  });
});

describeNative('sampleTokens', () => {
  it('chooses what the reference chooses, whatever the batch', async () => {
    const logits = float('logits', [200, 61], -5, 5);
    for (let i = 0; i < 61; i++) logits.values[i] = 0.5; // a row of equals
    logits.values[3 * 61 + 4] = -Infinity;
    const draw = (options: SampleOptions) => {
      const tensor = tensorOf(logits) as tf.Tensor2D;
      const sampled = sampleTokens(tensor, options);
      tensor.dispose();
      return sampled;
    };
    for (const options of settings) {
      await tf.setBackend('cpu');
      const expected = draw({ ...options, uniforms });
      await tf.setBackend(testedBackend());
      const actual = draw({ ...options, uniforms });
      assert.deepEqual(actual.ids, expected.ids);
      assertClose(
        actual.logProbabilities,
        expected.logProbabilities,
        { absolute: 1e-6, relative: 1e-6 },
        'log-probabilities',
      );
      const row = tensorOf(given(logits.values.slice(61 * 7, 61 * 8), 'float32', [1, 61])) as tf.Tensor2D;
      const alone = sampleTokens(row, { ...options, uniforms: uniforms.slice(7, 8) });
      assert.equal(alone.ids[0], expected.ids[7]);
      row.dispose();
    }
  });

  it('refuses NaN', async () => {
    await tf.setBackend(testedBackend());
    assert.throws(() => sampleTokens(tf.tensor2d([[1, Number.NaN]]), { ...settings[1]!, uniforms }), /row 0/);
    const limited = { ...settings[1]!, vocabulary: 1, uniforms };
    assert.throws(() => sampleTokens(tf.tensor2d([[1, Number.NaN]]), limited), /row 0/);
    assert.throws(() => sampleTokens(tf.tensor2d([[-Infinity, 1]]), limited), /row 0/);
    assert.throws(() => sampleTokens(tf.tensor2d([[1, 2]]), { ...limited, vocabulary: 0 }), /vocabulary/);
  });

  it('chooses what the reference chooses for any vocabulary and settings', async () => {
    const logits = fc.integer({ min: 1, max: 700 }).chain((size) =>
      fc.record({
        rows: fc.integer({ min: 0, max: 40 }),
        size: fc.constant(size),
        spread: fc.constantFrom(0.01, 1, 8, 60, 900), // of 900, most weights are 0 or subnormal
        vocabulary: fc.option(fc.integer({ min: 1, max: size + 3 }), { nil: undefined }),
      }),
    );
    const options = fc.record({
      temperature: fc.constantFrom(0, 0.3, 1, 1, 2.5),
      topP: fc.constantFrom(1, 1, 0.97, 0.4),
      topK: fc.constantFrom(0, 0, 1, 7, 200),
      top: fc.constantFrom(0, 0.5, 1 - 2 ** -30), // not within rounding of a border
    });
    await fc.assert(
      fc.asyncProperty(logits, options, async ({ rows, size, spread, vocabulary }, { top, ...rest }) => {
        const values = float('any logits', [rows, size], -spread, spread);
        // Some ids are impossible, but never all.
        for (let i = 1; i < values.values.length; i += 11) {
          if (i % size !== 0) values.values[i] = -Infinity;
        }
        const draws = randomFamily('sample-test any', size).at(rows);
        const given = Float64Array.from({ length: rows }, (_, b) => (b % 5 === 4 ? top : draws.uniform()));
        const all: SampleOptions = { ...rest, uniforms: given };
        if (vocabulary !== undefined) all.vocabulary = vocabulary;
        const results: { ids: number[]; logProbabilities: number[] }[] = [];
        for (const backend of ['cpu', 'native']) {
          await tf.setBackend(backend);
          const tensor = tensorOf(values) as tf.Tensor2D;
          const into = { ids: new Int32Array(rows + 2), logProbabilities: new Float32Array(rows + 2) };
          assert.equal(sampleTokens(tensor, all, into), into);
          results.push({ ids: [...into.ids], logProbabilities: [...into.logProbabilities] });
          tensor.dispose();
        }
        assert.deepEqual(results[1]!.ids, results[0]!.ids);
        const close = { absolute: 1e-6, relative: 1e-6 };
        assertClose(results[1]!.logProbabilities, results[0]!.logProbabilities, close, 'log-probabilities');
      }),
      { numRuns: 60, seed: 5 },
    );
    await tf.setBackend(testedBackend());
    // At the greatest uniform number rounding may decide which of the last ids it is, but it is one that can be.
    const row = tf.tensor2d([[...Array.from({ length: 400 }, (_, i) => (i % 3) - 2), -Infinity, 5]]);
    const last = { ...settings[1]!, vocabulary: 401, uniforms: Float64Array.of(1 - 2 ** -53) };
    assert.ok([398, 399].includes(sampleTokens(row, last).ids[0]!));
    row.dispose();
    const short = { ids: new Int32Array(1), logProbabilities: new Float32Array(1) };
    assert.throws(() => sampleTokens(tf.zeros([2, 3]), { ...settings[1]!, uniforms }, short), /do not fit/);
  });
});
