/** A model folder that reinforcement mid-training starts from: its texts had thoughts and budgets. */
import type { RmtInput } from '../../../src/rl/index.ts';
import { DATA, tinyBase } from '../base.ts';

/** Pre-trains for a few steps into `folder`; returns the checkpoint. */
export const thinkingBase = (folder: string): Promise<string> =>
  tinyBase(folder, { ...DATA, thinking: { position: 'inside', budgets: [4, 8] } });

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
