/** Reads evaluation folders: the saved samples with their verdicts, and what they were made with. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { userError } from '../core/errors.ts';
import { readJsonFile } from '../core/json.ts';
import { readJsonLines } from '../core/jsonl.ts';
import { checkedRow, type OpRanges, type SampleRow, type TaskFacts } from '../evaluate/index.ts';
import { readTasks, taskIds } from '../tasks/index.ts';

export interface SavedEvaluation {
  folder: string;
  rows: SampleRow[];
  /** From config.json; undefined where it does not say. */
  k?: number[];
  ranges?: OpRanges;
  /** Tasks that the source had no response to; they count all the same. */
  without?: TaskFacts[];
}

/** The evaluation folders that a path stands for: itself, or the steps of a sweep over checkpoints (`step-N`). */
export function evaluationFolders(path: string): string[] {
  if (!existsSync(path) || existsSync(join(path, 'samples.jsonl'))) return [path];
  const steps = readdirSync(path).flatMap((name) => (/^step-\d+$/.test(name) ? [Number(name.slice(5))] : []));
  if (steps.length === 0) return [path];
  return steps.sort((a, b) => a - b).map((step) => join(path, `step-${step}`));
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
  return { folder, rows, ...readConfig(folder) };
}

function readConfig(folder: string): Pick<SavedEvaluation, 'k' | 'ranges' | 'without'> {
  const path = join(folder, 'config.json');
  const fail = (expected: string, got: string): Error =>
    userError('EVALUATION_CONFIG', `${expected} in ${path}`, got, 'repair the file or evaluate again');
  const config = readJsonFile(path, 'evaluation config') as {
    k?: unknown;
    ranges?: unknown;
    tasks_without_samples?: unknown;
  } | null;
  if (typeof config !== 'object' || config === null) throw fail('a JSON object', 'something else');
  const { k, ranges } = config;
  if (k !== undefined && !(Array.isArray(k) && k.every((one) => Number.isInteger(one) && one >= 1))) {
    throw fail('a list of positive integers under "k"', JSON.stringify(k));
  }
  if (ranges !== undefined && !isRanges(ranges)) {
    throw fail('{name: [low, high]} under "ranges"', JSON.stringify(ranges));
  }
  const absent = config.tasks_without_samples;
  return {
    ...(k === undefined ? {} : { k }),
    ...(ranges === undefined ? {} : { ranges }),
    ...(Array.isArray(absent) ? { without: factsOf(join(folder, 'tasks.jsonl'), absent) } : {}),
  };
}

function isRanges(value: unknown): value is OpRanges {
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every(
    (pair) => Array.isArray(pair) && pair.length === 2 && pair.every((end) => Number.isInteger(end)),
  );
}

function factsOf(path: string, ids: readonly unknown[]): TaskFacts[] {
  const wanted = new Set(ids);
  const tasks = [...readTasks(path)];
  const names = taskIds(tasks);
  return tasks.flatMap(({ op, template, mode, fingerprint }, i) =>
    wanted.has(names[i])
      ? [{ task_id: names[i]!, op, template, mode, ...(fingerprint === undefined ? {} : { fingerprint }) }]
      : [],
  );
}
