/** A model folder that reinforcement mid-training starts from: its texts had thoughts and budgets. */
import { join } from 'node:path';
import { disposeQwen2 } from '../../../src/model/index.ts';
import type { RmtInput } from '../../../src/rl/index.ts';
import { pretrain } from '../../../src/train/index.ts';
import { SMALLEST } from '../../train/tiny.ts';

export const DATA = { world: 'micro', contexts: ['zoo'], ops: '2-3' };

/** Pre-trains for a few steps into `folder`; returns the checkpoint. */
export async function thinkingBase(folder: string): Promise<string> {
  const { model, checkpoint } = await pretrain(
    {
      model: SMALLEST,
      tokenizer: { vocabulary: 420, tasks: 100 },
      data: { ...DATA, thinking: { position: 'inside', budgets: [4, 8] } },
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

/** Settings of a run of four steps. */
export function thinkingSettings(init: string): RmtInput {
  return {
    init,
    data: DATA,
    batch_tokens: 300,
    positions: { per_step: 6, edges: [0.7, 0.9], calibration_tokens: 600 },
    thinking_budget: { initial: 8, gamma: 0.5 },
    group_size: 3,
    max_response_tokens: 10,
    learning_rate: 1e-2,
    micro_batch_tokens: 256,
    steps: 4,
    save_every: 2,
    validation: { tasks: 4, positions: 3, every: 2 },
    seed: 3,
  };
}
