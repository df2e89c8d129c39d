/**
 * Training texts from data settings: generated on the fly, from task files, or from token shards. A sequence is the
 * tokens of one task's training text and the end token. Which one stands at a position is a function of the settings,
 * the seed and the position, so nothing has to be restored on resume.
 */
import { userError } from '../core/errors.ts';
import { type Permutation, randomPermutation } from '../core/permutation.ts';
import { randomFamily } from '../core/random.ts';
import {
  createTaskSource,
  loadMixture,
  type ReferenceTask,
  readTasks,
  type TaskSourceOptions,
  trainingText,
} from '../tasks/index.ts';
import { END_TOKEN, THINK_TAGS, type Tokenizer } from '../tokenizer/index.ts';
import {
  type DataConfig,
  type FileData,
  type GeneratedData,
  type Thinking,
  withoutUndefined,
} from './dataConfig.ts';
import { openShards } from './shards.ts';
import { thinkingText } from './thinking.ts';
import { announceLengths, budgetTag, chosenBudgets, thinkTokens } from './thinkingBudget.ts';
import { tokenShares } from './tokenShares.ts';

/** What tells one group of tasks from another. */
export interface TaskKind {
  /** The record's `template`. */
  context: string;
  op: number;
  mode: string;
  depth: number;
}

/** Token sequences by position; sequence i is a pure function of i, without end. */
export interface SequenceSource {
  at(position: number): number[];
}

/** Sequences whose kind is known. */
export interface TaskSequences extends SequenceSource {
  kind(position: number): TaskKind;
}

/** Opened data; texts exist before there is a tokenizer, which may be learned from them. */
export interface TrainingData {
  /** How many different texts there are; absent when they are generated. */
  readonly size?: number;
  /** Special tokens that a tokenizer needs for these texts beside the usual. */
  readonly special: readonly string[];
  /** Text at a position; absent where only tokens are. */
  text?(position: number): string;
  /**
   * Sequences for a tokenizer.
   * @throws THINK_TOKENS, SHARDS_TOKENIZER when they cannot be had in its tokens
   */
  sequences(tokenizer: Tokenizer): TaskSequences;
}

/**
 * Opens what the settings describe; `split` overrides the split of generated data.
 * @throws the errors of task sources, files and shards
 */
export function openData(data: DataConfig, seed: number, split?: string): TrainingData {
  if ('shards' in data) return shardData(data.shards, seed);
  if ('files' in data) return fileData(data, seed);
  return generatedData(data, seed, split ?? data.split);
}

/** Options of the task source that the settings mean. */
export function sourceOptions(data: GeneratedData, seed: number, split = data.split): TaskSourceOptions {
  const { world, mixture, contexts, ops, op_weights, modes, depths, identity, held_out } = data;
  return {
    world,
    split,
    seed,
    ...(mixture === undefined
      ? {}
      : { mixture: typeof mixture === 'string' ? loadMixture(mixture) : mixture }),
    ...(contexts === undefined ? {} : { contexts }),
    ...(ops === undefined ? {} : { ops }),
    ...(op_weights === undefined ? {} : { opWeights: op_weights }),
    ...(modes === undefined ? {} : { modes }),
    ...(depths === undefined ? {} : { depths }),
    ...(identity === undefined ? {} : { identity: withoutUndefined(identity) }),
    ...(held_out === undefined ? {} : { heldOut: withoutUndefined(held_out) }),
  };
}

function generatedData(data: GeneratedData, seed: number, split: string): TrainingData {
  const options = sourceOptions(data, seed, split);
  const byTasks = createTaskSource(options);
  const text = writer(data.thinking, seed);
  return {
    special: specialTokens(data.thinking),
    text: (position) => text(byTasks.at(position), position),
    sequences(tokenizer) {
      const encode = encoder(tokenizer, data.thinking, seed);
      const source = shareOf(data) === 'tasks' ? byTasks : sourceByTokens(options, text, encode);
      return taskSequences((position) => source.at(position), text, encode);
    },
  };
}

/** A mixture's shares are of tokens, as the reference means them; plain op weights are of tasks, as in `generate`. */
const shareOf = ({ share_of, mixture }: GeneratedData) =>
  share_of ?? (mixture === undefined ? 'tasks' : 'tokens');

function sourceByTokens(options: TaskSourceOptions, text: Writer, encode: Encoder) {
  return createTaskSource(tokenShares(options, (task, index) => encode(text(task, index), index).length));
}

