import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import {
  attention,
  attentionWithCache,
  copyCacheSlot,
  createKvCache,
  useBackend,
  writeCache,
} from '../../src/backend/index.ts';
import { assertClose, describeNative, float, given, type Input, tensorOf, testedBackend } from './op-test.ts';

const [heads, kvHeads, size] = [4, 2, 6];
const lengths = [9, 1, 5];
const segments = Int32Array.of(0, 9, 10, 15);
const slots = Int32Array.of(3, 0, 4);

const part = (x: Input, from: number, to: number) => {
  const row = x.values.length / x.shape[0]!;
  return tensorOf(
    given(x.values.slice(from * row, to * row), 'float32', [to - from, ...x.shape.slice(1)]),
  ) as tf.Tensor3D;
};
const last = (x: Input) =>
  tf.concat(lengths.map((_, s) => part(x, segments[s + 1]! - 1, segments[s + 1]!))) as tf.Tensor3D;

/** Prefill all but the last row of each segment, then one cached step, against attention over whole segments. */
function cachedEqualsWhole(): void {
  const q = float('q', [15, heads, size]);
  const k = float('k', [15, kvHeads, size]);
  const v = float('v', [15, kvHeads, size]);
  const cache = createKvCache(6, 12, kvHeads, size);
  tf.tidy(() => {
    const whole = attention(
      tensorOf(q) as tf.Tensor3D,
      tensorOf(k) as tf.Tensor3D,
      tensorOf(v) as tf.Tensor3D,
      segments,
    );
    const expected = tf.concat(
      lengths.map((_, s) => tf.slice(whole, [segments[s + 1]! - 1, 0, 0], [1, heads, size])),
    );
    const before = Int32Array.from(lengths, (n) => n - 1);
    const prefix = (x: Input) =>
      tf.concat(lengths.map((n, s) => part(x, segments[s]!, segments[s]! + n - 1))) as tf.Tensor3D;
    const offsets = Int32Array.of(0, 8, 8, 12);
    writeCache(cache, prefix(k), prefix(v), offsets, slots);
    const step = attentionWithCache(last(q), last(k), last(v), cache, before, slots);
    // Sums of 9 products of size 4.
    assertClose(step.dataSync(), expected.dataSync(), { absolute: 3e-6, relative: 3e-6 }, 'one step');

    // Samples of one prefill: copies of slot 3, continued differently, do not disturb each other.
    copyCacheSlot(cache, 3, Int32Array.of(1, 2), 8);
    const rows = Int32Array.of(8, 8, 8);
    const three = (x: Input) => tf.concat([part(x, 8, 9), part(x, 0, 1), part(x, 8, 9)]) as tf.Tensor3D;
    const samples = attentionWithCache(three(q), three(k), three(v), cache, rows, Int32Array.of(1, 2, 3));
    const values = samples.dataSync();
    const row = heads * size;
    assertClose(
      values.slice(0, row),
      expected.dataSync().slice(0, row),
      { absolute: 3e-6, relative: 3e-6 },
      'copied slot',
    );
    assert.deepEqual(values.slice(2 * row), values.slice(0, row));
    assert.notDeepEqual(values.slice(row, 2 * row), values.slice(0, row));
  });
  assert.throws(
    () => attentionWithCache(last(q), last(k), last(v), cache, Int32Array.of(0, 12, 0)),
    /no room/,
  );
  cache.dispose();
}

describe('key/value cache [cpu]', () => {
  it('cached attention equals attention over the whole segment', async () => {
    await useBackend('cpu');
    tf.tidy(cachedEqualsWhole);
  });
});

describeNative('key/value cache', () => {
  it('cached attention equals attention over the whole segment', async () => {
    await tf.setBackend(testedBackend());
    tf.tidy(cachedEqualsWhole);
  });

  it('agrees with the reference for every head size, length and group', async () => {
    // Sizes and lengths around vectors of 4, 8 and 16 numbers and four streams of 16 keys.
    for (const headSize of [1, 4, 8, 20, 32, 48, 64]) {
      for (const [length, group] of [0, 6, 7, 8, 40, 83].map((n, i) => [n, 1 + (i % 3)] as const)) {
        const results: Float32Array[] = [];
        for (const name of ['cpu', testedBackend()]) {
          await tf.setBackend(name);
          const cache = createKvCache(2, 84, 1, headSize);
          const tensor = (what: string, rows: number, count: number) =>
            tensorOf(float(what, [rows, count, headSize])) as tf.Tensor3D;
          results.push(
            tf
              .tidy(() => {
                const prefix = Int32Array.of(0, length);
                writeCache(cache, tensor('k', length, 1), tensor('v', length, 1), prefix, Int32Array.of(1));
                const lengths = Int32Array.of(length);
                const [q, k, v] = [tensor('q', 1, group), tensor('k1', 1, 1), tensor('v1', 1, 1)];
                return attentionWithCache(q, k, v, cache, lengths, Int32Array.of(1)) as tf.Tensor;
              })
              .dataSync() as Float32Array,
          );
          cache.dispose();
        }
        // Scores are sums of up to 64 products of size 4; their error is that of the exponent.
        const tolerance = { absolute: 2e-5, relative: 2e-5 };
        assertClose(
          results[1]!,
          results[0]!,
          tolerance,
          `size ${headSize}, length ${length}, group ${group}`,
        );
      }
    }
  });
});
