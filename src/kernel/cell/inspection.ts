/**
 * How promises and timers print. Node writes its bookkeeping for async contexts (ids, and the cell itself) into
 * them as enumerable symbols, which `console.log` and results would show.
 */
import { inspect } from 'node:util';

const BOOKKEEPING = new Set(['async_id_symbol', 'trigger_async_id_symbol', 'kResourceStore']);

/** From now on promises and timers print without Node's bookkeeping. */
export function hideAsyncBookkeeping(): void {
  const timeout = setTimeout(() => {}, 0);
  clearTimeout(timeout);
  const immediate = setImmediate(() => {});
  clearImmediate(immediate);
  for (const shown of [Promise.resolve(), timeout, immediate]) {
    Object.defineProperty(Object.getPrototypeOf(shown), inspect.custom, {
      value: hideBookkeeping,
      writable: true,
      configurable: true,
    });
  }
}

/** An inspection method that returns its object lets Node print it as it would anyway. */
function hideBookkeeping<T extends object>(this: T): T {
  for (const key of Object.getOwnPropertySymbols(this)) {
    if (BOOKKEEPING.has(key.description ?? '')) Reflect.defineProperty(this, key, { enumerable: false });
  }
  return this;
}
