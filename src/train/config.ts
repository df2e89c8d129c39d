/**
 * Settings of a pre-training or mid-training run: type, default, check and help from one schema. The resolved
 * settings are written next to the run. Names are those of the file (snake_case, as in the model's own config).
 */
import { z } from 'zod';
import { userError } from '../core/errors.ts';
import { isTooDeep } from '../core/json.ts';
import { computeBudgetSchema, tokenBudget } from './compute.ts';
import {
  dataInputs,
  dataSchema,
  lossOnSchema,
  packingSchema,
  tokenizerSchema,
  validationSchema,
} from './dataConfig.ts';
import { DECAY_SHAPES, SCHEDULES } from './schedule.ts';

const count = z.int().min(1);
const share = z.number().min(0).max(1);
const positive = z.number().positive();
/** At 1 the bias correction would divide by 0. */
const decayRate = z.number().min(0).lt(1);

const lengthWarmupSchema = z.strictObject({
  from: z.int().min(8).describe('longest sequence of the first step, tokens'),
  to: z.int().min(8).describe('longest sequence at the end of the warm-up'),
  steps: count,
  how: z.enum(['rechunk', 'truncate']).default('rechunk'),
});

const remitSchema = z.strictObject({
  reference: z.string().describe('model folder, tuned by reinforcement learning from the same base'),
  delta_source: z.enum(['current', 'frozen_base']).default('current'),
  epsilon: z.number().min(0).max(1).default(0.2),
  scale: positive.default(2),
  temperature: positive.default(1),
  center: z.boolean().default(true),
  standardize: z.boolean().default(false),
  squash: z.enum(['sigmoid', 'exponential', 'linear']).default('sigmoid'),
  normalize: z.enum(['tokens', 'weights']).default('tokens'),
});

export const pretrainSchema = z.strictObject({
  model: z
    .union([z.string(), z.record(z.string(), z.unknown())])
    .optional()
    .describe('model preset, or fields of a Hugging Face Qwen2 config; default micro, or that of init'),
  init: z.string().optional().describe('model folder to start from (mid-training); default random weights'),
  tokenizer: tokenizerSchema.optional(),
  data: dataSchema.prefault({}),
  packing: packingSchema,
  row_tokens: count.default(2048).describe('tokens of a row of packing first-fit and paper'),
  loss_on: lossOnSchema,
  validation: validationSchema.prefault({}),
  tokens: count.optional().describe('token budget; default 2000000'),
  budget: computeBudgetSchema.optional().describe('compute in token equivalents, instead of tokens'),
  batch_tokens: count.default(2048).describe('most tokens per optimizer step'),
  micro_batch_tokens: count
    .optional()
    .describe('most tokens computed at once; a batch is cut into such pieces, whose gradients are added up'),
  schedule: z.enum(SCHEDULES).default('cosine'),
  learning_rate: positive.default(2e-3).describe('peak rate'),
  min_learning_rate: z.number().min(0).default(1e-4),
  warmup: share.default(0.05).describe('share of the tokens'),
  decay: share.default(0.1).describe('share of the tokens at the end in which wsd falls'),
  decay_shape: z.enum(DECAY_SHAPES).default('linear').describe('of wsd'),
  length_warmup: lengthWarmupSchema.optional().describe('short sequences first'),
  remit: remitSchema.optional().describe('weights of tokens by a reference model'),
  weight_decay: z.number().min(0).default(0.1),
  decay_all: z.boolean().default(false).describe('decays biases and norm weights, too'),
  beta1: decayRate.default(0.9),
  beta2: decayRate.default(0.95),
  epsilon: positive.default(1e-8),
  clip: positive.default(1),
  recompute: z
    .boolean()
    .default(false)
    .describe('compute each layer again for its gradient: less memory, about a quarter more time, same bits'),
  seed: z.int().min(0).default(0),
  log_every: count.default(10).describe('steps between lines of metrics.jsonl'),
  validate_every: z.int().min(0).default(0).describe('steps between held-out losses; 0 = only at the end'),
  save_every: z.int().min(0).default(0).describe('steps between checkpoints; 0 = only at the end'),
  save_every_tokens: z.int().min(0).default(0).describe('tokens between checkpoints; 0 = never'),
  save_at_tokens: z.array(count).default([]).describe('checkpoints that are never removed'),
  keep_last: z.int().min(0).default(0).describe('newest checkpoints that are kept; 0 = all'),
  tensorboard: z.boolean().default(false).describe('also writes TensorBoard event files'),
});

/** Resolved settings. */
export type PretrainConfig = z.output<typeof pretrainSchema>;
/** Settings as a user writes them: everything has a default. */
export type PretrainInput = z.input<typeof pretrainSchema>;

/** Settings with defaults filled in; all problems at once in one coded error. `source` names the file. */
export function parseSettings<T extends z.ZodType>(schema: T, input: unknown, source: string): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    (issue) => `${issue.path.join('.') || 'settings'}: ${issue.message}`,
  );
  throw userError('CONFIG', `valid settings in ${source}`, problems.join('; '), 'correct these fields');
}

