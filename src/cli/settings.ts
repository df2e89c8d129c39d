/** What the commands that train have in common: options, settings from a file and from `--set`, the run folder. */
import type { Command } from 'commander';
import { userError } from '../core/errors.ts';
import { readUserFile } from '../core/files.ts';
import { parseJson, repeatedKey } from '../core/json.ts';
import { integerOption, repeated } from './terminal.ts';

export interface RunFlags {
  config?: string;
  set: string[];
  out: string;
  resume?: true;
  overwrite?: true;
  seed?: number;
  backend: string;
  json?: true;
}

/** Adds the options to a command; `docs` names the page that lists its settings. */
export function addRunOptions(command: Command, docs: string): Command {
  return command
    .option('--config <file>', `settings as JSON (${docs} lists them)`)
    .option('--set <key=value>', 'override one setting; repeatable', repeated, [])
    .requiredOption('--out <folder>', 'run folder')
    .option('--resume', 'go on from the newest checkpoint in the run folder')
    .option('--overwrite', 'replace an earlier run in the folder')
    .option('--seed <n>', 'random seed (overrides the settings)', integerOption(0))
    .option('--backend <name>', 'auto, native, wasm, cuda, tensorflow, webgpu or cpu', 'auto')
    .option('--json', 'print the result as one JSON document');
}

/** The settings as they were given, and where, for messages. */
export async function givenSettings({
  config,
  set,
  seed,
}: RunFlags): Promise<{ given: Record<string, unknown>; source: string }> {
  const { applyOverrides } = await import('../train/index.ts');
  const overrides = seed === undefined ? set : [...set, `seed=${seed}`];
  return { given: applyOverrides(readConfig(config), overrides), source: config ?? 'the --set options' };
}

/** Of the options of a training program those that say which folder, and what becomes of a run in it. */
export function folderOf({ out, resume, overwrite }: RunFlags): {
  out: string;
  resume?: true;
  overwrite?: true;
} {
  return { out, ...(resume ? { resume } : {}), ...(overwrite ? { overwrite } : {}) };
}

/** Settings of a file, as they are; none without a file. */
export function readConfig(path: string | undefined): Record<string, unknown> {
  if (path === undefined) return {};
  const text = readUserFile(path, 'configuration file');
  const value = parseJson(text, path, 'configuration file');
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw userError(
      'CONFIG',
      'a JSON object of settings',
      `${path} with ${JSON.stringify(value)?.slice(0, 40)}`,
      'see docs/training.md',
    );
  }
  const twice = repeatedKey(text);
  if (twice !== null) {
    const got = `${JSON.stringify(twice)} twice in ${path}`;
    throw userError('CONFIG', 'each setting once', got, 'leave one of the two out');
  }
  return value as Record<string, unknown>;
}
