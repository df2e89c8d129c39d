/**
 * Compute in token equivalents (PAPER §9), for tokens of text: a trained token costs 6P FLOPs and counts 1, so that a
 * pass without gradient, 2P, counts 1/3. What is never computed, padding, is not counted; nor are held-out losses and
 * layers computed again for their gradient. Rollouts: src/rl/accounting.ts.
 */
import { z } from 'zod';
import type { PretrainConfig } from './config.ts';

/** A budget that a run's length is stated in. */
export const computeBudgetSchema = z.strictObject({
  token_equivalents: z.number().positive().describe('the run ends with the step that reaches it'),
});

/** Token equivalents of `tokens` tokens of text, each trained on so many times and read so many times without gradient. */
export function textEquivalents(tokens: number, work: { trained: number; read: number }): number {
  return (tokens * (3 * work.trained + work.read)) / 3;
}

/** Token equivalents of the first `tokens` tokens of a run; with ReMiT each frozen model reads every token. */
export function trainingEquivalents({ remit }: Pick<PretrainConfig, 'remit'>, tokens: number): number {
  const frozen = remit === undefined ? 0 : remit.delta_source === 'frozen_base' ? 2 : 1;
  return textEquivalents(tokens, { trained: 1, read: frozen });
}

/** Tokens that a run trains on: what its settings say, or what its budget buys (rarely a whole number). */
export function tokenBudget(config: Pick<PretrainConfig, 'tokens' | 'budget' | 'remit'>): number {
  if (config.budget === undefined) return config.tokens!;
  return config.budget.token_equivalents / trainingEquivalents(config, 1);
}