export function parsePretrainConfig(input: unknown, source = 'the settings'): PretrainConfig {
  const parsed = parseSettings(pretrainSchema, input, source);
  const given = parsed.budget === undefined ? { ...parsed, tokens: parsed.tokens ?? 2_000_000 } : parsed;
  if (given.init !== undefined && (given.model !== undefined || given.tokenizer !== undefined)) {
    const which = given.model === undefined ? 'tokenizer' : 'model';
    throw userError(
      'CONFIG',
      'either init or model and tokenizer',
      `init and ${which}`,
      'leave one of them out',
    );
  }
  // Without `init`, model and tokenizer have defaults; with it they come from there.
  const config: PretrainConfig =
    given.init === undefined
      ? {
          ...given,
          model: given.model ?? 'micro',
          // A folder of shards has the tokenizer that they were written with.
          tokenizer:
            given.tokenizer ??
            ('shards' in given.data ? given.data.shards : { vocabulary: 512, tasks: 5000 }),
        }
      : given;
  const wrong = contradictions(config).filter(([isWrong]) => isWrong);
  if (wrong.length === 0) return config;
  const all = (part: 1 | 2 | 3) => wrong.map((contradiction) => contradiction[part]).join('; ');
  throw userError('CONFIG', all(1), all(2), all(3));
}

/** Files and folders that a run with these settings reads. */
export function inputsOf({ init, remit, tokenizer, data, validation }: PretrainConfig): string[] {
  const used = [
    init,
    remit?.reference,
    typeof tokenizer === 'string' ? tokenizer : undefined,
    ...dataInputs(data),
    ...(validation.files ?? []),
  ];
  return used.filter((path) => path !== undefined);
}

/** Settings that are right each by itself, but not together. */
function contradictions(
  config: PretrainConfig,
): [wrong: boolean, expected: string, got: string, remedy: string][] {
  const { length_warmup: lengths, remit, data, validation } = config;
  const files = 'files' in data ? data.files : [];
  const shown = validation.files?.find((file) => files.includes(file));
  const wholeSchedule = config.warmup + (config.schedule === 'wsd' ? config.decay : 0);
  return [
    [
      'shards' in config.data && typeof config.tokenizer === 'object',
      'no tokenizer to be trained beside data.shards',
      'one',
      'leave tokenizer out: the shards have theirs',
    ],
    [
      config.min_learning_rate > config.learning_rate,
      `min_learning_rate at most learning_rate (${config.learning_rate})`,
      String(config.min_learning_rate),
      'lower min_learning_rate',
    ],
    [config.tokens !== undefined && config.budget !== undefined, 'tokens or budget', 'both', 'leave one out'],
    [
      tokenBudget(config) < config.batch_tokens,
      `tokens at least batch_tokens (${config.batch_tokens})`,
      config.budget === undefined
        ? String(config.tokens)
        : `a budget of ${Math.floor(tokenBudget(config))} tokens`,
      config.budget === undefined ? 'raise tokens' : 'raise budget.token_equivalents',
    ],
    [
      'split' in data &&
        validation.tasks > 0 &&
        validation.files === undefined &&
        validation.split === data.split,
      `validation.split other than data.split (${validation.split})`,
      'the same, whose tasks are trained on',
      'name another split, such as val',
    ],
    [
      shown !== undefined,
      'validation.files that are not trained on',
      `${shown} in both`,
      'leave it out of one of the two',
    ],
    [wholeSchedule > 1, 'warmup + decay at most 1', String(wholeSchedule), 'lower one of them'],
    [
      (config.micro_batch_tokens ?? 0) > config.batch_tokens,
      `micro_batch_tokens at most batch_tokens (${config.batch_tokens})`,
      String(config.micro_batch_tokens),
      'lower micro_batch_tokens',
    ],
    [
      lengths !== undefined && lengths.from > lengths.to,
      'length_warmup.from at most length_warmup.to',
      `${lengths?.from} and ${lengths?.to}`,
      'lower length_warmup.from',
    ],
    [
      remit?.delta_source === 'frozen_base' && config.init === undefined,
      'init with remit.delta_source frozen_base',
      'none',
      'name the base as init, or use delta_source current',
    ],
  ];
}

/** Applies `--set key=value` (dotted keys; the value is JSON, or text when it is not JSON) to a plain object. */
export function applyOverrides(
  input: Record<string, unknown>,
  overrides: readonly string[],
): Record<string, unknown> {
  const result = structuredClone(input);
  for (const override of overrides) {
    const at = override.indexOf('=');
    if (at <= 0)
      throw userError('SET', '--set key=value', override, 'write a key, an equals sign and a value');
    const path = override.slice(0, at).split('.');
    const text = override.slice(at + 1);
    let target = result;
    for (const key of path.slice(0, -1)) {
      guardKey(key, override);
      const inner = target[key];
      if (inner === undefined) target[key] = {};
      else if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) {
        throw userError(
          'SET',
          `${key} to be a group of settings`,
          JSON.stringify(inner),
          `set ${key} itself`,
        );
      }
      target = target[key] as Record<string, unknown>;
    }
    const last = path.at(-1)!;
    guardKey(last, override);
    target[last] = parseValue(text);
  }
  return result;
}

function guardKey(key: string, override: string): void {
  if (key === '' || key === '__proto__' || key === 'constructor' || key === 'prototype') {
    throw userError('SET', 'a setting name', override, 'see the settings in docs/training.md');
  }
}

function parseValue(text: string): unknown {
  if (isTooDeep(text))
    throw userError('SET', 'a value of a setting', text.slice(0, 20), 'write it less nested');
  try {
    return JSON.parse(text);
  } catch {
    return text; // plain words need no quotes
  }
}
