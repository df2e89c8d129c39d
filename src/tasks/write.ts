/**
 * Writing a stretch of a task stream to a file, with any number of workers. Bytes depend on the stream only:
 * workers make chunks of fixed size, which are written in order.
 */
import { Worker } from 'node:worker_threads';
import { isCancelled } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import { type Write, writeAtomicallyAsync } from '../core/files.ts';
import { type ProgressSink, silent } from '../core/progress.ts';
import { TaskParquetWriter } from './parquet.ts';
import { createTaskSource, type TaskSource, type TaskSourceOptions } from './source.ts';
import type { Task } from './types.ts';

export interface WriteTasksOptions {
  source: TaskSourceOptions;
  count: number;
  /** Index of the first task; 0 by default. */
  from?: number;
  /** `.parquet` is Parquet, anything else JSONL. */
  out: string;
  /** Threads that generate; 1 (this one) by default. */
  workers?: number;
  progress?: ProgressSink;
}

/** What {@link writeTasks} did. */
export interface WriteTasksSummary {
  count: number;
  bytes: number;
  /** Tasks by op. */
  ops: Record<number, number>;
}

/** Tasks a worker makes at a time. */
const CHUNK = 500;

/** One chunk as a worker sends it: JSON lines, or records when the file is Parquet. */
export interface Chunk {
  lines: string;
  tasks: Task[] | null;
  ops: [op: number, count: number][];
}

/** What a worker is told when it starts. */
export interface WorkerSettings {
  source: TaskSourceOptions;
  parquet: boolean;
}

/**
 * Writes tasks from…from + count − 1, all or nothing.
 * @throws the errors of {@link createTaskSource}, OUTPUT_UNWRITABLE, CANCELLED
 */
export async function writeTasks(options: WriteTasksOptions): Promise<WriteTasksSummary> {
  const { count, from = 0, out, workers = 1, progress = silent } = options;
  const source = createTaskSource(options.source);
  const parquet = out.endsWith('.parquet');
  const summary: WriteTasksSummary = { count, bytes: 0, ops: {} };
  const started = performance.now();
  await writeAtomicallyAsync(out, async (write) => {
    const counted: Write = (chunk) => {
      summary.bytes += typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.length;
      write(chunk);
    };
    const table = parquet ? new TaskParquetWriter(counted) : null;
    const chunks = Math.ceil(count / CHUNK);
    let done = 0;
    const accept = (chunk: Chunk): void => {
      if (isCancelled()) {
        throw userError(
          'CANCELLED',
          'to write all tasks',
          `${done} of ${count}`,
          'start again; no file was written',
        );
      }
      if (table !== null) for (const task of chunk.tasks!) table.add(task);
      else counted(chunk.lines);
      for (const [op, n] of chunk.ops) summary.ops[op] = (summary.ops[op] ?? 0) + n;
      done = Math.min(count, done + CHUNK);
      const seconds = (performance.now() - started) / 1000;
      progress({
        stage: 'generate',
        done,
        total: count,
        unit: 'task',
        secondsLeft: (seconds / done) * (count - done),
        values: { tasks_per_second: done / seconds },
      });
    };
    const range = (chunk: number): [number, number] => [
      from + chunk * CHUNK,
      Math.min(CHUNK, count - chunk * CHUNK),
    ];
    if (workers === 1 || chunks < 2) {
      for (let chunk = 0; chunk < chunks; chunk++) {
        accept(makeChunk(source, ...range(chunk), parquet));
        await new Promise((resolve) => setImmediate(resolve)); // signals are heard here
      }
    } else {
      const settings: WorkerSettings = { source: options.source, parquet };
      await inOrder(Math.min(workers, chunks), settings, chunks, range, accept);
    }
    table?.finish();
  });
  return summary;
}

/** Tasks start…start + count − 1 ready to be written. */
export function makeChunk(source: TaskSource, start: number, count: number, parquet: boolean): Chunk {
  const tasks = source.take(count, start);
  const ops = new Map<number, number>();
  let lines = '';
  for (const task of tasks) {
    ops.set(task.op, (ops.get(task.op) ?? 0) + 1);
    if (!parquet) lines += `${JSON.stringify(task)}\n`;
  }
  return { lines, tasks: parquet ? tasks : null, ops: [...ops] };
}

/**
 * Has `workers` threads make chunks 0…chunks − 1 and hands them to `accept` in order. At most two chunks per
 * worker are under way or waiting, so memory does not grow with the count.
 */
function inOrder(
  workers: number,
  settings: WorkerSettings,
  chunks: number,
  range: (chunk: number) => [number, number],
  accept: (chunk: Chunk) => void,
): Promise<void> {
  const threads = Array.from({ length: workers }, () => startWorker(settings));
  return new Promise<void>((resolve, reject) => {
    const ready = new Map<number, Chunk>();
    const idle: Worker[] = [];
    let asked = 0;
    let written = 0;
    const ask = (): void => {
      while (idle.length > 0 && asked < chunks && asked < written + 2 * workers) {
        const thread = idle.pop()!;
        const chunk = asked++;
        thread.postMessage([chunk, ...range(chunk)]);
      }
    };
    for (const thread of threads) {
      thread.on('error', reject);
      thread.on('message', ([chunk, content]: [number, Chunk]) => {
        try {
          ready.set(chunk, content);
          for (let next = ready.get(written); next !== undefined; next = ready.get(written)) {
            accept(next);
            ready.delete(written++);
          }
          if (written === chunks) resolve();
          idle.push(thread);
          ask();
        } catch (error) {
          reject(error);
        }
      });
      idle.push(thread);
    }
    ask();
  }).finally(() => Promise.all(threads.map((thread) => thread.terminate())));
}

function startWorker(settings: WorkerSettings): Worker {
  return new Worker(new URL('./worker.mjs', import.meta.url), { workerData: settings, execArgv: [] });
}
