/**
 * Whole-file output that is never half there: content goes to a temporary name in the same folder and is
 * renamed when complete; if the producer throws, the temporary file is removed.
 */
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { userError } from './errors.ts';

/** Takes chunks in order; text is written as UTF-8. */
export type Write = (chunk: string | Uint8Array) => void;

/** Calls `produce` with a writer and puts the result at `path` in one step. Creates missing folders. */
export function writeFileAtomically(path: string, content: string | Uint8Array): void {
  writeAtomically(path, (write) => write(content));
}

/** As {@link writeFileAtomically}, for content made piece by piece. */
export function writeAtomically<T>(path: string, produce: (write: Write) => T): T {
  const file = openAtomically(path);
  try {
    const result = produce(file.write);
    file.commit();
    return result;
  } catch (error) {
    file.abandon();
    throw error;
  }
}

/** As {@link writeAtomically}, for a producer that awaits. */
export async function writeAtomicallyAsync<T>(
  path: string,
  produce: (write: Write) => Promise<T>,
): Promise<T> {
  const file = openAtomically(path);
  try {
    const result = await produce(file.write);
    file.commit();
    return result;
  } catch (error) {
    file.abandon();
    throw error;
  }
}

/** The error of an output path that cannot be written to. */
export function unwritable(path: string, error: unknown): Error {
  const got = `${path} (${reason(error)})`;
  return userError('OUTPUT_UNWRITABLE', 'a writable output path', got, 'choose another --out, or free space');
}

interface PendingFile {
  write: Write;
  commit(): void;
  abandon(): void;
}

function openAtomically(path: string): PendingFile {
  const target = resolve(path);
  const temporary = `${target}.tmp-${randomBytes(6).toString('hex')}`;
  let descriptor: number;
  try {
    if (existsSync(target) && statSync(target).isDirectory()) throw new Error('a folder');
    makeFolder(dirname(target));
    descriptor = openSync(temporary, 'wx');
  } catch (error) {
    throw unwritable(path, error);
  }
  let isOpen = true;
  return {
    write(chunk) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk;
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at, bytes.length - at);
      } catch (error) {
        throw unwritable(path, error); // a full disk, most likely
      }
    },
    commit() {
      try {
        fsyncSync(descriptor);
        closeSync(descriptor);
        isOpen = false;
        renameSync(temporary, target);
      } catch (error) {
        throw unwritable(path, error);
      }
    },
    abandon() {
      if (isOpen) closeSync(descriptor);
      rmSync(temporary, { force: true });
    },
  };
}

/** Appends to a file that grows while a job runs. @throws OUTPUT_UNWRITABLE, for instance when the disk is full */
export function appendToFile(path: string, content: string | Uint8Array): void {
  try {
    appendFileSync(path, content);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** Checks that a folder may be made or used at `path`: a file there, or in place of a parent, is a user error. */
export function checkOutputFolder(path: string): void {
  let existing = resolve(path);
  while (!existsSync(existing)) existing = dirname(existing);
  if (statSync(existing).isDirectory()) return;
  throw unwritable(path, new Error(existing === resolve(path) ? 'a file' : `${existing} is a file`));
}

/** As {@link makeFolder}, for a folder that a user named. @throws OUTPUT_UNWRITABLE */
export function makeOutputFolder(path: string): void {
  checkOutputFolder(path);
  try {
    makeFolder(path);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/**
 * Makes a folder and its missing parents. Not Node's own recursive call, which never returns where the parent
 * refuses entries (under /proc).
 */
export function makeFolder(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    if (reason(error) !== 'EEXIST') throw error; // another process was faster
  }
}

/** Text of a user's file; a missing, unreadable or non-file path is a user error. `what` names it in the message. */
export function readUserFile(path: string, what: string): string {
  return readUserBytes(path, what).toString('utf8');
}

/** Bytes of a user's file, with the same errors as {@link readUserFile}. */
export function readUserBytes(path: string, what: string): Buffer {
  try {
    if (!statSync(path).isFile()) throw new Error('not a file');
    return readFileSync(path);
  } catch (error) {
    throw userError('INPUT_UNREADABLE', `a readable ${what}`, `${path} (${reason(error)})`, 'check the path');
  }
}

/** The short reason of a system error (its code), for messages. */
export function reason(error: unknown): string {
  if (error instanceof Error) return (error as NodeJS.ErrnoException).code ?? error.message;
  return String(error);
}

/** As {@link writeFolderAtomically}, for a filler that awaits. */
export async function writeFolderAtomicallyAsync<T>(
  path: string,
  fill: (temporary: string) => Promise<T>,
): Promise<T> {
  const folder = openFolder(path);
  try {
    const result = await fill(folder.temporary);
    folder.commit();
    return result;
  } catch (error) {
    folder.abandon();
    throw error;
  }
}

interface PendingFolder {
  temporary: string;
  commit(): void;
  abandon(): void;
}

function openFolder(path: string): PendingFolder {
  const target = resolve(path);
  const suffix = randomBytes(6).toString('hex');
  const temporary = `${target}.tmp-${suffix}`;
  const replaced = `${target}.tmp-old-${suffix}`;
  try {
    makeFolder(temporary);
  } catch (error) {
    throw unwritable(path, error);
  }
  return {
    temporary,
    commit() {
      if (existsSync(target)) renameSync(target, replaced);
      try {
        renameSync(temporary, target);
      } catch (error) {
        if (existsSync(replaced)) renameSync(replaced, target);
        throw unwritable(path, error);
      }
      rmSync(replaced, { recursive: true, force: true });
    },
    abandon() {
      rmSync(temporary, { recursive: true, force: true });
    },
  };
}

/**
 * Makes a folder in one step: `fill` writes into a temporary folder beside it, which then takes the name. A folder
 * that already has the name is replaced, and comes back if that fails. A kill between the two renames leaves the
 * old one as `NAME.tmp-old-…`; {@link recoverFolder} puts it back.
 */
export function writeFolderAtomically(path: string, fill: (temporary: string) => void): void {
  const folder = openFolder(path);
  try {
    fill(folder.temporary);
    folder.commit();
  } catch (error) {
    folder.abandon();
    throw error;
  }
}

/** Removes a folder so that a kill leaves it whole or under a name that {@link recoverFolder} clears away. */
export function removeFolder(path: string): void {
  const leaving = `${resolve(path)}.tmp-${randomBytes(6).toString('hex')}`;
  renameSync(path, leaving);
  rmSync(leaving, { recursive: true, force: true });
}

/** Cleans a folder of what killed writers left in it; a replaced entry whose successor never came is put back. */
export function recoverFolder(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const match = /^(.+)\.tmp-(old-)?[0-9a-f]{12}$/.exec(name);
    if (match === null) continue;
    const original = join(folder, match[1]!);
    if (match[2] !== undefined && !existsSync(original)) renameSync(join(folder, name), original);
    else rmSync(join(folder, name), { recursive: true, force: true });
  }
}
