/**
 * Compute of reinforcement learning in token equivalents (PAPER §9; src/analysis/budget.ts): a token of a rollout costs
 * 2P FLOPs where a trained token costs 6P, its reference pass 2P·γ, its update 6P. With every rollout trained on once
 * that is (4/3 + γ/3)·N·r·L. Groups that dynamic sampling drops cost their rollouts alone; further epochs cost
 * further updates. The trainer's own pass for the old log-probabilities is not counted, as in the paper.
 */

import type { z } from 'zod';
import { rlTokens } from '../analysis/index.ts';
import { learningRate } from '../train/index.ts';
import type { GrpoConfig } from './config.ts';
import type { RolloutGroup, StepRollouts } from './rollouts.ts';
import type { optimizerFields } from './runFields.ts';

/** What a step did; lengths are tokens of prompt and response. */
export interface StepWork {
  /** Over all rollouts that were sampled. */
  sampledTokens: number;
  /** Over those that were trained on. */
  trainedTokens: number;
  epochs: number;
  /** γ: 1 with a reference model, 0 without. */
  reference: number;
}

/** Token equivalents of a step. */
export function stepTokens({ sampledTokens, trainedTokens, epochs, reference }: StepWork): number {
  // One prompt with one response of L tokens in all, L being all tokens that were trained on.
  const trained = rlTokens(1, { rollouts: 1, length: trainedTokens, reference });
  return trained + (epochs - 1) * trainedTokens + (sampledTokens - trainedTokens) / 3;
}

/** What a step cost: token equivalents by measured and by nominal lengths, responses sampled, and their tokens. */
export function stepCost({ groups, trained }: StepRollouts, config: GrpoConfig) {
  const { group_size: size, nominal_length: nominal, epochs, objective } = config;
  const reference = Number(objective.reference.kind !== 'none');
  const whole = (of: readonly RolloutGroup[]) =>
    sum(of, ({ rollouts }) => sum(rollouts, ({ prompt, response }) => prompt.length + response.length));
  const work = { epochs, reference };
  return {
    measured: stepTokens({ sampledTokens: whole(groups), trainedTokens: whole(trained), ...work }),
    nominal: stepTokens({
      sampledTokens: groups.length * size * nominal,
      trainedTokens: trained.length * size * nominal,
      ...work,
    }),
    rollouts: groups.length * size,
    responseTokens: sum(groups, ({ rollouts }) => sum(rollouts, ({ response }) => response.length)),
  };
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

/** Compute spent so far, by both kinds of length; the nominal one where a program has it. */
export interface Spent {
  step: number;
  token_equivalents: number;
  token_equivalents_nominal?: number;
}

/** What the end of a run is stated in: steps, or a budget. */
export type Horizon = {
  steps?: number | undefined;
  budget?: { token_equivalents: number; lengths?: 'measured' | 'nominal' } | undefined;
};
type Rates = { [K in keyof typeof optimizerFields]: z.output<(typeof optimizerFields)[K]> };

/** What a run has done of what it is to do: steps, or token equivalents under a budget. */
export function doneOf(
  { steps, budget }: Horizon,
  spent: Spent,
): { done: number; total: number; unit: string } {
  if (budget === undefined) return { done: spent.step, total: steps!, unit: 'step' };
  const done = budget.lengths === 'nominal' ? spent.token_equivalents_nominal! : spent.token_equivalents;
  const total = budget.token_equivalents;
  return { done: Math.min(done, total), total, unit: 'token equivalent' };
}

/** Learning rate of the step that brings the run to `after`; the schedule counts what the run's end is stated in. */
export function rateOf(config: Horizon & Rates, after: Spent): number {
  const { done, total } = doneOf(config, after);
  const { schedule: kind, learning_rate: peak, min_learning_rate: floor, warmup, decay } = config;
  const schedule = { kind, peak, floor, warmup, total: 1, decay, decayShape: config.decay_shape };
  return learningRate(schedule, done / total);
}
