/**
 * Settings of a run of reinforcement learning on plain text (RMT, RPT, RLP): type, default, check and help from one
 * schema. What the papers state is the default; what they do not state is a named option. docs/paper.md has the source or
 * the reason of each. The methods and RMT's ablations are presets.
 */
import { z } from 'zod';
import { dataInputs, dataSchema, lossOnSchema } from '../../train/dataConfig.ts';
import { computeBudgetSchema, parseSettings } from '../../train/index.ts';
import { type Objective, type ObjectiveInput, objectiveSchema, resolveLengths } from '../options.ts';
import { isRecord, withPreset } from '../presets.ts';
import {
  type Contradiction,
  optimizerFields,
  recordFields,
  requireAgreement,
  samplingFields,
} from '../runFields.ts';
import { GATES } from './budget.ts';
import { NORMALIZERS } from './nextTokenLoss.ts';

const count = z.int().min(1);
const share = z.number().min(0).max(1);
const positive = z.number().positive();
const atLeast0 = z.number().min(0);
const shares = z.tuple([share, share, share]);

/** Which tokens of the texts are thought about, and how hard each is; see difficulty.ts and positions.ts. */
const positionsSchema = z.strictObject({
  per_step: count.default(128).describe('tokens thought about in a step; RMT’s batch size'),
  among: lossOnSchema.describe('tokens that may be drawn: of the whole text, or behind <solution>'),
  by: z
    .enum(['quantile', 'entropy'])
    .default('quantile')
    .describe('what the edges are: shares of tokens with less entropy, or nats'),
  least: atLeast0.default(0.5).describe('tokens below it are never drawn'),
  edges: z
    .tuple([atLeast0, atLeast0])
    .default([0.8, 0.95])
    .describe('from easy to medium, from medium to hard'),
  most: atLeast0
    .optional()
    .describe('tokens above it are never drawn: what no thought can tell, such as names drawn at random'),
  refresh: z
    .int()
    .min(0)
    .default(0)
    .describe('steps between new measurements with the policy as it is; 0 = with the start alone'),
  model: z.string().optional().describe('model folder that entropies come from; default that of init'),
  calibration_tokens: count.default(20_000).describe('tokens of text that quantiles are taken over'),
});

const curriculumSchema = z
  .strictObject({
    from: shares.default([0.5, 0.4, 0.1]).describe('shares of easy, medium and hard up to start'),
    to: shares.default([0.1, 0.2, 0.7]).describe('the same from end on'),
    start: share.default(0.3).describe('share of the run at which it begins to move'),
    end: share.default(0.7).describe('share of the run at which it has arrived'),
  })
  .describe('shares of the buckets among the tokens drawn; null: every token is as likely');

const thinkingBudgetSchema = z
  .strictObject({
    initial: count.default(800).describe('B_0, tokens'),
    least: count.default(1).describe('B_min'),
    gamma: z.number().gt(0).max(1).default(0.2).describe('share of B_0 that is left at the end'),
    announce: z
      .enum(['token', 'none'])
      .default('token')
      .describe('the nearest of the tokenizer’s special tokens <B8>, <B16>, … in front of <think>'),
    weight: share.default(0.2).describe('w, of the length reward beside the match'),
    most: positive.default(1).describe('r_max, length reward of a thought of the budget’s length'),
    gate: z.enum(GATES).default('none').describe('which responses are paid for their length'),
  })
  .describe('dynamic token budget of a thought; null: none');

const validationSchema = z
  .strictObject({
    tasks: z.int().min(0).default(256).describe('held-out texts'),
    files: z.array(z.string()).min(1).optional(),
    data: dataSchema.optional().describe('data settings of their own; default those of training'),
    split: z.string().default('val'),
    positions: z.int().min(0).default(100).describe('tokens of each bucket that are predicted'),
    every: z.int().min(0).default(20).describe('steps between validations; 0 = only at start and end'),
    temperature: atLeast0.default(0).describe('of thoughts and predictions; 0 = greedy'),
  })
  .refine(({ files, data }) => files === undefined || data === undefined, {
    message: 'files and data exclude each other',
  });

