/** The PyTorch peer of the benchmarks computes what we compute; visibly skipped where there is no PyTorch. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { decode } from '../../bench/decoding.ts';
import { closePeers, openPeer, type Peer } from '../../bench/peer.ts';
import { LEARNING_RATE, OPTIMIZER, Training } from '../../bench/training.ts';
import { loadIntoPeer, randomSequences } from '../../bench/workload.ts';
import { useBackend } from '../../src/backend/index.ts';
import {
  createQwen2,
  disposeQwen2,
  type ModelConfig,
  modelPreset,
  type Qwen2,
} from '../../src/model/index.ts';
import { pack } from '../../src/train/index.ts';

/** Both sides compute in float32 and sum in different orders. */
const TOLERANCE = 1e-4;
const LAYOUTS = ['plain', 'fused'];

/** Small, with groups of two queries; the second has an output layer of its own. */
const configs: ModelConfig[] = [false, true].map((tied) => ({
  ...modelPreset('micro'),
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  vocab_size: 61,
  tie_word_embeddings: tied,
}));

describe('benchmark peer', function () {
  this.timeout(120_000);
  let peer: Peer;
  const models: Qwen2[] = [];

  before(async function () {
    const found = await openPeer(['torch'], 1); // says what is missing
    if (found === undefined) this.skip();
    peer = found;
    await useBackend('auto');
    for (const config of configs) models.push(withBiases(createQwen2(config, 3)));
  });
  after(async () => {
    for (const model of models) disposeQwen2(model);
    await closePeers();
  });

  for (const [index, config] of configs.entries()) {
    const head = config.tie_word_embeddings ? 'tied embeddings' : 'an output layer of its own';

    it(`decodes the same tokens greedily (${head})`, async () => {
      const model = models[index]!;
      const prompts = randomSequences(config, 3, 7);
      await loadIntoPeer(peer, model);
      const ours = decode(model, prompts, 12, 'greedy').ids.map((ids) => [...ids]);
      for (const layout of LAYOUTS) {
        const { ids } = await peer.ask<{ ids: number[][] }>('decode', {
          layout,
          prompts,
          new: 12,
          greedy: true,
        });
        assert.deepEqual(ids, ours, layout);
      }
    });

    it(`has the same losses, gradients, clipping and updates (${head})`, async () => {
      const model = models[index]!;
      const sequences = randomSequences(config, 4, 17);
      await loadIntoPeer(peer, model);
      const training = new Training(model);
      // Losses after updates agree only if gradients, clipping and optimizer do.
      const ours = Array.from({ length: 4 }, () => training.step(pack(sequences)));
      for (const layout of LAYOUTS) {
        await peer.ask('open_trainer', {
          layout,
          sequences,
          options: { ...OPTIMIZER, learningRate: LEARNING_RATE },
        });
        const { losses } = await peer.ask<{ losses: number[] }>('train', { layout, steps: 4 });
        ours.forEach((loss, step) => {
          const theirs = losses[step]!;
          assert.ok(Math.abs(loss - theirs) < TOLERANCE, `${layout}, step ${step}: ${loss}, ${theirs}`);
        });
      }
      assert.ok(ours[0]! - ours[3]! > 10 * TOLERANCE, 'the updates change the loss visibly');
    });
  }

  it('reports failures in its own words', async () => {
    await assert.rejects(peer.ask('train', { layout: 'other', steps: 1 }), /KeyError/);
  });
});

/** Fresh biases are 0, which would hide a wrong use of them. */
function withBiases(model: Qwen2): Qwen2 {
  for (const [name, variable] of model.parameters) {
    if (!name.endsWith('bias')) continue;
    const values = tf.linspace(-0.5, 0.5, variable.size);
    variable.assign(values);
    values.dispose();
  }
  return model;
}
