/**
 * Stop, seen from the wire thread, which can act while the main thread computes.
 *
 * First the cell is asked: its abort signal fires. A job that has announced how long it needs
 * (`stopsWithin`) or has been seen to notice gets that time to save and return. Then the cell is ended: its
 * awaits are rejected, and if the main thread does not answer, what it computes is cut off through the
 * inspector, again and again until it answers. Variables survive all of it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { coarseTime, SHARED, type ToMain } from './channel.ts';

/** Time for code that has announced nothing. */
const GRACE_MS = 300;
/** Time for code that has noticed the stop without having announced how long it needs. */
const NOTICED_GRACE_MS = 10_000;
/** Code that has asked lately is expected to ask again: the longest step of a loop that announces nothing. */
const POLLING_MS = 5000;
/** A second press of Stop this long after the first ends the waiting. */
const IMPATIENT_MS = 1000;
const POLL_MS = 20;
/** How long the main thread may take to answer before it counts as computing. */
const ANSWER_MS = 40;
/** A main thread that cannot even be cut off for this long waits for a child process, or is in native code. */
const CHILDREN_AFTER_MS = 400;

export class Interrupter {
  readonly #shared: Int32Array;
  readonly #post: (message: ToMain) => void;
  readonly #runningCell: () => number | undefined;
  #startedAt: number | undefined;
  #isImpatient = false;
  #tickets = 0;
  #answered = 0;

  /** `runningCell`: serial number of the cell that runs now. */
  constructor(shared: Int32Array, post: (message: ToMain) => void, runningCell: () => number | undefined) {
    this.#shared = shared;
    this.#post = post;
    this.#runningCell = runningCell;
  }

  /** The main thread says that an `end` message was obeyed. */
  answer(ticket: number): void {
    this.#answered = Math.max(this.#answered, ticket);
  }

  /** Resolves when no stop is under way, at the latest after `milliseconds`. */
  async settled(milliseconds: number): Promise<void> {
    for (let waited = 0; this.#startedAt !== undefined && waited < milliseconds; waited += POLL_MS) {
      await pause(POLL_MS);
    }
  }

  /** Stops the running cell; without one, whatever keeps the main thread from answering (a timer, a comm). */
  async interrupt(): Promise<void> {
    if (this.#startedAt !== undefined) {
      if (performance.now() - this.#startedAt > IMPATIENT_MS) this.#isImpatient = true;
      return;
    }
    this.#startedAt = performance.now();
    this.#isImpatient = false;
    try {
      const cell = this.#runningCell();
      if (cell !== undefined) await this.#ask(cell, this.#startedAt);
      if (this.#runningCell() === cell) await this.#force(cell ?? 0);
    } finally {
      this.#startedAt = undefined;
      Atomics.store(this.#shared, SHARED.STOP, 0);
    }
  }

  async #ask(cell: number, startedAt: number): Promise<void> {
    Atomics.store(this.#shared, SHARED.STOP, cell);
    this.#post({ kind: 'stop', cell });
    while (this.#runningCell() === cell && !this.#isImpatient) {
      if (performance.now() - startedAt >= this.#grace(cell)) return;
      await pause(POLL_MS);
    }
  }

  /** Milliseconds the cell may take from the first press of Stop, by what is known of it now. */
  #grace(cell: number): number {
    const announced = Atomics.load(this.#shared, SHARED.GRACE);
    if (announced > 0) return announced;
    if (Atomics.load(this.#shared, SHARED.NOTICED) === cell) return NOTICED_GRACE_MS;
    const polled = Atomics.load(this.#shared, SHARED.POLLED);
    const isPolling = polled !== 0 && coarseTime() - polled < POLLING_MS / 10;
    return isPolling ? POLLING_MS : GRACE_MS;
  }

  async #force(cell: number): Promise<void> {
    let childrenAt = performance.now() + CHILDREN_AFTER_MS;
    const first = this.#tickets + 1;
    const terminator = new Terminator();
    try {
      for (;;) {
        this.#post({ kind: 'end', cell, ticket: ++this.#tickets });
        await pause(ANSWER_MS);
        if (this.#answered >= first) return;
        Atomics.store(this.#shared, SHARED.CUT, 1);
        await terminator.terminate();
        if (performance.now() >= childrenAt) {
          interruptChildren();
          childrenAt = performance.now() + 1000;
        }
      }
    } finally {
      terminator.close();
    }
  }
}

/** Cuts off what the main thread computes, if anything, as often as asked. */
class Terminator {
  readonly #session = new Session();
  #isConnected = false;
  #isUnderway = false;

  /** Resolves when it is done, or after a while: code that is not JavaScript can only be waited for. */
  async terminate(): Promise<void> {
    if (!this.#isUnderway) {
      if (!this.#isConnected) this.#session.connectToMainThread();
      this.#isConnected = true;
      this.#isUnderway = true;
      this.#session.post('Runtime.terminateExecution', () => {
        this.#isUnderway = false;
      });
    }
    for (let waited = 0; this.#isUnderway && waited < 200; waited += POLL_MS) await pause(POLL_MS);
  }

  /** A session left open would keep the process from exiting. */
  close(): void {
    if (this.#isConnected) this.#session.disconnect();
  }
}

/**
 * What Ctrl-C in a terminal does to everything the kernel has started, however deep (a shell that waits for
 * its own child does not pass the signal on); only where /proc lists processes.
 */
function interruptChildren(): void {
  if (process.platform !== 'linux') return;
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const found = /^\d+$/.test(entry) ? readStat(Number(entry)) : undefined;
    // The TypeScript loader keeps one helper; without it no further module could be imported.
    if (found === undefined || found.program.startsWith('esbuild')) continue;
    children.set(found.parent, [...(children.get(found.parent) ?? []), Number(entry)]);
  }
  const interruptBelow = (parent: number): void => {
    for (const child of children.get(parent) ?? []) {
      interruptBelow(child);
      signal(child);
    }
  };
  interruptBelow(process.pid);
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGINT');
  } catch (error) {
    // It has ended meanwhile, or runs as somebody else, whom we may not stop.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

/** Program and parent of a process; undefined when it has ended meanwhile. */
function readStat(pid: number): { program: string; parent: number } | undefined {
  try {
    // `pid (program) state parent …`, where the program may contain brackets itself.
    const match = /^\d+ \((.*)\) \S+ (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return match === null ? undefined : { program: match[1]!, parent: Number(match[2]) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
