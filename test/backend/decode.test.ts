import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {
  createKvCache,
  type DecoderWeights,
  fusedDecodeStep,
  type KvCache,
  setThreadCount,
  threadCount,
  useBackend,
} from '../../src/backend/index.ts';
import { randomFamily } from '../../src/core/index.ts';
import {
  createQwen2,
  decodeStep,
  disposeQwen2,
  forward,
  type ModelConfig,
  parseModelConfig,
  prefill,
  type Qwen2,
} from '../../src/model/index.ts';
import { pack, toTensors } from '../../src/train/packing.ts';
import { assertClose, describeNative, tensorOf, testedBackend } from './op-test.ts';

interface Shape {
  heads: number;
  kvHeads: number;
  headSize: number;
  inner: number;
  vocabulary: number;
  layers: number;
  tied: boolean;
}

function configOf(shape: Shape): ModelConfig {
  return parseModelConfig({
    model_type: 'qwen2',
    hidden_size: shape.heads * shape.headSize,
    intermediate_size: shape.inner,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.kvHeads,
    vocab_size: shape.vocabulary,
    max_position_embeddings: 512,
    tie_word_embeddings: shape.tied,
    initializer_range: 0.2, // large, so that every part matters to the result
  });
}

/** A model with biases that are not 0, and prompts of given lengths in the caches' slots. */
function prepare(shape: Shape, prompts: readonly number[][], slots: Int32Array, slotCount: number) {
  const config = configOf(shape);
  const model = createQwen2(config, 3);
  for (const [name, variable] of model.parameters) {
    if (!name.endsWith('bias')) continue;
    const stream = randomFamily('decode-test bias', name).at(0);
    const values = tf.tensor1d(Float32Array.from({ length: variable.size }, () => stream.uniform() - 0.5));
    variable.assign(values);
    values.dispose();
  }
  const capacity = Math.max(...prompts.map((prompt) => prompt.length)) + 4;
  const caches = Array.from({ length: shape.layers }, () =>
    createKvCache(slotCount, capacity, shape.kvHeads, shape.headSize),
  );
  const { targets, ...batch } = toTensors(pack(prompts.map((prompt) => [...prompt, 0])));
  prefill(model, batch, caches, slots).dispose();
  for (const tensor of [targets, batch.ids, batch.positions]) tensor.dispose();
  return { model, caches };
}

function drop(model: Qwen2, caches: readonly KvCache[]): void {
  disposeQwen2(model);
  for (const cache of caches) cache.dispose();
}

function step(model: Qwen2, caches: readonly KvCache[], ids: number[], lengths: number[], slots: number[]) {
  const logits = decodeStep(
    model,
    Int32Array.from(ids),
    Int32Array.from(lengths),
    caches,
    Int32Array.from(slots),
  );
  assert.deepEqual(logits.shape, [ids.length, model.config.vocab_size]);
  const values = logits.dataSync().slice();
  logits.dispose();
  return values;
}

const shapes = fc
  .record({
    kvHeads: fc.integer({ min: 1, max: 3 }),
    group: fc.integer({ min: 1, max: 3 }),
    half: fc.constantFrom(1, 2, 3, 4, 5, 8, 9, 16),
    inner: fc.integer({ min: 1, max: 70 }),
    vocabulary: fc.integer({ min: 1, max: 90 }),
    layers: fc.integer({ min: 1, max: 2 }),
    tied: fc.boolean(),
  })
  .map(({ group, half, ...rest }): Shape => ({ ...rest, heads: rest.kvHeads * group, headSize: 2 * half }));

