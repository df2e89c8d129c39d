/**
 * Compute of a step in token equivalents (PAPER §9; src/analysis/budget.ts), by measured lengths, so that continued
 * next-token training, RMT, RPT and RLP can be compared at equal budgets. A pass without gradient costs 1/3 of a trained
 * token:
 *
 *   thoughts      (4/3 + γ/3) a token of prompt and response: sampling, update, reference
 *   next tokens   1 a token of text, per update, where λ > 0
 *   entropies     1/3 a token of text, where tokens are drawn by entropy
 *   gain          1/3 a token of text under the average, and of prefix, thought and prediction under the policy
 */
import { textEquivalents } from '../../train/index.ts';
import { stepTokens } from '../accounting.ts';
import type { RmtConfig } from './config.ts';
import { needsEntropy } from './open.ts';
import type { ThoughtGroup } from './sampling.ts';

/** What a step did: its thoughts, and the tokens of its texts. */
export function rmtStepCost(groups: readonly ThoughtGroup[], textTokens: number, config: RmtConfig): number {
  const { epochs, next_token: nextToken, objective } = config;
  let [thoughts, scored] = [0, 0];
  for (const { prompt, rollouts } of groups) {
    for (const { response, thought } of rollouts) {
      thoughts += prompt.ids.length + response.length;
      scored += prompt.ids.length + thought.length + 1 + prompt.truth.length;
    }
  }
  const reference = Number(objective.reference.kind !== 'none');
  const work = { sampledTokens: thoughts, trainedTokens: thoughts, epochs, reference };
  const gain = config.reward === 'information_gain';
  return (
    stepTokens(work) +
    textEquivalents(textTokens, {
      trained: nextToken.weight > 0 ? epochs : 0,
      read: Number(needsEntropy(config)) + Number(gain),
    }) +
    textEquivalents(gain ? scored : 0, { trained: 0, read: 1 })
  );
}
