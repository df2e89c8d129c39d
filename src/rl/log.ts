/** What a step leaves in the run's log; names are documented in docs/metrics.md. */
import type { Phase } from './phases.ts';
import type { RolloutStatistics } from './statistics.ts';
import type { UpdateStatistics } from './types.ts';
import type { ValidationMetrics } from './validation.ts';

/** A line of metrics.jsonl: a step, or a validation. */
export type GrpoMetrics = { step: number } & Partial<
  RolloutStatistics &
    Omit<UpdateStatistics, 'tokens'> &
    ValidationMetrics & {
      /** Response tokens sampled so far. */
      tokens: number;
      /** Response tokens that bore loss in this step's updates. */
      update_tokens: number;
      updates: number;
      learning_rate: number;
      /** Largest difference between the sampler's and the trainer's log p of a token. */
      sampler_gap: number;
      token_equivalents: number;
      token_equivalents_nominal: number;
      curriculum_stage: number;
    }
>;

/** A line of timing.jsonl: a step, or a validation. */
export type GrpoTiming = { step: number; seconds: number } & Partial<
  Record<`${Phase}_seconds`, number> & {
    tokens_per_second: number;
    rollout_tokens_per_second: number;
    seconds_left: number;
    memory_mib: number;
    validation: number;
  }
>;

/** The statistics of a step's updates as they stand in the log; what is not known (KL without a reference) is left out. */
export function updateMetrics(mean: UpdateStatistics | undefined): Partial<GrpoMetrics> {
  if (mean === undefined) return {};
  const { tokens, ...rest } = mean;
  const known = Object.entries(rest).filter(([, value]) => !Number.isNaN(value));
  return { ...(Object.fromEntries(known) as Omit<UpdateStatistics, 'tokens'>), update_tokens: tokens };
}
