/**
 * Steps of the GRPO program on the micro model: 64 prompts × 8 rollouts of up to 128 tokens, verdicts, reference, four
 * updates, rollouts saved. The weights are random, so that every rollout has its 128 tokens: the longest steps there
 * are. Limits: 15 seconds a step, and 70 % of the time in the arithmetic of the model.
 */
import { grpo } from '../src/rl/index.ts';
import { BENCH_DATA, measureSteps } from './rl-steps.ts';
import type { BenchmarkOptions, BenchmarkReport } from './table.ts';

const PROMPTS = 64;
const SIZE = 8;
const TOKENS = 128;

export function grpoBenchmark(options: BenchmarkOptions): Promise<BenchmarkReport> {
  return measureSteps(options, {
    work: `${PROMPTS} × ${SIZE} rollouts of ${TOKENS} tokens`,
    steps: 3,
    most: 15,
    leastShare: 0.7,
    train: (init, steps, run) =>
      grpo(
        {
          init,
          data: BENCH_DATA,
          reward: 'length of words', // differs among random responses, so that every group has signal
          prompts_per_step: PROMPTS,
          group_size: SIZE,
          max_prompt_tokens: 256,
          max_response_tokens: TOKENS,
          steps,
          validation: { tasks: 0 },
          save_every: 0,
        },
        {
          ...run,
          rewards: { 'length of words': (_, { response }) => response.length / response.split(' ').length },
        },
      ),
  });
}
