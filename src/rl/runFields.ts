/** Settings that all programs of reinforcement learning have, with the defaults of the paper (PAPER §5.2). */
import { z } from 'zod';
import { userError } from '../core/errors.ts';
import { DECAY_SHAPES, SCHEDULES } from '../train/index.ts';

const count = z.int().min(1);
const share = z.number().min(0).max(1);
const positive = z.number().positive();
const decayRate = z.number().min(0).lt(1);

/** How responses are drawn, and how much is computed at once. */
export const samplingFields = {
  temperature: positive.default(1).describe('of rollouts; the objective is about the policy at it'),
  top_p: z.number().positive().max(1).default(1),
  top_k: z.int().min(0).default(0).describe('0 = all'),
  slots: count.default(64).describe('sequences decoded together; changes no sample'),
  micro_batch_tokens: count
    .default(4096)
    .describe('most tokens computed at once in an update; gradients of pieces add up'),
  recompute: z.boolean().default(false).describe('less memory, about a quarter more time, same bits'),
};

/** Rates and optimizer. */
export const optimizerFields = {
  schedule: z.enum(SCHEDULES).default('constant'),
  learning_rate: positive.default(1e-6),
  min_learning_rate: z.number().min(0).default(0).describe('last rate of cosine and wsd'),
  warmup: share.default(0).describe('share of the run'),
  decay: share.default(0.1).describe('share of the run at its end in which wsd falls'),
  decay_shape: z.enum(DECAY_SHAPES).default('linear'),
  weight_decay: z.number().min(0).default(0.01),
  decay_all: z.boolean().default(false),
  beta1: decayRate.default(0.9),
  beta2: decayRate.default(0.999),
  epsilon: positive.default(1e-8),
  clip: positive.default(1).describe('largest global gradient norm'),
};

/** What is kept of a run. */
export const recordFields = {
  seed: z.int().min(0).default(0),
  save_every: z.int().min(0).default(20).describe('steps between checkpoints; 0 = only at the end'),
  keep_last: z.int().min(0).default(0).describe('newest checkpoints that are kept; 0 = all'),
  compress_samples: z.boolean().default(false).describe('rollouts as .jsonl.gz'),
  tensorboard: z.boolean().default(false).describe('also writes TensorBoard event files'),
};

interface ScheduleFields {
  schedule: string;
  learning_rate: number;
  min_learning_rate: number;
  warmup: number;
  decay: number;
}

/** Whether settings contradict one another, and what is said then. */
export type Contradiction = readonly [wrong: boolean, problem: string];

/**
 * Refuses settings that are right each by itself, but not together; all problems at once, those of the schedule last.
 * `source` names the file.
 * @throws CONFIG
 */
export function requireAgreement(
  config: ScheduleFields,
  checks: readonly Contradiction[],
  source: string,
): void {
  const problems = [
    ...checks.filter(([wrong]) => wrong).map(([, problem]) => problem),
    ...scheduleProblems(config),
  ];
  if (problems.length === 0) return;
  throw userError('CONFIG', `settings in ${source} that agree`, problems.join('; '), 'correct these fields');
}

function scheduleProblems(config: ScheduleFields): string[] {
  const whole = config.warmup + (config.schedule === 'wsd' ? config.decay : 0);
  return [
    ...(config.min_learning_rate > config.learning_rate ? ['min_learning_rate: at most learning_rate'] : []),
    ...(whole > 1 ? [`warmup + decay: at most 1, got ${whole}`] : []),
  ];
}
