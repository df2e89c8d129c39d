import assert from 'node:assert/strict';
import fc from 'fast-check';
import { useBackend } from '../../src/backend/index.ts';
import { disposeQwen2, type Qwen2 } from '../../src/model/index.ts';
import {
  defaultSampleSettings,
  type Sample,
  type SampleSettings,
  sampleBatched,
} from '../../src/sample/index.ts';
import { StopStrings } from '../../src/sample/stop.ts';
import { type Tokenizer, trainTokenizer } from '../../src/tokenizer/index.ts';
import { prompts, tinyModel } from './tiny.ts';

describe('stop strings', () => {
  let model: Qwen2;
  let tokenizer: Tokenizer;
  const settings: SampleSettings = {
    ...defaultSampleSettings,
    samples: 6,
    temperature: 1,
    maxTokens: 20,
    seed: 3,
  };
  const collect = (overrides: Partial<SampleSettings> = {}): Sample[] =>
    [...sampleBatched(model, tokenizer, prompts, { ...settings, ...overrides })]
      .flat()
      .sort((a, b) => a.prompt - b.prompt || a.sampleIndex - b.sampleIndex);

  before(async () => {
    await useBackend('auto');
    ({ model, tokenizer } = tinyModel());
  });
  after(() => {
    if (model) disposeQwen2(model);
  });

  it('cut the unstopped response right behind the first one, which is kept', () => {
    const whole = collect();
    // Texts that do occur: three characters from the middle of some responses, so that they cross tokens.
    const stop = whole.flatMap(({ response }) => /(?<=.)[!-~]{3}/u.exec(response)?.[0] ?? []).slice(0, 4);
    let stopped = 0;
    for (const [i, sample] of collect({ stop, slots: 3 }).entries()) {
      const { response, stopReason, tokens, logProbabilities } = whole[i]!;
      const ends = stop
        .map((text) => (response.includes(text) ? response.indexOf(text) + text.length : Infinity))
        .filter((end) => end < Infinity);
      const end = Math.min(...ends);
      if (ends.length === 0) {
        assert.deepEqual(sample, whole[i]);
        continue;
      }
      stopped++;
      assert.equal(sample.response, response.slice(0, end));
      assert.equal(sample.stopReason, 'stop');
      // As many tokens as the text needs, and their log-probabilities.
      assert.ok(sample.tokens <= tokens && (stopReason === 'stop' || sample.tokens >= 1), `${sample.tokens}`);
      assert.deepEqual(sample.logProbabilities, logProbabilities.slice(0, sample.tokens));
    }
    assert.ok(stopped >= 4, `${stopped} samples stopped`);
  });

  it('that never occur change nothing', () => {
    assert.deepEqual(collect({ stop: ['never said'] }), collect());
  });

  it('are refused when empty', () => {
    assert.throws(() => collect({ stop: [''] }), { code: 'SAMPLE_SETTINGS' });
  });

  it('are found wherever token borders are, as in the whole text', () => {
    const letters = trainTokenizer(['aabab ü€ aab abab'], { vocabularySize: 300 });
    const text = fc
      .array(fc.constantFrom('a', 'b', 'ab', 'aab', 'abab', 'ü', '€', ' '), { minLength: 1, maxLength: 30 })
      .map((parts) => parts.join(''));
    const needle = fc
      .array(fc.constantFrom('a', 'b', 'ü', '€', ' '), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, fc.array(needle, { minLength: 1, maxLength: 3 }), (content, needles) => {
        const stop = new StopStrings(letters, needles);
        const ids = letters.encode(content);
        const expected = Math.min(
          ...needles.map((one) => (content.includes(one) ? content.indexOf(one) + one.length : Infinity)),
        );
        for (let count = 1; count <= ids.length; count++) {
          const surplus = stop.surplus(ids.slice(0, count));
          if (surplus < 0) continue;
          assert.equal(stop.cut(ids.slice(0, count), surplus), content.slice(0, expected));
          return;
        }
        assert.equal(expected, Infinity);
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});
