import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from '../../src/backend/index.ts';
import { runCancellable } from '../../src/core/cancellation.ts';
import { createQwen2, disposeQwen2, forward, parseModelConfig, type Qwen2 } from '../../src/model/index.ts';
import {
  defaultSampleSettings,
  type Prompt,
  type Sample,
  type SampleSettings,
  sampleBatched,
} from '../../src/sample/index.ts';
import { type Tokenizer, trainTokenizer } from '../../src/tokenizer/index.ts';
import { pack, toTensors } from '../../src/train/packing.ts';
import { backendsHere, testedBackends } from '../backends.ts';

const corpus = Array.from(
  { length: 40 },
  (_, i) => `<question> number ${i} of wolf ${i % 7} ? </question> <solution> so ${i} </solution>`,
);
const prompts: Prompt[] = corpus
  .slice(0, 5)
  .map((text, i) => ({ key: `task-${i}`, text: text.slice(0, 20 + 5 * i) }));

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
      tokenizer = trainTokenizer(corpus, { vocabularySize: 300 });
      const config = {
        model_type: 'qwen2',
        hidden_size: 16,
        intermediate_size: 32,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        vocab_size: tokenizer.vocabularySize,
        max_position_embeddings: 96,
        initializer_range: 0.3,
      };
      model = createQwen2(parseModelConfig(config, 'the test'), 2);
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

    it('samples the same with 1, 2, 4 or 64 slots, and each prompt alone', () => {
      const reference = texts(collect({ slots: 64 }));
      for (const slots of [1, 2, 4]) assert.deepEqual(texts(collect({ slots })), reference);
      assert.deepEqual(
        prompts.flatMap((prompt) => texts(collect({}, [prompt]))),
        reference,
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
          assert.ok(Math.abs(logProbability - sample!.logProbabilities[t]!) < 1e-4, `token ${t}`);
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
