/** Tasks and saved responses for the tests of evaluation. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EvaluationRow } from '../../src/evaluate/index.ts';
import { createQwen2, type LoadedModel, resolveModelConfig } from '../../src/model/index.ts';
import { createTaskSource, type Task, trainingText } from '../../src/tasks/index.ts';
import { trainTokenizer } from '../../src/tokenizer/index.ts';
import { SMALLEST } from '../train/tiny.ts';

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

/** A model of a few thousand parameters with random weights, and its tokenizer. */
export function tinyLoaded(tasks: readonly Task[], seed = 1): LoadedModel {
  const tokenizer = trainTokenizer(tasks.map(trainingText), { vocabularySize: 350 });
  const config = resolveModelConfig(SMALLEST, { vocab_size: tokenizer.vocabularySize });
  return { model: createQwen2(config, seed), tokenizer, hash: `tiny-${seed}` };
}
