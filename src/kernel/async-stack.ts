/**
 * Cutting code off skips the `after` half of Node's async hooks, so the stack of async ids does not balance.
 * Node then ends the process, in one of two checks: "async hook stack has become corrupted" (field kCheck;
 * the flag `--no-force-async-hooks-checks` turns it off, but the first AsyncLocalStorage turns it on again)
 * and an assertion after the microtasks of a callback (made while field kTotals counts any hooks). Neither
 * field is read for anything else once the hooks are on. There is no public switch, hence the binding; Node
 * versions whose AsyncLocalStorage needs no hooks do not count any.
 */
interface AsyncWrap {
  async_hook_fields: Uint32Array;
  constants: { kCheck: number; kTotals: number };
  clearAsyncIdStack(): void;
}

const asyncWrap = ((): AsyncWrap | undefined => {
  const { binding } = process as unknown as { binding?: (name: string) => Partial<AsyncWrap> };
  const found = binding?.call(process, 'async_wrap');
  const isKnown =
    found?.async_hook_fields instanceof Uint32Array &&
    typeof found.constants?.kCheck === 'number' &&
    typeof found.constants.kTotals === 'number' &&
    typeof found.clearAsyncIdStack === 'function';
  return isKnown ? (found as AsyncWrap) : undefined;
})();

/** Call once the first AsyncLocalStorage is in use, and again before each cell: a library may add hooks. */
export function tolerateCutAsyncStacks(): void {
  if (asyncWrap === undefined) return;
  const { async_hook_fields: fields, constants } = asyncWrap;
  fields[constants.kCheck] = 0;
  fields[constants.kTotals] = 0;
}

/** Forgets the unbalanced rest; to be called by a callback that has no caller but the event loop. */
export function clearCutAsyncStack(): void {
  asyncWrap?.clearAsyncIdStack();
}
