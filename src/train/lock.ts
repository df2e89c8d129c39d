/**
 * One process at a time in a run folder: the file `lock` names the process that writes there. A lock whose process is
 * gone (killed, or the machine restarted) is taken over.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { currentSignal } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import { makeOutputFolder, reason, unwritable } from '../core/files.ts';

export const LOCK = 'lock';

/** Locks of this process by file, with the signal that stops their job; shared by hot-reloaded copies of this module. */
const KEY = Symbol.for('interplay.locks');
const holder = globalThis as unknown as Record<symbol, Map<string, AbortSignal | undefined> | undefined>;

function ownLocks(): Map<string, AbortSignal | undefined> {
  holder[KEY] ??= new Map();
  return holder[KEY];
}

/**
 * Takes the lock of a run folder, which is made if it is missing; returns the function that gives it back.
 * @throws RUN_LOCKED while another run writes there, OUTPUT_UNWRITABLE
 */
export function lockRun(run: string): () => void {
  makeOutputFolder(run);
  const path = join(run, LOCK);
  const mine = `${JSON.stringify({ pid: process.pid, started: startOf(process.pid), host: hostname() })}\n`;
  for (;;) {
    try {
      writeFileSync(path, mine, { flag: 'wx' });
      break;
    } catch (error) {
      if (reason(error) !== 'EEXIST') throw unwritable(path, error);
    }
    removeStale(path);
  }
  ownLocks().set(path, currentSignal());
  return () => {
    ownLocks().delete(path);
    rmSync(path, { force: true });
  };
}

/** Removes a lock whose owner is gone; one of a living owner is an error. */
function removeStale(path: string): void {
  const found = readLock(path);
  if (found === undefined) return; // given back meanwhile
  const owner = livingOwner(path, found);
  if (owner !== undefined) throw locked(path, owner);
  // Renamed, not deleted: of two processes that found it stale only one gets it, and what was renamed can be checked.
  const taken = `${path}.tmp-${randomBytes(6).toString('hex')}`;
  try {
    renameSync(path, taken);
  } catch (error) {
    if (reason(error) === 'ENOENT') return;
    throw error;
  }
  const fresh = readLock(taken) !== found;
  if (fresh && !existsSync(path)) linkSync(taken, path); // another was faster: this is its lock
  rmSync(taken);
  if (fresh) throw locked(path, 'another process');
}

function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (reason(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Who holds the lock, or undefined when nobody does any more. */
function livingOwner(path: string, text: string): string | undefined {
  let owner: { pid?: unknown; started?: unknown; host?: unknown };
  try {
    owner = JSON.parse(text);
  } catch {
    return undefined; // killed while it wrote these few bytes
  }
  const { pid, started, host } = owner;
  if (typeof pid !== 'number') return undefined;
  if (host !== hostname()) return `process ${pid} on ${host}`; // whether it lives cannot be seen from here
  if (pid === process.pid) {
    // A notebook cell that was cut off by force never gave it back; its job had been told to stop.
    const isOurs = ownLocks().has(path) && ownLocks().get(path)?.aborted !== true;
    return isOurs ? 'this process' : undefined;
  }
  // The number may belong to another process by now; its start time tells.
  return isAlive(pid) && startOf(pid) === started ? `process ${pid}` : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return reason(error) === 'EPERM';
  }
}

/** When a process started, in ticks since the machine did (field 22 of its stat); null where that is not known. */
function startOf(pid: number): string | null {
  if (process.platform !== 'linux') return null;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null; // from field 3
  } catch (error) {
    if (reason(error) === 'ENOENT' || reason(error) === 'ESRCH') return null;
    throw error;
  }
}

function locked(path: string, owner: string): Error {
  return userError(
    'RUN_LOCKED',
    'a run folder that no other run writes to',
    `${path} of ${owner}`,
    'wait for it, stop it, or choose another folder (if it runs nowhere, delete the file)',
  );
}
