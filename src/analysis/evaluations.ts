/** Reads evaluation folders: the saved samples with their verdicts, and what they were made with. */
import { join } from 'node:path';
import { userError } from '../core/errors.ts';
import { readJsonFile } from '../core/json.ts';
import { readJsonLines } from '../core/jsonl.ts';
import type { OpRanges, SampleRow } from '../evaluate/index.ts';

export interface SavedEvaluation {
  folder: string;
  rows: SampleRow[];
  /** From config.json; undefined where it does not say. */
  k?: number[];
  ranges?: OpRanges;
}

/**
 * An evaluation folder (`samples.jsonl`, `config.json`).
 * @throws userError INPUT_UNREADABLE, JSONL_LINE, EVALUATION_ROW (names file, line and field), EVALUATION_CONFIG
 */
export function readEvaluation(folder: string): SavedEvaluation {
  const path = join(folder, 'samples.jsonl');
  const rows: SampleRow[] = [];
  for (const { value, line } of readJsonLines(path)) rows.push(checkedRow(value, path, line));
  if (rows.length === 0) {
    throw userError('EVALUATION_ROW', 'at least one sample', `${path} without any`, 'run evaluate first');
  }
  return { folder, rows, ...readConfig(join(folder, 'config.json')) };
}

const FIELDS: readonly (readonly [name: string, expected: string, good: (value: unknown) => boolean])[] = [
  ['task_id', 'a text', (value) => typeof value === 'string'],
  ['sample_index', 'an integer', Number.isInteger],
  ['op', 'an integer', Number.isInteger],
  ['template', 'a text', (value) => typeof value === 'string'],
  ['mode', 'a text', (value) => typeof value === 'string'],
  ['verified', 'true or false', (value) => typeof value === 'boolean'],
  ['answer_correct', 'true or false', (value) => typeof value === 'boolean'],
  ['process_accuracy', 'a number within 0-1', (value) => Number(value) >= 0 && Number(value) <= 1],
  ['errors', 'a list', Array.isArray],
  ['first_error', 'an object or null', (value) => typeof value === 'object'],
  ['compatible', 'an object with "perfect"', hasPerfect],
];

function hasPerfect(value: unknown): boolean {
  return typeof (value as { perfect?: unknown } | null)?.perfect === 'boolean';
}

/**
 * A line of `samples.jsonl` with the fields that metrics read.
 * @throws userError EVALUATION_ROW (names file, line and field)
 */
export function checkedRow(value: unknown, path: string, line: number): SampleRow {
  const row = (typeof value === 'object' ? value : null) as Record<string, unknown> | null;
  for (const [name, expected, good] of FIELDS) {
    const field = row?.[name];
    if (field !== undefined && good(field)) continue;
    throw userError(
      'EVALUATION_ROW',
      `${expected} in "${name}"`,
      `${JSON.stringify(field) ?? 'nothing'} in ${path} line ${line}`,
      'score the folder again with evaluate --rescore',
    );
  }
  return row as unknown as SampleRow;
}

function readConfig(path: string): Pick<SavedEvaluation, 'k' | 'ranges'> {
  const fail = (expected: string, got: string): Error =>
    userError('EVALUATION_CONFIG', `${expected} in ${path}`, got, 'repair the file or evaluate again');
  const config = readJsonFile(path, 'evaluation config') as { k?: unknown; ranges?: unknown } | null;
  if (typeof config !== 'object' || config === null) throw fail('a JSON object', 'something else');
  const { k, ranges } = config;
  if (k !== undefined && !(Array.isArray(k) && k.every((one) => Number.isInteger(one) && one >= 1))) {
    throw fail('a list of positive integers under "k"', JSON.stringify(k));
  }
  if (ranges !== undefined && !isRanges(ranges)) {
    throw fail('{name: [low, high]} under "ranges"', JSON.stringify(ranges));
  }
  return { ...(k === undefined ? {} : { k }), ...(ranges === undefined ? {} : { ranges }) };
}

function isRanges(value: unknown): value is OpRanges {
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every(
    (pair) => Array.isArray(pair) && pair.length === 2 && pair.every((end) => Number.isInteger(end)),
  );
}
