/** What the commands of reinforcement learning have in common: settings, and a ^C that saves. */
import { runCancellable } from '../core/cancellation.ts';
import { chooseBackend } from './backend.ts';
import { folderOf, givenSettings, type RunFlags } from './settings.ts';

/**
 * Reads the settings, has `check` refuse wrong ones with the file's name, chooses the backend and runs; a first ^C lets
 * the run save a checkpoint and end, a second one kills it.
 * @param work is told the settings as they were given, the options of a run, and which backend was chosen
 */
export async function runWithSettings<T>(
  options: RunFlags,
  check: (given: Record<string, unknown>, source: string) => unknown,
  work: (given: Record<string, unknown>, run: ReturnType<typeof folderOf>, backend: string) => Promise<T>,
): Promise<T> {
  const { given, source } = await givenSettings(options);
  check(given, source); // before a backend is chosen
  const backend = await chooseBackend(options.backend);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  return runCancellable(stop.signal, () => work(given, folderOf(options), backend));
}

/** What a shell reports of an interrupted command. */
export const INTERRUPTED = 130;
