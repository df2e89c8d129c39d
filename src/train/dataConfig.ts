/** Settings of what a run trains on: tasks, their text, the tokenizer, held-out tasks. Part of the settings in config.ts. */
import { z } from 'zod';
import { contextSchema, type Mixture, worldSchema } from '../tasks/index.ts';

const count = z.int().min(1);
const share = z.number().min(0).max(1);

/** Thinking-augmented text; see thinking.ts. */
const thinkingSchema = z
  .strictObject({
    position: z
      .enum(['after', 'before', 'inside'])
      .default('after')
      .describe('the thought behind the answer, before the steps, or before any token of the solution'),
    share: share.default(1).describe('share of the texts that get a thought'),
    per_text: count.default(1).describe('thoughts in such a text; more than one only inside'),
    length: z
      .enum(['long', 'short', 'mixed'])
      .default('long')
      .describe('short: what is asked, and the order; long: also what each quantity needs; mixed: either'),
    corrupted: share.default(0).describe('share of the thoughts that are about wrong dependencies'),
    budgets: z
      .array(count)
      .min(1)
      .optional()
      .describe('lengths with special tokens <B8>, …; the nearest one stands in front of each thought'),
    announced: share
      .default(1)
      .describe('share of the thoughts that have it; the others begin with <think> alone'),
  })
  .refine(({ position, per_text }) => position === 'inside' || per_text === 1, {
    message: 'per_text above 1 needs position inside',
  })
  .describe('a thought about each solution, in <think> tags');

const names = z.array(z.string()).min(1);
const depths = z.array(z.union([z.literal(2), z.literal(3)])).min(1);

/** Where texts come from, all in one object; which of it may stand together is checked behind. */
const dataFields = z.strictObject({
  files: names.optional().describe('task files: JSON lines or Parquet'),
  shards: z.string().optional().describe('folder of token shards'),
  world: z.union([z.string(), worldSchema]).optional().describe('preset of the task world, or its fields'),
  mixture: z
    .union([z.string(), z.custom<Mixture>((value) => value !== null && typeof value === 'object')])
    .optional()
    .describe('preset, file or object; instead of contexts, ops and op_weights'),
  contexts: z
    .array(z.union([z.string(), contextSchema]))
    .min(1)
    .optional(),
  ops: z
    .union([z.string(), z.int().transform(String)])
    .optional()
    .describe('operation counts, as in --ops'),
  op_weights: z.record(z.string(), z.number().min(0)).optional().describe('relative weight by op'),
  modes: names.optional(),
  depths: depths.optional(),
  share_of: z.enum(['tokens', 'tasks']).optional().describe('what the weights are shares of'),
  identity: z
    .strictObject({ values: z.boolean(), query: z.boolean(), context: z.boolean() })
    .partial()
    .optional()
    .describe('what makes graphs different, and splits disjoint'),
  held_out: z
    .strictObject({ contexts: names, depths })
    .partial()
    .optional()
    .describe('contexts and depths of the last split only'),
  split: z.string().optional(),
  thinking: thinkingSchema.optional(),
});

type DataFields = z.output<typeof dataFields>;
/** Fields that are there. */
type Given<K extends keyof DataFields> = { [P in K]: Exclude<DataFields[P], undefined> };
/** Fields that may be left out. */
type Optional<K extends keyof DataFields> = { [P in K]?: Exclude<DataFields[P], undefined> };

/** Tasks from files, in an order that depends on (seed, epoch, position) alone. */
export type FileData = Given<'files'> & Optional<'thinking'>;
/** Texts that are tokens already. */
export type ShardData = Given<'shards'>;
/** Tasks generated on the fly: nothing to store, and no end. */
export type GeneratedData = Given<'world' | 'split'> &
  Optional<Exclude<keyof DataFields, 'files' | 'shards' | 'world' | 'split'>>;

/** Resolved settings of the training data. */
export type DataConfig = FileData | ShardData | GeneratedData;

/** The object without the keys that are undefined. */
export function withoutUndefined<T extends object>(given: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

/** What a mixture states itself. */
const IN_MIXTURE = ['contexts', 'ops', 'op_weights'] as const;

/** The kind of data that the fields mean, with its defaults; fields that mean nothing beside others are refused. */
export const dataSchema = dataFields.transform((fields, context): DataConfig => {
  const given = withoutUndefined(fields);
  const keys = Object.keys(given) as (keyof DataFields)[];
  const refuse = (main: keyof DataFields, allowed: readonly (keyof DataFields)[]): void => {
    for (const key of keys) {
      if (key === main || allowed.includes(key)) continue;
      context.addIssue({ code: 'custom', path: [key], message: `has no meaning beside ${main}` });
    }
  };
  if (given.shards !== undefined) {
    refuse('shards', []);
    return { shards: given.shards };
  }
  const { files, shards: _shards, ...generated } = given;
  if (files !== undefined) {
    refuse('files', ['thinking']);
    return { files, ...(given.thinking === undefined ? {} : { thinking: given.thinking }) };
  }
  if (given.mixture !== undefined) {
    const free = keys.filter((key) => !(IN_MIXTURE as readonly string[]).includes(key));
    refuse('mixture', free);
    return { ...generated, world: given.world ?? 'paper', split: given.split ?? 'train' };
  }
  return {
    ...generated,
    world: given.world ?? 'paper',
    contexts: given.contexts ?? ['zoo', 'school', 'festival'],
    ops: given.ops ?? '2-10',
    modes: given.modes ?? ['forward'],
    split: given.split ?? 'train',
  };
});

/** Files and folders that data are read from. */
export function dataInputs(data: DataConfig): string[] {
  if ('shards' in data) return [data.shards];
  return 'files' in data ? [...data.files] : [];
}

export const tokenizerSchema = z
  .union([z.string(), z.strictObject({ vocabulary: count.default(512), tasks: count.default(5000) })])
  .describe(
    'tokenizer folder or file, or how to train one on the training data; default, or that of init or of the shards',
  );

/** By what held-out losses can be grouped. */
export const GROUPINGS = ['context', 'op', 'mode', 'depth'] as const;
export type Grouping = (typeof GROUPINGS)[number];

export const validationSchema = z
  .strictObject({
    tasks: z.int().min(0).default(256),
    files: names.optional(),
    data: dataSchema.optional().describe('data settings of their own; default those of the training data'),
    split: z.string().default('val'),
    by: z
      .array(z.enum(GROUPINGS))
      .min(1)
      .optional()
      .describe('also the loss of each group of tasks, by these features together'),
  })
  .refine(({ files, data }) => files === undefined || data === undefined, {
    message: 'files and data exclude each other',
  })
  .describe('held-out tasks: the data settings with this split, or others');

/** Which predicted tokens bear the loss; see objective.ts. */
export const lossOnSchema = z
  .enum(['all', 'solution'])
  .default('all')
  .describe('tokens that bear the loss: of the whole text, or behind <solution>');

/** How texts are laid into batches; see batches.ts. */
export const packingSchema = z
  .enum(['texts', 'first-fit', 'paper'])
  .default('texts')
  .describe('texts one after another; rows filled with texts; rows with attention across texts');

export type LossOn = z.output<typeof lossOnSchema>;
export type Packing = z.output<typeof packingSchema>;
export type Thinking = z.output<typeof thinkingSchema>;
export type ValidationConfig = z.output<typeof validationSchema>;
