import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { createKvCache, useBackend, variableGradients } from '../../src/backend/index.ts';
import {
  createQwen2,
  decodeStep,
  disposeQwen2,
  forward,
  logProbabilities,
  type ModelConfig,
  parseModelConfig,
  prefill,
  type Qwen2,
  tokenLosses,
} from '../../src/model/index.ts';
import { pack, toTensors } from '../../src/train/packing.ts';
import { backendsHere, testedBackends } from '../backends.ts';

const config: ModelConfig = parseModelConfig(
  {
    model_type: 'qwen2',
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: 29,
    max_position_embeddings: 64,
    tie_word_embeddings: true,
    initializer_range: 0.3, // large, so that every part of the model matters to the result
  },
  'the test',
);

const sequences = [
  [1, 5, 7, 11, 2, 9],
  [3, 3, 8],
  [4, 28, 0, 17, 6, 12, 21, 1, 2],
];

function logitsOf(model: Qwen2, texts: readonly number[][]): number[][] {
  return tf.tidy(() => {
    const { targets: _targets, ...inputs } = toTensors(pack(texts));
    return forward(model, inputs).arraySync();
  });
}

/** Largest absolute difference of two tables of numbers. */
function distance(a: readonly number[][], b: readonly number[][]): number {
  assert.equal(a.length, b.length);
  return Math.max(...a.flatMap((row, i) => row.map((x, j) => Math.abs(x - b[i]![j]!))));
}

for (const backend of testedBackends) {
  describe(`qwen2 on ${backend}`, () => {
    let model: Qwen2;
    before(async function () {
      if (!(await backendsHere()).includes(backend)) this.skip();
      await useBackend(backend);
      model = createQwen2(config, 1);
    });
    after(() => {
      if (model) disposeQwen2(model);
    });

    it('gives packed sequences the logits of each sequence alone', () => {
      const packed = logitsOf(model, sequences);
      const alone = sequences.flatMap((sequence) => logitsOf(model, [sequence]));
      // Same sums in the same order; only blocking by row count may differ.
      assert.ok(distance(packed, alone) < 1e-5);
    });

    it('does not look ahead: a later token changes no earlier row', () => {
      const changed = [...sequences[2]!];
      changed[6] = 5; // an input from row 6 on
      const before = logitsOf(model, [sequences[2]!]);
      const after = logitsOf(model, [changed]);
      assert.equal(distance(before.slice(0, 6), after.slice(0, 6)), 0);
      assert.ok(distance(before.slice(6, 7), after.slice(6, 7)) > 1e-3);
    });

    it('decodes with a cache to the logits of the full forward pass', () => {
      const prompts = [sequences[0]!.slice(0, 3), sequences[2]!.slice(0, 5)];
      const continuations = [
        [11, 2, 9, 4],
        [12, 21, 1, 2],
      ];
      const slots = Int32Array.of(2, 0);
      const caches = Array.from({ length: 2 }, () => createKvCache(3, 16, 2, 4));
      const seen: number[][][] = prompts.map(() => []);
      const keep = (logits: tf.Tensor2D) => {
        for (const [b, row] of logits.arraySync().entries()) seen[b]!.push(row);
        logits.dispose();
      };
      const { targets: _targets, ...batch } = toTensors(pack(prompts.map((prompt) => [...prompt, 0])));
      keep(prefill(model, batch, caches, slots));
      const lengths = Int32Array.from(prompts, (prompt) => prompt.length);
      for (let t = 0; t < 4; t++) {
        const ids = Int32Array.from(continuations, (tokens) => tokens[t]!);
        keep(decodeStep(model, ids, lengths, caches, slots));
        for (let b = 0; b < lengths.length; b++) lengths[b]!++;
      }
      for (const [b, prompt] of prompts.entries()) {
        const full = logitsOf(model, [[...prompt, ...continuations[b]!, 0]]).slice(prompt.length - 1);
        assert.ok(distance(seen[b]!, full) < 1e-5, `sequence ${b}: ${distance(seen[b]!, full)}`);
      }
      for (const cache of caches) cache.dispose();
      batch.ids.dispose();
      batch.positions.dispose();
      _targets.dispose();
    });

    it('starts at the loss of a uniform guess', () => {
      const fresh = createQwen2({ ...config, initializer_range: 0.02 }, 3);
      const loss = tf.tidy(() => {
        const { targets, ...inputs } = toTensors(pack(sequences));
        return tf.mean(tokenLosses(fresh, inputs, targets)).dataSync()[0]!;
      });
      assert.ok(Math.abs(loss - Math.log(29)) < 0.05, `${loss}`); // weights of 0.02 move logits by a few hundredths
      disposeQwen2(fresh);
    });

    it('gives the same bits when layers are computed again, and frees everything either way', () => {
      const tensors = tf.memory().numTensors;
      const run = (recompute: boolean) =>
        tf.tidy(() => {
          const { value, gradients } = variableGradients(() => {
            const { targets, ...inputs } = toTensors(pack(sequences)); // gone when the gradient needs positions
            return tf.mean(tokenLosses(model, inputs, targets, { recompute })) as tf.Scalar;
          }, model.parameters);
          return [value, ...gradients.values()].map((x) => Array.from(x.dataSync()));
        });
      assert.deepEqual(run(true), run(false));
      assert.equal(tf.memory().numTensors, tensors);
    });

    it('gives log-probabilities of the given tokens, the negated losses, and entropies', () => {
      tf.tidy(() => {
        const { targets, ...inputs } = toTensors(pack(sequences));
        const { logProbabilities: p, entropies } = logProbabilities(model, inputs, targets, {
          entropy: true,
        });
        const losses = tokenLosses(model, inputs, targets).dataSync();
        assert.ok(p.dataSync().every((x, i) => Math.abs(x + losses[i]!) < 1e-6));
        const logits = forward(model, inputs).arraySync();
        entropies!.dataSync().forEach((entropy, i) => {
          const weights = logits[i]!.map(Math.exp);
          const total = weights.reduce((a, b) => a + b, 0);
          const expected = -weights.reduce((s, w) => s + (w / total) * Math.log(w / total), 0);
          assert.ok(Math.abs(entropy - expected) < 1e-4, `${entropy} ${expected}`);
        });
      });
    });

    it('leaves no tensor behind', () => {
      const before = tf.memory().numTensors;
      logitsOf(model, sequences);
      assert.equal(tf.memory().numTensors, before);
    });
  });
}
