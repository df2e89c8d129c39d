/** Tasks and saved responses for the tests of evaluation. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EvaluationRow } from '../../src/evaluate/index.ts';
import { createTaskSource, type Task } from '../../src/tasks/index.ts';

export function microTasks(count: number, seed = 3): Task[] {
  return createTaskSource({ world: 'micro', contexts: ['zoo'], ops: '2-3', split: 'test', seed }).take(count);
}

export function bytesOf(folder: string, name = 'samples.jsonl'): string {
  return readFileSync(join(folder, name), 'utf8');
}

export function rowsOf(folder: string): EvaluationRow[] {
  return bytesOf(folder)
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as EvaluationRow);
}
