import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { setThreadCount, threadCount } from '../../src/backend/index.ts';
import {
  assertClose,
  compareWithCpu,
  describeNative,
  float,
  given,
  tensorOf,
  testedBackend,
} from './op-test.ts';

/** Σ of k products of numbers below 2, in float32: each addition rounds by 6e-8 of a partial sum below 4√k. */
const tolerance = (k: number) => ({ absolute: 1e-6 * (1 + k ** 0.5) * 4, relative: 1e-6 });

describeNative('matrix multiplication', () => {
  for (const [ta, tb] of [
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ] as const) {
    it(`values and gradients, transposes ${ta} ${tb}`, async () => {
      const sizes = [
        [1, 1, 1],
        [1, 17, 5],
        [7, 1, 3],
        [6, 16, 8],
        [13, 33, 9],
        [5, 7, 0],
        [0, 4, 3],
        [4, 0, 3],
        [25, 50, 40],
        [3, 5, 401], // k in two pieces
      ];
      for (const [m, n, k] of sizes as [number, number, number][]) {
        const a = float('a', ta ? [k, m] : [m, k]);
        const b = float('b', tb ? [n, k] : [k, n]);
        await compareWithCpu(`[${m}, ${k}]·[${k}, ${n}]`, (x, y) => tf.matMul(x!, y!, ta, tb), [a, b], {
          gradient: true,
          tolerance: tolerance(Math.max(m, n, k)),
        });
      }
    });
  }

  it('batches, also broadcast', async () => {
    const pairs: [number[], number[]][] = [
      [
        [3, 2, 4],
        [3, 4, 5],
      ],
      [
        [3, 2, 4],
        [4, 5],
      ],
      [
        [2, 4],
        [3, 4, 5],
      ],
      [
        [0, 3, 4],
        [0, 4, 2],
      ],
      [
        [9, 7, 4],
        [9, 4, 6],
      ],
    ];
    for (const [a, b] of pairs) {
      await compareWithCpu(`[${a}]·[${b}]`, (x, y) => tf.matMul(x!, y!), [float('a', a), float('b', b)], {
        gradient: a.slice(0, -2).join() === b.slice(0, -2).join(), // tfjs's has the wrong shape when one is broadcast

        tolerance: tolerance(9),
      });
    }
  });

  it('batches broadcast on both sides equal the repeated operands', async () => {
    // Against native itself: cpu's matMul is wrong here (it makes as many products as the larger batch).
    await tf.setBackend(testedBackend());
    const [x, y] = [float('a', [2, 1, 3, 4]), float('b', [1, 3, 4, 5])];
    const [actual, expected] = tf.tidy(() => {
      const [a, b] = [tensorOf(x) as tf.Tensor4D, tensorOf(y) as tf.Tensor4D];
      const product = tf.matMul(a, b);
      return [
        product.dataSync(),
        tf.matMul(tf.tile(a, [1, 3, 1, 1]), tf.tile(b, [2, 1, 1, 1])).dataSync(),
      ] as never;
    }) as unknown as [Float32Array, Float32Array];
    assert.deepEqual(actual, expected);
  });

  it('any sizes and transposes', async () => {
    const size = fc.integer({ min: 1, max: 70 });
    await fc.assert(
      fc.asyncProperty(size, size, size, fc.boolean(), fc.boolean(), async (m, n, k, ta, tb) => {
        const inputs = [float('a', ta ? [k, m] : [m, k]), float('b', tb ? [n, k] : [k, n])];
        await compareWithCpu('matMul', (x, y) => tf.matMul(x!, y!, ta, tb), inputs, {
          tolerance: tolerance(k),
        });
      }),
      { numRuns: 40, seed: 11 },
    );
  });

  it('fused bias and activation', async () => {
    const inputs = [float('a', [5, 7]), float('b', [7, 19]), float('bias', [19])];
    for (const activation of ['linear', 'relu', 'relu6', 'elu', 'sigmoid'] as const) {
      await compareWithCpu(
        activation,
        (a, b, bias) =>
          tf.fused.matMul({ a: a as tf.Tensor2D, b: b as tf.Tensor2D, bias: bias!, activation }),
        inputs,
        { tolerance: tolerance(7) },
      );
    }
  });

  it('NaN and infinities reach exactly the results they touch', async () => {
    await tf.setBackend(testedBackend());
    const a = float('a', [20, 30]);
    a.values[3 * 30 + 4] = Number.NaN;
    a.values[7 * 30 + 1] = Infinity;
    const c = tf.tidy(
      () => tf.matMul(tensorOf(a) as tf.Tensor2D, tf.ones([30, 20])).arraySync() as number[][],
    );
    c.forEach((row, i) => {
      for (const x of row) assert.equal(String(x), i === 3 ? 'NaN' : i === 7 ? 'Infinity' : String(x));
      assert.equal(row.every(Number.isFinite), i !== 3 && i !== 7);
    });
  });

  it('large products agree with float64, in the same bits for any number of threads', async () => {
    await tf.setBackend(testedBackend());
    const [m, n, k] = [150, 130, 500] as const;
    const a = float('a', [m, k]);
    const b = float('b', [n, k]);
    const before = threadCount();
    const results = [1, 2, 3, before].map((threads) => {
      setThreadCount(threads);
      return tf.tidy(() =>
        tf.matMul(tensorOf(a) as tf.Tensor2D, tensorOf(b) as tf.Tensor2D, false, true).dataSync(),
      );
    });
    setThreadCount(before);
    for (const result of results) assert.deepEqual(result, results[0]);
    const exact = new Float64Array(m * n);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        for (let p = 0; p < k; p++) exact[i * n + j]! += a.values[i * k + p]! * b.values[j * k + p]!;
      }
    }
    assertClose(results[0]!, exact, tolerance(k), 'product');
  });

  it('a row does not depend on the rows computed with it', async () => {
    await tf.setBackend(testedBackend());
    const a = float('a', [61, 40]);
    const b = float('b', [90, 40]);
    const one = (rows: number) =>
      tf.tidy(() => {
        const part = given(a.values.slice(0, rows * 40), 'float32', [rows, 40]);
        return tf.matMul(tensorOf(part) as tf.Tensor2D, tensorOf(b) as tf.Tensor2D, false, true).dataSync();
      });
    const all = one(61);
    for (const rows of [1, 2, 5, 6, 7, 60]) assert.deepEqual(one(rows), all.slice(0, rows * 90));
  });
});
