/** A model folder that reinforcement learning starts from, so small that a step takes milliseconds. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { disposeQwen2 } from '../../src/model/index.ts';
import type { GrpoInput, RewardFunction } from '../../src/rl/index.ts';
import { type PretrainInput, pretrain } from '../../src/train/index.ts';
import { SMALLEST } from '../train/tiny.ts';

export const DATA = { world: 'micro', contexts: ['zoo'], ops: '2-3' };

/** Pre-trains for a few steps into `folder`, on `data`; returns the checkpoint. */
export async function tinyBase(folder: string, data: PretrainInput['data'] = DATA): Promise<string> {
  const { model, checkpoint } = await pretrain(
    {
      model: SMALLEST,
      tokenizer: { vocabulary: 420, tasks: 100 },
      data,
      validation: { tasks: 0 },
      tokens: 2500,
      batch_tokens: 250,
      learning_rate: 3e-2,
      seed: 7,
    },
    { out: join(folder, 'base') },
  );
  disposeQwen2(model);
  return checkpoint;
}

/** Settings of a run of three steps. */
export function tinySettings(init: string): GrpoInput {
  return {
    init,
    data: DATA,
    reward: [{ name: 'e' }, { name: 'outcome', weight: 0.5 }],
    prompts_per_step: 4,
    group_size: 3,
    mini_batch_prompts: 2,
    max_prompt_tokens: 200,
    max_response_tokens: 12,
    learning_rate: 1e-2,
    micro_batch_tokens: 256,
    steps: 4,
    save_every: 2,
    validation: { tasks: 5, every: 2, samples: 2, temperature: 1 },
    seed: 3,
  };
}

/** A reward that untrained models earn sometimes: the share of the letter `e`, which they can learn to write. */
export const REWARDS: Readonly<Record<string, RewardFunction>> = {
  e: (_verdict, { response, tokens }) => response.split('e').length / (tokens + 1),
};

/** Bytes of everything of a run folder that must not depend on how the run was cut. */
export function tracesOf(run: string): string[] {
  const latest = readFileSync(join(run, 'checkpoints/latest'), 'utf8').trim();
  const files = readdirSync(join(run, 'checkpoints', latest)).map((file) => `checkpoints/${latest}/${file}`);
  const samples = readdirSync(join(run, 'samples')).map((file) => `samples/${file}`);
  return ['metrics.jsonl', 'checkpoints/latest', ...files.sort(), ...samples.sort()].map(
    (file) => `${file} ${readFileSync(join(run, file)).toString('base64')}`,
  );
}
