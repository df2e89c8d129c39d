/** Packing: how texts become batches, and that packed texts have the gradients they have alone. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { useBackend, variableGradients } from '../../src/backend/index.ts';
import { randomFamily } from '../../src/core/random.ts';
import {
  createQwen2,
  disposeQwen2,
  parseModelConfig,
  type Qwen2,
  tokenLosses,
} from '../../src/model/index.ts';
import { createBatches, firstFitDecreasing } from '../../src/train/batches.ts';
import { type PackedBatch, pack, toTensors } from '../../src/train/packing.ts';

const END = 9;
/** Texts of 3 to 40 tokens that end in the end token; text i begins with its own number, in base 20. */
const source = {
  at(index: number): number[] {
    const random = randomFamily('test batches').at(index);
    const body = Array.from({ length: random.integer(0, 37) }, () => random.integer(10, 29));
    return [10 + (index % 20), 10 + (Math.floor(index / 20) % 20), ...body, END];
  },
};
const base = { batchTokens: 128, rowTokens: 64, positions: 512, seed: 1 };

/** The texts of a batch, taken apart again at the end tokens. */
function textsOf(batch: PackedBatch): string[] {
  const texts: string[] = [];
  for (let s = 0; s + 1 < batch.segments.length; s++) {
    const [start, end] = [batch.segments[s]!, batch.segments[s + 1]!];
    const ids = [...batch.ids.slice(start, end), batch.targets[end - 1]!];
    texts.push(
      ...ids
        .join(' ')
        .split(/(?<= 9) /)
        .filter((text) => text !== ''),
    );
  }
  return texts;
}

describe('first-fit-decreasing', () => {
  it('fills bins as defined', () => {
    assert.deepEqual(firstFitDecreasing([4, 8, 1, 4, 2, 1], 10), [
      [1, 4],
      [0, 3, 2, 5],
    ]);
  });

  it('takes every item once, never overfills, and opens no bin that was not needed', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 60 }), (sizes) => {
        const bins = firstFitDecreasing(sizes, 20);
        const fill = bins.map((bin) => bin.reduce((sum, i) => sum + sizes[i]!, 0));
        assert.deepEqual(
          bins.flat().sort((a, b) => a - b),
          sizes.map((_, i) => i),
        );
        assert.ok(fill.every((sum) => sum <= 20));
        // No two bins fit into one: any bin's first item found no room in those before it.
        const total = sizes.reduce((sum, size) => sum + size, 0);
        assert.ok(bins.length <= Math.max(1, Math.ceil((2 * total) / 20)));
      }),
    );
  });
});

describe('batches', () => {
  for (const packing of ['texts', 'first-fit', 'paper'] as const) {
    it(`${packing}: has every text once, from any cursor, and the same again`, () => {
      const batches = createBatches(source, { ...base, packing });
      const seen: string[] = [];
      let cursor = 0;
      const visited: number[] = [];
      while (cursor < 2000) {
        visited.push(cursor);
        const { batch, next } = batches.at(cursor);
        assert.ok(batch.ids.length <= 128 && next > cursor);
        seen.push(...textsOf(batch));
        cursor = next;
      }
      // Batches reach beyond the first two windows, by part of one.
      const expected = Array.from({ length: 2000 }, (_, i) => source.at(i).join(' '));
      const counts = new Map<string, number>();
      for (const text of seen) counts.set(text, (counts.get(text) ?? 0) + 1);
      for (const text of expected) {
        assert.ok((counts.get(text) ?? 0) > 0, text);
        counts.set(text, counts.get(text)! - 1);
      }
      assert.ok(seen.length - expected.length < 100);
      const fresh = createBatches(source, { ...base, packing });
      for (const at of [visited[40]!, visited[3]!, visited.at(-1)!]) {
        assert.deepEqual(fresh.at(at), batches.at(at));
      }
    });
  }

  it('first-fit and paper make the same rows; paper ones are single segments with positions that go on', () => {
    const rows = createBatches(source, { ...base, packing: 'first-fit' }).at(0).batch;
    const paper = createBatches(source, { ...base, packing: 'paper' }).at(0).batch;
    assert.deepEqual(textsOf(rows), textsOf(paper));
    assert.equal(paper.segments.length, 3, 'two rows of 64 in a step of 128');
    for (let row = 0; row < 2; row++) {
      const [start, end] = [paper.segments[row]!, paper.segments[row + 1]!];
      assert.ok(end - start < 64);
      assert.deepEqual(
        [...paper.positions.slice(start, end)],
        Array.from({ length: end - start }, (_, i) => i),
      );
    }
    // Every text but the first of a row adds one predicted token: its own first.
    assert.equal(paper.ids.length - rows.ids.length, rows.segments.length - paper.segments.length);
  });

  it('another seed orders the rows otherwise', () => {
    const first = (seed: number) =>
      textsOf(createBatches(source, { ...base, packing: 'paper', seed }).at(0).batch);
    assert.notDeepEqual(first(1), first(2));
  });

  it('refuses rows that cannot be, and texts that fit into no row', () => {
    for (const rowTokens of [1, 200]) {
      assert.throws(() => createBatches(source, { ...base, packing: 'first-fit', rowTokens }), {
        code: 'ROW_TOKENS',
      });
    }
    const narrow = { ...base, packing: 'paper', positions: 50 } as const;
    assert.throws(() => createBatches(source, narrow), { code: 'ROW_TOKENS' });
    assert.throws(() => createBatches(source, { ...base, packing: 'first-fit', rowTokens: 20 }).at(0), {
      code: 'SEQUENCE_TOO_LONG',
      message: /raise row_tokens/,
    });
  });
});

