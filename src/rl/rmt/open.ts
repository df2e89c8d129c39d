/** What a run on plain text works with, opened and checked before anything is written. */
import { userError } from '../../core/errors.ts';
import { parameterCount } from '../../model/config.ts';
import { loadModel } from '../../model/files.ts';
import { disposeQwen2, type Qwen2 } from '../../model/qwen2.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import { type AdamW, openAdamW } from '../../train/adamw.ts';
import {
  type Batches,
  createBatches,
  type HeldOutText,
  heldOutTexts,
  type LossWeights,
  lossWeights,
  openData,
} from '../../train/index.ts';
import type { Disposable } from '../../train/session.ts';
import { checkFinite } from '../../train/start.ts';
import { type BudgetToken, budgetTokens, nearestBudget, thinkTokens } from '../../train/thinkingBudget.ts';
import { type HeldOutToken, heldOutTokens } from './accuracy.ts';
import type { RmtConfig } from './config.ts';
import { bucketEdges, type Edges, nextTokens } from './difficulty.ts';
import { textsOf } from './positions.ts';
import { candidatesOf, longestPrefixOf, type Opening } from './prompts.ts';

/** What is known of a run before its first step; kept in env.json. */
export interface RmtFacts {
  parameters: number;
  parameters_without_embedding: number;
  /** Entropies between the buckets under the start, nats. */
  edges: Edges;
  validation_texts: number;
  validation_tokens: number;
}

/** The parts of a run. */
export interface RmtParts {
  model: Qwen2;
  tokenizer: Tokenizer;
  optimizer: AdamW;
  /** A copy of the start; absent where the objective has none. */
  reference: Qwen2 | undefined;
  /** The model that entropies come from; absent where buckets are not needed. */
  scorer: Qwen2 | undefined;
  /** The no-think baseline of information gain. */
  average: Qwen2 | undefined;
  batches: Batches;
  /** Which tokens may be thought about, and where prefixes end that leave room for a response. */
  candidates: { among: LossWeights | undefined; longestPrefix: number; except: ReadonlySet<number> };
  close: number;
  /** What opens a thought under a budget. */
  opening: (budget: number | undefined) => Opening;
  heldOut: { texts: HeldOutText[]; tokens: HeldOutToken[] };
  inputs: Record<string, string>;
  facts: RmtFacts;
}

/** Whether tokens are drawn, or left out, by their entropy. */
export const needsEntropy = ({ curriculum, positions }: RmtConfig): boolean =>
  curriculum !== null || positions.least > 0 || positions.most !== undefined;

/**
 * Opens them; tensors are put into `owned` as they are made.
 * @param resumed checkpoint that the policy is taken from instead of `init`
 * @throws THINK_TOKENS, BUDGET_TOKENS, RMT_ROOM, RMT_MODEL and the errors of models and data
 */
