/**
 * The main thread's side of Stop. The abort signal of a cell follows shared memory, so that a job which
 * computes without ever returning to the event loop sees the stop as soon as it asks `isCancelled()`.
 */
import { CANCELLATION_GRACE, type GraceHost } from '../core/cancellation.ts';
import { coarseTime, SHARED } from './channel.ts';

/** The signal of `controller`, which also aborts when `shared` names `cell` as to be stopped. */
export function stoppableSignal(cell: number, controller: AbortController, shared: Int32Array): AbortSignal {
  const { signal } = controller;
  const aborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')!.get!;
  Object.defineProperty(signal, 'aborted', {
    get() {
      Atomics.store(shared, SHARED.POLLED, coarseTime());
      if (Atomics.load(shared, SHARED.STOP) === cell) {
        Atomics.store(shared, SHARED.NOTICED, cell);
        if (!aborted.call(signal)) controller.abort();
      }
      return aborted.call(signal);
    },
  });
  const sections: number[] = [];
  const announce = () => Atomics.store(shared, SHARED.GRACE, Math.max(0, ...sections));
  const host: GraceHost = (seconds) => {
    const milliseconds = Math.ceil(seconds * 1000);
    sections.push(milliseconds);
    announce();
    return () => {
      sections.splice(sections.indexOf(milliseconds), 1);
      announce();
    };
  };
  return Object.defineProperty(signal, CANCELLATION_GRACE, { value: host });
}
