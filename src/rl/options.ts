/**
 * Options of the objective of reinforcement learning on verifiable rewards: type, default, check and help from one
 * schema; names are those of the settings file. Every option says where it comes from; the defaults are the paper's
 * (PAPER §5.2), the other published recipes are {@link PRESETS}. Formulas: docs/rl.md.
 */
import { z } from 'zod';
import { userError } from '../core/errors.ts';
import { withPreset } from './presets.ts';

const count = z.int().min(1);
const positive = z.number().positive();
const atLeast0 = z.number().min(0);

/** Rewards of a group → advantages; see advantage.ts. */
export const advantageSchema = z.strictObject({
  baseline: z
    .enum(['mean', 'leave_one_out'])
    .default('mean')
    .describe("taken off each reward: the group's mean (GRPO), or that of the others (RLOO, 2402.14740)"),
  scale: z
    .enum(['group', 'batch', 'none'])
    .default('group')
    .describe(
      'divided by the standard deviation of the group (GRPO), of all rewards of the step (Lite PPO, 2508.08221), or not (Dr. GRPO, 2503.20783)',
    ),
  std: z
    .enum(['sample', 'population'])
    .default('sample')
    .describe('divisor n − 1 (verl, TRL) or n; changes the effective rate by √(n/(n − 1))'),
  epsilon: atLeast0.default(1e-6).describe('added to the standard deviation; 1e-6 verl, 1e-4 TRL'),
  single: z
    .enum(['zero', 'reward'])
    .default('zero')
    .describe('advantage in a group of one: none, or the reward itself (verl: mean 0, deviation 1)'),
});

/** Trust region of the policy's ratio; see policy.ts. */
export const clipSchema = z.strictObject({
  low: z.number().min(0).max(1).default(0.2).describe('ratio at least 1 − low counts (PPO, 1707.06347)'),
  high: atLeast0
    .default(0.2)
    .describe('ratio at most 1 + high counts; 0.28 in DAPO (clip-higher, 2503.14476)'),
  dual: z
    .number()
    .gt(1)
    .nullable()
    .default(3)
    .describe(
      'bound c of the ratio where the advantage is negative (dual clip, 1912.09729; verl 3); null: none',
    ),
  log_ratio_limit: positive
    .nullable()
    .default(20)
    .describe('log-ratios are clamped to ± this before exp (verl); null: not'),
});

/** Divergence from the reference model; see kl.ts. */
export const klSchema = z.strictObject({
  beta: atLeast0.default(0.001).describe('coefficient; 0.04 in DeepSeekMath (2402.03300), 0 in DAPO'),
  estimator: z
    .enum(['k1', 'k2', 'k3', 'abs'])
    .default('k3')
    .describe('per token, of KL(policy ‖ reference) (Schulman 2020; verl: kl, mse, low_var_kl, abs)'),
  in: z
    .enum(['loss', 'reward'])
    .default('loss')
    .describe('a term of the loss (GRPO), or taken off the reward before the advantage (InstructGPT, RLOO)'),
  gradient: z
    .enum(['own', 'k2'])
    .default('own')
    .describe("in the loss: the estimator's own gradient, or k2's, which is unbiased on policy (verl's “+”)"),
  log_ratio_limit: positive
    .nullable()
    .default(20)
    .describe('of k3: clamp of log ref − log p (verl); null: none'),
  limit: positive.nullable().default(10).describe('of k3: clamp of its value (verl); null: none'),
});

/** Which model the policy is kept near. */
export const referenceSchema = z
  .strictObject({
    kind: z
      .enum(['fixed', 'refreshed', 'none'])
      .default('fixed')
      .describe(
        'the start (GRPO); the policy of every so many steps (iterative GRPO, 2402.03300 §4.1.4); none',
      ),
    every: count.optional().describe('of refreshed: steps between copies'),
  })
  .refine(({ kind, every }) => (kind === 'refreshed') === (every !== undefined), {
    message: 'every belongs to kind refreshed, and is needed there',
    path: ['every'],
  });

