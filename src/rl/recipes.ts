/**
 * Which tasks a run trains on: generated ones (ops, contexts, mixtures; one stream for each range of a curriculum), a
 * task file, or the edge of competence of an evaluation. The task at a place is a pure function of (settings, seed,
 * range, step, round, place), so runs that differ in rewards or objective see the same prompts, and nothing has to be
 * restored on resume.
 */
import { join } from 'node:path';
import { edgeOfCompetence, readEvaluation, selectTasks } from '../analysis/index.ts';
import { userError } from '../core/errors.ts';
import { type Permutation, randomPermutation } from '../core/permutation.ts';
import { randomFamily } from '../core/random.ts';
import {
  createTaskSource,
  promptText,
  readTasks,
  type TaskRecord,
  type TaskSource,
  taskIds,
} from '../tasks/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { sourceOptions } from '../train/data.ts';
import type { GeneratedData } from '../train/dataConfig.ts';
import type { EdgeConfig, GrpoConfig } from './config.ts';

/** A task as a prompt. */
export interface RlPrompt {
  /** Unique id of the task. */
  id: string;
  task: TaskRecord;
  text: string;
  /** Its tokens. */
  ids: readonly number[];
}

/** Where a prompt stands in a run. */
export interface Place {
  /** Range of the curriculum; 0 without one. */
  stage: number;
  /** Steps made before this one. */
  step: number;
  /** Batch of prompts within the step; above 0 under dynamic sampling alone. */
  round: number;
  /** Within the batch. */
  index: number;
}

/** The tasks of a run. */
export interface Recipe {
  at(place: Place): RlPrompt;
  /** Different tasks; absent when they are generated. */
  readonly size?: number;
  /** Tasks of a set that were left out, as their prompts are too long. */
  readonly leftOut: number;
  /** Whether a task, or another one over its graph, is trained on; never of generated tasks, which have splits. */
  trainsOn(task: TaskRecord): boolean;
}

/** Generated tasks are drawn again this often when their prompts are too long. */
const DRAWS = 64;
/** Streams of one source: the steps' own prompts, those of further rounds, and replacements of too long ones. */
const ROUNDS_FROM = 2 ** 40;
const REPLACEMENTS_FROM = 2 ** 42;

/**
 * Opens the tasks that the settings name. Prompts have at most `longest` tokens.
 * @throws NO_TASKS, RL_PROMPTS, EDGE_SAMPLES, EDGE_TASKS, and the errors of task sources and files
 */
export function openRecipe(config: GrpoConfig, tokenizer: Tokenizer, longest: number): Recipe {
  const { data, edge } = config;
  if (edge !== undefined) return setRecipe(edgeTasks(edge), config, tokenizer, longest, 'at the edge');
  if (data !== undefined && 'files' in data) {
    const tasks = data.files.flatMap((file) => [...readTasks(file)]);
    return setRecipe(tasks, config, tokenizer, longest, `in ${data.files.join(', ')}`);
  }
  return streamRecipe(data as GeneratedData, config, tokenizer, longest);
}

/** The tasks of an evaluation folder that its model solves sometimes. */
function edgeTasks({ evaluation, files, k, at_most, at_least, verifier }: EdgeConfig): TaskRecord[] {
  const { rows } = readEvaluation(evaluation);
  const ids = edgeOfCompetence(rows, { k, atMost: at_most, atLeast: at_least, verifier });
  const paths = files ?? [join(evaluation, 'tasks.jsonl')];
  return selectTasks(
    ids,
    paths.flatMap((path) => [...readTasks(path)]),
  );
}

