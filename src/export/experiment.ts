/**
 * What an exported experiment is made of besides the model: the settings of the run that made it, and tasks. Both
 * come from the run folder around a checkpoint (`RUN/checkpoints/step-N`) unless they are given.
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { userError } from '../core/errors.ts';
import { readJsonFile } from '../core/json.ts';
import { type ReferenceTask, readTasks, type TaskGraph } from '../tasks/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { encodeTask, type PretrainConfig, parsePretrainConfig, taskSeries } from '../train/index.ts';

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

/**
 * Training tasks one after another, in constant memory: of the file, or of the run from its first on. Files of a run
 * give one epoch.
 * @throws EXPORT_TASKS when there is neither
 */
export function* trainingTasks(
  { tasks, count = Number.POSITIVE_INFINITY }: ExperimentOptions,
  run: PretrainConfig | undefined,
): Generator<ExportedTask> {
  if (tasks === undefined && run === undefined) {
    throw userError(
      'EXPORT_TASKS',
      'a model in a run folder (RUN/checkpoints/step-N), or tasks',
      'neither',
      'name a task file with --tasks',
    );
  }
  let given = 0;
  for (const task of tasks === undefined ? tasksOfRun(run!) : readTasks(tasks)) {
    if (given++ >= count) return;
    yield task;
  }
}

function* tasksOfRun({ data, seed }: PretrainConfig): Generator<ExportedTask> {
  const series = taskSeries(data, seed);
  for (let i = 0; i < (series.size ?? Number.POSITIVE_INFINITY); i++) yield series.at(i);
}

/** Held-out tasks, or none when none were named. */
export function heldOutTasks(options: ExperimentOptions, run: PretrainConfig | undefined): ExportedTask[] {
  if (options.validation !== undefined) return [...readTasks(options.validation)];
  if (options.tasks !== undefined || run === undefined) return [];
  const { tasks: wanted, files, split } = run.validation;
  if (files === undefined && 'files' in run.data) return [];
  const series = taskSeries(files === undefined ? run.data : { files }, run.seed, split);
  return Array.from({ length: Math.min(wanted, series.size ?? wanted) }, (_, i) => series.at(i));
}

/** Tasks until their training texts have `tokens` tokens. */
export function* upToTokens(
  tasks: Iterable<ExportedTask>,
  tokenizer: Tokenizer,
  tokens: number,
): Generator<ExportedTask> {
  let sum = 0;
  for (const task of tasks) {
    yield task;
    sum += encodeTask(task, tokenizer).length;
    if (sum >= tokens) return;
  }
}
