/**
 * Writing a stretch of a task stream to a file, with any number of workers: so many tasks, or so many tokens, with
 * or without duplicates. Bytes depend on the stream only: workers make chunks of fixed size, and what is kept of
 * them is decided here, in the order of the stream.
 */
import { isCancelled } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import { type Write, writeAtomicallyAsync } from '../core/files.ts';
import { GzipWriter, isGzipPath } from '../core/gzip.ts';
import { type ProgressSink, silent } from '../core/progress.ts';
import type { Chunk, TokenCounter } from './chunk.ts';
import { chunksInOrder } from './chunks.ts';
import { TaskParquetWriter } from './parquet.ts';
import { createTaskSource, type TaskSourceOptions } from './source.ts';
import type { Task } from './types.ts';
import { checkUniqueBy, type UniqueBy, UniqueFilter } from './unique.ts';

export interface WriteTasksOptions {
  source: TaskSourceOptions;
  /** How many tasks. Exactly one of `count` and `tokens`. */
  count?: number;
  /** Token budget: the first task with which the tokens reach it is the last one. Needs a `counter`. */
  tokens?: number;
  /** How tokens are counted; with it, the summary says how many there are. */
  counter?: TokenCounter;
  /** Leaves out duplicates in this sense; all tasks are written by default. */
  unique?: UniqueBy;
  /** Index of the first task; 0 by default. */
  from?: number;
  /** `.jsonl`, `.jsonl.gz` or `.parquet`. */
  out: string;
  /** Threads that generate; 1 (this one) by default. */
  workers?: number;
  progress?: ProgressSink;
}

/** What {@link writeTasks} did. */
export interface WriteTasksSummary {
  count: number;
  /** Of the file. */
  bytes: number;
  /** Tasks by op. */
  ops: Record<number, number>;
  /** Tokens of all training texts with their end tokens, when they were counted. */
  tokens?: number;
  /** Duplicates left out, when they were looked for. */
  dropped?: number;
}

/**
 * Writes tasks from index `from` on, all or nothing.
 * @throws the errors of {@link createTaskSource}, WRITE_LIMIT, OUT_FORMAT, OPTION_CONFLICT, UNIQUE_KIND, UNIQUE_EXHAUSTED,
 * OUTPUT_UNWRITABLE, CANCELLED
 */
export async function writeTasks(options: WriteTasksOptions): Promise<WriteTasksSummary> {
  const { from = 0, out, workers = 1, progress = silent, counter } = options;
  checkNumbers(options);
  checkName(out);
  const { count: countLimit = Infinity, tokens: tokenLimit = Infinity } = options;
  const unique = options.unique === undefined ? undefined : checkUniqueBy(options.unique);
  createTaskSource(options.source); // refuses impossible settings before any file or thread is made
  const filter = unique && new UniqueFilter(unique);
  const ops: Record<number, number> = {};
  let [count, tokens, bytes] = [0, 0, 0];
  const isDone = () => count >= countLimit || tokens >= tokenLimit;

  /** Keeps what is to be written of a chunk; the lines move together in its own memory. */
  const keep = (chunk: Chunk): Uint8Array => {
    let size = 0;
    for (let i = 0; i < chunk.ends.length && !isDone(); i++) {
      if (filter && !filter.admit(chunk.digests![2 * i]!, chunk.digests![2 * i + 1]!)) continue;
      const start = i === 0 ? 0 : chunk.ends[i - 1]!;
      const end = chunk.ends[i]!;
      if (start !== size) chunk.bytes.copyWithin(size, start, end);
      size += end - start;
      count++;
      tokens += chunk.tokens?.[i] ?? 0;
      ops[chunk.ops[i]!] = (ops[chunk.ops[i]!] ?? 0) + 1;
    }
    return chunk.bytes.subarray(0, size);
  };

  const report = reporter(progress, countLimit, tokenLimit);
  // Without duplicates to leave out, the last task to be made is known.
  const end = filter === undefined ? from + countLimit : Infinity;
  await writeAtomicallyAsync(out, async (write) => {
    const target = openTarget(out, (chunk) => {
      bytes += Buffer.byteLength(chunk);
      write(chunk);
    });
    for await (const chunk of chunksInOrder(
      { source: options.source, counter, unique },
      from,
      end,
      workers,
    )) {
      if (isCancelled()) throw cancelled(count, countLimit, tokens, tokenLimit);
      await target.add(keep(chunk));
      report(count, tokens);
      if (isDone()) break;
    }
    await target.finish();
  });
  return {
    count,
    bytes,
    ops,
    ...(counter === undefined ? {} : { tokens }),
    ...(filter === undefined ? {} : { dropped: filter.dropped }),
  };
}

/** @throws OUT_FORMAT */
function checkName(out: string): void {
  if (/\.(jsonl|jsonl\.gz|parquet)$/.test(out)) return;
  throw userError('OUT_FORMAT', 'a file that ends in .jsonl, .jsonl.gz or .parquet', out, 'rename --out');
}

/** @throws OPTION_CONFLICT, WRITE_LIMIT */
function checkNumbers({ count, tokens, from, workers, counter }: WriteTasksOptions): void {
  if ((count === undefined) === (tokens === undefined)) {
    const got = count === undefined ? 'neither' : 'both';
    throw userError('OPTION_CONFLICT', 'one of count and tokens', got, 'give exactly one of the two');
  }
  for (const [name, value, low] of [
    ['count', count, 1],
    ['tokens', tokens, 1],
    ['workers', workers, 1],
    ['from', from, 0],
  ] as const) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= low)) continue;
    const nearest = Number.isFinite(value) ? Math.max(low, Math.round(value)) : low;
    throw userError(
      'WRITE_LIMIT',
      `${name} to be an integer of ${low} or more`,
      String(value),
      `use ${nearest}`,
    );
  }
  if (tokens !== undefined && counter === undefined) {
    throw userError('OPTION_CONFLICT', 'a counter with a token budget', 'none', 'give a counter');
  }
}

/** Takes JSON lines in pieces. */
interface Target {
  add(lines: Uint8Array): Promise<void>;
  finish(): Promise<void>;
}

function openTarget(path: string, write: Write): Target {
  if (path.endsWith('.parquet')) {
    const table = new TaskParquetWriter(write);
    return {
      async add(lines) {
        for (const line of Buffer.from(lines.buffer, lines.byteOffset, lines.length).toString().split('\n')) {
          if (line !== '') table.add(JSON.parse(line) as Task);
        }
      },
      async finish() {
        table.finish();
      },
    };
  }
  if (isGzipPath(path)) return new GzipWriter(write);
  return {
    async add(lines) {
      write(lines);
    },
    async finish() {},
  };
}

function reporter(
  progress: ProgressSink,
  countLimit: number,
  tokenLimit: number,
): (count: number, tokens: number) => void {
  const started = performance.now();
  return (count, tokens) => {
    const seconds = (performance.now() - started) / 1000;
    const [done, total, unit] =
      tokenLimit < Infinity
        ? [Math.min(tokens, tokenLimit), tokenLimit, 'token']
        : [count, countLimit, 'task'];
    progress({
      stage: 'generate',
      done,
      total,
      unit,
      ...(done > 0 ? { secondsLeft: (seconds / done) * (total - done) } : {}),
      values: { tasks_per_second: count / seconds },
    });
  };
}

function cancelled(count: number, countLimit: number, tokens: number, tokenLimit: number): Error {
  const got = tokenLimit < Infinity ? `${tokens} of ${tokenLimit} tokens` : `${count} of ${countLimit}`;
  return userError('CANCELLED', 'to write all tasks', got, 'start again; no file was written');
}
