import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { applyOverrides, parsePretrainConfig, pretrainSchema } from '../../src/train/config.ts';
import { openData } from '../../src/train/data.ts';

describe('training settings', () => {
  it('fills in every default', () => {
    const config = parsePretrainConfig({});
    assert.equal(config.model, 'micro');
    assert.deepEqual(config.tokenizer, { vocabulary: 512, tasks: 5000 });
    assert.deepEqual(config.data, {
      world: 'paper',
      contexts: ['zoo', 'school', 'festival'],
      ops: '2-10',
      modes: ['forward'],
      split: 'train',
    });
    assert.equal(config.batch_tokens, 2048);
  });

  it('takes a number for a single op, as --set data.ops=4 gives it', () => {
    const { data } = parsePretrainConfig({ data: { world: 'micro', ops: 4 } });
    assert.deepEqual(data, parsePretrainConfig({ data: { world: 'micro', ops: '4' } }).data);
  });

  it('names all problems at once', () => {
    assert.throws(
      () => parsePretrainConfig({ tokens: 0, learning_rate: -1, batch_size: 3 }, 'a.json'),
      (error: Error & { code: string }) => {
        assert.equal(error.code, 'CONFIG');
        for (const word of ['a.json', 'tokens', 'learning_rate', 'batch_size'])
          assert.match(error.message, new RegExp(word));
        assert.doesNotMatch(error.message, /\n/);
        return true;
      },
    );
  });

  it('refuses settings that contradict each other', () => {
    assert.throws(() => parsePretrainConfig({ learning_rate: 1e-5 }), { code: 'CONFIG' });
    for (const input of [
      { tokens: 100 },
      { schedule: 'wsd' as const, warmup: 0.6, decay: 0.5 },
      { micro_batch_tokens: 4096 },
      { length_warmup: { from: 64, to: 32, steps: 10 } },
      { remit: { reference: 'model', delta_source: 'frozen_base' } },
    ]) {
      assert.throws(() => parsePretrainConfig(input), { code: 'CONFIG' }, JSON.stringify(input));
    }
    parsePretrainConfig({ warmup: 0.6, decay: 0.5 }); // the decay is that of wsd alone
  });

  it('names all contradictions at once', () => {
    assert.throws(
      () => parsePretrainConfig({ tokens: 10, warmup: 0.95, schedule: 'wsd', min_learning_rate: 1 }),
      {
        code: 'CONFIG',
        message:
          /at most learning_rate \(0\.002\); tokens at least .*; warmup \+ decay at most 1, got 1; 10; 1\.05/,
      },
    );
  });

  it('refuses held-out tasks that are trained on', () => {
    const refused: object[] = [
      { validation: { split: 'train' } },
      { data: { split: 'val' } },
      { validation: { split: 'train', data: { contexts: ['zoo'] } } },
      { data: { files: ['a.jsonl', 'b.jsonl'] }, validation: { files: ['b.jsonl'] } },
    ];
    for (const input of refused) {
      assert.throws(
        () => parsePretrainConfig(input),
        { code: 'CONFIG', message: /trained on|in both/ },
        JSON.stringify(input),
      );
    }
    parsePretrainConfig({ validation: { split: 'train', tasks: 0 } });
    parsePretrainConfig({ data: { files: ['a.jsonl'] }, validation: { files: ['b.jsonl'] } });
  });

  it('sets dotted keys; values are JSON, or text', () => {
    const input = { data: { world: 'paper' } };
    assert.deepEqual(applyOverrides(input, ['data.world=micro', 'tokens=5000', 'data.contexts=["zoo"]']), {
      data: { world: 'micro', contexts: ['zoo'] },
      tokens: 5000,
    });
    assert.deepEqual(input, { data: { world: 'paper' } }, 'the input stays as it was');
  });

  for (const override of ['tokens', '=5', '__proto__.x=1', 'data..x=1', 'model.size.x=1']) {
    it(`refuses --set ${override}`, () => {
      assert.throws(() => applyOverrides({ model: 'micro' }, [override]), { code: 'SET' });
    });
  }
});

describe('docs/training.md', () => {
  it('documents every setting', () => {
    const page = readFileSync(new URL('../../docs/training.md', import.meta.url), 'utf8');
    const table = page
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .join('\n');
    for (const key of Object.keys(pretrainSchema.shape)) assert.ok(table.includes(`\`${key}\``), key);
  });

  it('shows settings that open', () => {
    const page = readFileSync(new URL('../../docs/training.md', import.meta.url), 'utf8');
    const blocks = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, text]) => JSON.parse(text!) as object);
    assert.ok(blocks.length >= 4, `${blocks.length} blocks of settings`);
    for (const block of blocks) {
      const { data, validation, seed } = parsePretrainConfig(block, JSON.stringify(block));
      assert.ok(openData(data, seed).text!(0).length > 0, JSON.stringify(block));
      openData(validation.data ?? data, seed, validation.split);
    }
    const inline = [...page.matchAll(/`("[a-z_]+": \{[^`]*\})`/g)].map(
      ([, text]) => JSON.parse(`{${text}}`) as object,
    );
    assert.ok(inline.length >= 1, 'settings within a sentence');
    for (const settings of inline) parsePretrainConfig(settings, JSON.stringify(settings));
  });
});
