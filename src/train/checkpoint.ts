/**
 * Checkpoints of a run (DESIGN §5.4): `checkpoints/step-N/` with model, tokenizer, optimizer moments and the
 * state that makes the resumed run equal the uninterrupted one, bit for bit. A checkpoint folder appears whole;
 * `checkpoints/latest` names it afterwards.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { userError } from '../core/errors.ts';
import { removeFolder, writeFileAtomically, writeFolderAtomically } from '../core/files.ts';
import { readJsonFile } from '../core/json.ts';
import { readVariables, saveModel, writeVariables } from '../model/files.ts';
import type { Qwen2 } from '../model/qwen2.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { AdamW } from './adamw.ts';

const stateSchema = z.strictObject({
  /** Optimizer steps made. */
  step: z.int().min(0),
  /** Tokens trained on. */
  tokens: z.int().min(0),
  /** Index of the next training sequence. */
  next_sequence: z.int().min(0),
  /** What the next line of metrics.jsonl will average: sum of batch losses and their number. */
  since_log: z.strictObject({ loss: z.number(), steps: z.int().min(0) }),
  /** Loss of the last line, null before the first. */
  loss: z.number().nullable(),
  /** Hash of the resolved settings; a run resumes only with the same. */
  config_hash: z.string(),
  /** Whether `save_at_tokens` asked for this checkpoint: then it stays. */
  milestone: z.boolean(),
});

/** Where a run stands, besides its tensors. */
export type TrainState = z.infer<typeof stateSchema>;

/** What the state of every training program has. */
const commonSchema = z.looseObject(
  stateSchema.pick({ step: true, config_hash: true, milestone: true }).shape,
);
export type RunState = Pick<TrainState, 'step' | 'config_hash' | 'milestone'>;

/**
 * Writes `checkpoints/step-N` and points `latest` at it; returns the folder. `more` adds files of a program's own.
 */
export function saveCheckpoint(
  run: string,
  model: Qwen2,
  tokenizer: Tokenizer,
  optimizer: AdamW,
  state: RunState,
  more?: (folder: string) => void,
): string {
  const name = `step-${state.step}`;
  const folder = join(run, 'checkpoints', name);
  writeFolderAtomically(folder, (temporary) => {
    saveModel(temporary, model, tokenizer);
    writeVariables(join(temporary, 'optimizer.safetensors'), optimizer.moments());
    more?.(temporary);
    writeFileAtomically(join(temporary, 'state.json'), `${JSON.stringify(state, null, 2)}\n`);
  });
  writeFileAtomically(join(run, 'checkpoints', 'latest'), `${name}\n`);
  return folder;
}

/**
 * Removes all checkpoints up to step `newest` but the last `keep` of them and the milestones; 0 keeps all. Later ones,
 * which a kill left before `latest` could name them, do not count: the run will write them again.
 */
export function removeOldCheckpoints(run: string, keep: number, newest: number): void {
  if (keep === 0) return;
  const folder = join(run, 'checkpoints');
  const steps = readdirSync(folder)
    .flatMap((name) => (/^step-\d+$/.test(name) ? [Number(name.slice(5))] : []))
    .filter((step) => step <= newest);
  for (const step of steps.sort((a, b) => b - a).slice(keep)) {
    const old = join(folder, `step-${step}`);
    if (!readRunState(old).milestone) removeFolder(old);
  }
}

/** Folder of the newest complete checkpoint of a run, or undefined. */
export function latestCheckpoint(run: string): string | undefined {
  const pointer = join(run, 'checkpoints', 'latest');
  if (!existsSync(pointer)) return undefined;
  const name = readFileSync(pointer, 'utf8').trim();
  const folder = join(run, 'checkpoints', name);
  if (!/^step-\d+$/.test(name) || !existsSync(join(folder, 'state.json'))) {
    throw userError(
      'CHECKPOINT',
      'checkpoints/latest to name a whole checkpoint',
      `${JSON.stringify(name)} in ${run}`,
      'point it at an existing step-N folder',
    );
  }
  return folder;
}

/** Reads the state of a checkpoint folder. */
export const readState = (folder: string): TrainState => readStateAs(folder, stateSchema);

/** Reads what the checkpoints of all training programs say. */
export const readRunState = (folder: string): RunState => readStateAs(folder, commonSchema);

/** Reads the state of a checkpoint folder in the form that a program gives it. @throws CHECKPOINT */
export function readStateAs<T extends z.ZodType>(folder: string, schema: T): z.output<T> {
  const path = join(folder, 'state.json');
  const result = schema.safeParse(readJsonFile(path, 'checkpoint state'));
  if (result.success) return result.data;
  throw userError(
    'CHECKPOINT',
    'a checkpoint state',
    `${path}: ${result.error.issues[0]?.message}`,
    'resume from another checkpoint',
  );
}

/** Puts a checkpoint's weights and moments into an existing model and optimizer, which has made `updates`. */
export function restoreCheckpoint(folder: string, model: Qwen2, optimizer: AdamW, updates: number): void {
  readVariables(join(folder, 'model.safetensors'), model.parameters);
  readVariables(join(folder, 'optimizer.safetensors'), optimizer.moments());
  optimizer.step = updates;
}
