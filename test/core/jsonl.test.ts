import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { InterplayError } from '../../src/core/errors.ts';
import { GzipWriter, gzipMember } from '../../src/core/gzip.ts';
import { readJsonLines, writeJsonLines } from '../../src/core/jsonl.ts';

const values = Array.from({ length: 12_000 }, (_, i) => ({
  i,
  name: `Cinéma de Montreval ${(i * 7919) % 1000}`,
}));
const text = values.map((value) => `${JSON.stringify(value)}\n`).join('');

describe('JSON lines', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-jsonl-'));
    path = join(folder, 'values.jsonl.gz');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const read = () => [...readJsonLines(path)].map(({ value }) => value);
  const refused = (detail: RegExp) => (error: unknown) =>
    error instanceof InterplayError &&
    error.code === 'GZIP_INVALID' &&
    error.got.startsWith(path) &&
    detail.test(error.got);

  for (const ending of ['jsonl', 'jsonl.gz']) {
    it(`come back from .${ending} as they were, with their line numbers`, () => {
      path = join(folder, `values.${ending}`);
      assert.equal(writeJsonLines(path, values), values.length);
      assert.deepEqual(read(), values);
      let line = 0;
      for (const entry of readJsonLines(path)) assert.equal(entry.line, ++line);
      assert.equal(writeJsonLines(path, []), 0);
      assert.deepEqual(read(), []);
    });
  }

  it('are read from gzip of one member or many, however members meet the chunks that are read', () => {
    writeFileSync(path, gzipSync(text));
    assert.deepEqual(read(), values);
    const members = text.match(/.*\n/g)!;
    const bytes: Buffer[] = [];
    // Members of 1, 2, 4, … lines: small ones by the dozen in one chunk, large ones over many.
    for (let from = 0, size = 1; from < members.length; from += size, size *= 2) {
      bytes.push(gzipSync(members.slice(from, from + size).join('')));
    }
    writeFileSync(path, Buffer.concat(bytes));
    assert.deepEqual(read(), values);
  });

  it('of a broken gzip file are refused with its name: cut, changed, or no gzip at all', () => {
    const whole = Buffer.concat([gzipSync(text.slice(0, 9000)), gzipSync(text.slice(9000))]);
    for (const cut of [0, 5, 400, whole.length - 9, whole.length - 1]) {
      writeFileSync(path, whole.subarray(0, cut));
      assert.throws(read, refused(/unexpected end of file/), `cut at ${cut}`);
    }
    for (let at = 200; at < whole.length; at += 2999) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1;
      writeFileSync(path, changed);
      assert.throws(read, refused(/./), `changed at ${at}`);
    }
    writeFileSync(path, text);
    assert.throws(read, refused(/incorrect header check/));
    rmSync(path);
    assert.throws(read, { code: 'INPUT_UNREADABLE' });
  });
});

describe('gzip writer', () => {
  const compress = async (pieces: readonly Uint8Array[]): Promise<Buffer> => {
    const written: Uint8Array[] = [];
    const writer = new GzipWriter((chunk) => written.push(chunk as Uint8Array));
    for (const piece of pieces) await writer.add(piece);
    await writer.finish();
    return Buffer.concat(written);
  };

  it('writes members in order, the same bytes every time, without time or system', async () => {
    const pieces = Array.from({ length: 60 }, (_, i) =>
      Buffer.from(text.slice(i * 30_000, (i + 1) * 30_000)),
    );
    const compressed = await compress(pieces);
    assert.deepEqual(gunzipSync(compressed), Buffer.concat(pieces));
    assert.deepEqual(await compress(pieces), compressed);
    assert.deepEqual([...compressed.subarray(0, 10)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    assert.deepEqual(gzipMember('x').subarray(0, 10), compressed.subarray(0, 10));
  });

  it('makes one empty member of nothing', async () => {
    assert.deepEqual(await compress([]), gzipMember(''));
    assert.deepEqual(await compress([Buffer.alloc(0)]), gzipMember(''));
  });
});