describeNative('decoding step', () => {
  before(async () => {
    await useBackend(testedBackend());
  });

  it('is the composition on cpu, for any heads, sizes, lengths, slots and number of sequences', async function () {
    this.timeout(300_000);
    const batches = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constantFrom(12, 13, 31, 64, 70));
    await fc.assert(
      fc.asyncProperty(shapes, batches, fc.integer({ min: 0, max: 1000 }), async (shape, batch, seed) => {
        const stream = randomFamily('decode-test', seed).at(0);
        const draw = () => stream.below(shape.vocabulary);
        const prompts = Array.from({ length: batch }, () =>
          Array.from({ length: 1 + stream.below(9) }, draw),
        );
        const slots = stream.shuffle(Array.from({ length: batch + 1 }, (_, i) => i)).slice(0, batch);
        const next = [prompts.map(draw), prompts.map(draw)];
        const results: Float32Array[][] = [];
        for (const backend of ['cpu', testedBackend()]) {
          await tf.setBackend(backend);
          const { model, caches } = prepare(shape, prompts, Int32Array.from(slots), batch + 1);
          results.push(
            next.map((ids, t) => {
              const lengths = prompts.map((prompt) => prompt.length + t);
              return step(model, caches, ids, lengths, slots) as Float32Array;
            }),
          );
          drop(model, caches);
        }
        for (const t of [0, 1]) {
          assertClose(results[1]![t]!, results[0]![t]!, { absolute: 1e-5, relative: 1e-5 }, `step ${t}`);
        }
      }),
      { numRuns: 12, seed: 11 },
    );
    await tf.setBackend(testedBackend());
  });

  const shape: Shape = {
    heads: 6,
    kvHeads: 2,
    headSize: 16,
    inner: 200,
    vocabulary: 131,
    layers: 3,
    tied: false,
  };
  const stream = randomFamily('decode-test batch').at(0);
  const prompts = Array.from({ length: 70 }, () =>
    Array.from({ length: 1 + stream.below(40) }, () => stream.below(131)),
  );
  const all = prompts.map((_, i) => i);
  const ids = all.map(() => stream.below(131));
  const lengths = prompts.map((prompt) => prompt.length);
  const pick = (values: readonly number[], rows: readonly number[]) => rows.map((row) => values[row]!);
  const rowOf = (values: ArrayLike<number>, row: number) =>
    Array.from({ length: 131 }, (_, i) => values[row * 131 + i]!);

  it('gives a sequence the same bits alone, beside others, in any order, with any number of threads', () => {
    const { model, caches } = prepare(shape, prompts, Int32Array.from(all), 70);
    const threads = threadCount();
    const expected = step(model, caches, ids, lengths, all);
    assert.ok(expected.every(Number.isFinite));
    try {
      for (const count of [1, 2, 3]) {
        setThreadCount(count);
        assert.deepEqual(step(model, caches, ids, lengths, all), expected, `${count} threads`);
        for (const rows of [
          [0],
          [7],
          [69, 3],
          [1, 2, 3],
          [5, 4, 60, 8, 30],
          all.slice(0, 64),
          all.toReversed(),
        ]) {
          // The same step again: it writes the same keys and values to the same rows of the caches.
          const part = step(model, caches, pick(ids, rows), pick(lengths, rows), rows);
          for (const [i, row] of rows.entries()) {
            assert.deepEqual(rowOf(part, i), rowOf(expected, row), `row ${row} of ${rows.length}`);
          }
        }
      }
    } finally {
      setThreadCount(threads);
      drop(model, caches);
    }
  });

  it('gives the logits of a full forward pass, token by token', () => {
    const prompt = prompts[0]!.slice(0, 5);
    const { model, caches } = prepare(shape, [prompt], Int32Array.of(1), 2);
    const text = [...prompt, 17, 3, 99];
    tf.tidy(() => {
      const { targets: _targets, ...batch } = toTensors(pack([[...text, 0]]));
      const full = forward(model, batch).dataSync();
      for (let t = prompt.length; t < text.length; t++) {
        const row = step(model, caches, [text[t]!], [t], [1]);
        assertClose(row, rowOf(full, t), { absolute: 1e-5, relative: 1e-5 }, `token ${t}`);
      }
    });
    drop(model, caches);
  });

  it('sees weights that have changed or moved', async () => {
    const { model, caches } = prepare(shape, prompts.slice(0, 3), Int32Array.of(0, 1, 2), 3);
    const before = step(model, caches, [1, 2, 3], pick(lengths, [0, 1, 2]), [0, 1, 2]);
    for (const variable of model.parameters.values()) {
      if (variable.rank !== 2) continue;
      const other = tf.tidy(() => tf.add(tf.mul(variable, 1.25), 0.01));
      variable.assign(other);
      other.dispose();
    }
    const after = step(model, caches, [1, 2, 3], pick(lengths, [0, 1, 2]), [0, 1, 2]);
    assert.ok(after.some((x, i) => Math.abs(x - before[i]!) > 1e-2));
    await tf.setBackend('cpu');
    tf.tidy(() => tf.sum(model.parameters.get('model.norm.weight')!)); // moves it to cpu's memory
    await tf.setBackend(testedBackend());
    assert.deepEqual(step(model, caches, [1, 2, 3], pick(lengths, [0, 1, 2]), [0, 1, 2]), after);
    drop(model, caches);
  });

  it('keeps a NaN in its own row', () => {
    const { model, caches } = prepare(shape, prompts.slice(0, 9), Int32Array.from(all.slice(0, 9)), 9);
    const table = model.parameters.get('model.embed_tokens.weight')!;
    const rows = all.slice(0, 9);
    const own = [5, 6, 7, 8, 9, 10, 11, 12, 13];
    const before = step(model, caches, own, pick(lengths, rows), rows);
    const values = table.dataSync().slice();
    values[9 * table.shape[1]! + 4] = Number.NaN;
    const changed = tensorOf({ shape: table.shape, dtype: 'float32', values: Array.from(values) });
    table.assign(changed);
    changed.dispose();
    const after = step(model, caches, own, pick(lengths, rows), rows);
    for (const row of rows) {
      if (own[row] === 9) assert.ok(rowOf(after, row).every(Number.isNaN));
      else assert.deepEqual(rowOf(after, row), rowOf(before, row));
    }
    drop(model, caches);
  });

  it('leaves no tensor and no buffer behind; no sequences are no work', () => {
    const { model, caches } = prepare(shape, prompts, Int32Array.from(all), 70);
    step(model, caches, ids, lengths, all);
    const before = tf.memory();
    for (let i = 0; i < 3; i++) step(model, caches, ids, lengths, all);
    assert.equal(step(model, caches, [], [], []).length, 0);
    assert.equal(tf.memory().numTensors, before.numTensors);
    assert.equal(tf.memory().numBytes, before.numBytes);
    drop(model, caches);
  });

  it('refuses what does not fit before native code sees it', () => {
    const { model, caches } = prepare(shape, prompts.slice(0, 2), Int32Array.of(0, 1), 2);
    const one = Int32Array.of(1);
    assert.throws(() => step(model, caches, [131], [1], [0]), /id 131 of 131/);
    assert.throws(() => step(model, caches, [-1], [1], [0]), /id -1/);
    assert.throws(() => step(model, caches, [1], [500], [0]), /no room/);
    assert.throws(() => step(model, caches, [1], [-1], [0]), /-1 tokens/);
    assert.throws(() => step(model, caches, [1], [1], [2]), /no room/);
    assert.throws(() => step(model, caches, [1], [1, 2], [0]), /1 ids/);
    assert.throws(() => step(model, caches.slice(1), [1], [1], [0]), /2 caches/);
    const other = createKvCache(2, 50, 1, 16);
    assert.throws(() => step(model, [other, other, other], [1], [1], [0]), /other heads/);
    other.dispose();
    const table = model.parameters.get('model.embed_tokens.weight')!;
    const empty: DecoderWeights = {
      heads: 2,
      kvHeads: 2,
      headSize: 48,
      epsilon: 1e-6,
      ropeBase: 1e4,
      embedding: table,
      layers: [],
      norm: model.parameters.get('model.layers.0.self_attn.k_proj.bias')!,
      head: table,
    };
    assert.throws(
      () => fusedDecodeStep(empty, one, one, [], one),
      /norm is float32 \[32\], not float32 \[96\]/,
    );
    caches[0]!.dispose();
    assert.throws(() => step(model, caches, [1], [1], [0]), /disposed/);
    drop(model, caches);
    assert.throws(() => step(model, caches, [1], [1], [0]), /disposed/);
  });
});
