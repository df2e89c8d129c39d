/** What the evaluation benchmark and its memory runs evaluate: a briefly trained model and problems it half solves. */
import { defaultSampleSettings } from '../src/sample/index.ts';
import { createTaskSource, type Task } from '../src/tasks/index.ts';
import { pretrain } from '../src/train/index.ts';

const WORLD = { world: 'micro', contexts: ['zoo'], ops: '2-4' };
/** Enough for responses of the form of solutions, right and wrong ones; about half a minute. */
const TOKENS = 300_000;
const VOCABULARY = 512;
const TOKENIZER_TASKS = 1000;

export const SETTINGS = { ...defaultSampleSettings, samples: 16, maxTokens: 256 };

export function evaluatedTasks(count: number): Task[] {
  return createTaskSource({ ...WORLD, split: 'test', seed: 0 }).take(count);
}

/** Trains `model` (a preset) in `folder` and gives the checkpoint. */
export async function trainedCheckpoint(model: string, folder: string): Promise<string> {
  const run = await pretrain(
    {
      model,
      tokenizer: { vocabulary: VOCABULARY, tasks: TOKENIZER_TASKS },
      data: WORLD,
      validation: { tasks: 0 },
      tokens: TOKENS,
      batch_tokens: 1024,
      learning_rate: 2e-3,
    },
    { out: folder },
  );
  return run.checkpoint;
}
