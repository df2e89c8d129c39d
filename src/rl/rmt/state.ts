/** Where a run on plain text stands, besides its tensors; with its settings and seed, all that a resume needs. */
import { z } from 'zod';
import { readStateAs } from '../../train/index.ts';

const stateSchema = z.strictObject({
  /** Steps made, and optimizer updates. */
  step: z.int().min(0),
  updates: z.int().min(0),
  /** Tokens of text seen, and index of the next text. */
  tokens: z.int().min(0),
  next_sequence: z.int().min(0),
  /** Thoughts sampled, and their tokens with those of predictions. */
  rollouts: z.int().min(0),
  response_tokens: z.int().min(0),
  /** Compute spent, by measured lengths. */
  token_equivalents: z.number().min(0),
  /** Entropies between the buckets since the last measurement, nats. */
  edges: z.strictObject({
    least: z.number(),
    medium: z.number(),
    hard: z.number(),
    most: z.number().default(Number.MAX_VALUE), // earlier checkpoints had no limit
  }),
  /** Step after which the last validation was, −1 before the first; accuracy with thinking of the first and the last. */
  validated: z.int().min(-1),
  validation: z.strictObject({ first: z.number(), last: z.number() }).nullable(),
  /** Mean reward of the last step; null before the first, and where nothing was drawn. */
  reward: z.number().nullable(),
  /** Hashes of what the run reads besides its settings. */
  inputs: z.record(z.string(), z.string()),
  config_hash: z.string(),
  milestone: z.boolean(),
});

export type RmtState = z.infer<typeof stateSchema>;

/** Reads the state of a checkpoint. @throws CHECKPOINT */
export const readRmtState = (folder: string): RmtState => readStateAs(folder, stateSchema);
