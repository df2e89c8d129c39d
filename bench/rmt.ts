/**
 * Steps of reinforcement mid-training on the micro model: 2,048 tokens of text, their entropies, 32 tokens × 8 thoughts of
 * up to 64 tokens, one update with both losses. The weights are random, so that hardly any thought ends by itself.
 */
import { rmt } from '../src/rl/index.ts';
import { BENCH_DATA, measureSteps } from './rl-steps.ts';
import type { BenchmarkOptions, BenchmarkReport } from './table.ts';

const POSITIONS = 32;
const SIZE = 8;
const TOKENS = 64;

export function rmtBenchmark(options: BenchmarkOptions): Promise<BenchmarkReport> {
  return measureSteps(options, {
    work: `2048 tokens of text, ${POSITIONS} × ${SIZE} thoughts of ${TOKENS} tokens`,
    special: ['<think>', '</think>', '<B16>', '<B32>', '<B64>'],
    steps: 3,
    train: (init, steps, run) =>
      rmt(
        {
          init,
          data: BENCH_DATA,
          batch_tokens: 2048,
          positions: { per_step: POSITIONS },
          thinking_budget: { initial: TOKENS },
          group_size: SIZE,
          max_response_tokens: TOKENS,
          steps,
          validation: { tasks: 0 },
          save_every: 0,
        },
        run,
      ),
  });
}
