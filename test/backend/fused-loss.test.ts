import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import {
  linearCrossEntropy,
  setThreadCount,
  threadCount,
  tokenLogProbabilities,
} from '../../src/backend/index.ts';
import { againstDifferences, loose, shaped } from './differences.ts';
import {
  assertClose,
  compareWithCpu,
  describeNative,
  float,
  given,
  ints,
  tensorOf,
  testedBackend,
} from './op-test.ts';

describeNative('fused losses', () => {
  it('cross-entropy over more rows than are held at once: the same bits for any number of threads', async () => {
    await tf.setBackend(testedBackend());
    const [rows, size, vocabulary] = [9000, 48, 512] as const; // 8160 rows of logits are held
    const hidden = tensorOf(float('many rows', [rows, size])) as tf.Tensor2D;
    const head = tensorOf(float('head', [vocabulary, size])) as tf.Tensor2D;
    const targets = tensorOf(ints('targets', [rows], vocabulary)) as tf.Tensor1D;
    const before = threadCount();
    const gradients = [1, 2, 3].map((threads) => {
      setThreadCount(threads);
      const loss = (h: tf.Tensor, w: tf.Tensor) =>
        tf.sum(linearCrossEntropy(h as tf.Tensor2D, w as tf.Tensor2D, targets)) as tf.Scalar;
      return tf.tidy(() =>
        tf
          .grads(loss)([hidden, head])
          .map((gradient) => gradient.dataSync()),
      );
    });
    setThreadCount(before);
    tf.dispose([hidden, head, targets]);
    assert.deepEqual(gradients[1], gradients[0]);
    assert.deepEqual(gradients[2], gradients[0]);
  });

  it('linearCrossEntropy, also with logits far apart', async () => {
    const run = (h?: tf.Tensor, w?: tf.Tensor, t?: tf.Tensor) =>
      linearCrossEntropy(shaped(h), shaped(w), shaped(t));
    for (const [rows, size, vocabulary] of [
      [1, 1, 1],
      [3, 5, 7],
      [100, 17, 130],
      [0, 3, 4],
    ] as const) {
      await compareWithCpu(
        'linearCrossEntropy',
        run,
        [float('h', [rows, size]), float('w', [vocabulary, size]), ints('t', [rows], vocabulary)],
        { gradient: rows > 0, tolerance: loose },
      );
    }
    // Logits up to ±10,000: nll is their difference, so a relative tolerance carries it.
    await compareWithCpu(
      'large logits',
      run,
      [float('h', [4, 5], -50, 50), float('w', [9, 5], -50, 50), ints('t', [4], 9)],
      { gradient: true, tolerance: { absolute: 2e-3, relative: 1e-5 } },
    );
    const targets = [1, 0, 3];
    const plain = ([h, w]: number[][]) =>
      targets.map((target, r) => {
        const logits = Array.from({ length: 4 }, (_, j) => {
          let dot = 0;
          for (let i = 0; i < 2; i++) dot += h![r * 2 + i]! * w![j * 2 + i]!;
          return dot;
        });
        return Math.log(logits.reduce((s, x) => s + Math.exp(x), 0)) - logits[target]!;
      });
    const ids = tensorOf(given(targets, 'int32'));
    await againstDifferences((h, w) => run(h, w, ids), plain, [float('h', [3, 2]), float('w', [4, 2])]);
  });

  it('linearCrossEntropy with weights and z-loss', async () => {
    for (const [rows, size, vocabulary] of [
      [1, 1, 1],
      [60, 17, 130],
      [0, 3, 4],
    ] as const) {
      const targets = tensorOf(ints('t', [rows], vocabulary));
      await compareWithCpu(
        'weights and z-loss',
        (h, w, weights) =>
          linearCrossEntropy(shaped(h), shaped(w), shaped(targets), {
            weights: shaped<tf.Tensor1D>(weights),
            zLoss: 0.1,
          }),
        [float('h', [rows, size]), float('w', [vocabulary, size]), float('weights', [rows], 0, 2)],
        { gradient: rows > 0, tolerance: { absolute: 1e-4, relative: 5e-5 } },
      );
    }
  });

  it('tokenLogProbabilities: temperature, entropy, and their gradients', async () => {
    for (const [rows, size, vocabulary] of [
      [1, 1, 1],
      [60, 17, 130],
      [0, 3, 4],
    ] as const) {
      for (const entropy of [false, true]) {
        await compareWithCpu(
          `entropy ${entropy}`,
          (h, w, t) => {
            const all = tokenLogProbabilities(shaped(h), shaped(w), shaped(t), { temperature: 0.7, entropy });
            return entropy ? [all.logProbabilities, all.entropies!] : all.logProbabilities;
          },
          [float('h', [rows, size]), float('w', [vocabulary, size], -1, 1), ints('t', [rows], vocabulary)],
          { gradient: rows > 0, tolerance: { absolute: 1e-4, relative: 5e-5 } },
        );
      }
    }
    const targets = [1, 0, 3];
    const ids = tensorOf(given(targets, 'int32'));
    const plain = ([h, w]: number[][]) => {
      const rows = targets.map((target, r) => {
        const logits = [0, 1, 2, 3].map(
          (j) => (h![r * 2]! * w![j * 2]! + h![r * 2 + 1]! * w![j * 2 + 1]!) / 0.7,
        );
        const lse = Math.log(logits.reduce((s, x) => s + Math.exp(x), 0));
        return [
          logits[target]! - lse,
          logits.reduce((s, x) => s + Math.exp(x - lse) * (lse - x), 0),
        ] as const;
      });
      return [...rows.map(([p]) => p), ...rows.map(([, e]) => e)];
    };
    await againstDifferences(
      (h, w) => {
        const options = { temperature: 0.7, entropy: true };
        const { logProbabilities, entropies } = tokenLogProbabilities(
          shaped(h),
          shaped(w),
          shaped(ids),
          options,
        );
        return tf.concat([logProbabilities, entropies!]);
      },
      plain,
      [float('h', [3, 2]), float('w', [4, 2])],
    );
  });

  it('cross-entropy carries NaN and infinities of a row, and not to its neighbours', async () => {
    await tf.setBackend(testedBackend());
    const h = float('h', [5, 3]);
    h.values[3 * 3] = Number.NaN;
    h.values[4 * 3] = Number.POSITIVE_INFINITY;
    const [w, targets] = [float('w', [9, 3]), tensorOf(given([1, 0, 3, 8, 2], 'int32'))];
    const nll = tf.tidy(() =>
      linearCrossEntropy(shaped(tensorOf(h)), shaped(tensorOf(w)), shaped(targets)).dataSync(),
    );
    assert.deepEqual(Array.from(nll, Number.isFinite), [true, true, true, false, false]);
  });

  it('linearCrossEntropy in several stretches of rows, for a large vocabulary', async () => {
    // 90,000 words leave room for 48 rows at a time. Against tfjs operations on native, themselves tested above.
    await tf.setBackend(testedBackend());
    const [rows, size, vocabulary] = [50, 2, 90_000];
    const [h, w, t] = [
      float('h', [rows, size]),
      float('w', [vocabulary, size]),
      ints('t', [rows], vocabulary),
    ];
    const weights = float('weights', [rows]);
    const gradients = (nll: (h: tf.Tensor2D, w: tf.Tensor2D, t: tf.Tensor1D) => tf.Tensor) =>
      tf.tidy(() => {
        const ids = tensorOf(t) as tf.Tensor1D;
        const upstream = tensorOf(weights);
        const loss = (a: tf.Tensor, b: tf.Tensor) =>
          tf.sum(tf.mul(nll(a as tf.Tensor2D, b as tf.Tensor2D, ids), upstream)) as tf.Scalar;
        return tf
          .grads(loss as never)([tensorOf(h), tensorOf(w)])
          .map((x) => Array.from(x.dataSync()));
      });
    const fused = gradients(linearCrossEntropy);
    const plain = gradients((a, b, ids) =>
      tf.sub(tf.logSumExp(tf.matMul(a, b, false, true), 1), tf.sum(tf.mul(a, tf.gather(b, ids)), 1)),
    );
    fused.forEach((values, i) => {
      // Sums over 90,000 words of numbers that add up to 1.
      assertClose(values, plain[i]!, { absolute: 1e-5, relative: 1e-4 }, `gradient ${i}`);
    });
  });
});
