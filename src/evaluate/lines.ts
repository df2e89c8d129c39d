/** Lines of large files with their places, so that a line can be read again without keeping it. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { userError } from '../core/errors.ts';
import { reason } from '../core/files.ts';

/** Bytes [start, end) of a file. */
export interface Place {
  start: number;
  end: number;
}

export interface Line extends Place {
  /** Without its newline, which the place includes. */
  text: string;
  /** Number of the line, from 1. */
  line: number;
  /** False for a last line without its newline. */
  isWhole: boolean;
}

const CHUNK = 1 << 20;

/** The lines of a file, in constant memory. @throws INPUT_UNREADABLE */
export function* readLines(path: string): Generator<Line> {
  const descriptor = open(path);
  try {
    const chunk = Buffer.allocUnsafe(CHUNK);
    let pending: Buffer[] = []; // of a line that began in an earlier chunk
    let start = 0;
    let read = 0;
    let line = 0;
    for (;;) {
      const bytes = chunk.subarray(0, readSync(descriptor, chunk, 0, CHUNK, read));
      if (bytes.length === 0) break;
      let from = 0;
      for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
        pending.push(bytes.subarray(from, at));
        const text = Buffer.concat(pending).toString('utf8');
        pending = [];
        from = at + 1;
        yield { text, line: ++line, start, end: read + from, isWhole: true };
        start = read + from;
      }
      if (from < bytes.length) pending.push(Buffer.from(bytes.subarray(from)));
      read += bytes.length;
    }
    if (pending.length > 0) {
      yield { text: Buffer.concat(pending).toString('utf8'), line: ++line, start, end: read, isWhole: false };
    }
  } finally {
    closeSync(descriptor);
  }
}

/** What stands at places of a file. @throws INPUT_UNREADABLE when it became shorter meanwhile */
export function* readPlaces(path: string, places: Iterable<Place>): Generator<Buffer> {
  const descriptor = open(path);
  try {
    for (const { start, end } of places) {
      const bytes = Buffer.allocUnsafe(end - start);
      for (let at = 0; at < bytes.length; ) {
        const count = readSync(descriptor, bytes, at, bytes.length - at, start + at);
        if (count === 0) throw unreadable(path, 'cut by another process');
        at += count;
      }
      yield bytes;
    }
  } finally {
    closeSync(descriptor);
  }
}

function open(path: string): number {
  try {
    if (!statSync(path).isFile()) throw new Error('not a file');
    return openSync(path, 'r');
  } catch (error) {
    throw unreadable(path, reason(error));
  }
}

function unreadable(path: string, why: string): Error {
  return userError('INPUT_UNREADABLE', 'a readable JSONL file', `${path} (${why})`, 'check the path');
}
