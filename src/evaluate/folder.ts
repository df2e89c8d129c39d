/** The folder of an evaluation: whether it may be used, and what is written into it at the start. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { environment } from '../backend/index.ts';
import { userError } from '../core/errors.ts';
import { checkOutputFolder, recoverFolder, writeFileAtomically } from '../core/files.ts';
import { canonicalJson, sha256 } from '../core/hash.ts';
import { readJsonFile } from '../core/json.ts';
import { writeJsonLines } from '../core/jsonl.ts';
import type { SampleSettings } from '../sample/index.ts';
import type { ReferenceTask } from '../tasks/index.ts';
import { LOCK } from '../train/lock.ts';
import type { OpRanges } from './metrics.ts';
import type { ResponseSource } from './sources/source.ts';

/** Everything that an evaluation is made of, before its samples. */
export interface Plan {
  source: ResponseSource;
  tasks: readonly ReferenceTask[];
  ids: readonly string[];
  settings: SampleSettings;
  k: readonly number[];
  ranges?: OpRanges | undefined;
  /** How many samples each task will have. */
  counts: readonly number[];
  /** Whether responses that the source does not have stand as empty, wrong ones. */
  missing: 'undefined' | 'wrong';
}

const WRITTEN = ['config.json', 'metrics.json', 'samples.jsonl', 'tasks.jsonl'];

/**
 * Checks that the folder is empty or belongs to this very evaluation, and writes its config.json and tasks.jsonl.
 * @throws EVALUATION_EXISTS
 */
export function openFolder(out: string, plan: Plan, overwrite: boolean): void {
  const { source, tasks, ids, settings, k, ranges, missing } = plan;
  const identity = source.relevant(settings);
  const content = tasks.map((task, i) => [ids[i], task]); // gold included: verdicts depend on it
  const parts = [source.identity, content, identity, ...(missing === 'wrong' ? [missing] : [])];
  const key = sha256(canonicalJson(parts), 16);
  const path = join(out, 'config.json');
  checkOutputFolder(out);
  const used = existsSync(out) && readdirSync(out).some((name) => name !== LOCK);
  if (used && keyOf(path, overwrite) !== key) {
    if (!overwrite) {
      throw userError(
        'EVALUATION_EXISTS',
        'an empty folder or this evaluation',
        `${out} with another one`,
        'choose another folder or --overwrite',
      );
    }
    checkEvaluation(out);
    recoverFolder(out);
    for (const name of WRITTEN) rmSync(join(out, name), { force: true });
  }
  const without = ids.filter((_, i) => plan.counts[i] === 0);
  const config = {
    key,
    ...source.facts,
    tasks: tasks.length,
    ...identity,
    k,
    ranges,
    ...(missing === 'wrong' ? { missing } : {}),
    ...(without.length > 0 ? { tasks_without_samples: without } : {}),
    environment: environment(),
  };
  writeFileAtomically(path, `${JSON.stringify(config, null, 2)}\n`);
  writeJsonLines(join(out, 'tasks.jsonl'), tasks);
}

/** Identity of the evaluation whose config.json this is; undefined for anything else, and for a damaged one if told. */
function keyOf(path: string, damagedToo = false): unknown {
  if (!existsSync(path)) return undefined;
  try {
    const config = readJsonFile(path, 'evaluation config');
    return typeof config === 'object' && config !== null && 'key' in config ? config.key : undefined;
  } catch (error) {
    if (damagedToo) return undefined;
    throw error;
  }
}

/**
 * What is overwritten must be an evaluation: folders of runs and others have files of the same names. One whose settings
 * are damaged is known by its samples.
 */
function checkEvaluation(out: string): void {
  const taken = WRITTEN.filter((name) => existsSync(join(out, name)));
  const isOne = keyOf(join(out, 'config.json'), true) !== undefined || taken.includes('samples.jsonl');
  if (taken.length === 0 || isOne) return;
  throw userError(
    'EVALUATION_EXISTS',
    'an evaluation to overwrite',
    `${out} with ${taken.join(', ')} of something else`,
    'choose another folder',
  );
}
