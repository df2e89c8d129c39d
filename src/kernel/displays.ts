/** The kernel's implementation of the display interface, of `input()`, and the registry of comms. */
import { randomUUID } from 'node:crypto';
import type { DisplayHost, MimeBundle } from '../notebook/display.ts';
import type { Comm, CommData, CommRegistry } from './api.ts';
import { currentExecution } from './cell/runtime.ts';
import type { CommMessage, FromMain } from './channel.ts';
import { toJson } from './executor.ts';
import type { JsonObject } from './protocol.ts';

type Send = (message: FromMain) => void;

export class NotebookHost implements DisplayHost {
  readonly comms: Comms;
  readonly #send: Send;
  readonly #cell: () => number;
  readonly #questions = new Map<number, (answer: string) => void>();
  #lastQuestion = 0;

  /** `cell`: serial number of the cell on whose behalf code runs now. */
  constructor(send: Send, cell: () => number) {
    this.#send = send;
    this.#cell = cell;
    this.comms = new Comms(send, cell);
  }

  publish(type: 'display_data' | 'update_display_data', bundle: MimeBundle, displayId?: string): void {
    const transient = displayId === undefined ? {} : { display_id: displayId };
    const content = { data: toJson(bundle), metadata: {}, transient };
    this.#send({ kind: 'publish', cell: this.#cell(), type, content });
  }

  clear(wait: boolean): void {
    this.#send({
      kind: 'publish',
      cell: this.#cell(),
      type: 'clear_output',
      content: { wait: wait === true },
    });
  }

  async input(prompt: string, password: boolean): Promise<string> {
    const execution = currentExecution();
    if (execution?.allowStdin !== true) {
      throw new Error('input() was called, but this front end cannot ask the user (no stdin)');
    }
    const id = ++this.#lastQuestion;
    this.#send({
      kind: 'input',
      cell: execution.serial,
      id,
      prompt: String(prompt),
      password: password === true,
    });
    return new Promise((resolve, reject) => {
      this.#questions.set(id, resolve);
      execution.pending.add(reject);
    });
  }

  answer(id: number, value: string): void {
    this.#questions.get(id)?.(value);
    this.#questions.delete(id);
  }
}

type Target = Parameters<CommRegistry['registerTarget']>[1];

export class Comms implements CommRegistry {
  readonly #send: Send;
  readonly #cell: () => number;
  readonly #open = new Map<string, Comm>();
  readonly #targets = new Map<string, Target>();

  constructor(send: Send, cell: () => number) {
    this.#send = send;
    this.#cell = cell;
  }

  /** Calls `open` for each comm the front end opens under `name`. */
  registerTarget(name: string, open: Target): void {
    this.#targets.set(name, open);
  }

  /** Opens a comm to what the front end has registered under `target`. */
  open(target: string, data: CommData = {}, buffers: Uint8Array[] = []): Comm {
    const comm = this.#comm(randomUUID());
    this.#publish('comm_open', { comm_id: comm.id, target_name: target, data }, buffers);
    return comm;
  }

  /** A message of the front end; answered by `comm-done` when handled. */
  receive(message: CommMessage): void {
    // User callbacks run in a turn of their own, so that Stop can cut them off.
    setImmediate(() => this.#dispatch(message));
    setImmediate(() => this.#send({ kind: 'comm-done', cell: message.cell }));
  }

  #dispatch({ type, content, buffers }: CommMessage): void {
    const id = String(content.comm_id);
    const data = (content.data ?? {}) as JsonObject;
    if (type === 'comm_open') {
      const target = this.#targets.get(String(content.target_name));
      if (target === undefined) this.#publish('comm_close', { comm_id: id, data: {} }, []);
      else target(this.#comm(id), data, buffers);
      return;
    }
    const comm = this.#open.get(id);
    if (type === 'comm_msg') comm?.onMessage?.(data, buffers);
    else if (this.#open.delete(id)) comm?.onClose?.();
  }

  #comm(id: string): Comm {
    const comm: Comm = {
      id,
      onMessage: undefined,
      onClose: undefined,
      send: (data, buffers = []) => this.#publish('comm_msg', { comm_id: id, data }, buffers),
      close: (data = {}) => {
        if (this.#open.delete(id)) this.#publish('comm_close', { comm_id: id, data }, []);
      },
    };
    this.#open.set(id, comm);
    return comm;
  }

  #publish(type: string, data: CommData, buffers: Uint8Array[]): void {
    // What JSON cannot carry is the caller's mistake, thrown here; on the wire thread it would end the kernel.
    const content = JSON.parse(JSON.stringify(data)) as JsonObject;
    this.#send({ kind: 'publish', cell: this.#cell(), type, content, buffers });
  }
}
