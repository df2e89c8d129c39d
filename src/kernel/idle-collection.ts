/**
 * Gives memory back while nobody waits. V8 lets garbage grow to the size of what is in use before it collects, and the
 * first check of a large project leaves much of both.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Milliseconds without a question; a collection takes a tenth of a second. */
const QUIET_MS = 1000;
/** Less new memory than this (bytes) is not worth a collection. */
const WORTH_BYTES = 24e6;

export class IdleCollection {
  readonly #collect: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** Bytes in use after the last collection. */
  #settled = 0;

  constructor() {
    setFlagsFromString('--expose-gc');
    this.#collect = runInNewContext('gc') as () => void;
    // Only the function was wanted, not a name in the contexts that user code makes.
    setFlagsFromString('--no-expose-gc');
  }

  /** Something was done: a collection waits for the next quiet moment. */
  postpone(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (getHeapStatistics().used_heap_size < this.#settled + WORTH_BYTES) return;
      this.#collect();
      this.#settled = getHeapStatistics().used_heap_size;
    }, QUIET_MS);
    this.#timer.unref();
  }
}
