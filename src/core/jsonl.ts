/** JSON lines: reading that names file and line when something is wrong, writing that is atomic. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { userError } from './errors.ts';
import { reason, type Write, writeAtomically } from './files.ts';
import { gunzip, gzipMember, isGzipPath } from './gzip.ts';

/** One parsed line of a JSON-lines file and where it stood (first line is 1). */
export interface JsonLine {
  value: unknown;
  line: number;
}

const CHUNK = 1 << 20;
/** Read at a time of a gzip file: what comes out of it is many times larger. */
const COMPRESSED_CHUNK = 1 << 16;

/**
 * The lines of a file one by one, in constant memory; a path that ends in `.gz` is read as gzip. Blank lines are
 * skipped. A line that is not JSON is a user error; so is a last line without its newline that does not parse (a
 * file cut in the middle).
 * @throws INPUT_UNREADABLE, GZIP_INVALID, JSONL_LINE
 */
export function* readJsonLines(path: string): Generator<JsonLine> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let line = 0;
  const compressed = isGzipPath(path);
  const raw = readChunks(path, compressed ? COMPRESSED_CHUNK : CHUNK);
  const chunks = compressed ? gunzip(raw, path) : raw;
  const parse = (content: string): unknown => {
    try {
      return JSON.parse(content);
    } catch {
      // A checksum stands behind what it belongs to: if the gzip file is broken, that is what is wrong.
      if (compressed) for (const _ of chunks);
      throw notJson(content, path, line);
    }
  };
  for (const bytes of chunks) {
    const lines = (rest + decoder.write(bytes as Buffer)).split('\n');
    rest = lines.pop()!;
    for (const content of lines) {
      line++;
      if (content.trim() !== '') yield { value: parse(content), line };
    }
  }
  rest += decoder.end();
  line++;
  if (rest.trim() !== '') yield { value: parse(rest), line };
}

/** The bytes of a file, `size` at a time; each chunk is valid until the next is asked for. */
function* readChunks(path: string, size: number): Generator<Uint8Array> {
  let descriptor: number;
  try {
    if (!statSync(path).isFile()) throw new Error('not a file');
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw userError(
      'INPUT_UNREADABLE',
      'a readable JSONL file',
      `${path} (${reason(error)})`,
      'check the path',
    );
  }
  try {
    const buffer = Buffer.alloc(size);
    for (;;) {
      const count = readSync(descriptor, buffer, 0, size, null);
      if (count === 0) return;
      yield buffer.subarray(0, count);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** The value of one line of a file whose lines are read another way. @throws JSONL_LINE */
export function parseJsonLine(content: string, path: string, line: number): unknown {
  try {
    return JSON.parse(content);
  } catch {
    throw notJson(content, path, line);
  }
}

function notJson(content: string, path: string, line: number): Error {
  return userError(
    'JSONL_LINE',
    'one JSON value per line',
    `${path} line ${line}: ${JSON.stringify(content.slice(0, 60))}`,
    'repair or remove that line (a file cut in the middle ends like this)',
  );
}

/** Writes values as JSON lines, all or nothing, as gzip where `path` ends in `.gz`; returns how many. */
export function writeJsonLines(path: string, values: Iterable<unknown>): number {
  const encode = isGzipPath(path) ? gzipMember : (text: string) => text;
  return writeAtomically(path, (write: Write) => {
    let count = 0;
    let pending = '';
    for (const value of values) {
      pending += `${JSON.stringify(value)}\n`;
      count++;
      if (pending.length > CHUNK) {
        write(encode(pending));
        pending = '';
      }
    }
    // A gzip file has a member even of nothing.
    if (pending !== '' || count === 0) write(encode(pending));
    return count;
  });
}
