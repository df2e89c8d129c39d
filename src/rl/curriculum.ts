/**
 * A curriculum moves the range of op with measured pass rates: after each step the share of verified responses (all
 * sampled ones, groups without signal included) is recorded. When the last `window` steps at a range have a mean of
 * at least `raise_at`, the next range follows; when it is below `lower_at`, the range before comes back. The record
 * starts anew with every range. A pure function of rates, so the state in a checkpoint resumes it.
 */
import { z } from 'zod';
import type { CurriculumConfig } from './config.ts';

export const curriculumStateSchema = z.strictObject({
  /** Index of the range. */
  stage: z.int().min(0),
  /** Pass rates of the latest steps at this range, oldest first; at most `window`. */
  rates: z.array(z.number()),
});
export type CurriculumState = z.infer<typeof curriculumStateSchema>;

export const CURRICULUM_START: CurriculumState = { stage: 0, rates: [] };

/** The state after a step with this pass rate. */
export function advanceCurriculum(
  config: CurriculumConfig,
  { stage, rates }: CurriculumState,
  rate: number,
): CurriculumState {
  const recent = [...rates, rate].slice(-config.window);
  if (recent.length === config.window) {
    const mean = recent.reduce((sum, value) => sum + value, 0) / recent.length;
    if (mean >= config.raise_at && stage + 1 < config.ops.length) return { stage: stage + 1, rates: [] };
    if (mean < config.lower_at && stage > 0) return { stage: stage - 1, rates: [] };
  }
  return { stage, rates: recent };
}
