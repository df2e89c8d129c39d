import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { trainPaperTokenizer } from '../../scripts/paper-tokenizer.ts';
import { createTaskSource, trainingText } from '../../src/tasks/index.ts';
import {
  countTokensWith,
  openTokenizer,
  PAPER_TOKENIZER,
  tokenCounter,
  tokenizerConfigJson,
} from '../../src/tokenizer/index.ts';
import { encodeText } from '../../src/train/data.ts';

describe('token counter', () => {
  it('counts what training trains on', () => {
    const { module, argument } = countTokensWith();
    assert.match(module, /\/src\/tokenizer\/count\.ts$/);
    const count = tokenCounter(argument);
    const tokenizer = openTokenizer(PAPER_TOKENIZER);
    for (const task of createTaskSource({ ops: '2-20', modes: ['forward', 'reverse'] }).take(50)) {
      assert.equal(count(task), encodeText(trainingText(task), tokenizer).length);
    }
  });

  it('takes a file or a folder, and says when there is none', () => {
    const file = countTokensWith(join(PAPER_TOKENIZER, 'tokenizer.json'));
    assert.deepEqual(file, countTokensWith(PAPER_TOKENIZER));
    assert.throws(() => countTokensWith('no/such/tokenizer.json'), { code: 'INPUT_UNREADABLE' });
  });
});

describe('the tokenizer that ships with the project', () => {
  it('is what its script trains, to the byte', () => {
    const tokenizer = trainPaperTokenizer();
    const read = (name: string) => readFileSync(join(PAPER_TOKENIZER, name), 'utf8');
    assert.equal(read('tokenizer.json'), tokenizer.toJson());
    assert.equal(read('tokenizer_config.json'), tokenizerConfigJson(tokenizer));
  });

  it('needs no token for less than a word of any context', () => {
    const tokenizer = openTokenizer(PAPER_TOKENIZER);
    const task = createTaskSource({ ops: '4', seed: 77, modes: ['reverse'] }).at(0);
    const text = trainingText(task);
    assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
    assert.ok(text.length / tokenizer.encode(text).length > 3, 'characters per token');
  });
});
