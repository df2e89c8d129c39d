/**
 * Sampled tokens against an implementation that shares nothing with the sampler but the model's full forward pass and
 * the random streams: no cache, double precision, textbook top-k and nucleus (Holtzman et al. 2020).
 */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from '../../src/backend/index.ts';
import { randomFamily } from '../../src/core/random.ts';
import { disposeQwen2, forward, type Qwen2 } from '../../src/model/index.ts';
import {
  defaultSampleSettings,
  type Sample,
  type SampleSettings,
  sampleBatched,
} from '../../src/sample/index.ts';
import type { Tokenizer } from '../../src/tokenizer/index.ts';
import { pack, toTensors } from '../../src/train/packing.ts';
import { backendsHere, testedBackends } from '../backends.ts';
import { prompts, tinyModel } from './tiny.ts';

interface Choice {
  temperature: number;
  topP: number;
  topK: number;
}

/** Softmax of a row, in double precision. */
function softmax(logits: readonly number[], temperature: number): number[] {
  const most = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp((logit - most) / temperature));
  const total = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / total);
}

/** The id chosen at uniform number `u`, and how far `u` is from where another id would be. */
function choose(logits: readonly number[], { temperature, topP, topK }: Choice, u: number) {
  const byLogit = logits.map((_, id) => id).sort((a, b) => logits[b]! - logits[a]! || a - b);
  if (temperature === 0) return { id: byLogit[0]!, margin: logits[byLogit[0]!]! - logits[byLogit[1]!]! };
  const kept = topK === 0 ? byLogit : byLogit.slice(0, topK);
  const probabilities = new Map(
    softmax(
      kept.map((id) => logits[id]!),
      temperature,
    ).map((p, i) => [kept[i]!, p]),
  );
  let mass = 0;
  let border = Number.POSITIVE_INFINITY; // of the nucleus
  const nucleus = kept.filter((id) => {
    if (topP < 1) border = Math.min(border, Math.abs(mass - topP));
    const inside = mass < topP;
    mass += probabilities.get(id)!;
    return inside;
  });
  const total = nucleus.reduce((sum, id) => sum + probabilities.get(id)!, 0);
  let below = 0;
  for (const id of nucleus.sort((a, b) => a - b)) {
    const above = below + probabilities.get(id)! / total;
    if (u < above) return { id, margin: Math.min(u - below, above - u, border) };
    below = above;
  }
  throw new Error('u beyond the last id');
}

for (const backend of testedBackends) {
  describe(`sampler against a reference on ${backend}`, () => {
    let model: Qwen2;
    let tokenizer: Tokenizer;
    const settings: SampleSettings = {
      ...defaultSampleSettings,
      samples: 6,
      maxTokens: 12,
      seed: 9,
      slots: 4,
    };
    const collect = (overrides: Partial<SampleSettings>): Sample[] =>
      [...sampleBatched(model, tokenizer, prompts, { ...settings, ...overrides })].flat();

    before(async function () {
      if (!(await backendsHere()).includes(backend)) this.skip();
      await useBackend(backend);
      ({ model, tokenizer } = tinyModel());
    });
    after(() => {
      if (model) disposeQwen2(model);
    });

    /** Logits behind the last token of each text, one forward pass without a cache. */
    const lastLogits = (texts: readonly number[][]): number[][] =>
      tf.tidy(() => {
        const { targets: _targets, ...batch } = toTensors(pack(texts.map((ids) => [...ids, 0])));
        const rows = forward(model, batch).arraySync() as number[][];
        return texts.map((_, i) => rows[batch.segments[i + 1]! - 1]!.slice(0, tokenizer.vocabularySize));
      });

    const choices: Choice[] = [
      { temperature: 0, topP: 1, topK: 0 },
      { temperature: 1, topP: 1, topK: 0 },
      { temperature: 0.6, topP: 1, topK: 0 },
      { temperature: 1, topP: 0.8, topK: 0 },
      { temperature: 1.3, topP: 1, topK: 7 },
      { temperature: 0.9, topP: 0.7, topK: 20 },
    ];
    for (const choice of backend === 'cpu' ? choices.slice(-1) : choices) {
      // slow there
      const { temperature, topP, topK } = choice;
      it(`temperature ${temperature}, top-p ${topP}, top-k ${topK}`, () => {
        let compared = 0;
        let open = collect(choice).map((sample) => {
          const { key, text } = prompts[sample.prompt]!;
          const stream = randomFamily('sample', settings.seed, key).at(sample.sampleIndex);
          const prompt = tokenizer.encode(text);
          return { sample, stream, prompt, ids: [...prompt], name: `${key} sample ${sample.sampleIndex}` };
        });
        for (let t = 0; t < settings.maxTokens; t++) {
          const logits = lastLogits(open.map(({ ids }) => ids));
          open = open.filter(({ sample, stream, prompt, ids, name }, i) => {
            const { id, margin } = choose(logits[i]!, choice, stream.uniform());
            // Both sides compute in float32: where u is at a border by less than that, the choice is nobody's.
            if (margin < 1e-5) return false;
            ids.push(id);
            // The promise of the sampler: as a full forward pass, within 1e-5.
            const logProbability = Math.log(softmax(logits[i]!, 1)[id]!);
            const difference = Math.abs(logProbability - sample.logProbabilities[t]!);
            assert.ok(difference < 1e-5, `${name} token ${t}: ${difference}`);
            compared++;
            if (ids.length < prompt.length + sample.tokens) return true;
            assert.equal(tokenizer.decode(ids.slice(prompt.length)), sample.response, name);
            return false;
          });
        }
        assert.ok(compared > 200, `${compared} tokens compared`);
      });
    }
  });
}
