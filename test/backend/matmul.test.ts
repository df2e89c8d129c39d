import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { adamwStep, linear, setThreadCount, threadCount } from '../../src/backend/index.ts';
import { currentNative } from '../../src/backend/native/backend.ts';
import { gemm } from '../../src/backend/native/kernels/matmul.ts';
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

  it('epilogue: scaled product, scaled addend, bias and activation, in batches, in place or not', async () => {
    await tf.setBackend(testedBackend());
    const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
    const functions = {
      linear: (x: number) => x,
      relu: (x: number) => Math.max(0, x),
      relu6: (x: number) => Math.min(6, Math.max(0, x)),
      elu: (x: number) => (x < 0 ? Math.expm1(x) : x),
      sigmoid,
      leakyrelu: (x: number) => (x < 0 ? 0.3 * x : x),
    };
    const names = Object.keys(functions) as (keyof typeof functions)[];
    const size = fc.integer({ min: 0, max: 40 });
    const k = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constant(700)); // 700: in pieces
    const settings = fc.record({
      transposes: fc.tuple(fc.boolean(), fc.boolean()),
      batch: fc.integer({ min: 1, max: 5 }),
      alpha: fc.constantFrom(1, -0.5),
      beta: fc.constantFrom(1, 0.25),
      activation: fc.constantFrom(...names),
      bias: fc.boolean(),
      addend: fc.constantFrom('none', 'apart', 'in place'),
    });
    await fc.assert(
      fc.asyncProperty(size, size, k, settings, async (m, n, k, settings) => {
        const { batch, alpha, beta, activation } = settings;
        const [ta, tb] = settings.transposes;
        const a = float('a', [batch, m, k]).values;
        const b = float('b', [batch, k, n]).values;
        const d = float('d', [batch, m, n]).values;
        const bias = float('bias', [n]).values;
        const turned = (x: number[], rows: number, columns: number, turn: boolean) =>
          tf.tidy(() => {
            const t = tf.tensor3d(x, [batch, rows, columns]);
            return turn ? tf.transpose(t, [0, 2, 1]) : tf.clone(t);
          });
        const backend = currentNative()!;
        const A = turned(a, m, k, ta);
        const B = turned(b, k, n, tb);
        const D = tf.tensor3d(d, [batch, m, n]);
        const bias1d = tf.tensor1d(bias);
        const C = settings.addend === 'in place' ? D : tf.zeros([batch, m, n]);
        gemm(backend, m, n, k, backend.address(A), backend.address(B), backend.address(C), ta, tb, {
          bias: settings.bias ? backend.address(bias1d) : 0,
          addend: settings.addend === 'none' ? 0 : backend.address(D),
          alpha,
          beta,
          activation,
          slope: 0.3,
          batch,
          stepA: m * k,
          stepB: k * n,
        });
        const expected = new Float64Array(batch * m * n);
        for (let q = 0; q < batch; q++) {
          for (let i = 0; i < m; i++) {
            for (let j = 0; j < n; j++) {
              let sum = 0;
              for (let p = 0; p < k; p++) sum += a[(q * m + i) * k + p]! * b[(q * k + p) * n + j]!;
              const at = (q * m + i) * n + j;
              const added = (settings.addend === 'none' ? 0 : beta * d[at]!) + (settings.bias ? bias[j]! : 0);
              expected[at] = functions[activation](alpha * sum + added);
            }
          }
        }
        const result = C.dataSync();
        tf.dispose([A, B, C, D, bias1d]);
        assertClose(result, expected, tolerance(k), JSON.stringify([m, n, k, settings]));
      }),
      { numRuns: 60, seed: 7 },
    );
  });

  it('weights kept packed are packed anew after they changed, and freed with them', async () => {
    await tf.setBackend(testedBackend());
    const { engine } = currentNative()!;
    const derived = () => engine.memory(4);
    const before = derived();
    const x = tensorOf(float('x', [3, 50])) as tf.Tensor2D;
    const initial = tensorOf(float('w', [70, 50])) as tf.Tensor2D;
    const weight = tf.variable(initial);
    initial.dispose(); // or it would keep the first values and what was packed of them
    const check = () =>
      tf.tidy(() => {
        const product = linear(x, weight as tf.Tensor2D);
        assert.deepEqual(product.dataSync(), tf.matMul(x, weight as tf.Tensor2D, false, true).dataSync());
      });
    check();
    check();
    const packed = derived() - before; // 70 columns rounded up to whole panels, bytes to a size class
    assert.ok(packed >= 70 * 50 * 4 && packed <= 96 * 50 * 4 * 1.125, String(packed));
    const gradient = tf.ones<tf.Rank.R2>([70, 50]);
    const [m, v] = [tf.variable(tf.zerosLike(gradient)), tf.variable(tf.zerosLike(gradient))];
    const options = { step: 1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, gradientScale: 1 };
    adamwStep([{ variable: weight, m, v, decay: false }], [gradient], { ...options, learningRate: 0.5 });
    assert.equal(derived(), before);
    check();
    tf.tidy(() => weight.assign(tf.mul(weight, 2)));
    assert.equal(derived(), before);
    check();
    tf.dispose([x, weight, gradient, m, v]);
    assert.equal(derived(), before);
  });
});
