/** A ZeroMQ socket takes one message at a time; this is the queue in front of it. */
import type { MessageLike } from 'zeromq';

interface Writable {
  send(message: MessageLike[]): Promise<void>;
}

export class Sender {
  readonly #socket: Writable;
  #last: Promise<void> = Promise.resolve();

  constructor(socket: Writable) {
    this.#socket = socket;
  }

  send(frames: Uint8Array[]): void {
    this.#last = this.#last.then(() => this.#socket.send(frames as MessageLike[])).catch(ignoreGone);
  }

  /** Resolves when everything queued so far has been handed to ZeroMQ. */
  drained(): Promise<void> {
    return this.#last;
  }
}

/** A reply to a client that has gone cannot be delivered; that is the client's affair. */
function ignoreGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EHOSTUNREACH' && error.code !== 'EAGAIN' && error.code !== 'EBADF') throw error;
}
