import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { attention, setThreadCount } from '../../src/backend/index.ts';
import { againstDifferences, loose, shaped } from './differences.ts';
import {
  assertClose,
  compareWithCpu,
  describeNative,
  exactly,
  float,
  given,
  type Input,
  tensorOf,
  testedBackend,
} from './op-test.ts';

describeNative('fused attention', () => {
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
        once: `attention, segments ${segments}`,
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
    await againstDifferences((q, k, v) => run(segments)(q, k, v), plain, inputs(rows, heads, kvHeads, size));
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
        await compareWithCpu(`${bad} in row ${row}`, seen, changed, {
          tolerance: loose,
          once: `attention, ${bad} in row ${row}`,
        });
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
