import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  appendToFile,
  checkOutputFolder,
  makeOutputFolder,
  writeAtomically,
  writeFileAtomically,
  writeFolderAtomically,
} from '../../src/core/files.ts';
import { readJsonFile } from '../../src/core/json.ts';
import { readJsonLines, writeJsonLines } from '../../src/core/jsonl.ts';

describe('files', () => {
  let folder: string;
  const at = (...names: string[]) => join(folder, ...names);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('writes whole files, making folders, and leaves nothing when the producer fails', () => {
    writeFileAtomically(at('a', 'b', 'c.txt'), 'wolf');
    assert.equal(readFileSync(at('a', 'b', 'c.txt'), 'utf8'), 'wolf');
    assert.throws(() =>
      writeAtomically(at('a', 'b', 'c.txt'), (write) => {
        write('half');
        throw new Error('stop');
      }),
    );
    assert.equal(readFileSync(at('a', 'b', 'c.txt'), 'utf8'), 'wolf');
    assert.deepEqual(readdirSync(at('a', 'b')), ['c.txt']);
  });

  it('replaces a folder as a whole, or not at all', () => {
    writeFolderAtomically(at('run'), (temporary) => writeFileSync(join(temporary, 'old'), ''));
    writeFolderAtomically(at('run'), (temporary) => writeFileSync(join(temporary, 'new'), ''));
    assert.throws(() =>
      writeFolderAtomically(at('run'), () => {
        throw new Error('stop');
      }),
    );
    assert.deepEqual(readdirSync(folder), ['run']);
    assert.deepEqual(readdirSync(at('run')), ['new']);
  });

  it('refuses places that cannot be written, in one line', () => {
    writeFileSync(at('file'), '');
    for (const path of [at('file', 'x', 'y'), folder, '/proc/interplay/x.txt']) {
      if (path.startsWith('/proc') && !existsSync('/proc/self')) continue;
      assert.throws(() => writeFileAtomically(path, 'x'), { code: 'OUTPUT_UNWRITABLE' });
    }
    assert.deepEqual(readdirSync(folder), ['file']);
  });

  it('refuses folders that cannot be, and appending where nothing can be', () => {
    writeFileSync(at('file'), '');
    for (const path of [at('file'), at('file', 'x', 'y')]) {
      assert.throws(() => checkOutputFolder(path), {
        code: 'OUTPUT_UNWRITABLE',
        message: /is a file|a file/,
      });
      assert.throws(() => makeOutputFolder(path), { code: 'OUTPUT_UNWRITABLE' });
    }
    checkOutputFolder(at('none', 'yet'));
    makeOutputFolder(at('none', 'yet'));
    if (existsSync('/proc/self')) {
      assert.throws(() => makeOutputFolder('/proc/interplay'), { code: 'OUTPUT_UNWRITABLE' });
    }
    appendToFile(at('log'), 'a');
    appendToFile(at('log'), 'b');
    assert.equal(readFileSync(at('log'), 'utf8'), 'ab');
    assert.throws(() => appendToFile(folder, 'x'), { code: 'OUTPUT_UNWRITABLE' });
    if (existsSync('/dev/full')) {
      assert.throws(() => appendToFile('/dev/full', 'x'), { code: 'OUTPUT_UNWRITABLE', message: /ENOSPC/ });
    }
  });

  it('reads JSON lines in pieces, across multi-byte characters, and names a bad line', () => {
    const rows = Array.from({ length: 5000 }, (_, i) => ({ i, text: 'é'.repeat(i % 400) }));
    assert.equal(writeJsonLines(at('rows.jsonl'), rows), 5000);
    assert.deepEqual(
      [...readJsonLines(at('rows.jsonl'))].map(({ value }) => value),
      rows,
    );
    writeFileSync(at('cut.jsonl'), '{"a":1}\n\n{"a":2');
    const lines = readJsonLines(at('cut.jsonl'));
    assert.deepEqual(lines.next().value, { value: { a: 1 }, line: 1 });
    assert.throws(() => lines.next(), { code: 'JSONL_LINE', message: /line 3/ });
    assert.throws(() => [...readJsonLines(folder)], { code: 'INPUT_UNREADABLE' });
  });

  it('reads a JSON document or says that it is none', () => {
    writeFileSync(at('a.json'), '{"a": 1}');
    writeFileSync(at('b.json'), '{"a": ');
    assert.deepEqual(readJsonFile(at('a.json'), 'settings'), { a: 1 });
    assert.throws(() => readJsonFile(at('b.json'), 'settings'), { code: 'JSON_FILE' });
    assert.throws(() => readJsonFile(at('c.json'), 'settings'), { code: 'INPUT_UNREADABLE' });
    // What is recursive would run out of stack; brackets in texts are not nesting.
    const nested = (depth: number) => `${'[{"a\\"{":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`;
    writeFileSync(at('deep.json'), nested(102));
    assert.throws(() => readJsonFile(at('deep.json'), 'settings'), { code: 'JSON_FILE', message: /nested/ });
    writeFileSync(at('deep.json'), nested(100));
    assert.deepEqual(readJsonFile(at('deep.json'), 'settings'), JSON.parse(nested(100)));
    writeFileSync(at('texts.json'), JSON.stringify({ text: '['.repeat(1000) + '\\"'.repeat(7) }));
    assert.ok(readJsonFile(at('texts.json'), 'settings'), 'a text may hold brackets');
  });
});
