/**
 * A small front end: connects to a kernel over its sockets and runs code. The headless notebook runner and
 * the tests use it, so what they see is what Jupyter sees.
 */
import { randomUUID } from 'node:crypto';
import { Dealer, Subscriber } from 'zeromq';
import { address, type Connection } from './connection.ts';
import { decode, encode, type JsonObject, type Message, makeHeader, Signer } from './protocol.ts';
import { Sender } from './sender.ts';

export interface ExecuteOptions {
  silent?: boolean;
  storeHistory?: boolean;
  stopOnError?: boolean;
  allowStdin?: boolean;
  userExpressions?: Record<string, string>;
  /** Called for each IOPub message of this request as it comes, the status messages included. */
  onMessage?: (message: Message) => void;
}

export interface Execution {
  reply: JsonObject;
  /** IOPub messages of the request up to its idle status. */
  messages: Message[];
}

interface Waiting {
  resolve: (message: Message) => void;
  reject: (error: Error) => void;
}

export class KernelClient {
  /** Called for IOPub messages that belong to no running request of this client, e.g. late output. */
  onOther: ((message: Message) => void) | undefined;
  /** Answers a question of the kernel (`input()`). */
  onInput: ((prompt: string) => string) | undefined;
  readonly #connection: Connection;
  readonly #signer: Signer;
  readonly #session = randomUUID();
  readonly #shell: Dealer;
  readonly #control: Dealer;
  readonly #stdin: Dealer;
  readonly #iopub = new Subscriber({ receiveHighWaterMark: 0, linger: 0 });
  readonly #senders: { shell: Sender; control: Sender; stdin: Sender };
  readonly #replies = new Map<string, Waiting>();
  readonly #listeners = new Map<string, (message: Message) => void>();
  #failure: Error | undefined;

  constructor(connection: Connection, key = connection.key) {
    this.#connection = connection;
    this.#signer = new Signer(key);
    // One identity on all channels: the kernel asks for input where the request came from.
    const options = { routingId: this.#session, linger: 0, sendHighWaterMark: 0, receiveHighWaterMark: 0 };
    this.#shell = new Dealer(options);
    this.#control = new Dealer(options);
    this.#stdin = new Dealer(options);
    this.#senders = {
      shell: new Sender(this.#shell),
      control: new Sender(this.#control),
      stdin: new Sender(this.#stdin),
    };
  }

  /** Connects and waits until the kernel answers on both ways; rejects when {@link fail} is called. */
  async connect(): Promise<JsonObject> {
    this.#shell.connect(address(this.#connection, 'shell'));
    this.#control.connect(address(this.#connection, 'control'));
    this.#stdin.connect(address(this.#connection, 'stdin'));
    this.#iopub.connect(address(this.#connection, 'iopub'));
    this.#iopub.subscribe();
    void this.#receive(this.#shell, (message) => this.#settle(message));
    void this.#receive(this.#control, (message) => this.#settle(message));
    void this.#receive(this.#stdin, (message) => this.#answer(message));
    void this.#receive(this.#iopub, (message) => this.#route(message));
    // A subscription takes effect some time after connecting; until then broadcasts are missed.
    for (;;) {
      let isHeard = false;
      const info = await this.request('shell', 'kernel_info_request', {}, () => {
        isHeard = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (isHeard) return info;
    }
  }

  /** Sends a request and resolves to the content of its reply. */
  async request(
    channel: 'shell' | 'control',
    type: string,
    content: JsonObject,
    onMessage?: (message: Message) => void,
  ): Promise<JsonObject> {
    if (this.#failure !== undefined) throw this.#failure;
    const id = this.send(channel, type, content);
    if (onMessage !== undefined) this.#listeners.set(id, onMessage);
    const reply = await new Promise<Message>((resolve, reject) => this.#replies.set(id, { resolve, reject }));
    return reply.content;
  }

  /** Sends a message without waiting for anything; returns its id. */
  send(
    channel: 'shell' | 'control' | 'stdin',
    type: string,
    content: JsonObject,
    buffers: Uint8Array[] = [],
  ): string {
    const header = makeHeader(type, this.#session, 'client');
    const parts = { identities: [], header, parent: {}, metadata: {}, content, buffers };
    this.#senders[channel].send(encode(parts, this.#signer));
    return header.msg_id;
  }

  /** Runs code; resolves when the reply and the idle status have both come. */
  async execute(code: string, options: ExecuteOptions = {}): Promise<Execution> {
    const messages: Message[] = [];
    let idle = () => {};
    const isIdle = new Promise<void>((resolve) => {
      idle = resolve;
    });
    const content = {
      code,
      silent: options.silent ?? false,
      store_history: options.storeHistory ?? true,
      stop_on_error: options.stopOnError ?? true,
      allow_stdin: options.allowStdin ?? false,
      user_expressions: options.userExpressions ?? {},
    };
    const reply = await this.request('shell', 'execute_request', content, (message) => {
      messages.push(message);
      options.onMessage?.(message);
      if (message.header.msg_type === 'status' && message.content.execution_state === 'idle') idle();
    });
    await isIdle;
    return { reply, messages };
  }

  async interrupt(): Promise<void> {
    await this.request('control', 'interrupt_request', {});
  }

  async shutdown(restart = false): Promise<JsonObject> {
    return this.request('control', 'shutdown_request', { restart });
  }

  /** Rejects everything that waits and all later requests: the kernel is gone. */
  fail(error: Error): void {
    this.#failure = error;
    for (const { reject } of this.#replies.values()) reject(error);
    this.#replies.clear();
  }

  close(): void {
    for (const socket of [this.#shell, this.#control, this.#stdin, this.#iopub]) socket.close();
  }

  async #receive(socket: AsyncIterable<Buffer[]>, use: (message: Message) => void): Promise<void> {
    for await (const frames of socket) {
      const message = decode(frames, this.#signer);
      if (!('refused' in message)) use(message);
    }
  }

  #settle(message: Message): void {
    const id = String(message.parent.msg_id);
    this.#replies.get(id)?.resolve(message);
    this.#replies.delete(id);
  }

  #route(message: Message): void {
    const id = String(message.parent.msg_id);
    const listener = this.#listeners.get(id) ?? this.onOther;
    listener?.(message);
    const isIdle = message.header.msg_type === 'status' && message.content.execution_state === 'idle';
    if (isIdle) this.#listeners.delete(id);
  }

  #answer(message: Message): void {
    const value = this.onInput?.(String(message.content.prompt)) ?? '';
    const header = makeHeader('input_reply', this.#session, 'client');
    const parts = {
      identities: [],
      header,
      parent: message.header,
      metadata: {},
      content: { value },
      buffers: [],
    };
    this.#senders.stdin.send(encode(parts, this.#signer));
  }
}
