/**
 * Settings of a reinforcement-learning run: type, default, check and help from one schema. The resolved settings are
 * written next to the run. Defaults are the paper's (PAPER §5.2); a run of another scale names its own numbers.
 */
import { z } from 'zod';
import { VERIFIERS } from '../evaluate/index.ts';
import { dataInputs, dataSchema, type GeneratedData } from '../train/dataConfig.ts';
import { computeBudgetSchema, parseSettings } from '../train/index.ts';
import { objectiveSchema, resolveLengths } from './options.ts';
import {
  type Contradiction,
  optimizerFields,
  recordFields,
  requireAgreement,
  samplingFields,
} from './runFields.ts';

const count = z.int().min(1);
const share = z.number().min(0).max(1);
const names = z.array(z.string()).min(1);

const rewardPartSchema = z
  .strictObject({
    name: z.string().optional().describe('of the verifier, or of a function given to `grpo`'),
    module: z.string().optional().describe('JavaScript or TypeScript file with a function of one’s own'),
    export: z.string().default('default').describe('name of the function in the module'),
    weight: z.number().default(1),
  })
  .refine((part) => (part.name === undefined) !== (part.module === undefined), {
    message: 'needs either name or module',
  });

/** Problems that a model solves sometimes (DESIGN §7), from a folder of `evaluate`. */
const edgeSchema = z.strictObject({
  evaluation: z.string().describe('evaluation folder of the model to start from'),
  files: names.optional().describe('its task files; default the tasks.jsonl of the folder'),
  k: count.describe('samples of the second condition'),
  at_most: share.describe('pass@1 is at most this'),
  at_least: share.describe('pass@k is at least this'),
  verifier: z.enum(VERIFIERS).default('verified'),
});

/** Ranges of op that follow one another as pass rates rise; see curriculum.ts. */
const curriculumSchema = z
  .strictObject({
    ops: z.array(z.string()).min(2).describe('ranges from easy to hard, each as in --ops'),
    raise_at: share.default(0.7).describe('mean pass rate from which the next range follows'),
    lower_at: share.default(0).describe('mean pass rate below which the range before comes back'),
    window: count.default(10).describe('steps that the mean is over'),
  })
  .refine(({ raise_at, lower_at }) => lower_at <= raise_at, {
    message: 'must be at most raise_at',
    path: ['lower_at'],
  });

const validationSchema = z
  .strictObject({
    tasks: z.int().min(0).default(200),
    files: names.optional(),
    data: dataSchema.optional().describe('data settings of their own; default those of training'),
    split: z.string().default('val'),
    every: z.int().min(0).default(20).describe('steps between validations; 0 = only at start and end'),
    samples: count.default(1).describe('responses per task'),
    temperature: z.number().min(0).default(0).describe('0 = greedy'),
  })
  .refine(({ files, data }) => files === undefined || data === undefined, {
    message: 'files and data exclude each other',
  });

const budgetSchema = computeBudgetSchema.extend({
  lengths: z
    .enum(['measured', 'nominal'])
    .default('measured')
    .describe('what a rollout counts as: its own tokens, or nominal_length'),
});

export const grpoSchema = z.strictObject({
  init: z.string().describe('model folder to start from'),
  data: dataSchema.optional().describe('tasks, as in pretrain; default the paper’s op 11-14'),
  edge: edgeSchema.optional().describe('tasks at the edge of competence, instead of data'),
  curriculum: curriculumSchema.optional().describe('op ranges that move, instead of data.ops'),
  reward: z
    .union([z.string(), z.array(rewardPartSchema).min(1)])
    .default('strict')
    .describe('a reward by name, or a weighted sum'),
  prompts_per_step: count.default(1024),
  group_size: count.default(6).describe('responses per prompt'),
  mini_batch_prompts: count
    .optional()
    .describe('prompts, with all their responses, per optimizer update; default a quarter of a step'),
  epochs: count.default(1).describe('times that a step’s rollouts are trained on'),
  max_prompt_tokens: count.default(1024).describe('longer prompts are replaced by others'),
  max_response_tokens: count.default(1024),
  ...samplingFields,
  objective: objectiveSchema.prefault({}).describe('advantages, clipping, KL, aggregation: docs/rl.md'),
  steps: count.optional().describe('default 200'),
  budget: budgetSchema.optional().describe('compute in token equivalents, instead of steps'),
  nominal_length: count
    .optional()
    .describe('tokens of prompt and response in nominal accounting; default the two limits together'),
  ...optimizerFields,
  validation: validationSchema.prefault({}),
  ...recordFields,
});

type Parsed = z.output<typeof grpoSchema>;
export type RewardPart = z.output<typeof rewardPartSchema>;
export type EdgeConfig = z.output<typeof edgeSchema>;
export type CurriculumConfig = z.output<typeof curriculumSchema>;
export type GrpoValidation = z.output<typeof validationSchema>;

/** Resolved settings. */
export type GrpoConfig = Omit<Parsed, 'reward' | 'steps' | 'nominal_length' | 'mini_batch_prompts'> & {
  reward: RewardPart[];
  mini_batch_prompts: number;
  nominal_length: number;
  /** Absent with a budget. */
  steps?: number | undefined;
};
/** Settings as a user writes them: everything but `init` has a default. */
export type GrpoInput = z.input<typeof grpoSchema>;

/** RL tasks of the paper's main experiments (PAPER §4.5). */
const DEFAULT_DATA = { mixture: 'paper-rl-op11-14' };

