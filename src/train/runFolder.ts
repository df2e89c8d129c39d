/** The folder of a run: whether it may be used, what is cleared and written at its start, what a failed step leaves. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { environment } from '../backend/index.ts';
import { userError } from '../core/errors.ts';
import {
  checkOutputFolder,
  recoverFolder,
  writeFileAtomically,
  writeFolderAtomically,
} from '../core/files.ts';
import { canonicalJson, sha256 } from '../core/hash.ts';
import { readJsonFile } from '../core/json.ts';
import { type ModelConfig, parameterCount } from '../model/config.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { latestCheckpoint, readRunState } from './checkpoint.ts';
import { LOCK } from './lock.ts';
import type { PackedBatch } from './packing.ts';

/** What is known of a run before its first step; kept in env.json. */
export interface RunFacts {
  /** Parameters of the model, those of the embedding included; a tied embedding counts once. */
  parameters: number;
  parameters_without_embedding: number;
  /** 6·P·T with P the weights that take part in matrix products, T the token budget. */
  training_flops: number;
  /** Fastest of a few matrix products at the start, floating-point operations per second. */
  gemm_flops_per_second: number;
}

/** What is known of a run of a model, `training_flops` operations long, on this machine. */
export function runFacts(
  model: ModelConfig,
  training_flops: number,
  gemm_flops_per_second: number,
): RunFacts {
  const { total, nonEmbedding } = parameterCount(model);
  return {
    parameters: total,
    parameters_without_embedding: nonEmbedding,
    training_flops,
    gemm_flops_per_second,
  };
}

/**
 * Checks that the run folder may be used; returns the checkpoint to resume from. Only cleans up after a kill.
 * @param inputs paths that the run reads
 */
export function checkRun(
  run: string,
  config: object,
  options: { resume?: boolean; overwrite?: boolean },
  inputs: readonly (string | undefined)[],
): string | undefined {
  checkOutputFolder(run);
  if (options.resume && options.overwrite) {
    throw userError('OPTION_CONFLICT', 'one of resume and overwrite', 'both', 'leave one of them out');
  }
  if (options.resume || options.overwrite) {
    recoverFolder(run);
    recoverFolder(join(run, 'checkpoints'));
  }
  const used = existsSync(run) && readdirSync(run).some((name) => name !== LOCK);
  if (options.resume) {
    const checkpoint = used ? latestCheckpoint(run) : undefined;
    if (checkpoint !== undefined) {
      if (readRunState(checkpoint).config_hash === configHash(config)) return checkpoint;
      throw otherSettings(run, config);
    }
    const path = join(run, 'config.json');
    if (!existsSync(path)) {
      throw userError('RESUME_NOTHING', 'a run to resume', `none in ${run}`, 'start it without --resume');
    }
    if (canonicalJson(readJsonFile(path, 'run settings')) !== canonicalJson(config)) {
      throw otherSettings(run, config);
    }
    return undefined; // killed before its first checkpoint: begins again
  }
  if (options.overwrite) checkInputs(run, inputs);
  if (used && !options.overwrite) {
    throw userError(
      'RUN_EXISTS',
      'an empty run folder',
      `${run}, which holds files`,
      'choose another folder, --resume or --overwrite',
    );
  }
  return undefined;
}

function otherSettings(run: string, config: object): Error {
  const path = join(run, 'config.json');
  const stored = existsSync(path) ? leaves(readJsonFile(path, 'run settings')) : new Map<string, string>();
  const given = leaves(config);
  const different = [...new Set([...stored.keys(), ...given.keys()])]
    .filter((name) => stored.get(name) !== given.get(name))
    .map((name) => `${name} ${given.get(name) ?? 'absent'} (there: ${stored.get(name) ?? 'absent'})`);
  return userError(
    'RESUME_CONFIG',
    `the settings of ${path}`,
    different.join(', ') || 'others',
    'resume with the same settings, or start a new run',
  );
}

/** Settings by dotted name, values as JSON. */
function leaves(value: unknown, name = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return new Map(value === undefined ? [] : [[name, JSON.stringify(value)]]);
  }
  const dotted = (key: string) => (name === '' ? key : `${name}.${key}`);
  return new Map(Object.entries(value).flatMap(([key, inner]) => [...leaves(inner, dotted(key))]));
}

/** What a run starts from must not be among what it replaces: stopped early, both would be gone. */
function checkInputs(run: string, inputs: readonly (string | undefined)[]): void {
  for (const path of inputs) {
    if (path === undefined) continue;
    const [first = ''] = relative(run, path).split(sep);
    if (!WRITTEN.includes(first)) continue;
    throw userError(
      'RUN_EXISTS',
      'a run folder that does not hold what the run starts from',
      `${path} in ${run}`,
      'choose another folder',
    );
  }
}

/** Clears what an earlier run left and writes config.json and env.json, the latter with `facts`. */
export function openRun(run: string, config: object, facts: object): void {
  clearRun(run);
  writeFileAtomically(join(run, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  writeFileAtomically(join(run, 'env.json'), `${JSON.stringify({ ...environment(), ...facts }, null, 2)}\n`);
}

const WRITTEN = [
  'config.json',
  'env.json',
  'metrics.jsonl',
  'timing.jsonl',
  'tensorboard',
  'samples',
  'nan',
  'checkpoints',
];

/** Removes what a run writes, and nothing else. */
function clearRun(run: string): void {
  for (const name of WRITTEN) {
    rmSync(join(run, name), { recursive: true, force: true });
  }
}

/** What `state.json` knows the settings by. */
export function configHash(config: object): string {
  return sha256(canonicalJson(config), 16);
}

/**
 * Saves the batch of a step whose loss or gradient is not finite in `nan/step-N`: `batch.jsonl` with a line per
 * sequence, `report.json` with `facts`; returns the folder.
 */
export function saveFailedStep(
  run: string,
  step: number,
  batch: PackedBatch,
  tokenizer: Tokenizer,
  facts: object,
): string {
  const folder = join(run, 'nan', `step-${step}`);
  const { ids, targets, segments, weights } = batch;
  const lines = Array.from({ length: segments.length - 1 }, (_, s) => {
    const [start, end] = [segments[s]!, segments[s + 1]!];
    const sequence = [...ids.subarray(start, end), ...targets.subarray(end - 1, end)];
    const text = tokenizer.decode(sequence);
    return JSON.stringify({
      text,
      ids: sequence,
      ...(weights && { weights: [...weights.subarray(start, end)] }),
    });
  });
  writeFolderAtomically(folder, (temporary) => {
    writeFileAtomically(join(temporary, 'batch.jsonl'), `${lines.join('\n')}\n`);
    // JSON has no NaN: as text the report still says which it was.
    const plain = (_: string, value: unknown) =>
      typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
    writeFileAtomically(join(temporary, 'report.json'), `${JSON.stringify({ step, ...facts }, plain, 2)}\n`);
  });
  return folder;
}