const fields = z.strictObject({
  init: z.string().describe('model folder to start from; its tokenizer knows <think> and </think>'),
  data: dataSchema.prefault({}).describe('texts, as in pretrain'),
  batch_tokens: count.default(2048).describe('most tokens of text per step'),
  loss_on: lossOnSchema,
  positions: positionsSchema.prefault({}),
  curriculum: curriculumSchema.nullable().prefault({}),
  thinking_budget: thinkingBudgetSchema.nullable().prefault({}),
  reward: z
    .enum(['match', 'prefix', 'information_gain'])
    .default('match')
    .describe('the same tokens as the text (RMT), the same bytes (RPT), nats over a no-think baseline (RLP)'),
  prediction_tokens: count.default(1).describe('tokens that are predicted behind a thought'),
  group_size: count.default(8).describe('thoughts per token'),
  epochs: count.default(1).describe('updates on the thoughts of a step'),
  max_response_tokens: count.default(2048).describe('of thought, </think> and prediction'),
  next_token: z
    .strictObject({
      weight: atLeast0.default(0.1).describe('λ; 0 = none'),
      normalize: z.enum(NORMALIZERS).default('tokens').describe('mean over tokens, or sum per text'),
    })
    .prefault({})
    .describe('next-token loss of all tokens that were not drawn'),
  baseline: z
    .strictObject({ decay: z.number().min(0).max(1).default(0.999).describe('τ of the moving average') })
    .prefault({})
    .describe('no-think baseline of information gain'),
  ...samplingFields,
  objective: objectiveSchema.prefault({}).describe('advantages, clipping, KL, aggregation: docs/rl.md'),
  steps: count.optional().describe('default 200'),
  budget: computeBudgetSchema.optional().describe('compute by measured lengths, instead of steps'),
  ...optimizerFields,
  validation: validationSchema.prefault({}),
  ...recordFields,
});

/** GRPO with verl's mean over tokens and, as in RPT, without a reference. */
const OBJECTIVE: ObjectiveInput = {
  preset: 'grpo',
  aggregation: 'token_mean',
  kl: { beta: 0 },
  reference: { kind: 'none' },
};

/** Methods and ablations, as what they change of the defaults. */
export const RMT_PRESETS = {
  /** Reinforcement mid-training (2509.24375). */
  rmt: { objective: OBJECTIVE },
  /** Reinforcement pre-training (2506.08007): no budget, no curriculum, no next-token loss, prefix match on bytes. */
  rpt: {
    positions: { per_step: 256, by: 'entropy', least: 0.5, edges: [1, 1.5] },
    curriculum: null,
    thinking_budget: null,
    reward: 'prefix',
    next_token: { weight: 0 },
    temperature: 0.8,
    objective: OBJECTIVE,
  },
  /** Reinforcement as a pre-training objective (2510.01265): information gain of a thought. */
  rlp: {
    positions: { per_step: 512, least: 0 },
    curriculum: null,
    thinking_budget: null,
    reward: 'information_gain',
    next_token: { weight: 0 },
    group_size: 16,
    temperature: 0.7,
    objective: { preset: 'rlp' },
  },
  /** RMT's ablations (its table of components). */
  rmt_no_budget: { thinking_budget: null, objective: OBJECTIVE },
  rmt_no_curriculum: { curriculum: null, objective: OBJECTIVE },
  rmt_no_next_token: { next_token: { weight: 0 }, objective: OBJECTIVE },
} as const satisfies Record<string, Partial<z.input<typeof fields>>>;

export type RmtPreset = keyof typeof RMT_PRESETS;
const PRESET_NAMES = Object.keys(RMT_PRESETS) as [RmtPreset, ...RmtPreset[]];

export const rmtSchema = z.preprocess(
  applyPreset,
  fields.extend({ preset: z.enum(PRESET_NAMES).default('rmt').describe('method or ablation to start from') }),
);

