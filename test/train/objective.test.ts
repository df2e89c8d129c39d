import assert from 'node:assert/strict';
import { createTaskSource, promptText, trainingText } from '../../src/tasks/index.ts';
import { Tokenizer, trainTokenizer } from '../../src/tokenizer/index.ts';
import { encodeText, lossWeights, pack } from '../../src/train/index.ts';

describe('loss weights', () => {
  const tasks = createTaskSource({ ops: '2-4', modes: ['forward', 'reverse'] }).take(20);
  const tokenizer = trainTokenizer(tasks.map(trainingText), { vocabularySize: 400 });

  it('are none when all tokens bear the loss', () => {
    assert.equal(lossWeights('all', tokenizer), undefined);
    assert.equal('weights' in pack([[1, 2]]), false);
  });

  it('are those of what stands behind the prompt, up to the end token', () => {
    const weigh = lossWeights('solution', tokenizer)!;
    for (const task of tasks) {
      const ids = encodeText(trainingText(task), tokenizer);
      const prompt = tokenizer.encode(promptText(task)).length;
      const { weights, targets } = pack([ids], weigh);
      const learned = [...targets].filter((_, row) => weights![row] === 1);
      assert.deepEqual(learned, ids.slice(prompt));
      assert.equal(learned.at(-1), tokenizer.idOf('[EOS]'));
      assert.ok(weights!.every((weight) => weight === 0 || weight === 1));
    }
  });

  it('start anew with each text of a row', () => {
    const weigh = lossWeights('solution', tokenizer)!;
    const [a, b] = tasks.map((task) => encodeText(trainingText(task), tokenizer));
    const row = [...weigh([...a!, ...b!])];
    assert.deepEqual(row, [...weigh(a!), 0, ...weigh(b!)]);
  });

  it('need a tokenizer that knows where a solution begins', () => {
    const { tokens, merges, pattern } = tokenizer.parts;
    const plain = new Tokenizer({ tokens, merges, pattern, added: [] });
    assert.throws(() => lossWeights('solution', plain), { code: 'LOSS_TOKENS' });
  });
});