function fileData({ files, thinking }: FileData, seed: number): TrainingData {
  const tasks = files.flatMap((file) => [...readTasks(file)]);
  if (tasks.length === 0) {
    throw userError('NO_TASKS', 'at least one task', `none in ${files.join(', ')}`, 'generate some');
  }
  const order = epochOrder(tasks.length, seed);
  const text = writer(thinking, seed);
  const at = (position: number) => tasks[order(position)]!;
  return {
    size: tasks.length,
    special: specialTokens(thinking),
    text: (position) => text(at(position), position),
    sequences: (tokenizer) => taskSequences(at, text, encoder(tokenizer, thinking, seed)),
  };
}

function shardData(folder: string, seed: number): TrainingData {
  const shards = openShards(folder);
  const order = epochOrder(shards.texts, seed);
  return {
    size: shards.texts,
    special: [],
    sequences(tokenizer) {
      if (tokenizer.fingerprint() !== shards.tokenizer.fingerprint()) {
        throw userError(
          'SHARDS_TOKENIZER',
          `the tokenizer of the shards in ${folder}`,
          'another',
          'leave the setting tokenizer out, or write the shards with this tokenizer',
        );
      }
      return {
        at: (position) => shards.read(order(position)),
        kind: (position) => shards.kind(order(position)),
      };
    },
  };
}

/** A text as it goes into a shard. */
export interface TaskTokens {
  ids: number[];
  kind: TaskKind;
  /** The task's id. */
  id: string;
}

/**
 * The texts that the settings describe, in the order of their files or stream, in constant memory; without end when
 * they are generated.
 * @throws THINK_TOKENS, and the errors of task sources and files
 */
export function* taskTokens(
  data: FileData | GeneratedData,
  seed: number,
  tokenizer: Tokenizer,
): Generator<TaskTokens> {
  const encode = encoder(tokenizer, data.thinking, seed);
  const text = writer(data.thinking, seed);
  let position = 0;
  for (const task of tasksInOrder(data, seed, text, encode)) {
    yield { ids: encode(text(task, position), position), kind: kindOf(task), id: task.id };
    position++;
  }
}

function* tasksInOrder(
  data: FileData | GeneratedData,
  seed: number,
  text: Writer,
  encode: Encoder,
): Generator<ReferenceTask> {
  if ('files' in data) {
    for (const file of data.files) yield* readTasks(file);
  } else {
    const options = sourceOptions(data, seed);
    yield* shareOf(data) === 'tasks' ? createTaskSource(options) : sourceByTokens(options, text, encode);
  }
}

/** Index of the text at a position, epoch after epoch in another order; a function of (seed, epoch, place). */
function epochOrder(size: number, seed: number): (position: number) => number {
  const family = randomFamily('training order', seed);
  let epoch = -1;
  let permute: Permutation;
  return (position) => {
    const wanted = Math.floor(position / size);
    if (wanted !== epoch) {
      epoch = wanted;
      permute = randomPermutation(size, family.at(epoch));
    }
    return permute(position % size);
  };
}

type Writer = (task: ReferenceTask, position: number) => string;

/** From tasks to texts, with thoughts where the settings ask for them. */
function writer(thinking: Thinking | undefined, seed: number): Writer {
  if (thinking === undefined) return trainingText;
  const family = randomFamily('thinking', seed);
  return (task, position) => thinkingText(task, thinking, family.at(position));
}

const specialTokens = (thinking: Thinking | undefined): readonly string[] =>
  thinking === undefined ? [] : [...THINK_TAGS, ...(thinking.budgets ?? []).map(budgetTag)];

type Encoder = (text: string, position: number) => number[];

/** From texts to sequences. */
function encoder(tokenizer: Tokenizer, thinking: Thinking | undefined, seed: number): Encoder {
  if (thinking === undefined) return (text) => encodeText(text, tokenizer);
  const tags = thinkTokens(tokenizer, 'data.thinking');
  const { budgets, announced } = thinking;
  if (budgets === undefined) return (text) => encodeText(text, tokenizer);
  const known = chosenBudgets(tokenizer, budgets);
  const family = randomFamily('announced budgets', seed);
  return (text, position) => {
    const stream = family.at(position);
    return announceLengths(encodeText(text, tokenizer), tags, known, () => stream.chance(announced));
  };
}

/** Token ids of a training text with the end token. */
export function encodeText(text: string, tokenizer: Tokenizer): number[] {
  const ids = tokenizer.encode(text);
  ids.push(tokenizer.idOf(END_TOKEN)!);
  return ids;
}

function taskSequences(
  at: (position: number) => ReferenceTask,
  text: Writer,
  encode: Encoder,
): TaskSequences {
  return {
    at: (position) => encode(text(at(position), position), position),
    kind: (position) => kindOf(at(position)),
  };
}

/** The kind of a task. */
export function kindOf({ template, op, mode, d }: ReferenceTask): TaskKind {
  return { context: template, op, mode, depth: d };
}
