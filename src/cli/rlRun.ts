/** What the commands of reinforcement learning have in common: options, settings, and a ^C that saves. */
import type { Command } from 'commander';
import { runCancellable } from '../core/cancellation.ts';
import { chooseBackend } from './backend.ts';
import { readConfig } from './pretrain.ts';
import { integerOption } from './terminal.ts';

export interface RlRunOptions {
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
    .option(
      '--set <key=value>',
      'override one setting; repeatable',
      (value, all: string[]) => [...all, value],
      [],
    )
    .requiredOption('--out <folder>', 'run folder')
    .option('--resume', 'go on from the newest checkpoint in the run folder')
    .option('--overwrite', 'replace an earlier run in the folder')
    .option('--seed <n>', 'random seed (overrides the settings)', integerOption(0))
    .option('--backend <name>', 'auto, native, wasm, cuda, tensorflow, webgpu or cpu', 'auto')
    .option('--json', 'print the result as one JSON document');
}

/**
 * Reads the settings, has `check` refuse wrong ones with the file's name, chooses the backend and runs; a first ^C lets
 * the run save a checkpoint and end, a second one kills it.
 * @param work is told the settings as they were given, the options of a run, and which backend was chosen
 */
export async function runWithSettings<T>(
  options: RlRunOptions,
  check: (given: Record<string, unknown>, source: string) => unknown,
  work: (
    given: Record<string, unknown>,
    run: { out: string; resume?: true; overwrite?: true },
    backend: string,
  ) => Promise<T>,
): Promise<T> {
  const { applyOverrides } = await import('../train/index.ts');
  const overrides = options.seed === undefined ? options.set : [...options.set, `seed=${options.seed}`];
  const given = applyOverrides(readConfig(options.config), overrides);
  check(given, options.config ?? 'the --set options'); // before a backend is chosen
  const backend = await chooseBackend(options.backend);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const run = {
    out: options.out,
    ...(options.resume ? { resume: true as const } : {}),
    ...(options.overwrite ? { overwrite: true as const } : {}),
  };
  return runCancellable(stop.signal, () => work(given, run, backend));
}

/** What a shell reports of an interrupted command. */
export const INTERRUPTED = 130;
