import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from '../../src/backend/index.ts';
import { runCancellable } from '../../src/core/cancellation.ts';
import { createQwen2, disposeQwen2, forward, type Qwen2 } from '../../src/model/index.ts';
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

for (const backend of testedBackends) {
  describe(`sampler on ${backend}`, () => {
    let model: Qwen2;
    let tokenizer: Tokenizer;
    const settings: SampleSettings = {
      ...defaultSampleSettings,
      samples: 3,
      temperature: 1,
      maxTokens: 9,
      seed: 4,
    };

    const collect = (overrides: Partial<SampleSettings> = {}, which = prompts): Sample[] =>
      [...sampleBatched(model, tokenizer, which, { ...settings, ...overrides })]
        .flat()
        .sort((a, b) => a.prompt - b.prompt || a.sampleIndex - b.sampleIndex);
    const texts = (samples: Sample[]) => samples.map((sample) => sample.response);

    before(async function () {
      if (!(await backendsHere()).includes(backend)) this.skip();
      await useBackend(backend);
      ({ model, tokenizer } = tinyModel());
    });
    after(() => {
      if (model) disposeQwen2(model);
    });

    it('hands out every sample of every prompt once', () => {
      const samples = collect();
      assert.deepEqual(
        samples.map((s) => [s.prompt, s.sampleIndex]),
        prompts.flatMap((_, p) => [0, 1, 2].map((s) => [p, s])),
      );
      for (const sample of samples) {
        assert.ok(sample.tokens >= 1 && sample.tokens <= 9);
        assert.equal(
          sample.stopReason === 'length',
          sample.tokens === 9 && !/<\/answer>$/.test(sample.response),
        );
      }
      assert.equal(new Set(texts(samples)).size > 10, true, 'samples of one prompt differ');
    });

    it('gives the same bytes with 1, 2, 4 or 64 slots, and for each prompt alone', () => {
      if (backend !== 'cpu') assert.deepEqual(collect({ slots: 1, samples: 13 }), collect({ samples: 13 })); // 65
      const reference = collect({ slots: 64 });
      for (const slots of [1, 2, 4]) assert.deepEqual(collect({ slots }), reference, `${slots} slots`);
      assert.deepEqual(
        prompts.flatMap((prompt, i) => collect({}, [prompt]).map((sample) => ({ ...sample, prompt: i }))),
        reference,
      );
    });

    it('takes further samples of a prompt without the earlier ones', () => {
      const firsts = [0, 2, 1, 2, 0];
      const rest = prompts.map((prompt, i) => ({ ...prompt, firstSample: firsts[i]! }));
      const expected = collect().filter((sample) => sample.sampleIndex >= firsts[sample.prompt]!);
      for (const slots of [1, 3, 64]) assert.deepEqual(collect({ slots }, rest), expected);
      assert.deepEqual(
        collect({ samples: 5 }).filter(({ sampleIndex }) => sampleIndex < 3),
        collect(),
      );
    });

    it('depends on the seed', () => {
      assert.notDeepEqual(texts(collect({ seed: 5 })), texts(collect()));
    });

    it('is greedy at temperature 0, and reports the log-probabilities of a full forward pass', () => {
      const [sample] = collect({ temperature: 0, samples: 1 }, [prompts[2]!]);
      const prompt = tokenizer.encode(prompts[2]!.text);
      const ids = [...prompt];
      tf.tidy(() => {
        for (let t = 0; t < sample!.tokens; t++) {
          const { targets: _targets, ...batch } = toTensors(pack([[...ids, 0]]));
          const last = tf.slice(forward(model, batch), [ids.length - 1, 0], [1, -1]);
          const id = tf.argMax(last, 1).dataSync()[0]!;
          const logProbability = tf.logSoftmax(last).dataSync()[id]!;
          assert.ok(Math.abs(logProbability - sample!.logProbabilities[t]!) < 1e-5, `token ${t}`);
          ids.push(id);
        }
      });
      assert.equal(tokenizer.decode(ids.slice(prompt.length)), sample!.response);
    });

    it('stops at the stop tag and refills the slot', () => {
      const stop = tokenizer.idOf('</answer>')!;
      const biased = createQwen2(model.config, 2);
      // A head that prefers the stop tag: raise its embedding along the mean hidden direction by brute scale.
      const table = biased.parameters.get('model.embed_tokens.weight')!;
      const values = table.dataSync().slice();
      for (let i = 0; i < 16; i++) values[stop * 16 + i]! *= 6;
      const raised = tf.tensor(values, table.shape);
      table.assign(raised);
      raised.dispose();
      const samples = [
        ...sampleBatched(biased, tokenizer, prompts, { ...settings, samples: 8, maxTokens: 30, slots: 3 }),
      ].flat();
      const stopped = samples.filter((s) => s.stopReason === 'stop');
      assert.equal(samples.length, 40);
      assert.ok(stopped.length > 0, 'some sample stops');
      for (const sample of stopped) assert.match(sample.response, /<\/answer>$|\[EOS\]$/);
      disposeQwen2(biased);
    });

    it('prefills every prompt once and refills a slot at once', async function () {
      if (backend !== 'cpu') this.skip(); // elsewhere the operations are fused
      const [vocabulary, hidden] = model.parameters.get('model.embed_tokens.weight')!.shape;
      for (const slots of [1, 2, 4, 64]) {
        let samples: Sample[] = [];
        const { kernels } = await tf.profile(() => {
          samples = collect({ slots, maxTokens: 5 });
          return tf.scalar(0);
        });
        // Every look-up of embeddings: a row per prompt token in a prefill, a row per live sequence in a step.
        const lookUps = kernels
          .filter(({ name }) => name === 'GatherV2')
          .filter(({ inputShapes: [table] }) => table?.[0] === vocabulary && table?.[1] === hidden)
          .map(({ outputShapes }) => outputShapes[0]![0]!);
        const prompted = prompts.reduce((sum, { text }) => sum + tokenizer.encode(text).length, 0);
        const decoded = samples.reduce((sum, { tokens }) => sum + tokens - 1, 0); // the first is the prefill's
        assert.equal(
          lookUps.reduce((a, b) => a + b),
          prompted + decoded,
        );
        if (slots > 4) continue;
        // Steps of a list schedule: whoever is next takes the slot that is free first.
        const busyUntil = new Array<number>(slots).fill(0);
        for (const { tokens } of samples) {
          busyUntil[busyUntil.indexOf(Math.min(...busyUntil))]! += tokens - 1;
        }
        const steps = lookUps.filter((rows) => rows <= slots).length;
        assert.equal(steps, Math.max(...busyUntil), `${slots} slots`);
      }
    });

    it('leaves no tensor behind, also when the caller stops early', () => {
      const before = tf.memory().numTensors;
      collect();
      for (const samples of sampleBatched(model, tokenizer, prompts, { ...settings, slots: 2 })) {
        assert.equal(samples.length, 3);
        break;
      }
      assert.equal(tf.memory().numTensors, before);
    });

    it('ends early when cancelled', () => {
      const controller = new AbortController();
      controller.abort();
      assert.equal(runCancellable(controller.signal, () => collect({ slots: 1 })).length, 0);
    });

    it('refuses impossible settings and prompts in one line', () => {
      assert.throws(() => collect({ topP: 0, samples: 0 }), { code: 'SAMPLE_SETTINGS' });
      const long = { key: 'long', text: 'wolf '.repeat(100) };
      assert.throws(() => collect({}, [long]), { code: 'PROMPT_TOO_LONG' });
    });
  });
}
