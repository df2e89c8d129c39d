import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {
  attention,
  embedding,
  gatedFeedForward,
  linear,
  qkvProjection,
  rmsNorm,
  rmsNormResidual,
  rotary,
  swiglu,
} from '../../src/backend/index.ts';
import { againstDifferences, loose, shaped } from './differences.ts';
import {
  assertClose,
  compareWithCpu,
  describeNative,
  exactly,
  float,
  ints,
  tensorOf,
  testedBackend,
} from './op-test.ts';

const silu = (x: number) => x / (1 + Math.exp(-x));

describeNative('fused operations', () => {
  it('embedding: values, repeated ids add up, no ids', async () => {
    for (const [vocabulary, size, rows] of [
      [5, 3, 7],
      [4, 1, 1],
      [300, 33, 50],
      [3, 4, 0],
    ] as const) {
      await compareWithCpu(
        'embedding',
        (table, ids) => embedding(shaped(table), shaped(ids)),
        [float('table', [vocabulary, size]), ints('ids', [rows], vocabulary)],
        { gradient: rows > 0, tolerance: exactly, gradientTolerance: loose },
      );
    }
  });

  it('rmsNorm', async () => {
    const run = (x?: tf.Tensor, w?: tf.Tensor) => rmsNorm(shaped(x), shaped(w), 1e-6);
    for (const [rows, size] of [
      [1, 1],
      [3, 7],
      [70, 33],
      [200, 128],
      [0, 4],
    ] as const) {
      await compareWithCpu('rmsNorm', run, [float('x', [rows, size]), float('w', [size])], {
        gradient: rows > 0,
        tolerance: loose,
      });
    }
    const plain = ([x, w]: number[][]) => {
      const out: number[] = [];
      for (let r = 0; r < 3; r++) {
        const row = x!.slice(r * 5, r * 5 + 5);
        const rms = Math.sqrt(row.reduce((s, v) => s + v * v, 0) / 5 + 1e-6);
        out.push(...row.map((v, j) => (v / rms) * w![j]!));
      }
      return out;
    };
    await againstDifferences((x, w) => rmsNorm(shaped(x), shaped(w), 1e-6), plain, [
      float('x', [3, 5]),
      float('w', [5]),
    ]);
  });

  it('linear with and without bias', async () => {
    for (const [rows, inputs, outputs] of [
      [1, 1, 1],
      [5, 7, 19],
      [50, 33, 65],
      [0, 3, 2],
      [130, 128, 64],
    ] as const) {
      const given = [float('x', [rows, inputs]), float('w', [outputs, inputs])];
      const tolerance = { absolute: 6e-5, relative: 2e-5 }; // sums of 130 products of size 4
      await compareWithCpu('linear', (x, w) => linear(shaped(x), shaped(w)), given, {
        gradient: rows > 0,
        tolerance,
      });
      await compareWithCpu(
        'linear + bias',
        (x, w, b) => linear(shaped(x), shaped(w), shaped<tf.Tensor1D>(b)),
        [...given, float('b', [outputs])],
        { gradient: rows > 0, tolerance },
      );
    }
  });

  it('linear with a residual', async () => {
    for (const [rows, inputs, outputs] of [
      [1, 1, 1],
      [5, 7, 19],
      [50, 33, 65],
      [0, 3, 2],
      [3, 0, 2],
    ] as const) {
      const given = [float('x', [rows, inputs]), float('w', [outputs, inputs]), float('r', [rows, outputs])];
      await compareWithCpu(
        'linear + residual',
        (x, w, r) => linear(shaped(x), shaped(w), undefined, shaped<tf.Tensor2D>(r)),
        given,
        { gradient: rows > 0 && inputs > 0, tolerance: loose },
      );
      await compareWithCpu(
        'linear + bias + residual, which is also the input',
        (x, w, b) => linear(shaped(x), shaped(w), shaped<tf.Tensor1D>(b), shaped<tf.Tensor2D>(x)),
        [float('x', [rows, outputs]), float('w', [outputs, outputs]), float('b', [outputs])],
        { gradient: rows > 0, tolerance: { absolute: 6e-5, relative: 2e-5 } },
      );
    }
  });

  it('rmsNormResidual: norm and input, both used', async () => {
    for (const [rows, size] of [
      [1, 1],
      [3, 7],
      [70, 33],
      [0, 4],
    ] as const) {
      await compareWithCpu(
        'rmsNormResidual',
        (x, w) => {
          const { normed, residual } = rmsNormResidual(shaped(x), shaped(w), 1e-6);
          return [normed, residual];
        },
        [float('x', [rows, size]), float('w', [size])],
        { gradient: rows > 0, tolerance: loose },
      );
    }
    // The upstream gradient of a caller must not be overwritten.
    await tf.setBackend(testedBackend());
    tf.tidy(() => {
      const [x, w] = [tensorOf(float('x', [3, 4])), tensorOf(float('w', [4]))];
      const upstream = tf.ones([3, 4]);
      const f = (y: tf.Tensor) => rmsNormResidual(shaped(y), shaped(w), 1e-6).residual;
      const gradient = tf.grad(f)(x, upstream);
      assertClose(gradient.dataSync(), new Array(12).fill(1), exactly, 'gradient');
      assertClose(upstream.dataSync(), new Array(12).fill(1), exactly, 'upstream');
    });
  });

  const feedForward = (...[x, g, u, d, r]: tf.Tensor[]) =>
    gatedFeedForward(shaped(x), shaped(g), shaped(u), shaped(d), r as tf.Tensor2D | undefined);
  const feedForwardInputs = (rows: number, width: number, inner: number) => [
    float('x', [rows, width], -1, 1),
    float('g', [inner, width], -1, 1),
    float('u', [inner, width], -1, 1),
    float('d', [width, inner], -1, 1),
    float('r', [rows, width]),
  ];

  it('gatedFeedForward, with and without residual', async () => {
    for (const [rows, width, inner] of [
      [1, 1, 1],
      [5, 7, 19],
      [100, 33, 140], // more than one tile each way
      [0, 3, 2],
    ] as const) {
      const inputs = feedForwardInputs(rows, width, inner);
      // Sums of 140 products of sizes up to 10.
      const options = { gradient: rows > 0, tolerance: { absolute: 5e-4, relative: 5e-5 } };
      await compareWithCpu('gatedFeedForward', feedForward, inputs, options);
      await compareWithCpu('without residual', feedForward, inputs.slice(0, 4), options);
    }
    const dot = (a: number[], b: number[], r: number, j: number, n: number) =>
      Array.from({ length: n }, (_, i) => a[r * n + i]! * b[j * n + i]!).reduce((s, x) => s + x, 0);
    await againstDifferences(
      feedForward,
      ([x, g, u, d, residual]) => {
        const gated = [0, 1].flatMap((r) =>
          [0, 1, 2, 3].map((j) => silu(dot(x!, g!, r, j, 3)) * dot(x!, u!, r, j, 3)),
        );
        return [0, 1].flatMap((r) => [0, 1, 2].map((j) => dot(gated, d!, r, j, 4) + residual![r * 3 + j]!));
      },
      feedForwardInputs(2, 3, 4),
    );
  });

  it('qkvProjection', async () => {
    for (const [rows, width, heads, kvHeads, size] of [
      [1, 1, 1, 1, 2],
      [5, 7, 3, 1, 4],
      [40, 33, 4, 2, 32],
      [0, 3, 2, 1, 2],
    ] as const) {
      const positions = tensorOf(ints('positions', [rows], 700));
      const map = (name: string, count: number) => [
        float(`w${name}`, [count * size, width], -1, 1),
        float(`b${name}`, [count * size]),
      ];
      await compareWithCpu(
        'qkvProjection',
        (x, wq, bq, wk, bk, wv, bv) =>
          qkvProjection(
            shaped(x),
            { weight: shaped(wq), bias: shaped(bq) },
            { weight: shaped(wk), bias: shaped(bk) },
            { weight: shaped(wv), bias: shaped(bv) },
            shaped(positions),
            { heads, kvHeads, base: 10000 },
          ),
        [float('x', [rows, width]), ...map('q', heads), ...map('k', kvHeads), ...map('v', kvHeads)],
        { gradient: rows > 0, tolerance: { absolute: 6e-5, relative: 5e-5 } },
      );
    }
  });

  it('random shapes, also empty ones, against the composition', async function () {
    this.timeout(120_000);
    const size = fc.integer({ min: 0, max: 40 });
    await fc.assert(
      fc.asyncProperty(
        size,
        size,
        size,
        fc.integer({ min: 0, max: 9999 }),
        async (rows, inputs, outputs, seed) => {
          const options = {
            gradient: rows > 0 && inputs > 0 && outputs > 0,
            tolerance: { absolute: 2e-4, relative: 5e-5 },
          };
          const x = float(`x${seed}`, [rows, inputs]);
          const weight = float(`w${seed}`, [outputs, inputs]);
          await compareWithCpu(
            'gatedFeedForward',
            feedForward,
            feedForwardInputs(rows, inputs, outputs),
            options,
          );
          await compareWithCpu(
            'linear + residual',
            (a, w, r) => linear(shaped(a), shaped(w), undefined, shaped<tf.Tensor2D>(r)),
            [x, weight, float(`r${seed}`, [rows, outputs])],
            options,
          );
        },
      ),
      { numRuns: 15, seed: 3 },
    );
  });

  it('random segments against the composition', async function () {
    this.timeout(120_000);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 70 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 2 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 20 }),
        async (lengths, kvHeads, group, size) => {
          const segments = Int32Array.from([0, ...lengths]);
          for (let s = 1; s < segments.length; s++) segments[s]! += segments[s - 1]!;
          const rows = segments.at(-1)!;
          await compareWithCpu(
            `segments ${segments}`,
            (q, k, v) => attention(shaped(q), shaped(k), shaped(v), segments),
            [
              float('q', [rows, kvHeads * group, size]),
              float('k', [rows, kvHeads, size]),
              float('v', [rows, kvHeads, size]),
            ],
            { gradient: rows > 0, tolerance: loose },
          );
        },
      ),
      { numRuns: 15, seed: 4 },
    );
  });

  it('rotary: any positions, also far ones', async () => {
    for (const [rows, heads, size] of [
      [1, 1, 2],
      [5, 3, 4],
      [40, 2, 32],
      [3, 1, 64],
      [0, 2, 4],
    ] as const) {
      const inputs = [float('x', [rows, heads, size]), ints('positions', [rows], 3000)];
      await compareWithCpu('rotary', (x, p) => rotary(shaped(x), shaped(p), 10000), inputs, {
        gradient: rows > 0,
      });
    }
    // Position 1, size 2: rotation by 1 radian; base does not matter for the first frequency.
    await tf.setBackend(testedBackend());
    const turned = tf.tidy(() => rotary(tf.tensor3d([[[1, 0]]]), tf.tensor1d([1], 'int32'), 500).dataSync());
    assertClose(turned, [Math.cos(1), Math.sin(1)], { absolute: 1e-7, relative: 1e-7 }, 'one radian');
  });

  it('swiglu', async () => {
    for (const shape of [
      [1, 1],
      [3, 7],
      [0, 4],
      [40, 65],
    ]) {
      await compareWithCpu(
        'swiglu',
        (g, u) => swiglu(shaped(g), shaped(u)),
        [float('g', shape, -8, 8), float('u', shape)],
        { gradient: shape[0]! > 0, tolerance: loose },
      );
    }
    const inputs = [float('g', [2, 5]), float('u', [2, 5])];
    await againstDifferences(
      (g, u) => swiglu(shaped(g), shaped(u)),
      ([g, u]) => g!.map((x, i) => silu(x) * u![i]!),
      inputs,
    );
  });
});
