/**
 * What an exported experiment is made of besides the model: the settings of the run that made it, and tasks. Both
 * come from the run folder around a checkpoint (`RUN/checkpoints/step-N`) unless they are given.
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { userError } from '../core/errors.ts';
import { readJsonFile } from '../core/json.ts';
import {
  createTaskSource,
  type ReferenceTask,
  readTasks,
  type TaskGraph,
  trainingText,
} from '../tasks/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { sourceOptions } from '../train/data.ts';
import {
  type DataConfig,
  heldOutTexts,
  openData,
  type PretrainConfig,
  parsePretrainConfig,
  tokenBudget,
} from '../train/index.ts';

/** A task as exports need it; records of the reference have no graph. */
export type ExportedTask = ReferenceTask & { graph?: TaskGraph };

/** Options that the exports of whole experiments share. */
export interface ExperimentOptions {
  /** Task file for training; default: the tasks of the run, in the run's order. */
  tasks?: string;
  /** Held-out task file; default: the run's held-out tasks, or none when `tasks` is given. */
  validation?: string;
  /** Most training tasks. */
  count?: number;
  /** GPUs that the settings are divided among. */
  gpus?: number;
}

/** Settings of the run that a checkpoint folder belongs to; undefined when it lies elsewhere. */
export function settingsOfRun(modelFolder: string): PretrainConfig | undefined {
  const checkpoints = dirname(resolve(modelFolder));
  const path = join(dirname(checkpoints), 'config.json');
  if (basename(checkpoints) !== 'checkpoints' || !existsSync(path)) return undefined;
  return parsePretrainConfig(readJsonFile(path, 'run settings'), path);
}

/** The settings of the run, where tasks are not given. @throws EXPORT_TASKS */
function neededRun(run: PretrainConfig | undefined): PretrainConfig {
  if (run !== undefined) return run;
  throw noTasks('a model in a run folder (RUN/checkpoints/step-N), or tasks', 'neither');
}

function noTasks(expected: string, got: string): Error {
  return userError('EXPORT_TASKS', expected, got, 'name a task file with --tasks');
}

/**
 * Training texts one after another: of the task file, or of the run in its order (thoughts included), one epoch of
 * its files or shards. Unless `count` says otherwise, those of a run go up to its token budget.
 * @throws EXPORT_TASKS when there is neither
 */
export function* trainingTexts(
  { tasks, count }: ExperimentOptions,
  run: PretrainConfig | undefined,
  tokenizer: Tokenizer,
): Generator<string> {
  if (tasks !== undefined) {
    for (const task of first(count, readTasks(tasks))) yield trainingText(task);
    return;
  }
  const settings = neededRun(run);
  const { data, seed } = settings;
  const opened = openData(data, seed);
  const sequences = opened.sequences(tokenizer);
  const most = Math.min(count ?? Number.POSITIVE_INFINITY, opened.size ?? Number.POSITIVE_INFINITY);
  const budget = count === undefined ? tokenBudget(settings) : Number.POSITIVE_INFINITY;
  for (let i = 0, sum = 0; i < most && sum < budget; i++) {
    const ids = sequences.at(i);
    yield textOf(ids, tokenizer);
    sum += ids.length;
  }
}

/** Held-out texts, or none when none were named. */
export function validationTexts(
  { tasks, validation }: ExperimentOptions,
  run: PretrainConfig | undefined,
  tokenizer: Tokenizer,
): string[] {
  if (validation !== undefined) return Array.from(readTasks(validation), (task) => trainingText(task));
  if (tasks !== undefined || run === undefined) return [];
  return heldOutTexts(run.validation, run.data, run.seed, tokenizer).map(({ ids }) => textOf(ids, tokenizer));
}

/** Text of a sequence, without its end token. */
function textOf(ids: readonly number[], tokenizer: Tokenizer): string {
  return tokenizer.decode(ids.slice(0, -1));
}

/**
 * Training tasks one after another, in constant memory: of the task file, or of the run's files or stream.
 * @throws EXPORT_TASKS when there are neither, or the run's texts are shards
 */
export function trainingTasks(
  { tasks, count }: ExperimentOptions,
  run: PretrainConfig | undefined,
): Iterable<ExportedTask> {
  if (tasks !== undefined) return first(count, readTasks(tasks));
  const { data, seed } = neededRun(run);
  return first(count, tasksOf(data, seed));
}

/** Held-out tasks, or none when none were named. */
export function validationTasks(
  { tasks, validation }: ExperimentOptions,
  run: PretrainConfig | undefined,
): Iterable<ExportedTask> {
  if (validation !== undefined) return readTasks(validation);
  if (tasks !== undefined || run === undefined) return [];
  const { data, seed } = run;
  const { tasks: wanted, files, data: own, split } = run.validation;
  const named = files === undefined ? own : { files };
  if (named === undefined && !('split' in data)) return []; // training files have no part that is held out
  return first(wanted, tasksOf(named ?? data, seed, split));
}

function* tasksOf(data: DataConfig, seed: number, split?: string): Generator<ExportedTask> {
  if ('shards' in data) throw noTasks('a run on tasks, or tasks', `a run on token shards (${data.shards})`);
  if ('files' in data) for (const file of data.files) yield* readTasks(file);
  else yield* createTaskSource(sourceOptions(data, seed, split));
}

function* first<T>(count: number | undefined, items: Iterable<T>): Generator<T> {
  let given = 0;
  for (const item of items) {
    if (count !== undefined && given++ >= count) return;
    yield item;
  }
}
