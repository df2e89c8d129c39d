/**
 * Stopping a long job from outside. Whoever can be stopped (a notebook cell, a command) runs its work under
 * a signal; long loops ask between steps. The context follows `await`, so jobs need no signal parameter.
 *
 * It hangs on `globalThis` because a hot-reloaded copy of this module must see the same context.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

const KEY = Symbol.for('interplay.cancellation');
const holder = globalThis as unknown as Record<symbol, AsyncLocalStorage<AbortSignal> | undefined>;

function context(): AsyncLocalStorage<AbortSignal> {
  holder[KEY] ??= new AsyncLocalStorage<AbortSignal>();
  return holder[KEY];
}

/** Runs `work` so that {@link isCancelled} inside it, also after awaits, follows `signal`. */
export function runCancellable<T>(signal: AbortSignal, work: () => T): T {
  return context().run(signal, work);
}

/** The signal of the surrounding {@link runCancellable}, if any. */
export function currentSignal(): AbortSignal | undefined {
  return context().getStore();
}

/** True once the surrounding job was asked to stop; a long loop then saves and returns what it has. */
export function isCancelled(): boolean {
  return currentSignal()?.aborted ?? false;
}

/** Under this property a signal may carry a {@link GraceHost}: whoever stops the job wants to know. */
export const CANCELLATION_GRACE = Symbol.for('interplay.cancellation.grace');

/** Told that the job will need up to `seconds` to stop; returns the function that takes it back. */
export type GraceHost = (seconds: number) => () => void;

/**
 * Runs a job that asks {@link isCancelled} between its steps and then saves and returns what it has.
 * Whoever stops it waits up to `seconds` for that (one step and the saving) before using force; code that
 * announces nothing is ended almost at once.
 */
export async function stopsWithin<T>(seconds: number, job: () => T | Promise<T>): Promise<T> {
  const signal = currentSignal() as (AbortSignal & Record<symbol, GraceHost | undefined>) | undefined;
  const takeBack = signal?.[CANCELLATION_GRACE]?.(seconds);
  try {
    return await job();
  } finally {
    takeBack?.();
  }
}