/** Generated tasks, one source for each range of the curriculum. */
function streamRecipe(
  data: GeneratedData,
  { curriculum, prompts_per_step: perStep, seed, objective }: GrpoConfig,
  tokenizer: Tokenizer,
  longest: number,
): Recipe {
  const ranges = curriculum === undefined ? [data] : curriculum.ops.map((ops) => ({ ...data, ops }));
  const sources = ranges.map((range): TaskSource => createTaskSource(sourceOptions(range, seed)));
  const rounds = (objective.dynamic_sampling?.max_batches ?? 1) - 1;
  const recipe: Recipe = {
    leftOut: 0,
    trainsOn: () => false,
    at({ stage, step, round, index }) {
      const source = sources[stage]!;
      const position =
        round === 0 ? step * perStep + index : ROUNDS_FROM + (step * rounds + round - 1) * perStep + index;
      for (let draw = 0; draw < DRAWS; draw++) {
        const task = source.at(draw === 0 ? position : REPLACEMENTS_FROM + position * DRAWS + draw);
        const prompt = promptOf(task, task.id, tokenizer);
        if (prompt.ids.length <= longest) return prompt;
      }
      throw tooLong(longest, `${DRAWS} longer ones in a row`);
    },
  };
  // Shows whether prompts fit at all, of ranges that come hours later, too.
  for (const stage of sources.keys()) recipe.at({ stage, step: 0, round: 0, index: 0 });
  return recipe;
}

/** A fixed set of tasks, epoch after epoch in another order; rounds of dynamic sampling have an order of their own. */
function setRecipe(
  tasks: readonly TaskRecord[],
  { prompts_per_step: perStep, seed, objective }: GrpoConfig,
  tokenizer: Tokenizer,
  longest: number,
  where: string,
): Recipe {
  if (tasks.length === 0) {
    throw userError('NO_TASKS', 'at least one task', `none ${where}`, 'name others or widen the condition');
  }
  const ids = taskIds(tasks);
  const prompts = tasks
    .map((task, i) => promptOf(task, ids[i]!, tokenizer))
    .filter((prompt) => prompt.ids.length <= longest);
  if (prompts.length === 0) throw tooLong(longest, `longer ones in all ${tasks.length} tasks`);
  const orders = [0, 1].map((which) => epochOrder(prompts.length, randomFamily('rl order', seed, which)));
  const rounds = (objective.dynamic_sampling?.max_batches ?? 1) - 1;
  const known = new Set(prompts.map(({ task }) => graphKey(task)));
  return {
    size: prompts.length,
    leftOut: tasks.length - prompts.length,
    trainsOn: (task) => known.has(graphKey(task)),
    at({ step, round, index }) {
      const position = (round === 0 ? step : step * rounds + round - 1) * perStep + index;
      return prompts[orders[Math.min(round, 1)]!(position)]!;
    },
  };
}

/** Index of the task at a position; every epoch is a permutation of its own. */
function epochOrder(size: number, family: ReturnType<typeof randomFamily>): (position: number) => number {
  const permutations = new Map<number, Permutation>();
  return (position) => {
    const epoch = Math.floor(position / size);
    if (!permutations.has(epoch)) {
      if (permutations.size > 1) permutations.clear(); // a step reads one or two neighbouring epochs
      permutations.set(epoch, randomPermutation(size, family.at(epoch)));
    }
    return permutations.get(epoch)!(position % size);
  };
}

/** What tasks over the same graph share; records of the reference have no fingerprint, but their text. */
function graphKey({ fingerprint, problem, question }: TaskRecord): string {
  return fingerprint ?? `${problem}\n${question}`;
}

/** A task as a prompt of this tokenizer. */
export function promptOf(task: TaskRecord, id: string, tokenizer: Tokenizer): RlPrompt {
  const text = promptText(task);
  return { id, task, text, ids: tokenizer.encode(text) };
}

/** Tasks whose prompts the model cannot read. */
export function tooLong(longest: number, got: string): Error {
  return userError(
    'RL_PROMPTS',
    `prompts of at most ${longest} tokens`,
    got,
    'raise max_prompt_tokens, lower max_response_tokens, or choose shorter tasks',
  );
}
