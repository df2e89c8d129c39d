/**
 * `kernel`: what a cell can ask of and tell the kernel it runs in. Imports little, since the types of every
 * cell that mentions it are checked with all that it imports.
 */
import { userError } from '../core/errors.ts';
import { type TypeCheckMode, typeCheckMode } from './type-check-mode.ts';

export interface KernelApi {
  /**
   * What a type error of a later cell does: `'error'`, the cell does not run; `'warn'`, the error is written
   * to stderr and the cell runs; `'off'`, cells are not checked. Without `mode` nothing changes. A single
   * cell is left alone by a `ts-nocheck` comment as its first line. Returns the mode from now on.
   * @throws TYPE_CHECK_MODE
   */
  typeCheck(mode?: TypeCheckMode): TypeCheckMode;
  /** Channels to widgets of the front end. */
  readonly comms: CommRegistry;
}

/** Data of a comm message: anything JSON can carry. */
export type CommData = Record<string, unknown>;

/** One end of a channel between a cell and a widget in the front end. */
export interface Comm {
  readonly id: string;
  onMessage: ((data: CommData, buffers: Uint8Array[]) => void) | undefined;
  onClose: (() => void) | undefined;
  send(data: CommData, buffers?: Uint8Array[]): void;
  close(data?: CommData): void;
}

export interface CommRegistry {
  /** Calls `open` for each comm the front end opens under `name`. */
  registerTarget(name: string, open: (comm: Comm, data: CommData, buffers: Uint8Array[]) => void): void;
  /** Opens a comm to what the front end has registered under `target`. */
  open(target: string, data?: CommData, buffers?: Uint8Array[]): Comm;
}

interface Parts {
  check: { mode: TypeCheckMode };
  comms: CommRegistry;
}

let connected: Parts | undefined;

/** Called by the kernel at its start. */
export function connectApi(parts: Parts): void {
  connected = parts;
}

function parts(): Parts {
  if (connected !== undefined) return connected;
  throw userError('NO_KERNEL', 'code that runs in a notebook', 'another program', 'use it in a cell');
}

/** Settings of this kernel, and its channels to the front end. @throws NO_KERNEL */
export const kernel: KernelApi = {
  typeCheck(mode) {
    const { check } = parts();
    if (mode !== undefined) check.mode = typeCheckMode(mode);
    return check.mode;
  },
  get comms() {
    return parts().comms;
  },
};
