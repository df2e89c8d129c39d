/**
 * Compute of reinforcement learning in token equivalents (PAPER §9; src/analysis/budget.ts): a token of a rollout costs
 * 2P FLOPs where a trained token costs 6P, its reference pass 2P·γ, its update 6P. With every rollout trained on once
 * that is (4/3 + γ/3)·N·r·L. Groups that dynamic sampling drops cost their rollouts alone; further epochs cost
 * further updates. The trainer's own pass for the old log-probabilities is not counted, as in the paper.
 */
import { rlTokens } from '../analysis/index.ts';

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
