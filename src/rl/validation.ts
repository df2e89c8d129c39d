/** Validation during a run: held-out tasks, sampled and judged as `evaluate` does. */
import { isCancelled } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import {
  computeMetrics,
  type Estimate,
  type EvaluationRow,
  type GroupMetrics,
  pairedGains,
  type SampleRow,
} from '../evaluate/index.ts';
import type { Qwen2 } from '../model/qwen2.ts';
import { sampleBatched } from '../sample/index.ts';
import { createTaskSource, readTasks, type TaskRecord, taskIds } from '../tasks/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { sourceOptions } from '../train/data.ts';
import { verify } from '../verify/index.ts';
import { type GrpoConfig, heldOutData } from './config.ts';
import { promptOf, type Recipe, type RlPrompt, tooLong } from './recipes.ts';

/** Tasks looked at for each one that is held out. */
const LOOKS = 20;

/**
 * The held-out prompts of a run, the same for the whole run: no graph of theirs is trained on. Generated ones come from
 * another split than training's; none where training has a set of tasks and the settings name no others.
 * @throws VALIDATION_OVERLAP, RL_PROMPTS, NO_TASKS and the errors of task sources and files
 */
export function heldOutPrompts(
  config: GrpoConfig,
  recipe: Recipe,
  tokenizer: Tokenizer,
  longest: number,
): RlPrompt[] {
  const { validation, data } = config;
  if (validation.tasks === 0) return [];
  const generated = heldOutData(config);
  const files = validation.files ?? filesOf(validation.data);
  if (files !== undefined) return fromFiles(files, config, recipe, tokenizer, longest);
  if (generated === undefined) return [];
  // A curriculum is validated on all its ranges.
  const ops = config.curriculum?.ops.join(',');
  const kinds = validation.data === undefined && ops !== undefined ? { ...generated, ops } : generated;
  const source = createTaskSource(sourceOptions(kinds, config.seed, validation.split));
  const prompts: RlPrompt[] = [];
  for (let i = 0; prompts.length < validation.tasks; i++) {
    if (i === LOOKS * validation.tasks) {
      const got = `${prompts.length} among ${i} tasks`;
      if (data !== undefined && 'files' in data) throw overlap(`${validation.tasks} tasks`, got);
      throw tooLong(longest, got);
    }
    const task = source.at(i);
    const prompt = promptOf(task, task.id, tokenizer);
    if (prompt.ids.length <= longest && !recipe.trainsOn(task)) prompts.push(prompt);
  }
  return prompts;
}

const filesOf = (data: GrpoConfig['data']) =>
  data !== undefined && 'files' in data ? data.files : undefined;

function fromFiles(
  files: readonly string[],
  { validation, data }: GrpoConfig,
  recipe: Recipe,
  tokenizer: Tokenizer,
  longest: number,
): RlPrompt[] {
  const tasks = files.flatMap((file) => [...readTasks(file)]).slice(0, validation.tasks);
  if (tasks.length === 0) {
    throw userError(
      'NO_TASKS',
      'at least one task to validate on',
      `none in ${files.join(', ')}`,
      'name others',
    );
  }
  const split = data !== undefined && 'split' in data ? data.split : undefined;
  const seen = (task: TaskRecord) => recipe.trainsOn(task) || (split !== undefined && task.split === split);
  const trained = tasks.filter(seen).length;
  if (trained > 0)
    throw overlap(`tasks in ${files.join(', ')} whose graphs are not trained on`, `${trained} that are`);
  const ids = taskIds(tasks);
  const prompts = tasks.map((task, i) => promptOf(task, ids[i]!, tokenizer));
  const fitting = prompts.filter((prompt) => prompt.ids.length <= longest);
  if (fitting.length === 0) throw tooLong(longest, `longer ones in all ${tasks.length} tasks to validate on`);
  return fitting;
}

function overlap(expected: string, got: string): Error {
  return userError('VALIDATION_OVERLAP', expected, got, 'name held-out tasks of another split');
}

/** One line of numbers of a validation. */
export interface ValidationMetrics {
  validation_pass_at_1: number;
  validation_pass_at_1_low: number;
  validation_pass_at_1_high: number;
  validation_answer_at_1: number;
  validation_answer_at_1_low: number;
  validation_answer_at_1_high: number;
  validation_process_accuracy: number;
  validation_truncated: number;
  validation_pass_at_1_by_op: Record<string, number>;
  /** Paired difference to the validation before the first step; absent there. */
  validation_gain_at_1?: number;
  validation_gain_at_1_low?: number;
  validation_gain_at_1_high?: number;
}

/** What a validation found. */
export interface Validation {
  rows: EvaluationRow[];
  metrics: ValidationMetrics;
}

/** Samples and judges the held-out prompts; undefined when the surrounding job was cancelled meanwhile. */
export async function validate(
  model: Qwen2,
  tokenizer: Tokenizer,
  prompts: readonly RlPrompt[],
  config: GrpoConfig,
): Promise<Validation | undefined> {
  const { samples, temperature } = config.validation;
  // The same draws every time: what changes is the model.
  const keyed = prompts.map(({ id, text }) => ({ key: `validation ${id}`, text }));
  const settings = {
    samples,
    temperature,
    topP: 1,
    topK: 0,
    maxTokens: config.max_response_tokens,
    seed: config.seed,
    slots: config.slots,
  };
  const judged: EvaluationRow[][] = [];
  for (const group of sampleBatched(model, tokenizer, keyed, settings)) {
    const { task, id } = prompts[group[0]!.prompt]!;
    judged[group[0]!.prompt] = group.map((sample) => ({
      task_id: id,
      sample_index: sample.sampleIndex,
      op: task.op,
      template: task.template,
      mode: task.mode,
      ...(task.fingerprint === undefined ? {} : { fingerprint: task.fingerprint }),
      response: sample.response,
      tokens: sample.tokens,
      stop_reason: sample.stopReason,
      ...verify(task, sample.response, { truncated: sample.stopReason === 'length' }),
    }));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  if (isCancelled()) return undefined;
  const rows = judged.flat();
  const { overall, by_op } = computeMetrics(rows, { k: [1], seed: config.seed });
  const verified = passAt1(overall, 'verified');
  const answer = passAt1(overall, 'answer');
  const byOp = Object.entries(by_op).map(([op, group]) => [op, passAt1(group, 'verified').value]);
  return {
    rows,
    metrics: {
      validation_pass_at_1: verified.value,
      validation_pass_at_1_low: verified.low,
      validation_pass_at_1_high: verified.high,
      validation_answer_at_1: answer.value,
      validation_answer_at_1_low: answer.low,
      validation_answer_at_1_high: answer.high,
      validation_process_accuracy: overall.process_accuracy.value,
      validation_truncated: overall.errors.truncated.value,
      validation_pass_at_1_by_op: Object.fromEntries(byOp) as Record<string, number>,
    },
  };
}

/** What verified pass@1 has gained since the first validation, whose rows are `before`; with its paired interval. */
export function gainSince(
  before: readonly SampleRow[],
  rows: readonly EvaluationRow[],
  seed: number,
): Partial<ValidationMetrics> {
  const [gain] = pairedGains(before, rows, { k: [1], seed, verifiers: ['verified'], by: ['overall'] });
  return {
    validation_gain_at_1: gain!.gain,
    validation_gain_at_1_low: gain!.low,
    validation_gain_at_1_high: gain!.high,
  };
}

const passAt1 = (group: GroupMetrics, verifier: 'verified' | 'answer'): Estimate =>
  group.pass_at_k[verifier]['1']!;