describe('packed texts', () => {
  let model: Qwen2;
  before(async () => {
    await useBackend('auto');
    const config = parseModelConfig(
      {
        model_type: 'qwen2',
        hidden_size: 16,
        intermediate_size: 24,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        num_key_value_heads: 1,
        vocab_size: 30,
        max_position_embeddings: 128,
        tie_word_embeddings: true,
      },
      'the test',
    );
    model = createQwen2(config, 3);
  });
  after(() => disposeQwen2(model));

  /** Summed weighted loss and its gradients. */
  const gradientsOf = (batch: PackedBatch) =>
    tf.tidy(() => {
      const { targets, ...inputs } = toTensors(batch);
      const { value, gradients } = variableGradients(() => {
        const losses = tokenLosses(model, inputs, targets);
        return tf.sum(
          batch.weights === undefined ? losses : tf.mul(losses, tf.tensor1d(batch.weights)),
        ) as tf.Scalar;
      }, model.parameters);
      return {
        loss: value.dataSync()[0]!,
        gradients: Object.fromEntries(
          [...gradients].map(([name, g]) => [name, g.dataSync<'float32'>().slice()]),
        ),
      };
    });

  for (const weighted of [false, true]) {
    it(`have the loss and gradients of the texts one by one${weighted ? ', with weights' : ''}`, () => {
      const weigh = weighted
        ? (ids: readonly number[]) => Float32Array.from(ids.slice(1), (id) => (id % 3) / 2)
        : undefined;
      const batches = createBatches(source, { ...base, packing: 'first-fit', weigh });
      const batch = batches.at(0).batch;
      const packed = gradientsOf(batch);
      let loss = 0;
      const sums = new Map<string, Float32Array>();
      for (const text of textsOf(batch)) {
        const alone = gradientsOf(pack([text.split(' ').map(Number)], weigh));
        loss += alone.loss;
        for (const [name, values] of Object.entries(alone.gradients)) {
          const sum = sums.get(name) ?? new Float32Array(values.length);
          for (let i = 0; i < values.length; i++) sum[i]! += values[i]!;
          sums.set(name, sum);
        }
      }
      // Float32 sums of about 120 rows in another order.
      assert.ok(Math.abs(packed.loss / loss - 1) < 1e-6, `${packed.loss} ${loss}`);
      for (const [name, values] of Object.entries(packed.gradients)) {
        const other = sums.get(name)!;
        const scale = Math.max(...values.map(Math.abs));
        values.forEach((x, i) => {
          assert.ok(Math.abs(x - other[i]!) <= 1e-5 * scale, `${name}[${i}]: ${x} ${other[i]}`);
        });
      }
    });
  }

  it('see each other in packing paper only', () => {
    const losses = (packing: 'first-fit' | 'paper') =>
      gradientsOf(createBatches(source, { ...base, packing, weigh: (ids) => firstTextOnly(ids) }).at(0).batch)
        .loss;
    // The first text of each row is alone in both; what follows it is not.
    const firstTextOnly = (ids: readonly number[]) => {
      const weights = new Float32Array(ids.length - 1);
      return weights.fill(1, ids.indexOf(END));
    };
    assert.equal(losses('first-fit'), 0, 'nothing follows the end of a text');
    assert.ok(losses('paper') > 0);
  });
});