type Parsed = z.output<typeof rmtSchema>;
export type RmtConfig = Omit<Parsed, 'objective'> & { objective: Objective };
/** Settings as a user writes them: everything but `init` has a default. */
export type RmtInput = Partial<Omit<z.input<typeof fields>, 'init' | 'objective'>> & {
  init: string;
  preset?: RmtPreset;
  objective?: ObjectiveInput;
};

/** The preset with the input laid over it; an objective with a preset of its own replaces the method's. */
function applyPreset(input: unknown): unknown {
  const whole = withPreset(input, RMT_PRESETS, 'rmt');
  const own = isRecord(input) && isRecord(input.objective) && input.objective.preset !== undefined;
  return own && isRecord(whole) ? { ...whole, objective: input.objective } : whole;
}

/**
 * Settings with defaults filled in; all problems at once in one coded error. `source` names the file.
 * @throws CONFIG
 */
export function parseRmtConfig(input: unknown, source = 'the settings'): RmtConfig {
  const { steps, ...given } = parseSettings(rmtSchema, input, source);
  requireAgreement(given, contradictions({ ...given, steps }), source);
  return {
    ...given,
    objective: resolveLengths(given.objective, given.max_response_tokens),
    ...(given.budget === undefined ? { steps: steps ?? 200 } : {}),
  };
}

/** Files and folders that a run with these settings reads. */
export function inputsOf({ init, data, positions, validation }: RmtConfig): string[] {
  return [
    init,
    ...(positions.model === undefined ? [] : [positions.model]),
    ...dataInputs(data),
    ...(validation.data === undefined ? [] : dataInputs(validation.data)),
    ...(validation.files ?? []),
  ];
}

/** Settings that are right each by itself, but not together. */
function contradictions(config: Parsed): Contradiction[] {
  const { data, positions, curriculum, objective, validation, prediction_tokens: span } = config;
  const { least, edges, by, most = Number.MAX_VALUE } = positions;
  const { thinking_budget: budget } = config;
  const gain = config.reward === 'information_gain';
  const held = validation.files === undefined ? (validation.data ?? data) : undefined;
  const split = 'split' in data ? data.split : undefined;
  return [
    ['thinking' in data, 'data.thinking: the texts are plain, the model writes the thoughts'],
    [
      least > edges[0] || edges[0] > edges[1] || edges[1] > most,
      'positions: least, edges and most must not fall',
    ],
    [by === 'quantile' && (edges[1] > 1 || (positions.most ?? 1) > 1), 'positions: quantiles are at most 1'],
    [
      positions.refresh > 0 && positions.model !== undefined,
      'positions.refresh and positions.model exclude each other',
    ],
    [curriculum !== null && curriculum.start > curriculum.end, 'curriculum.start: at most end'],
    ...(['from', 'to'] as const).map(
      (name) =>
        [
          curriculum !== null && Math.abs(curriculum[name].reduce((a, b) => a + b) - 1) > 1e-9,
          `curriculum.${name}: shares that add up to 1`,
        ] as const,
    ),
    [
      gain && budget !== null,
      'thinking_budget: information gain is in nats and is not mixed with a length reward',
    ],
    [
      objective.dynamic_sampling !== null,
      'objective.dynamic_sampling: a step’s texts have no others in reserve',
    ],
    [objective.overlong.mode === 'soft', 'objective.overlong: lengths are paid by thinking_budget'],
    [span >= config.max_response_tokens, 'prediction_tokens: below max_response_tokens'],
    [budget !== null && budget.least > budget.initial, 'thinking_budget.least: at most initial'],
    [
      budget !== null && budget.initial > config.max_response_tokens,
      'thinking_budget.initial: at most max_response_tokens',
    ],
    [config.steps !== undefined && config.budget !== undefined, 'steps and budget exclude each other'],
    [
      validation.tasks > 0 && held !== undefined && 'split' in held && split === validation.split,
      `validation.split: another split than data.split (${split})`,
    ],
  ];
}
