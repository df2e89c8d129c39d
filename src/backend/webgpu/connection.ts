/**
 * The line to the thread that owns the WebGPU device (worker.mjs). WebGPU hands results back through the event loop
 * only, so that a thread that waits for one never gets it; hence a thread of its own, for which this one can wait:
 * `dataSync` works, and models, optimizers and samplers are the same code as on every backend.
 */
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../../core/index.ts';

/** A tensor by the number of its data. */
export interface RemoteTensor {
  id: number;
  shape: number[];
  dtype: tf.DataType;
}

/** Inputs of a kernel: by name, some perhaps left out, or a list. */
export type RemoteInputs = Record<string, RemoteTensor> | RemoteTensor[];

/** What a kernel command is answered with: a list of outputs, or one. */
export interface KernelResult {
  list: boolean;
  outputs: RemoteTensor[];
}

/** What the device's thread does, in order. One with a sequence number is answered. */
export type Command =
  | { kind: 'write'; id: number; values: ArrayBufferView; shape: number[]; dtype: tf.DataType }
  | { kind: 'free'; id: number }
  /** Outputs that are not the data of an input are numbered from `first` on. */
  | { kind: 'kernel'; name: string; inputs: RemoteInputs; attributes: unknown; first: number }
  | { kind: 'read'; id: number }
  | { kind: 'memory' };

interface Reply {
  sequence: number;
  value?: unknown;
  /** One line: what this command or an earlier one that was not answered failed of. */
  fault?: string;
}

const REPLIES = 0;
const ENDED = 1;
/** Commands sent together when none of them is waited for. */
const BATCH = 64;

export class Connection {
  private readonly pending: (Command & { sequence?: number })[] = [];
  private readonly moved: ArrayBuffer[] = [];
  private sequence = 0;

  private constructor(
    private readonly port: import('node:worker_threads').MessagePort,
    private readonly state: Int32Array,
    /** The device in the driver's words; undefined when there is none. */
    readonly adapter: string | undefined,
    /** tfjs kernels that the device's thread has. */
    readonly kernels: readonly string[],
  ) {}

  /**
   * Starts the thread. It holds no process alive.
   * @param dawn file of the package `webgpu`
   * @param backendFile file of `@tensorflow/tfjs-backend-webgpu`
   * @throws what makes it impossible, in one line
   */
  static async open(dawn: string, backendFile: string): Promise<Connection> {
    const { port1, port2 } = new MessageChannel();
    const state = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
      workerData: { dawn, backendFile, port: port2, state },
      transferList: [port2],
      execArgv: [], // it needs no loader
    });
    const ready = await new Promise<{ adapter?: string; kernels?: string[]; fault?: string }>(
      (resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
        worker.once('exit', (code) =>
          reject(new Error(`the thread of the device ended with status ${code}`)),
        );
      },
    );
    worker.unref();
    port1.unref();
    if (ready.fault !== undefined || ready.adapter === undefined) {
      await worker.terminate();
      if (ready.fault !== undefined) throw new Error(ready.fault);
    }
    return new Connection(port1, state, ready.adapter, ready.kernels ?? []);
  }

  /** Has a command carried out some time; what it fails of comes with the next answer. */
  send(command: Command): void {
    this.pending.push(command);
    if (command.kind === 'write') this.moved.push(command.values.buffer as ArrayBuffer);
    if (this.pending.length >= BATCH) this.flush();
  }

  /**
   * Has a command carried out after all before it and waits for its answer.
   * @throws an internal error with what it, or a command before it, failed of
   */
  ask<T>(command: Command): T {
    const sequence = ++this.sequence;
    this.pending.push({ ...command, sequence });
    this.flush();
    for (;;) {
      const seen = Atomics.load(this.state, REPLIES);
      const received = receiveMessageOnPort(this.port) as { message: Reply } | undefined;
      if (received === undefined) {
        if (Atomics.load(this.state, ENDED) === 1)
          throw internalError('the thread of the WebGPU device has ended');
        Atomics.wait(this.state, REPLIES, seen);
        continue;
      }
      const { message } = received;
      if (message.sequence !== sequence) continue; // of a cell that was interrupted while it waited
      if (message.fault !== undefined) throw internalError(message.fault);
      return message.value as T;
    }
  }

  private flush(): void {
    this.port.postMessage(this.pending.splice(0), this.moved.splice(0));
  }
}
