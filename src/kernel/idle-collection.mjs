// Gives memory back while nobody waits. V8 lets garbage grow to the size of what is in use before it collects, and the
// first check of a large project, or the loading of many modules, leaves much of both. Plain JavaScript, since the
// thread of the module loader uses it too.
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Milliseconds without anything to do; a collection takes a tenth of a second. */
const QUIET_MS = 1000;
/** Less new memory than this (bytes) is not worth a collection. */
const WORTH_BYTES = 24e6;

export class IdleCollection {
  #collect;
  #mostBytes;
  #timer;
  /** Bytes in use after the last collection. */
  #settled = 0;

  /** A heap with more than `mostBytes` in use is left alone: its collection would take long. */
  constructor(mostBytes = Number.POSITIVE_INFINITY) {
    this.#mostBytes = mostBytes;
    this.#collect = findCollect();
  }

  /** Something was done: a collection waits for the next quiet moment. */
  postpone() {
    this.#wait(() => this.#tidy(), QUIET_MS);
  }

  /** Something has begun: no collection before the next `postpone`. */
  cancel() {
    clearTimeout(this.#timer);
  }

  #tidy() {
    const used = getHeapStatistics().used_heap_size;
    if (used < this.#settled + WORTH_BYTES || used > this.#mostBytes) return;
    this.#collect();
    this.#settled = getHeapStatistics().used_heap_size;
    this.#wait(() => this.#compact(), QUIET_MS / 4);
  }

  /** Pages that a collection has found to be nearly empty are emptied, and given back, by the next. */
  #compact() {
    const { used_heap_size: used, total_physical_size: held } = getHeapStatistics();
    if (held - used > WORTH_BYTES) this.#collect();
  }

  #wait(then, milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, milliseconds);
    this.#timer.unref();
  }
}

/** Other threads set the same flag, and may take it back before we have used it. */
function findCollect() {
  let collect;
  while (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('globalThis.gc');
  }
  // Only the function was wanted, not a name in the contexts that user code makes.
  setFlagsFromString('--no-expose-gc');
  return collect;
}
