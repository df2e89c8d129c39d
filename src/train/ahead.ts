/**
 * Training sequences made ahead by other threads, so that a fast device never waits for text. A sequence is a function
 * of its position, so batches are the same with any number of threads; only who computes them, and when, differs.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { internalError, userError } from '../core/errors.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { SequenceSource, TrainingData } from './data.ts';
import type { DataConfig } from './dataConfig.ts';

/** Sequences that a thread is asked for at once. */
export const CHUNK_TEXTS = 64;
/** Chunks that are made ahead: two windows of the packings in rows, which read a whole window of texts at once. */
const AHEAD = 32;
/** A thread needs seconds to begin and milliseconds a chunk: one that is silent for so long is gone. */
const LONGEST_WAIT_MS = 300_000;

/** What a thread needs to begin. */
export interface AheadSettings {
  data: DataConfig;
  seed: number;
  /** Content of `tokenizer.json`. */
  tokenizer: string;
  port: MessagePort;
  /** Counts the replies of all threads; the reader sleeps on it. */
  replies: Int32Array;
}

/** What a thread answers: the tokens of all texts of a chunk one after another, and the length of each. */
export type AheadReply =
  | { chunk: number; tokens: Int32Array; lengths: Int32Array }
  | { chunk: number; error: { code: string; expected: string; got: string; remedy: string } }
  | { chunk: number; fault: string };

/** A source that owns threads. */
export interface SequencesAhead extends SequenceSource {
  /** Ends the threads. */
  dispose(): void;
}

/**
 * The sequences of a run: of this thread, or of `workers` others.
 * @throws LOADER_WORKERS, and the errors of {@link TrainingData.sequences}
 */
export function openSequences(
  { data, seed }: { data: DataConfig; seed: number },
  opened: TrainingData,
  tokenizer: Tokenizer,
  workers = 0,
): SequencesAhead {
  if (!Number.isSafeInteger(workers) || workers < 0) {
    throw userError(
      'LOADER_WORKERS',
      'workers to be a whole number of 0 or more',
      String(workers),
      'use 0 or 1',
    );
  }
  const own = opened.sequences(tokenizer); // also shows whether they can be had at all
  if (workers > 0) return sequencesAhead(data, seed, tokenizer, workers);
  return { at: (position) => own.at(position), dispose() {} };
}

/**
 * The sequences of data settings, computed by `workers` threads. Positions are expected to grow; going back, or far
 * ahead, costs the chunks under way.
 */
export function sequencesAhead(
  data: DataConfig,
  seed: number,
  tokenizer: Tokenizer,
  workers: number,
): SequencesAhead {
  return new Ahead({ data, seed, tokenizer: tokenizer.toJson() }, workers);
}

class Ahead implements SequencesAhead {
  private readonly threads: { worker: Worker; port: MessagePort }[] = [];
  private readonly replies = new Int32Array(new SharedArrayBuffer(4));
  private readonly ready = new Map<number, AheadReply>();
  /** Chunks `from` to `asked` (exclusive) are under way or ready. */
  private from = 0;
  private asked = 0;
  /** The chunk that is being read. */
  private current = -1;
  private texts: number[][] = [];

  constructor(settings: Pick<AheadSettings, 'data' | 'seed' | 'tokenizer'>, workers: number) {
    for (let i = 0; i < workers; i++) {
      const { port1, port2 } = new MessageChannel();
      const workerData: AheadSettings = { ...settings, port: port2, replies: this.replies };
      const worker = new Worker(new URL('./aheadWorker.mjs', import.meta.url), {
        workerData,
        transferList: [port2],
        execArgv: [],
      });
      worker.unref(); // the run keeps the process alive, not its threads
      port1.unref();
      this.threads.push({ worker, port: port1 });
    }
  }

  at(position: number): number[] {
    const chunk = Math.floor(position / CHUNK_TEXTS);
    if (chunk !== this.current) {
      this.texts = this.read(chunk);
      this.current = chunk;
    }
    return this.texts[position % CHUNK_TEXTS]!;
  }

  private read(chunk: number): number[][] {
    if (chunk < this.from || chunk > this.asked) {
      this.ready.clear();
      this.asked = chunk;
    }
    this.from = chunk;
    for (const old of this.ready.keys()) if (old < chunk) this.ready.delete(old);
    const { threads } = this;
    for (; this.asked < chunk + AHEAD; this.asked++) {
      threads[this.asked % threads.length]!.port.postMessage(this.asked);
    }
    const reply = this.wait(chunk);
    if ('error' in reply) {
      const { code, expected, got, remedy } = reply.error;
      throw userError(code, expected, got, remedy);
    }
    if ('fault' in reply) throw internalError(`a data thread failed: ${reply.fault}`);
    let end = 0;
    return Array.from(reply.lengths, (length) => {
      end += length;
      return Array.from(reply.tokens.subarray(end - length, end));
    });
  }

  /** Sleeps until the chunk is there: this thread cannot turn its event loop in the middle of a batch. */
  private wait(chunk: number): AheadReply {
    for (;;) {
      const seen = Atomics.load(this.replies, 0);
      this.receive();
      const reply = this.ready.get(chunk);
      if (reply !== undefined) return reply;
      if (Atomics.wait(this.replies, 0, seen, LONGEST_WAIT_MS) === 'timed-out') {
        throw internalError('a data thread is gone');
      }
    }
  }

  private receive(): void {
    for (const { port } of this.threads) {
      for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
        const reply = got.message as AheadReply;
        if (reply.chunk >= this.from && reply.chunk < this.asked) this.ready.set(reply.chunk, reply);
      }
    }
  }

  dispose(): void {
    for (const { worker, port } of this.threads.splice(0)) {
      port.close();
      void worker.terminate();
    }
  }
}
