/**
 * Comparing models on the same held-out tokens, however each was trained: the tokens and their difficulty come from one
 * model (the common start), and every model predicts them at once and after thinking.
 */
import type { LoadedModel } from '../../model/index.ts';
import { type LossOn, lossWeights } from '../../train/index.ts';
import { budgetTokens, nearestBudget, thinkTokens } from '../../train/thinkingBudget.ts';
import { type HeldOutToken, heldOutTokens, type PredictedToken, predictTokens } from './accuracy.ts';
import { bucketEdges, type EdgeSettings, type Edges } from './difficulty.ts';
import { tokenEntropies } from './entropies.ts';
import { longestPrefixOf } from './prompts.ts';

export interface TokenChoice extends EdgeSettings {
  /** Of each bucket; default 100. */
  perBucket?: number;
  /** As `positions.among`; default all. */
  among?: LossOn;
  /** Longest thought with its prediction; default 256. */
  maxResponseTokens?: number;
  /** Default 0. */
  seed?: number;
}

/** Held-out tokens that models can be compared on. */
export interface ChosenTokens {
  tokens: HeldOutToken[];
  edges: Edges;
  maxResponseTokens: number;
  seed: number;
}

/**
 * Draws tokens of each bucket from texts, by their entropy under `start`; quantiles are those of the texts. Thoughts are
 * no part of the texts.
 * @throws THINK_TOKENS, RMT_ROOM
 */
export function chooseTokens(
  { model, tokenizer }: LoadedModel,
  texts: readonly string[],
  { perBucket = 100, among = 'all', maxResponseTokens = 256, seed = 0, ...settings }: TokenChoice,
): ChosenTokens {
  const sequences = texts.map((text) => tokenizer.encode(text));
  const candidates = {
    among: lossWeights(among, tokenizer),
    except: thinkingIds({ tokenizer }).all,
    longestPrefix: longestPrefixOf(maxResponseTokens, model.config.max_position_embeddings),
  };
  const entropies = tokenEntropies(model, sequences, candidates).map(({ entropy }) => entropy);
  const edges = bucketEdges(settings, entropies);
  const tokens = heldOutTokens(model, sequences, {
    ...candidates,
    edges,
    perBucket,
    span: 1,
    mostRows: 4096,
    seed,
  });
  return { tokens, edges, maxResponseTokens, seed };
}

/**
 * Predicts chosen tokens at once and after thinking; for {@link nextTokenAccuracy}. All models must have one tokenizer.
 * @param budget length that the nearest budget token announces, where the tokenizer has such; none when absent
 * @param temperature of thoughts and predictions; 0 = greedy
 * @returns undefined when the surrounding job was cancelled meanwhile
 * @throws THINK_TOKENS
 */
export async function predictChosen(
  { model, tokenizer }: LoadedModel,
  { tokens, maxResponseTokens, seed }: ChosenTokens,
  { budget, temperature = 0, slots = 64 }: { budget?: number; temperature?: number; slots?: number } = {},
): Promise<PredictedToken[] | undefined> {
  const { open, close, all } = thinkingIds({ tokenizer });
  const budgets = budget === undefined ? [] : budgetTokens(tokenizer);
  return predictTokens(model, tokenizer, tokens, {
    temperature,
    maxResponseTokens,
    slots,
    seed,
    span: 1,
    match: 'token',
    close,
    opening: budgets.length === 0 ? [open] : [nearestBudget(budgets, budget!).id, open],
    except: all,
    mostRows: 4096,
  });
}

/** The tokens around thoughts. */
function thinkingIds({ tokenizer }: Pick<LoadedModel, 'tokenizer'>) {
  const { open, close } = thinkTokens(tokenizer, 'thoughts');
  return { open, close, all: new Set([open, close, ...budgetTokens(tokenizer).map(({ id }) => id)]) };
}