export const entropySchema = z.strictObject({
  bonus: z
    .number()
    .default(0)
    .describe(
      'coefficient of the mean entropy, taken off the loss (PPO; verl entropy_coeff); may be negative',
    ),
  top_quantile: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe('share of the tokens of highest entropy that bear the policy loss; 0.2 in 2506.01939; 1 = all'),
});

/** What happens to responses that reach the length limit; see overlong.ts. */
export const overlongSchema = z.strictObject({
  mode: z
    .enum(['none', 'mask', 'soft'])
    .default('none')
    .describe('nothing; out of the loss (overlong filtering); length penalty (soft punishment; both DAPO)'),
  l_max: count.optional().describe('of soft: tokens; default the most new tokens of a rollout'),
  l_cache: count
    .optional()
    .describe('of soft: tokens below l_max in which the penalty grows; default l_max / 5'),
  factor: positive.default(1).describe('of soft: penalty at l_max and beyond'),
});

/** Groups without signal are replaced by others (DAPO; verl filter_groups). */
export const dynamicSamplingSchema = z.strictObject({
  metric: z
    .enum(['score', 'reward', 'outcome'])
    .default('score')
    .describe('all equal in a group = no signal: reward before or after length shaping, or right answers'),
  max_batches: count.default(10).describe('batches of prompts sampled for one step at most (verl 10)'),
  on_exhausted: z
    .enum(['train_short', 'error'])
    .default('train_short')
    .describe('when they do not fill the step: update on what there is, or stop (verl)'),
});

export const AGGREGATIONS = [
  'token_mean',
  'seq_mean_token_mean',
  'seq_mean_token_sum',
  'const_norm',
] as const;

const objectiveFields = z.strictObject({
  advantage: advantageSchema.prefault({}),
  ratio: z
    .enum(['token', 'sequence'])
    .default('token')
    .describe('importance ratio of each token, or the geometric mean over the response (GSPO, 2507.18071)'),
  clip: clipSchema.prefault({}),
  aggregation: z
    .enum(AGGREGATIONS)
    .default('token_mean')
    .describe(
      'mean over tokens (DAPO, verl); mean over responses of their token means (GRPO) or sums (RLOO); sum over a constant (Dr. GRPO)',
    ),
  const_norm_length: count
    .optional()
    .describe(
      'of const_norm: tokens that every response counts as; default the most new tokens of a rollout',
    ),
  kl: klSchema.prefault({}),
  reference: referenceSchema.prefault({}),
  entropy: entropySchema.prefault({}),
  overlong: overlongSchema.prefault({}),
  dynamic_sampling: dynamicSamplingSchema.nullable().default(null),
});

export type AdvantageOptions = z.output<typeof advantageSchema>;
export type ClipOptions = z.output<typeof clipSchema>;
export type KlOptions = z.output<typeof klSchema>;
export type ReferenceOptions = z.output<typeof referenceSchema>;
export type EntropyOptions = z.output<typeof entropySchema>;
export type OverlongOptions = z.output<typeof overlongSchema>;
export type DynamicSamplingOptions = z.output<typeof dynamicSamplingSchema>;
export type Aggregation = (typeof AGGREGATIONS)[number];

