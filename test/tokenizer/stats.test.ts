import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTexts, tokenizerStats, trainTokenizer } from '../../src/tokenizer/index.ts';

const task = {
  problem: 'Ann has 2. ',
  question: 'How many?',
  solution: 'Define Ann as a; so a = 2. Answer: 2.',
  op: 1,
  id: '1',
  template: 'crazy_zootopia',
  mode: 'normalforward',
  length: 'zero_context',
  d: 2,
};
const trained =
  '<question> Ann has 2. How many? </question> <solution> Define Ann as a; so a = 2. </solution> <answer> 2 </answer>';

describe('tokenizer statistics', () => {
  const bytes = trainTokenizer([], { vocabularySize: 266 });

  it('counts tokens, code points and used ids', () => {
    // One token per byte: "é" has two, "😀" four; "<answer>" is one token of eight characters.
    assert.deepEqual(tokenizerStats(bytes, ['é', 'ab😀', 'a<answer>', 'aaaa']), {
      texts: 4,
      tokens: 2 + 6 + 2 + 4,
      characters: 1 + 3 + 9 + 4,
      tokensPerText: { mean: 3.5, min: 2, median: 3, max: 6 },
      charactersPerToken: 17 / 14,
      vocabulary: { size: 266, used: 2 + 2 + 4 + 1 },
    });
    assert.equal(tokenizerStats(bytes, ['a', 'aaa', 'aa']).tokensPerText.median, 2);
  });

  it('is undefined without texts', () => {
    const { tokensPerText, charactersPerToken } = tokenizerStats(bytes, []);
    assert.deepEqual(Object.values(tokensPerText), [Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
    assert.equal(charactersPerToken, Number.NaN);
  });
});

describe('readTexts', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'texts-'));
  });
  after(() => rmSync(folder, { recursive: true }));
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  it('gives the training text of records and the lines of text files', () => {
    const paths = [file('a.jsonl', `${JSON.stringify(task)}\n`), file('b.txt', 'one\n\ntwo')];
    assert.deepEqual([...readTexts(paths)], [trained, 'one\n', '\n', 'two']);
  });

  it('names file, line and field of what is wrong', () => {
    const refused = (path: string, code: string, names: RegExp) =>
      assert.throws(() => [...readTexts([path])], { code, message: names });
    const { question: _, ...lacking } = task;
    refused(
      file('c.jsonl', `${JSON.stringify(task)}\n${JSON.stringify(lacking)}\n`),
      'TASK_RECORD',
      /question.*c\.jsonl line 2/,
    );
    refused(file('d.jsonl', 'null\n'), 'TASK_RECORD', /line 1/);
    refused(file('e.jsonl', '{"problem": "x'), 'JSONL_LINE', /e\.jsonl line 1/);
    refused(join(folder, 'absent.txt'), 'INPUT_UNREADABLE', /absent\.txt/);
    refused(folder, 'INPUT_UNREADABLE', /texts-/);
  });
});
