/** The rows of `samples.jsonl`: one sample with its verdict. */
import { userError } from '../core/errors.ts';
import { readJsonLines } from '../core/jsonl.ts';
import { type ReferenceTask, taskIds } from '../tasks/index.ts';
import { type Verdict, verify } from '../verify/index.ts';
import { checkedRow } from './checkedRow.ts';
import type { GivenResponse, StopReason } from './sources/source.ts';
import type { TaskFacts } from './tally.ts';

/** One sample with its verdict, as `samples.jsonl` holds it. */
export type EvaluationRow = Verdict & {
  task_id: string;
  sample_index: number;
  op: number;
  template: string;
  mode: string;
  /** The task's, where it has one. */
  fingerprint?: string;
  response: string;
  /** New tokens; null where the source does not say. */
  tokens: number | null;
  stop_reason: StopReason;
};

/** What metrics read of a task. */
export function taskFacts(id: string, task: ReferenceTask): TaskFacts {
  const fingerprint = 'fingerprint' in task ? { fingerprint: task.fingerprint as string } : {};
  return { task_id: id, op: task.op, template: task.template, mode: task.mode, ...fingerprint };
}

/** A response with its verdict. */
export function judge(id: string, task: ReferenceTask, response: GivenResponse): EvaluationRow {
  const { sample_index, response: text, tokens, stop_reason } = response;
  const { task_id, ...facts } = taskFacts(id, task);
  const verdict = verify(task, text, { truncated: stop_reason === 'length' });
  return { task_id, sample_index, ...facts, response: text, tokens, stop_reason, ...verdict };
}

/** A saved row with a verdict from now. */
export function judgeAgain(row: EvaluationRow, task: ReferenceTask): EvaluationRow {
  return { ...row, ...verify(task, row.response, { truncated: row.stop_reason === 'length' }) };
}

/**
 * Judges saved samples again, for a verifier that changed; sampling is not repeated.
 * @throws EVALUATION_TASKS when a row belongs to none of the tasks
 */
export function rescoreRows(
  rows: readonly EvaluationRow[],
  tasks: readonly ReferenceTask[],
): EvaluationRow[] {
  const ids = taskIds(tasks);
  const byId = new Map(tasks.map((task, i) => [ids[i]!, task]));
  return rows.map((row) => {
    const task = byId.get(row.task_id);
    if (task !== undefined) return judgeAgain(row, task);
    throw userError(
      'EVALUATION_TASKS',
      'the tasks of the evaluation',
      `no task ${row.task_id}`,
      'name the task file it was made with',
    );
  });
}

/**
 * The saved samples of an evaluation folder one by one, in constant memory: what to use where
 * {@link Evaluation.rows} would be too much.
 * @throws INPUT_UNREADABLE, JSONL_LINE, EVALUATION_ROW
 */
export function* readSamples(folder: string): Generator<EvaluationRow> {
  const path = `${folder}/samples.jsonl`;
  for (const { value, line } of readJsonLines(path)) yield checkedRow(value, path, line) as EvaluationRow;
}
