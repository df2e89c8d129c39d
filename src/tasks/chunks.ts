/** Chunks of a task stream in order, made by this thread or by several others. */
import { Worker } from 'node:worker_threads';
import { userError } from '../core/errors.ts';
import { type Chunk, type ChunkSettings, createChunkMaker } from './chunk.ts';

/** Tasks of one chunk; a constant, since what a file looks like may depend on it (members of gzip). */
export const CHUNK_TASKS = 500;

/** What a worker is asked for. */
export interface ChunkRequest {
  chunk: number;
  start: number;
  count: number;
}

/** A user error as threads send it: the error object itself would arrive without its fields. */
export interface SentError {
  code: string;
  expected: string;
  got: string;
  remedy: string;
}

/** What a worker answers. */
export type ChunkReply = { chunk: number; content: Chunk } | { chunk: number; error: SentError };

/**
 * Chunks of tasks from `from` up to `end` (or without end), made by `workers` threads; 1 is this thread. A
 * consumer that has enough stops, and the threads end.
 */
export function chunksInOrder(
  settings: ChunkSettings,
  from: number,
  end: number,
  workers: number,
): AsyncGenerator<Chunk> {
  const request = (chunk: number): ChunkRequest => {
    const start = from + chunk * CHUNK_TASKS;
    return { chunk, start, count: Math.min(CHUNK_TASKS, end - start) };
  };
  const chunks = Math.ceil((end - from) / CHUNK_TASKS);
  return workers === 1 || chunks === 1
    ? fromThisThread(settings, chunks, request)
    : fromWorkers(settings, chunks, request, Math.min(workers, chunks));
}

async function* fromThisThread(
  settings: ChunkSettings,
  chunks: number,
  request: (chunk: number) => ChunkRequest,
): AsyncGenerator<Chunk> {
  const make = await createChunkMaker(settings);
  for (let chunk = 0; chunk < chunks; chunk++) {
    const { start, count } = request(chunk);
    yield make(start, count);
    await new Promise((resolve) => setImmediate(resolve)); // signals are heard here
  }
}

/** Chunks that a thread is asked for ahead, so that it never waits for this one. */
const AHEAD = 2;

/** At most `2 · AHEAD` chunks a worker are under way or waiting, so memory does not grow with the count. */
async function* fromWorkers(
  settings: ChunkSettings,
  chunks: number,
  request: (chunk: number) => ChunkRequest,
  workers: number,
): AsyncGenerator<Chunk> {
  const threads: Worker[] = [];
  const arrived = new Map<number, ChunkReply>();
  let failure: unknown;
  let wake = (): void => {};
  let asked = 0;
  let given = 0;
  /** A thread is in here once for every chunk more that it could be asked for. */
  const idle: Worker[] = [];
  const ask = (thread: Worker): void => {
    if (asked < chunks && asked < given + 2 * AHEAD * workers) thread.postMessage(request(asked++));
    else idle.push(thread);
  };
  try {
    for (let i = 0; i < workers; i++) {
      const thread = new Worker(new URL('./worker.mjs', import.meta.url), {
        workerData: settings,
        execArgv: [],
      });
      threads.push(thread);
      thread.on('error', (error) => {
        failure ??= error;
        wake();
      });
      thread.on('message', (reply: ChunkReply) => {
        arrived.set(reply.chunk, reply);
        ask(thread);
        wake();
      });
    }
    for (let i = 0; i < AHEAD; i++) for (const thread of threads) ask(thread);
    while (given < chunks) {
      const reply = arrived.get(given);
      if (reply !== undefined) {
        // An error counts when its chunk's turn comes: a consumer may have had enough before.
        if ('error' in reply) throw received(reply.error);
        arrived.delete(given++);
        for (const thread of idle.splice(0)) ask(thread);
        yield reply.content;
      } else if (failure !== undefined) {
        throw failure;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

function received({ code, expected, got, remedy }: SentError): Error {
  return userError(code, expected, got, remedy);
}
