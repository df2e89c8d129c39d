import assert from 'node:assert/strict';
import { useBackend } from '../../src/backend/index.ts';
import { createQwen2, disposeQwen2, type Qwen2, resolveModelConfig } from '../../src/model/index.ts';
import { openTokenizer, PAPER_TOKENIZER } from '../../src/tokenizer/index.ts';
import {
  type HeldOutText,
  heldOutLoss,
  heldOutTexts,
  lossWeights,
  parsePretrainConfig,
} from '../../src/train/index.ts';

describe('held-out loss', () => {
  const tokenizer = openTokenizer(PAPER_TOKENIZER);
  let model: Qwen2;
  let texts: HeldOutText[];
  before(async () => {
    await useBackend('auto');
    const size = { hidden_size: 8, intermediate_size: 16, num_hidden_layers: 1, num_attention_heads: 2 };
    model = createQwen2(
      resolveModelConfig({ ...size, num_key_value_heads: 1 }, { vocab_size: tokenizer.vocabularySize }),
      1,
    );
    const config = parsePretrainConfig({
      data: { contexts: ['zoo'], ops: '2' },
      validation: { tasks: 24, data: { contexts: ['zoo', 'school'], ops: '2-3' } },
    });
    texts = heldOutTexts(config.validation, config.data, 1, tokenizer);
  });
  after(() => disposeQwen2(model));

  it('is of the held-out split, by settings of its own', () => {
    assert.equal(texts.length, 24);
    const kinds = new Set(texts.map(({ kind }) => `${kind.context} ${kind.op}`));
    assert.equal(kinds.size, 4);
    const files = parsePretrainConfig({ data: { shards: 'somewhere' } });
    assert.deepEqual(heldOutTexts(files.validation, files.data, 1, tokenizer), []);
  });

  it('of a group is the loss of its texts alone, and the mean is over tokens', () => {
    const { mean, groups } = heldOutLoss(model, texts, 1000, ['context', 'op']);
    assert.deepEqual(Object.keys(groups), [
      'context=crazy_zootopia op=2',
      'context=crazy_zootopia op=3',
      'context=teachers_in_school op=2',
      'context=teachers_in_school op=3',
    ]);
    let [sum, tokens] = [0, 0];
    for (const [name, loss] of Object.entries(groups)) {
      const own = texts.filter(({ kind }) => name === `context=${kind.context} op=${kind.op}`);
      // Another batching may end in other roundings of single losses.
      assert.ok(Math.abs(heldOutLoss(model, own, 300).mean - loss) < 1e-5);
      const rows = own.reduce((count, { ids }) => count + ids.length - 1, 0);
      sum += rows * loss;
      tokens += rows;
    }
    assert.ok(Math.abs(sum / tokens - mean) < 1e-9);
  });

  it('is over the tokens that bear the loss', () => {
    const weigh = lossWeights('solution', tokenizer)!;
    const some = texts.slice(0, 3);
    const all = heldOutLoss(model, some, 2000).mean;
    const solution = heldOutLoss(model, some, 2000, [], weigh).mean;
    assert.ok(Number.isFinite(solution) && solution !== all);
    assert.ok(Number.isNaN(heldOutLoss(model, [], 2000).mean));
  });
});
