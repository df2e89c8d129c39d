/** JSON lines: reading that names file and line when something is wrong, writing that is atomic. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { userError } from './errors.ts';
import { reason, type Write, writeAtomically } from './files.ts';

/** One parsed line of a JSON-lines file and where it stood (first line is 1). */
export interface JsonLine {
  value: unknown;
  line: number;
}

const CHUNK = 1 << 20;

/**
 * The lines of a file one by one, in constant memory. Blank lines are skipped. A line that is not JSON is a
 * user error; so is a last line without its newline that does not parse (a file cut in the middle).
 */
export function* readJsonLines(path: string): Generator<JsonLine> {
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
    const decoder = new StringDecoder('utf8');
    const buffer = Buffer.alloc(CHUNK);
    let rest = '';
    let line = 0;
    for (;;) {
      const count = readSync(descriptor, buffer, 0, CHUNK, null);
      const text = rest + (count === 0 ? decoder.end() : decoder.write(buffer.subarray(0, count)));
      const lines = text.split('\n');
      rest = count === 0 ? '' : lines.pop()!;
      for (const content of lines) {
        line++;
        if (content.trim() !== '') yield { value: parseLine(content, path, line), line };
      }
      if (count === 0) return;
    }
  } finally {
    closeSync(descriptor);
  }
}

function parseLine(content: string, path: string, line: number): unknown {
  try {
    return JSON.parse(content);
  } catch {
    throw userError(
      'JSONL_LINE',
      'one JSON value per line',
      `${path} line ${line}: ${JSON.stringify(content.slice(0, 60))}`,
      'repair or remove that line (a file cut in the middle ends like this)',
    );
  }
}

/** Writes values as JSON lines, all or nothing; returns how many. */
export function writeJsonLines(path: string, values: Iterable<unknown>): number {
  return writeAtomically(path, (write: Write) => {
    let count = 0;
    let pending = '';
    for (const value of values) {
      pending += `${JSON.stringify(value)}\n`;
      count++;
      if (pending.length > CHUNK) {
        write(pending);
        pending = '';
      }
    }
    write(pending);
    return count;
  });
}