/**
 * Settings with defaults filled in; all problems at once in one coded error. `source` names the file.
 * @throws CONFIG
 */
export function parseGrpoConfig(input: unknown, source = 'the settings'): GrpoConfig {
  const { steps, nominal_length, mini_batch_prompts, reward, ...parsed } = parseSettings(
    grpoSchema,
    input,
    source,
  );
  const needsData = parsed.data === undefined && parsed.edge === undefined;
  const given = {
    ...parsed,
    ...(needsData ? { data: dataSchema.parse(defaultData(parsed.curriculum !== undefined)) } : {}),
  };
  requireAgreement(given, contradictions({ steps, mini_batch_prompts, ...given }), source);
  return {
    ...given,
    objective: resolveLengths(given.objective, given.max_response_tokens),
    ...(given.budget === undefined ? { steps: steps ?? 200 } : {}),
    // 4 updates a step, as the paper's 256 of 1,024 prompts.
    mini_batch_prompts: mini_batch_prompts ?? Math.ceil(given.prompts_per_step / 4),
    nominal_length: nominal_length ?? given.max_prompt_tokens + given.max_response_tokens,
    reward: typeof reward === 'string' ? [{ name: reward, export: 'default', weight: 1 }] : reward,
  };
}

/** Files and folders that a run with these settings reads. */
export function inputsOf({ init, data, edge, validation, reward }: GrpoConfig): string[] {
  return [
    init,
    ...(data === undefined ? [] : dataInputs(data)),
    ...(edge === undefined ? [] : [edge.evaluation, ...(edge.files ?? [])]),
    ...(validation.files ?? []),
    ...reward.flatMap(({ module }) => module ?? []),
  ];
}

/** A curriculum says which ops; the paper's mixture would, too. */
const defaultData = (curriculum: boolean) => (curriculum ? { modes: ['forward', 'reverse'] } : DEFAULT_DATA);

/** Settings that are right each by itself, but not together. */
function contradictions(config: Omit<Parsed, 'reward' | 'nominal_length'>): Contradiction[] {
  const { data, edge, curriculum, validation, objective } = config;
  const generated = data !== undefined && !('files' in data) && !('shards' in data) ? data : undefined;
  const held = heldOutData(config);
  const own = validation.data;
  return [
    [data !== undefined && edge !== undefined, 'data and edge exclude each other'],
    [data !== undefined && 'shards' in data, 'data.shards: rollouts need tasks, not tokens'],
    [data !== undefined && 'thinking' in data, 'data.thinking: responses are what the model writes'],
    [generated?.share_of === 'tokens', 'data.share_of: shares of rollouts are shares of tasks'],
    [own !== undefined && 'shards' in own, 'validation.data.shards: rollouts need tasks, not tokens'],
    [own !== undefined && 'thinking' in own, 'validation.data.thinking: responses are what the model writes'],
    [
      own !== undefined && 'split' in own && own.split !== 'train' && own.split !== validation.split,
      'validation.data.split: validation.split names the split',
    ],
    [curriculum !== undefined && edge !== undefined, 'curriculum and edge exclude each other'],
    [
      curriculum !== undefined && data !== undefined && generated === undefined,
      'curriculum needs generated data',
    ],
    [
      curriculum !== undefined && generated?.mixture !== undefined,
      'curriculum and data.mixture exclude each other',
    ],
    [curriculum !== undefined && generated?.op_weights !== undefined, 'curriculum has no data.op_weights'],
    [config.steps !== undefined && config.budget !== undefined, 'steps and budget exclude each other'],
    [
      (config.mini_batch_prompts ?? 0) > config.prompts_per_step,
      `mini_batch_prompts: at most prompts_per_step (${config.prompts_per_step}), got ${config.mini_batch_prompts}`,
    ],
    [
      objective.overlong.l_max !== undefined && objective.overlong.l_max > config.max_response_tokens,
      `objective.overlong.l_max: at most max_response_tokens (${config.max_response_tokens})`,
    ],
    [
      validation.tasks > 0 && held !== undefined && held.split === (generated?.split ?? 'train'),
      `validation.split: another split than data.split (${generated?.split ?? 'train'})`,
    ],
    [
      validation.tasks > 0 && held !== undefined && !sameIdentity(held, generated),
      'validation.data.identity: that of data, or splits are not disjoint',
    ],
  ];
}

/** The generated tasks that validation draws, with its split; undefined when they come from files or nowhere. */
export function heldOutData(config: Pick<Parsed, 'data' | 'edge' | 'validation'>): GeneratedData | undefined {
  const { data, edge, validation } = config;
  if (validation.files !== undefined) return undefined;
  if (validation.data === undefined && (edge !== undefined || (data !== undefined && 'files' in data))) {
    return undefined; // a set of tasks has no part that is held out
  }
  const own = validation.data ?? data;
  if (own === undefined || 'files' in own || 'shards' in own) return undefined;
  return { ...own, split: validation.split };
}

/** Whether fingerprints of both kinds of data mean the same. */
function sameIdentity(a: GeneratedData, b: GeneratedData | undefined): boolean {
  if (b === undefined) return true; // training tasks with fingerprints of their own are compared one by one
  const of = ({ identity = {} }: GeneratedData) => [
    identity.values ?? true,
    identity.query ?? true,
    identity.context ?? false,
  ];
  return String(of(a)) === String(of(b));
}
