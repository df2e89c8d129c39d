/** A stretch of a task stream ready to be written: typed arrays, which pass from thread to thread without a copy. */
import type { TaskSource, TaskSourceOptions } from './source.ts';
import { createTaskSource } from './source.ts';
import type { ReferenceTask } from './types.ts';
import { taskDigest, type UniqueBy } from './unique.ts';

/**
 * How tokens are counted. This layer knows no tokenizer: whoever has one names a module that exports
 * `tokenCounter(argument)`, a {@link CreateTokenCounter}. Threads take no functions, so each of them loads it.
 */
export interface TokenCounter {
  /** URL of the module. */
  readonly module: string;
  readonly argument: string;
}

/** From the argument of a {@link TokenCounter} to the number of tokens that a task is trained on. */
export type CreateTokenCounter = (argument: string) => (task: ReferenceTask) => number;

/** What a thread needs to know to make chunks. */
export interface ChunkSettings {
  readonly source: TaskSourceOptions;
  readonly counter?: TokenCounter | undefined;
  readonly unique?: UniqueBy | undefined;
}

export interface Chunk {
  /** The records as JSON lines in UTF-8. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each line ends in `bytes`, its line break included. [tasks] */
  readonly ends: Uint32Array<ArrayBuffer>;
  readonly ops: Uint16Array<ArrayBuffer>;
  /** When tokens are counted. [tasks] */
  readonly tokens?: Uint32Array<ArrayBuffer>;
  /** When duplicates are left out: upper and lower word of each digest. [2 × tasks] */
  readonly digests?: Uint32Array<ArrayBuffer>;
}

/** Makes tasks start…start + count − 1. */
export type ChunkMaker = (start: number, count: number) => Chunk;

/**
 * A maker of chunks for this thread.
 * @throws the errors of {@link createTaskSource} and of the counter's module
 */
export async function createChunkMaker(settings: ChunkSettings): Promise<ChunkMaker> {
  const { counter, unique } = settings;
  const source = createTaskSource(settings.source);
  const countTokens =
    counter === undefined
      ? undefined
      : ((await import(counter.module)) as { tokenCounter: CreateTokenCounter }).tokenCounter(
          counter.argument,
        );
  return (start, count) => makeChunk(source, start, count, countTokens, unique);
}

function makeChunk(
  source: TaskSource,
  start: number,
  count: number,
  countTokens: ((task: ReferenceTask) => number) | undefined,
  unique: UniqueBy | undefined,
): Chunk {
  const ends = new Uint32Array(count);
  const ops = new Uint16Array(count);
  const tokens = countTokens && new Uint32Array(count);
  const digests = unique && new Uint32Array(2 * count);
  let text = '';
  let end = 0;
  for (let i = 0; i < count; i++) {
    const task = source.at(start + i);
    const line = `${JSON.stringify(task)}\n`;
    text += line;
    end += Buffer.byteLength(line);
    ends[i] = end;
    ops[i] = task.op;
    if (tokens !== undefined) tokens[i] = countTokens!(task);
    digests?.set(taskDigest(task, unique!), 2 * i);
  }
  return {
    bytes: new TextEncoder().encode(text),
    ends,
    ops,
    ...(tokens === undefined ? {} : { tokens }),
    ...(digests === undefined ? {} : { digests }),
  };
}

/** What of a chunk is handed over instead of being copied. */
export function transferList({ bytes, ends, ops, tokens, digests }: Chunk): ArrayBuffer[] {
  return [bytes, ends, ops, tokens, digests].flatMap((array) => (array === undefined ? [] : [array.buffer]));
}
