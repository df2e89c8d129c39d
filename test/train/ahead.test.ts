import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeTasks } from '../../src/tasks/index.ts';
import { type Tokenizer, trainTokenizer } from '../../src/tokenizer/index.ts';
import { CHUNK_TEXTS, openSequences, type SequencesAhead } from '../../src/train/ahead.ts';
import { openData } from '../../src/train/data.ts';
import { parsePretrainConfig } from '../../src/train/index.ts';

describe('sequences made ahead by other threads', function () {
  this.timeout(60_000); // threads load everything anew
  const zoo = { world: 'micro', contexts: ['zoo'], ops: '2-3' };
  let folder: string;
  let tokenizer: Tokenizer;
  const opened: SequencesAhead[] = [];
  const open = (data: object, workers: number) => {
    const config = parsePretrainConfig({ data, seed: 3 });
    const own = openData(config.data, config.seed);
    const source = openSequences(config, own, tokenizer, workers);
    opened.push(source);
    return { source, own: own.sequences(tokenizer) };
  };
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    const data = openData(parsePretrainConfig({ data: zoo }).data, 3);
    tokenizer = trainTokenizer(
      Array.from({ length: 50 }, (_, i) => data.text!(i)),
      { vocabularySize: 420 },
    );
    await writeTasks({
      source: { ...zoo, split: 'train', seed: 1 },
      count: 90,
      out: join(folder, 'a.jsonl'),
    });
  });
  afterEach(() => {
    for (const source of opened.splice(0)) source.dispose();
  });
  after(() => rmSync(folder, { recursive: true }));

  it('are those of this thread, in order, twice, back and far ahead', () => {
    for (const workers of [1, 2]) {
      const { source, own } = open(zoo, workers);
      const edge = CHUNK_TEXTS;
      const far = 40 * edge;
      const positions = [
        0,
        0,
        1,
        edge - 1,
        edge,
        edge - 1,
        edge,
        2 * edge,
        far,
        far + edge,
        3,
        far + 2 * edge,
      ];
      for (const position of positions) {
        assert.deepEqual(source.at(position), own.at(position), `${position} of ${workers} workers`);
      }
    }
  });

  it('are those of task files, epoch after epoch', () => {
    const { source, own } = open({ files: [join(folder, 'a.jsonl')] }, 2);
    for (let position = 0; position < 200; position++) {
      assert.deepEqual(source.at(position), own.at(position), `position ${position}`);
    }
  });

  it('end with the error of the data', () => {
    const file = join(folder, 'b.jsonl');
    writeFileSync(file, '');
    const { data, seed } = parsePretrainConfig({ data: { files: [file] } });
    const own = openData(parsePretrainConfig({ data: zoo }).data, seed);
    const source = openSequences({ data, seed }, own, tokenizer, 1);
    opened.push(source);
    assert.throws(() => source.at(0), { code: 'NO_TASKS', message: /b\.jsonl/ });
  });
});
