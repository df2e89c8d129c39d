/**
 * Task records from files: ours and the reference's nine-key files, JSONL or Parquet. A record that is not one
 * is refused with its file, line and field.
 */
import { userError } from '../core/errors.ts';
import { readJsonLines } from '../core/jsonl.ts';
import { readParquetRows } from './parquet.ts';
import type { ReferenceTask, Task } from './types.ts';

/** A record as read: the nine keys always, ours when the file has them. */
export type TaskRecord = ReferenceTask & Partial<Omit<Task, keyof ReferenceTask>>;

/** What a field must be; null when the value is fine. */
type Check = (value: unknown) => string | null;

const text: Check = (value) => (typeof value === 'string' ? null : 'a string');
const filled: Check = (value) => (typeof value === 'string' && value !== '' ? null : 'a non-empty string');
const integer =
  (low: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= low ? null : `an integer of ${low} or more`;
const mode: Check = (value) =>
  value === 'normalforward' || value === 'forwardreverse' ? null : 'normalforward or forwardreverse';
const solution: Check = (value) =>
  typeof value === 'string' && value.includes('Answer:') ? null : 'a solution that ends in "Answer: N."';

const REQUIRED: readonly (readonly [string, Check])[] = [
  ['problem', filled],
  ['question', filled],
  ['solution', solution],
  ['op', integer(0)],
  ['id', text],
  ['template', filled],
  ['mode', mode],
  ['length', text],
  ['d', integer(1)],
];

const OPTIONAL: readonly (readonly [string, Check])[] = [
  ['split', filled],
  ['seed', integer(Number.MIN_SAFE_INTEGER)],
  ['index', integer(0)],
  ['version', filled],
  ['fingerprint', filled],
];

/**
 * The records of a file one by one, in constant memory for JSONL. The file's last three letters decide: `.parquet`
 * is Parquet, anything else JSONL.
 * @throws INPUT_UNREADABLE, JSONL_LINE, PARQUET_INVALID, TASK_RECORD
 */
export function* readTasks(path: string): Generator<TaskRecord> {
  if (path.endsWith('.parquet')) {
    let row = 0;
    for (const value of readParquetRows(path)) yield checkRecord(value, `${path} row ${++row}`);
    return;
  }
  for (const { value, line } of readJsonLines(path)) yield checkRecord(value, `${path} line ${line}`);
}

/**
 * The value as a record.
 * @param where File and line, for the message.
 * @throws TASK_RECORD
 */
export function checkRecord(value: unknown, where: string): TaskRecord {
  const refuse = (expected: string, got: string): never => {
    throw userError('TASK_RECORD', expected, `${got} in ${where}`, 'repair or remove that record');
  };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('a task record (a JSON object)', brief(value));
  }
  const record = value as Record<string, unknown>;
  for (const [field, check] of REQUIRED) {
    const expected = check(record[field]);
    if (expected !== null) refuse(`field ${field} to be ${expected}`, brief(record[field]));
  }
  for (const [field, check] of OPTIONAL) {
    if (record[field] === undefined || record[field] === null) continue;
    const expected = check(record[field]);
    if (expected !== null) refuse(`field ${field} to be ${expected}`, brief(record[field]));
  }
  if (record.graph !== undefined && record.graph !== null) {
    const problem = graphProblem(record.graph);
    if (problem !== null) refuse(`field graph to be ${problem[0]}`, problem[1]);
  }
  return record as unknown as TaskRecord;
}

/** What is wrong with a graph: what was expected and what came; null when it is one. */
function graphProblem(graph: unknown): [string, string] | null {
  const { nodes, query, answer } = (typeof graph === 'object' && graph !== null ? graph : {}) as Record<
    string,
    unknown
  >;
  if (!Array.isArray(nodes) || nodes.length === 0) return ['an object with nodes', brief(graph)];
  const names = new Set<string>();
  for (const [i, node] of nodes.entries()) {
    const at = `node ${i + 1}`;
    const { name, value, dependencies, kind, operation, constant } = (
      typeof node === 'object' && node !== null ? node : {}
    ) as Record<string, unknown>;
    if (typeof name !== 'string' || name === '' || names.has(name)) {
      return ['nodes with names of their own', `${at} ${brief(name)}`];
    }
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      return ['nodes with numeric values', `${at} ${brief(value)}`];
    }
    if (kind !== 'instance' && kind !== 'abstract')
      return ['nodes of kind instance or abstract', `${at} ${brief(kind)}`];
    if (typeof operation !== 'string') return ['nodes with an operation', `${at} ${brief(operation)}`];
    if (constant !== undefined && typeof constant !== 'number')
      return ['numeric constants', `${at} ${brief(constant)}`];
    if (!Array.isArray(dependencies)) return ['nodes with dependencies', `${at} ${brief(dependencies)}`];
    const late = dependencies.find((parent) => !names.has(parent as string));
    if (late !== undefined) return ['nodes after all their dependencies', `${at} on ${brief(late)}`];
    names.add(name);
  }
  if (typeof query !== 'string' || !names.has(query)) return ['a query among its nodes', brief(query)];
  if (typeof answer !== 'number') return ['a numeric answer', brief(answer)];
  return null;
}

function brief(value: unknown): string {
  const shown = value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value));
  return shown.length > 60 ? `${shown.slice(0, 57)}…` : shown;
}
