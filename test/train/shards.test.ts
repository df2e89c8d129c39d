import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFolderAtomically } from '../../src/core/files.ts';
import { writeJsonLines } from '../../src/core/jsonl.ts';
import { createTaskSource, type Task, trainingText } from '../../src/tasks/index.ts';
import { type Tokenizer, trainTokenizer } from '../../src/tokenizer/index.ts';
import { encodeText, kindOf, openData, openShards, ShardWriter } from '../../src/train/index.ts';

describe('token shards', () => {
  let folder: string;
  let tasks: Task[];
  let tokenizer: Tokenizer;
  const at = (name: string) => join(folder, name);
  const sequence = (task: Task) => encodeText(trainingText(task), tokenizer);

  /** Writes the tasks into small shards; returns the folder. */
  const write = (name: string, shardTokens = 5000): string => {
    writeFolderAtomically(at(name), (temporary) => {
      const writer = new ShardWriter(temporary, tokenizer, shardTokens);
      for (const task of tasks) writer.add(sequence(task), kindOf(task), task.id);
      writer.finish();
    });
    return at(name);
  };

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    tasks = createTaskSource({ ops: '2-4', modes: ['forward', 'reverse'] }).take(60);
    tokenizer = trainTokenizer(tasks.map(trainingText), { vocabularySize: 400 });
    write('whole');
  });
  after(() => {
    if (folder) rmSync(folder, { recursive: true });
  });

  it('give back every text and its kind, in any order', () => {
    const shards = openShards(at('whole'));
    assert.equal(shards.texts, tasks.length);
    assert.ok(shards.manifest.shards.length > 2);
    assert.ok(shards.manifest.shards.every(({ tokens }) => tokens <= 5000));
    for (let i = tasks.length - 1; i >= 0; i--) {
      assert.deepEqual(shards.read(i), sequence(tasks[i]!));
      assert.deepEqual(shards.kind(i), kindOf(tasks[i]!));
    }
    shards.check();
    shards.close();
    const ids = shards.manifest.shards.flatMap(({ name }) =>
      readFileSync(at(`whole/${name}.ids`), 'utf8')
        .trimEnd()
        .split('\n'),
    );
    assert.deepEqual(
      ids.map((id) => JSON.parse(id)),
      tasks.map(({ id }) => id),
    );
  });

  it('have the documented bytes', () => {
    write('one', 2 ** 28);
    const tokens = readFileSync(at('one/00000.tokens'));
    const texts = readFileSync(at('one/00000.texts'));
    const second = sequence(tasks[1]!);
    assert.equal(texts.length, 16 * tasks.length);
    assert.equal(texts.readUInt32LE(16), sequence(tasks[0]!).length);
    assert.equal(texts.readUInt32LE(20), second.length);
    assert.deepEqual(
      second.map((_, i) => tokens.readUInt16LE(2 * (texts.readUInt32LE(16) + i))),
      second,
    );
    assert.deepEqual(readdirSync(at('one')).sort(), [
      '00000.ids',
      '00000.texts',
      '00000.tokens',
      'shards.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });

  it('are the same bytes when written again', () => {
    write('again');
    for (const name of readdirSync(at('whole'))) {
      assert.ok(readFileSync(at(`whole/${name}`)).equals(readFileSync(at(`again/${name}`))), name);
    }
  });

  it('train in the order of the files that they were written from, epoch after epoch', () => {
    writeJsonLines(at('tasks.jsonl'), tasks);
    const fromFiles = openData({ files: [at('tasks.jsonl')] }, 5).sequences(tokenizer);
    const fromShards = openData({ shards: at('whole') }, 5).sequences(tokenizer);
    const other = openData({ shards: at('whole') }, 6).sequences(tokenizer);
    const places = Array.from({ length: 3 * tasks.length }, (_, i) => i);
    assert.deepEqual(places.map(fromShards.at), places.map(fromFiles.at));
    assert.deepEqual(places.map(fromShards.kind), places.map(fromFiles.kind));
    assert.notDeepEqual(places.map(fromShards.at), places.map(other.at));
    // Each epoch has every text once, in an order of its own; a place can be entered at any time.
    const epoch = (n: number) =>
      places.slice(n * tasks.length, (n + 1) * tasks.length).map((i) => fromShards.at(i).join());
    assert.deepEqual(epoch(0).sort(), epoch(2).sort());
    assert.notDeepEqual(epoch(0), epoch(1));
    assert.deepEqual(fromShards.at(7), fromFiles.at(7));
  });

  it('are for their own tokenizer only', () => {
    const other = trainTokenizer(tasks.map(trainingText), { vocabularySize: 390 });
    assert.throws(() => openData({ shards: at('whole') }, 0).sequences(other), { code: 'SHARDS_TOKENIZER' });
  });

  const damages: [string, (folder: string) => void, RegExp][] = [
    ['a cut token file', (f) => truncateSync(join(f, '00001.tokens'), 100), /bytes in 00001\.tokens/],
    ['a cut index', (f) => truncateSync(join(f, '00000.texts'), 24), /bytes in 00000\.texts/],
    ['a missing file', (f) => rmSync(join(f, '00000.tokens')), /00000\.tokens.*ENOENT/],
    ['a changed token', (f) => flip(join(f, '00000.tokens'), 11), /whole text 0 in 00000.*checksum/],
    ['a changed offset', (f) => flip(join(f, '00000.texts'), 16), /whole text 1 in 00000/],
    ['an offset behind the end', (f) => flip(join(f, '00000.texts'), 3), /whole text 0 in 00000.*tokens/],
    ['an unknown kind', (f) => flip(join(f, '00000.texts'), 13), /a kind that is not in the list/],
    ['another tokenizer', (f) => writeFileSync(join(f, 'tokenizer.json'), otherJson()), /tokenizer\.json/],
    ['a wrong list', (f) => edit(f, (list) => ({ ...list, texts: 3 })), /3 texts/],
    [
      'a list of another format',
      (f) => edit(f, (list) => ({ ...list, format: 'x' })),
      /shards\.json.*format/,
    ],
  ];
  const flip = (path: string, byte: number) => {
    const bytes = readFileSync(path);
    bytes[byte]! ^= 0xff;
    writeFileSync(path, bytes);
  };
  const edit = (path: string, change: (list: Record<string, unknown>) => unknown) => {
    const file = join(path, 'shards.json');
    writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8')))));
  };
  const otherJson = () => trainTokenizer(['a text'], { vocabularySize: 270 }).toJson();
  for (const [what, damage, message] of damages) {
    it(`notice ${what}`, () => {
      damage(write('damaged'));
      assert.throws(
        () => {
          const shards = openShards(at('damaged'));
          try {
            shards.check();
          } finally {
            shards.close();
          }
        },
        (error: Error & { code: string }) => {
          assert.equal(error.code, 'SHARDS');
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  it('leave nothing behind when there is nothing to write, and refuse impossible sizes', () => {
    const empty = () =>
      writeFolderAtomically(at('empty'), (temporary) => new ShardWriter(temporary, tokenizer).finish());
    assert.throws(empty, { code: 'NO_TASKS' });
    assert.ok(readdirSync(folder).every((name) => !name.startsWith('empty')));
    assert.throws(() => new ShardWriter(folder, tokenizer, 0), { code: 'SHARD_SIZE' });
    const huge = { vocabularySize: 70_000 } as Tokenizer;
    assert.throws(() => new ShardWriter(folder, huge), { code: 'SHARD_VOCABULARY' });
  });
});
