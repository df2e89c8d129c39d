/**
 * Compute budgets in token equivalents, so that mid-training and reinforcement learning can be compared (paper §5 and
 * A.10; PAPER §9). Training costs about 6·P FLOPs a token (P: parameters without the embedding). Of N prompts with r
 * rollouts of length L, a rollout token costs 2P, the reference model's pass 2P·γ, the update 6P; so
 *
 *     T_RL = (8 + 2γ)·P·N·r·L / 6P = (4/3 + γ/3)·N·r·L,
 *
 * (5/3)·N·r·L with a reference model. (Some copies of the paper show "5.3": a mis-rendered 5/3.)
 */
import { userError } from '../core/errors.ts';

/** How reinforcement learning spends tokens. */
export interface RolloutCosts {
  /** r, responses per prompt; 6 in the paper. */
  rollouts: number;
  /** L, tokens of prompt and response; nominally 2048 in the paper, about 600 when measured. */
  length: number;
  /** γ, 1 with a reference model, 0 without. */
  reference: number;
}

export const PAPER_ROLLOUTS: RolloutCosts = { rollouts: 6, length: 2048, reference: 1 };

export interface BudgetOptions extends Partial<RolloutCosts> {
  /** Tokens of a mid-training step; 524,288 in the paper. */
  batchTokens?: number;
  /** Prompts of a step of reinforcement learning; 1024 in the paper. */
  promptsPerStep?: number;
}

/** One way to spend a budget. */
export interface BudgetSplit {
  /** T, token equivalents in all. */
  tokens: number;
  /** β, the share that reinforcement learning gets. */
  rl_share: number;
  mid_tokens: number;
  /** Token equivalents of reinforcement learning. */
  rl_tokens: number;
  /** N. */
  rl_prompts: number;
  /** Rounded to whole steps. */
  mid_steps: number;
  rl_steps: number;
}

/** Token equivalents of reinforcement learning with `prompts` prompts. */
export function rlTokens(prompts: number, costs: RolloutCosts = PAPER_ROLLOUTS): number {
  return (4 / 3 + costs.reference / 3) * prompts * costs.rollouts * costs.length;
}

/** FLOPs of training `parameters` (without the embedding) on `tokens`: 6·P·T. */
export function trainingFlops(parameters: number, tokens: number): number {
  return 6 * parameters * tokens;
}

/**
 * What a budget of `tokens` token equivalents buys when reinforcement learning gets the share `rlShare`.
 * @throws userError BUDGET
 */
export function splitBudget(tokens: number, rlShare: number, options: BudgetOptions = {}): BudgetSplit {
  const { batchTokens = 524_288, promptsPerStep = 1024, ...rest } = options;
  const costs = { ...PAPER_ROLLOUTS, ...rest };
  const positive = { tokens, batchTokens, promptsPerStep, rollouts: costs.rollouts, length: costs.length };
  for (const [name, value] of Object.entries(positive)) {
    if (!(value > 0 && Number.isFinite(value))) throw refused(`${name} above 0`, String(value));
  }
  for (const [name, value] of Object.entries({ rlShare, reference: costs.reference })) {
    if (!(value >= 0 && value <= 1)) throw refused(`${name} within 0-1`, String(value));
  }
  const rl = rlShare * tokens;
  const prompts = rl / rlTokens(1, costs);
  return {
    tokens,
    rl_share: rlShare,
    mid_tokens: tokens - rl,
    rl_tokens: rl,
    rl_prompts: prompts,
    mid_steps: Math.round((tokens - rl) / batchTokens),
    rl_steps: Math.round(prompts / promptsPerStep),
  };
}

function refused(expected: string, got: string): Error {
  return userError('BUDGET', expected, got, 'correct that number');
}

/** The budgets of the paper's Table 3: 2,000 to 32,000 steps of mid-training, and 20 B tokens. */
export const PAPER_BUDGETS: readonly number[] = [
  ...[2000, 4000, 8000, 16_000, 24_000, 32_000].map((steps) => steps * 524_288),
  20e9,
];

/** The paper's names for the shares of reinforcement learning. */
export const PAPER_SHARES: Readonly<Record<string, number>> = {
  'full-mid': 0,
  'light-rl': 0.2,
  'medium-rl': 0.5,
  'heavy-rl': 0.8,
  'full-rl': 1,
};
