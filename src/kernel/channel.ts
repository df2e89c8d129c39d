/**
 * What the two threads of the kernel tell each other. The main thread runs nothing but user code; the wire
 * thread owns the sockets, so that it answers while user code computes.
 */
import type { CellDiagnostic } from './diagnostics.ts';
import type { Json, JsonObject } from './protocol.ts';

export interface ExecuteJob {
  kind: 'execute';
  /** Serial number of the request; outputs carry it, so that late ones find their cell. */
  cell: number;
  /** The number shown in front of the cell, `In [count]`. */
  count: number;
  code: string;
  silent: boolean;
  allowStdin: boolean;
  userExpressions: Record<string, string>;
}

export interface CommMessage {
  kind: 'comm';
  cell: number;
  type: 'comm_open' | 'comm_msg' | 'comm_close';
  content: JsonObject;
  metadata: JsonObject;
  buffers: Uint8Array[];
}

export type ToMain =
  | ExecuteJob
  | CommMessage
  /** Asks the cell to stop by itself: its signal aborts. */
  | { kind: 'stop'; cell: number }
  /** Ends the cell whatever it does; answered by `ended` with the same ticket. */
  | { kind: 'end'; cell: number; ticket: number }
  | { kind: 'input-reply'; id: number; value: string }
  /** Type errors of a cell that waits for them; undefined when they cannot be had. */
  | { kind: 'checked'; cell: number; diagnostics: CellDiagnostic[] | undefined }
  | { kind: 'shutdown' };

export type ExecuteReply =
  | { status: 'ok'; user_expressions: JsonObject; payload: Json[] }
  | { status: 'error'; ename: string; evalue: string; traceback: string[] };

export type FromMain =
  | { kind: 'ready' }
  /** The language service will be wanted. */
  | { kind: 'warm' }
  /** Asks for the type errors of a cell; answered by `checked`. */
  | { kind: 'check'; cell: number; code: string }
  /** A cell begins to run; later ones see what it declares. */
  | { kind: 'started'; cell: number; code: string }
  | { kind: 'stream'; cell: number; name: 'stdout' | 'stderr'; text: string }
  | {
      kind: 'publish';
      cell: number;
      type: string;
      content: JsonObject;
      metadata?: JsonObject;
      buffers?: Uint8Array[];
    }
  | { kind: 'done'; cell: number; reply: ExecuteReply }
  | { kind: 'comm-done'; cell: number }
  | { kind: 'ended'; ticket: number }
  | { kind: 'input'; cell: number; id: number; prompt: string; password: boolean };

/** What the wire thread is started with (`workerData`). */
export interface WireData {
  connectionFile: string;
  shared: SharedArrayBuffer;
  /** Folder of the notebook: cells resolve their imports from it. */
  folder: string;
}

/**
 * Slots of the Int32Array both threads see. The wire thread writes STOP and CUT, the main thread the others;
 * a message alone would not do, because a computing main thread reads no messages.
 */
export const SHARED = {
  /** Serial number of the cell that was asked to stop (0: none). */
  STOP: 0,
  /** Serial number of the stopped cell that has noticed (it asked `isCancelled()` and was told yes). */
  NOTICED: 1,
  /** Milliseconds the running job may take between being asked to stop and having saved (0: not said). */
  GRACE: 2,
  /** When the main thread last asked `isCancelled()`, as {@link coarseTime}. */
  POLLED: 4,
  /** UTF-16 units of stream text on their way from the main thread to the wire thread. */
  UNDERWAY: 3,
  /**
   * 1 once code of the main thread is being cut off; the next cell clears it. Not part of a message, because
   * the first `end` that is read after the cut was sent before it.
   */
  CUT: 5,
  SLOTS: 6,
} as const;

/** Time in hundredths of a second, the same for all threads; wraps around within 31 bits. */
export function coarseTime(): number {
  return Math.floor(Date.now() / 10) & 0x7fff_ffff;
}
