import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {
  attention,
  embedding,
  gatedFeedForward,
  linear,
  linearCrossEntropy,
  qkvProjection,
  rmsNorm,
  rmsNormResidual,
  rotary,
  setThreadCount,
  swiglu,
  threadCount,
  tokenLogProbabilities,
} from '../../src/backend/index.ts';
import {
  assertClose,
  compareWithCpu,
  describeNative,
  exactly,
  float,
  given,
  type Input,
  ints,
  tensorOf,
  testedBackend,
} from './op-test.ts';

/** Sums of up to a few hundred products in float32 instead of float64. */
const loose = { absolute: 2e-5, relative: 2e-5 };

const shaped = <T extends tf.Tensor>(t: tf.Tensor | undefined) => t as T;

/** Central differences in float64 of `loss`, a plain-JavaScript function of all input values. */
function differences(loss: (values: number[][]) => number, inputs: Input[]): number[][] {
  const step = 1e-5;
  return inputs.map((input, which) =>
    input.values.map((value, i) => {
      const moved = (by: number) =>
        loss(
          inputs.map(({ values }, w) =>
            w === which ? values.map((v, j) => (j === i ? value + by : v)) : values,
          ),
        );
      return (moved(step) - moved(-step)) / (2 * step);
    }),
  );
}

/** Gradient on native of Σ out² / 2 + Σ out against differences of the same loss in float64. */
async function againstDifferences(
  operation: (...inputs: tf.Tensor[]) => tf.Tensor,
  plain: (values: number[][]) => number[],
  inputs: Input[],
): Promise<void> {
  await tf.setBackend(testedBackend());
  const loss = (out: number[]) => out.reduce((sum, x) => sum + x * x * 0.5 + x, 0);
  const gradients = tf.tidy(() =>
    tf
      .grads((...xs: tf.Tensor[]) => {
        const out = operation(...xs);
        return tf.add(tf.mul(tf.sum(tf.square(out)), 0.5), tf.sum(out)) as tf.Scalar;
      })(inputs.map(tensorOf))
      .map((t) => Array.from(t.dataSync())),
  );
  // Differences of step 1e-5 in float64 are right to about 1e-9; the rest is float32.
  differences((values) => loss(plain(values)), inputs).forEach((expected, i) => {
    assertClose(
      gradients[i]!,
      expected,
      { absolute: 3e-5, relative: 3e-5 },
      `gradient ${i} against differences`,
    );
  });
}

const silu = (x: number) => x / (1 + Math.exp(-x));

describeNative('fused operations', () => {
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

  describe('attention', () => {
    const run = (segments: number[]) => (q?: tf.Tensor, k?: tf.Tensor, v?: tf.Tensor) =>
      attention(shaped(q), shaped(k), shaped(v), Int32Array.from(segments));
    const inputs = (rows: number, heads: number, kvHeads: number, size: number) => [
      float('q', [rows, heads, size]),
      float('k', [rows, kvHeads, size]),
      float('v', [rows, kvHeads, size]),
    ];

    it('one and many segments, empty ones, grouped heads, odd sizes', async () => {
      const cases: [number[], number, number, number][] = [
        [[0, 1], 1, 1, 1],
        [[0, 5], 2, 1, 3],
        [[0, 3, 3, 8], 4, 2, 4],
        [[0, 1, 2, 3], 3, 3, 5],
        [[0, 47, 95, 144], 2, 1, 8], // around the block of 48 rows
        [[0, 130], 4, 2, 32],
        [[0, 0], 2, 2, 4],
        [[0, 0, 13, 26, 26], 2, 1, 17], // around the strip of 12 rows
        [[0, 300, 310, 600], 2, 1, 9], // beyond a chunk of 288 keys
        [[0, 700], 1, 1, 3], // several pieces of one segment in the gradient
      ];
      for (const [segments, heads, kvHeads, size] of cases) {
        const rows = segments.at(-1)!;
        await compareWithCpu(`segments ${segments}`, run(segments), inputs(rows, heads, kvHeads, size), {
          gradient: rows > 0,
          tolerance: loose,
        });
      }
    });

    it('gradient against differences', async () => {
      const [rows, heads, kvHeads, size] = [5, 2, 1, 3];
      const segments = [0, 2, 5];
      const plain = ([q, k, v]: number[][]) => {
        const out = new Array<number>(rows * heads * size).fill(0);
        for (let s = 0; s < 2; s++) {
          for (let t = segments[s]!; t < segments[s + 1]!; t++) {
            for (let h = 0; h < heads; h++) {
              const scores: number[] = [];
              for (let j = segments[s]!; j <= t; j++) {
                let dot = 0;
                for (let i = 0; i < size; i++) dot += q![(t * heads + h) * size + i]! * k![j * size + i]!;
                scores.push(Math.exp(dot / Math.sqrt(size)));
              }
              const total = scores.reduce((a, b) => a + b, 0);
              scores.forEach((w, j) => {
                for (let i = 0; i < size; i++)
                  out[(t * heads + h) * size + i]! += (w / total) * v![(segments[s]! + j) * size + i]!;
              });
            }
          }
        }
        return out;
      };
      await againstDifferences(
        (q, k, v) => run(segments)(q, k, v),
        plain,
        inputs(rows, heads, kvHeads, size),
      );
    });

    it('does not depend on the number of threads, in bits', async () => {
      await tf.setBackend(testedBackend());
      const tensors = inputs(900, 2, 1, 8).map(tensorOf);
      const results = [1, 2, 5].map((threads) => {
        setThreadCount(threads);
        return tf.tidy(() =>
          tf
            .grads((q, k, v) => run([0, 40, 900])(q, k, v))(tensors)
            .flatMap((x) => Array.from(x.dataSync())),
        );
      });
      setThreadCount(2);
      assert.deepEqual(results[1], results[0]);
      assert.deepEqual(results[2], results[0]);
    });

    it('carries NaN and infinities to the rows that see them, never to another segment', async () => {
      // Rows of the same segment before the bad one are left out: the composition adds a mask, and NaN − ∞ is NaN.
      const [q, k, v] = inputs(310, 2, 1, 4) as [Input, Input, Input];
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        for (const [x, row] of [
          [q, 15],
          [k, 20],
          [v, 295],
        ] as const) {
          const values = x.values.slice();
          values[row * x.shape[1]! * 4 + 1] = bad;
          const seen = (...tensors: tf.Tensor[]) => {
            const out = run([0, 10, 310])(...tensors);
            return [tf.slice(out, 0, 10), tf.slice(out, row)];
          };
          const changed = [q, k, v].map((y) => (y === x ? { ...x, values } : y));
          await compareWithCpu(`${bad} in row ${row}`, seen, changed, { tolerance: loose });
        }
      }
    });

    it('a segment does not depend on its neighbours, in bits', async () => {
      await tf.setBackend(testedBackend());
      const [q, k, v] = inputs(60, 4, 2, 8) as [Input, Input, Input];
      const part = (x: Input, from: number, to: number) => {
        const row = x.values.length / 60;
        return tensorOf(
          given(x.values.slice(from * row, to * row), 'float32', [to - from, ...x.shape.slice(1)]),
        );
      };
      const of = (from: number, to: number, segments: number[]) =>
        tf.tidy(() => run(segments)(part(q, from, to), part(k, from, to), part(v, from, to)).dataSync());
      const packed = of(0, 60, [0, 20, 60]);
      assertClose(of(0, 20, [0, 20]), packed.slice(0, 20 * 32), exactly, 'first segment alone');
      assertClose(of(20, 60, [0, 40]), packed.slice(20 * 32), exactly, 'second segment alone');
    });
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
