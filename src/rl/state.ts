/** Where a reinforcement-learning run stands, besides its tensors; with its settings and seed, all that a resume needs. */
import { join } from 'node:path';
import { z } from 'zod';
import { userError } from '../core/errors.ts';
import { readVariables, writeVariables } from '../model/files.ts';
import type { Qwen2 } from '../model/qwen2.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { type AdamW, type RunState, readStateAs, restoreCheckpoint, saveCheckpoint } from '../train/index.ts';
import { curriculumStateSchema } from './curriculum.ts';

const stateSchema = z.strictObject({
  /** Steps made: rollouts with all their updates. */
  step: z.int().min(0),
  /** Optimizer updates made. */
  updates: z.int().min(0),
  /** Responses sampled, and their tokens without those of prompts. */
  rollouts: z.int().min(0),
  tokens: z.int().min(0),
  /** Compute spent, by measured and by nominal lengths. */
  token_equivalents: z.number().min(0),
  token_equivalents_nominal: z.number().min(0),
  curriculum: curriculumStateSchema,
  /** Step after which the last validation was, −1 before the first, and verified pass@1 of the first and the last. */
  validated: z.int().min(-1),
  validation: z.strictObject({ first: z.number(), last: z.number() }).nullable(),
  /** Of the last step; null before the first. */
  last: z.strictObject({ reward: z.number(), pass_rate: z.number() }).nullable(),
  /** Hashes of what the run reads besides its settings: the model it starts from, modules of rewards. */
  inputs: z.record(z.string(), z.string()),
  config_hash: z.string(),
  milestone: z.boolean(),
});

export type GrpoState = z.infer<typeof stateSchema>;

/** What a checkpoint holds. */
export interface RlTensors {
  model: Qwen2;
  optimizer: AdamW;
  /** Further models that change during the run, by the name of their file: `NAME.safetensors`. */
  others: Readonly<Record<string, Qwen2>>;
}

/** Writes `checkpoints/step-N`; returns the folder. */
export function saveRl(run: string, tensors: RlTensors, tokenizer: Tokenizer, state: RunState): string {
  const { model, optimizer, others } = tensors;
  return saveCheckpoint(run, model, tokenizer, optimizer, state, (folder) => {
    for (const [name, { parameters }] of Object.entries(others))
      writeVariables(fileOf(folder, name), parameters);
  });
}

const fileOf = (folder: string, name: string) => join(folder, `${name}.safetensors`);

/** Reads the state of a checkpoint. @throws CHECKPOINT */
export const readGrpoState = (folder: string): GrpoState => readStateAs(folder, stateSchema);

/**
 * Puts what a checkpoint holds into the state and the tensors of a run that was opened anew.
 * @throws CHECKPOINT, RESUME_INPUTS
 */
export function restoreRl<State extends { updates: number; inputs: Readonly<Record<string, string>> }>(
  folder: string,
  readState: (folder: string) => State,
  state: State,
  { model, optimizer, others }: RlTensors,
): void {
  const before = readState(folder);
  checkInputs(before.inputs, state.inputs);
  Object.assign(state, before);
  restoreCheckpoint(folder, model, optimizer, state.updates);
  for (const [name, { parameters }] of Object.entries(others))
    readVariables(fileOf(folder, name), parameters);
}

/** Refuses to go on with other inputs than the run began with. */
function checkInputs(before: Readonly<Record<string, string>>, now: Readonly<Record<string, string>>): void {
  const changed = Object.keys(now).find((name) => before[name] !== now[name]);
  if (changed === undefined) return;
  throw userError(
    'RESUME_INPUTS',
    `${changed} as it was when the run began`,
    'another',
    'put it back, or start a new run',
  );
}
