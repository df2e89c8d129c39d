/** What a line of `samples.jsonl` must say, whoever reads it: evaluate, which goes on with it, analyze, browse. */
import { userError } from '../core/errors.ts';
import { ERROR_TYPES, FIRST_ERROR_KINDS, type FirstError } from '../verify/types.ts';
import type { EvaluationRow } from './rows.ts';
import type { SampleRow, TaskFacts } from './tally.ts';

type Field = readonly [name: string, expected: string, good: (value: unknown) => boolean];

const isText = (value: unknown): boolean => typeof value === 'string';
const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** Of the sample: judging it again mends none of these. */
const SAMPLE_FIELDS: readonly Field[] = [
  ['task_id', 'a text', isText],
  ['sample_index', 'an integer of 0 or more', isCount],
  ['op', 'an integer', Number.isInteger],
  ['template', 'a text', isText],
  ['mode', 'a text', isText],
];

/** Fields of a sample that rows may lack where the texts were left out, or come from another program. */
const OPTIONAL_FIELDS: readonly Field[] = [
  ['fingerprint', 'a text', isText],
  ['response', 'a text', isText],
  ['tokens', 'an integer of 0 or more or null', (value) => value === null || isCount(value)],
  ['stop_reason', 'a text', isText],
];

/** Of the verdict. */
const VERDICT_FIELDS: readonly Field[] = [
  ['verified', 'true or false', isBoolean],
  ['answer_correct', 'true or false', isBoolean],
  ['extracted_answer', 'a text or null', (value) => value === null || isText(value)],
  ['process_accuracy', 'a number within 0-1', isShare],
  ['errors', `a list of ${ERROR_TYPES.join(', ')}`, isErrors],
  ['first_error', `null or "step", "node" and a "kind" of ${FIRST_ERROR_KINDS.join(', ')}`, isFirstError],
  ['compatible', 'an object with "perfect"', hasPerfect],
];

const SAMPLE_AGAIN = 'remove that line and evaluate again: its task is sampled again';
const JUDGE_AGAIN = 'score the folder again with evaluate --rescore';

function isShare(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

function isErrors(value: unknown): boolean {
  return Array.isArray(value) && value.every((type) => ERROR_TYPES.includes(type));
}

function isFirstError(value: unknown): boolean {
  if (value === null) return true;
  if (typeof value !== 'object') return false;
  const { step, node, kind } = value as Partial<FirstError>;
  return isCount(step) && isText(node) && FIRST_ERROR_KINDS.includes(kind!);
}

function hasPerfect(value: unknown): boolean {
  return isBoolean((value as { perfect?: unknown } | null | undefined)?.perfect);
}

/**
 * A line of `samples.jsonl` with the fields that metrics read.
 * @throws userError EVALUATION_ROW (names file, line and field)
 */
export function checkedRow(value: unknown, path: string, line: number): SampleRow {
  const row = checkedSample(value, path, line);
  checkFields(row, VERDICT_FIELDS, JUDGE_AGAIN, path, line);
  return row as unknown as SampleRow;
}

/** What an evaluation knows of a task's rows before it reads them. */
export interface TaskSamples {
  facts: TaskFacts;
  /** How many there will be. */
  count: number;
  /** Every sample index is below; infinite where the source gives indices of its own. */
  below: number;
}

/**
 * A line of `samples.jsonl` as the evaluation of this task saves it.
 * @param judged False when the verdict does not matter, because the response is judged again.
 * @throws userError EVALUATION_ROW (names file, line and field), also when the row contradicts the task
 */
export function checkedTaskRow(
  value: unknown,
  { facts, below }: Pick<TaskSamples, 'facts' | 'below'>,
  path: string,
  line: number,
  judged: boolean,
): EvaluationRow {
  const row = judged
    ? (checkedRow(value, path, line) as unknown as Fields)
    : checkedSample(value, path, line);
  if (row.response === undefined) throw wrong('response', 'a text', undefined, path, line, SAMPLE_AGAIN);
  for (const name of ['op', 'template', 'mode', 'fingerprint'] as const) {
    if (row[name] === facts[name] || (name === 'fingerprint' && row[name] === undefined)) continue;
    throw wrong(
      name,
      `${JSON.stringify(facts[name])}, as its task has,`,
      row[name],
      path,
      line,
      SAMPLE_AGAIN,
    );
  }
  if ((row.sample_index as number) >= below) {
    throw wrong('sample_index', `0-${below - 1}`, row.sample_index, path, line, SAMPLE_AGAIN);
  }
  return row as unknown as EvaluationRow;
}

/** A sample that stands in the file twice. */
export function repeatedSample(row: EvaluationRow, path: string, line: number): Error {
  const got = `sample ${row.sample_index} of ${row.task_id} again in ${path} line ${line}`;
  return userError('EVALUATION_ROW', 'every sample once', got, SAMPLE_AGAIN);
}

type Fields = Readonly<Record<string, unknown>>;

function checkedSample(value: unknown, path: string, line: number): Fields {
  const row = (typeof value === 'object' && value !== null ? value : {}) as Fields;
  checkFields(row, SAMPLE_FIELDS, SAMPLE_AGAIN, path, line);
  for (const [name, expected, good] of OPTIONAL_FIELDS) {
    const field = row[name];
    if (field !== undefined && !good(field)) throw wrong(name, expected, field, path, line, SAMPLE_AGAIN);
  }
  return row;
}

function checkFields(
  row: Fields,
  fields: readonly Field[],
  remedy: string,
  path: string,
  line: number,
): void {
  for (const [name, expected, good] of fields) {
    if (!good(row[name])) throw wrong(name, expected, row[name], path, line, remedy);
  }
}

function wrong(
  name: string,
  expected: string,
  value: unknown,
  path: string,
  line: number,
  remedy: string,
): Error {
  const shown = JSON.stringify(value)?.slice(0, 80) ?? 'nothing';
  return userError('EVALUATION_ROW', `${expected} in "${name}"`, `${shown} in ${path} line ${line}`, remedy);
}
