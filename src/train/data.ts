/**
 * Training sequences from task settings: generated on the fly, or from files in a seeded order. A sequence is
 * the tokens of one task's training text and the end token.
 */
import { userError } from '../core/errors.ts';
import { randomFamily } from '../core/random.ts';
import { createTaskSource, type ReferenceTask, readTasks, trainingText } from '../tasks/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { DataConfig } from './dataConfig.ts';
import type { SequenceSource } from './packing.ts';

/** Tasks by position: endless for generated data, epoch after epoch for files. */
export interface TaskSeries {
  at(position: number): ReferenceTask;
  /** How many different tasks there are; absent when generated. */
  readonly size?: number;
}

/** The series that the settings describe; `split` overrides the split of generated data. */
export function taskSeries(data: DataConfig, seed: number, split?: string): TaskSeries {
  if ('files' in data) return fileSeries(data.files, seed);
  return createTaskSource({
    world: data.world,
    contexts: data.contexts,
    ops: data.ops,
    ...(data.op_weights === undefined ? {} : { opWeights: data.op_weights }),
    modes: data.modes,
    split: split ?? data.split,
    seed,
  });
}

/** Files in an order that is a function of (seed, epoch, position): nothing to restore on resume. */
function fileSeries(files: readonly string[], seed: number): TaskSeries {
  const tasks = files.flatMap((file) => [...readTasks(file)]);
  if (tasks.length === 0) {
    throw userError('NO_TASKS', 'at least one task', `none in ${files.join(', ')}`, 'generate some');
  }
  const family = randomFamily('training order', seed);
  let epoch = -1;
  let order: number[] = [];
  return {
    size: tasks.length,
    at(position) {
      const wanted = Math.floor(position / tasks.length);
      if (wanted !== epoch) {
        epoch = wanted;
        order = family.at(epoch).shuffle(tasks.map((_, i) => i));
      }
      return tasks[order[position % tasks.length]!]!;
    },
  };
}

/** Token ids of a task's training text with the end token. */
export function encodeTask(task: ReferenceTask, tokenizer: Tokenizer): number[] {
  const ids = tokenizer.encode(trainingText(task));
  ids.push(tokenizer.idOf('[EOS]')!);
  return ids;
}

/** Token sequences of a series of tasks. */
export function sequenceSource(tasks: TaskSeries, tokenizer: Tokenizer): SequenceSource {
  return { at: (position) => encodeTask(tasks.at(position), tokenizer) };
}