export function openRmt(config: RmtConfig, resumed: string | undefined, owned: Disposable[]): RmtParts {
  const open = (folder: string) => {
    const loaded = loadModel(folder);
    let held = true;
    const dispose = () => {
      if (held) disposeQwen2(loaded.model);
      held = false;
    };
    owned.push({ dispose });
    checkFinite(loaded.model, folder);
    return { ...loaded, dispose };
  };
  const { model, tokenizer } = open(resumed ?? config.init);
  const { open: begin, close } = thinkTokens(tokenizer, 'thoughts');
  const budgets = openBudgets(config, tokenizer);
  const opening = (budget: number | undefined): Opening =>
    budget === undefined || budgets.length === 0 ? [begin] : [nearestBudget(budgets, budget).id, begin];

  const among = lossWeights(config.positions.among, tokenizer);
  const except = new Set([begin, close, ...budgetTokens(tokenizer).map(({ id }) => id)]);
  const { max_position_embeddings: modelPositions } = model.config;
  const longestPrefix = longestPrefixOf(
    config.max_response_tokens,
    modelPositions,
    config.reward === 'information_gain' ? config.prediction_tokens : 1,
  );
  const batches = createBatches(openData(config.data, config.seed).sequences(tokenizer), {
    packing: 'texts',
    batchTokens: config.batch_tokens,
    rowTokens: config.batch_tokens,
    positions: modelPositions,
    seed: config.seed,
    weigh: lossWeights(config.loss_on, tokenizer),
  });
  batches.at(0); // shows whether texts fit at all

  const start = open(config.init); // held-out tokens are those of the start, also after a resume
  const named = config.positions.model;
  const scorer = named === undefined ? start : open(named);
  if (scorer.tokenizer.fingerprint() !== tokenizer.fingerprint()) {
    throw userError(
      'RMT_MODEL',
      `the tokenizer of ${config.init} in ${named}`,
      'another',
      'name another model',
    );
  }
  const candidates = { among, longestPrefix, except };
  const edges = measureEdges(scorer.model, batches, candidates, config);
  const texts = heldOutTexts(heldOutSettings(config), config.data, config.seed, tokenizer);
  const tokens =
    texts.length === 0
      ? []
      : heldOutTokens(
          scorer.model,
          texts.map(({ ids }) => ids),
          {
            ...candidates,
            perBucket: config.validation.positions,
            edges,
            span: config.prediction_tokens,
            mostRows: config.micro_batch_tokens,
            seed: config.seed,
          },
        );
  const draws = needsEntropy(config);
  if (!draws || scorer !== start) start.dispose();
  if (!draws) scorer.dispose();
  const gain = config.reward === 'information_gain';
  const reference = config.objective.reference.kind === 'none' ? undefined : open(config.init).model;
  const average = gain ? open(config.init).model : undefined;
  const optimizer = openAdamW(model.parameters, config);
  owned.push(optimizer);
  const parameters = parameterCount(model.config);
  return {
    model,
    tokenizer,
    optimizer,
    reference,
    scorer: draws ? scorer.model : undefined,
    average,
    batches,
    candidates,
    close,
    opening,
    heldOut: { texts, tokens },
    inputs: { [config.init]: start.hash, ...(named === undefined ? {} : { [named]: scorer.hash }) },
    facts: {
      parameters: parameters.total,
      parameters_without_embedding: parameters.nonEmbedding,
      edges,
      validation_texts: texts.length,
      validation_tokens: tokens.length,
    },
  };
}

/** The settings of held-out texts as training programs have them. */
function heldOutSettings({ validation }: RmtConfig) {
  const { tasks, files, data, split } = validation;
  return { tasks, split, ...(files && { files }), ...(data && { data }) };
}

/** The tokens that announce a budget; none where none is announced. @throws BUDGET_TOKENS */
function openBudgets({ thinking_budget: budget }: RmtConfig, tokenizer: Tokenizer): BudgetToken[] {
  if (budget === null || budget.announce === 'none') return [];
  const budgets = budgetTokens(tokenizer);
  if (budgets.length > 0) return budgets;
  throw userError(
    'BUDGET_TOKENS',
    'a tokenizer with special tokens such as <B8> and <B16> for thinking_budget',
    'one without',
    'pre-train with data.thinking.budgets, or set thinking_budget.announce to none',
  );
}

/** Edges of the buckets over the first texts, by entropies under `scorer`. */
export function measureEdges(
  scorer: Qwen2,
  batches: Batches,
  candidates: RmtParts['candidates'],
  { positions, micro_batch_tokens: mostRows }: RmtConfig,
): Edges {
  const entropies: number[] = [];
  let tokens = 0;
  for (let cursor = 0; positions.by === 'quantile' && tokens < positions.calibration_tokens; ) {
    const { batch, next } = batches.at(cursor);
    const found = nextTokens(scorer, batch, mostRows).entropies;
    for (const { row } of candidatesOf(textsOf(batch), candidates)) entropies.push(found[row]!);
    tokens += batch.ids.length;
    cursor = next;
  }
  return bucketEdges(positions, entropies);
}