/** Published recipes, as what they change of the defaults. */
export const PRESETS = {
  /** PAPER §5.2: GRPO as the modified verl 0.5 of the paper computes it. */
  paper: { advantage: { single: 'reward' } },
  /** DeepSeekMath (2402.03300). It states no clip and no ε for the deviation: 0.2 and 1e-6. */
  grpo: { clip: { dual: null }, aggregation: 'seq_mean_token_mean', kl: { beta: 0.04 } },
  /** Dr. GRPO (2503.20783): no deviation, constant length, no reference. */
  dr_grpo: {
    advantage: { scale: 'none' },
    clip: { dual: null },
    aggregation: 'const_norm',
    kl: { beta: 0 },
    reference: { kind: 'none' },
  },
  /** DAPO (2503.14476): clip-higher, token-level loss, dynamic sampling, soft overlong punishment, no reference. */
  dapo: {
    clip: { high: 0.28, dual: null },
    kl: { beta: 0 },
    reference: { kind: 'none' },
    overlong: { mode: 'soft' },
    dynamic_sampling: { metric: 'outcome' },
  },
  /** RLOO (2402.14740): leave-one-out baseline, whole-sequence REINFORCE with KL in the reward (β of TRL's trainer). */
  rloo: {
    advantage: { baseline: 'leave_one_out', scale: 'none' },
    clip: { dual: null },
    aggregation: 'seq_mean_token_sum',
    kl: { beta: 0.05, estimator: 'k1', in: 'reward' },
  },
  /** GSPO (2507.18071): ratio and clip of whole sequences. */
  gspo: {
    ratio: 'sequence',
    clip: { low: 3e-4, high: 4e-4, dual: null },
    aggregation: 'seq_mean_token_mean',
    kl: { beta: 0 },
    reference: { kind: 'none' },
  },
  /** Lite PPO (2508.08221): group mean, batch deviation, token-level loss. */
  lite_ppo: {
    advantage: { scale: 'batch' },
    clip: { dual: null },
    kl: { beta: 0 },
    reference: { kind: 'none' },
  },
  /** RLP (2510.01265; METHODS §2): leave-one-out without deviation, per-response means, no reference. */
  rlp: {
    advantage: { baseline: 'leave_one_out', scale: 'none' },
    clip: { dual: null },
    aggregation: 'seq_mean_token_mean',
    kl: { beta: 0 },
    reference: { kind: 'none' },
  },
} as const satisfies Record<string, z.input<typeof objectiveFields>>;

export type Preset = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as [Preset, ...Preset[]];

/**
 * The whole objective: `{ preset, … }`, where what is given wins over the preset, and the preset over the defaults.
 * The output has every field, so that parsing it again gives the same.
 */
export const objectiveSchema = z.preprocess(
  (input) => withPreset(input, PRESETS, 'paper'),
  objectiveFields
    .extend({ preset: z.enum(PRESET_NAMES).default('paper').describe('published recipe to start from') })
    .refine(({ kl, reference }) => kl.beta === 0 || reference.kind !== 'none', {
      message: 'needs a reference; set kl.beta to 0, or reference.kind to fixed or refreshed',
      path: ['kl', 'beta'],
    }),
);

/** Resolved options of the objective. */
export type Objective = z.output<typeof objectiveSchema>;
/** The same as a user writes them. */
export type ObjectiveInput = Partial<z.input<typeof objectiveFields>> & { preset?: Preset };

/**
 * The objective with the lengths that depend on the run filled in: `const_norm_length` and `overlong.l_max` are by
 * default the most new tokens of a rollout, `overlong.l_cache` a fifth of l_max (DAPO: 4,096 of 20,480).
 * @throws CONFIG when l_cache is longer than l_max
 */
export function resolveLengths(objective: Objective, mostNewTokens: number): Objective {
  const { overlong } = objective;
  const most = overlong.l_max ?? mostNewTokens;
  const cache = overlong.l_cache ?? Math.max(1, Math.round(most / 5));
  if (overlong.mode === 'soft' && cache > most) {
    throw userError(
      'CONFIG',
      `overlong.l_cache at most l_max (${most})`,
      String(cache),
      'lower overlong.l_cache',
    );
  }
  return {
    ...objective,
    ...(objective.aggregation === 'const_norm' && {
      const_norm_length: objective.const_norm_length ?? mostNewTokens,
    }),
    ...(overlong.mode === 'soft' && { overlong: { ...overlong, l_max: most, l_cache: cache } }),
  };
}
