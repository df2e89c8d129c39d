/** Settings of what a run trains on: tasks, tokenizer, held-out tasks. Part of the settings in config.ts. */
import { z } from 'zod';
import { worldSchema } from '../tasks/index.ts';

const count = z.int().min(1);

/** Tasks generated on the fly: nothing to store, and no task is seen twice. */
const generatedData = z.strictObject({
  world: z
    .union([z.string(), worldSchema])
    .default('paper')
    .describe('preset of the task world, or its fields'),
  contexts: z.array(z.string()).min(1).default(['zoo', 'school', 'festival']),
  ops: z.string().default('2-10').describe('operation counts, as in --ops'),
  op_weights: z
    .record(z.string(), z.number().min(0))
    .optional()
    .describe('relative weight by op; default equal'),
  modes: z.array(z.string()).min(1).default(['forward']),
  split: z.string().default('train'),
});

/** Tasks from files, in an order that depends on (seed, epoch, position) alone. */
const fileData = z.strictObject({
  files: z.array(z.string()).min(1).describe('task files, JSONL or Parquet'),
});

export const dataSchema = z.union([fileData, generatedData]);

export const tokenizerSchema = z
  .union([z.string(), z.strictObject({ vocabulary: count.default(512), tasks: count.default(5000) })])
  .describe('tokenizer folder or file, or how to train one on the training data; default, or that of init');

export const validationSchema = z
  .strictObject({
    tasks: z.int().min(0).default(256),
    files: z.array(z.string()).optional(),
    split: z.string().default('val'),
  })
  .describe('held-out tasks: the data settings with this split, or files');

/** Resolved settings of the training data. */
export type DataConfig = z.output<typeof dataSchema>;
