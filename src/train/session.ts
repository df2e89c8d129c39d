/**
 * What every training program does around its steps: check the run folder, lock it once all that can be refused has
 * been checked, free what a failed run holds.
 */
import { existsSync } from 'node:fs';
import { checkOutputFolder } from '../core/files.ts';
import { type ProgressSink, silent } from '../core/progress.ts';
import { lockRun } from './lock.ts';
import { checkRun } from './runFolder.ts';

/** Options that all training programs have. */
export interface RunOptions {
  /** Run folder (DESIGN §5.4). */
  out: string;
  /** Go on from the newest checkpoint of the folder. */
  resume?: boolean;
  /** Replace an earlier run in the folder. */
  overwrite?: boolean;
  progress?: ProgressSink;
  /** Milliseconds of a steady clock; only the timing file and the display depend on it. */
  clock?: () => number;
  /** Seconds since 1970, for the TensorBoard events. */
  wallTime?: () => number;
}

/** Holds tensors or threads that would outlive a failed run. */
export type Disposable = { dispose(): void };

export interface RunSession {
  /** Run folder. */
  run: string;
  /** Checkpoint to go on from. */
  resumed: string | undefined;
  /** Makes the run folder and locks it; before it nothing is written. */
  claim: () => void;
  /** What is put here is disposed of when the run fails. */
  owned: Disposable[];
  progress: ProgressSink;
  clock: () => number;
  wallTime: () => number;
}

/**
 * Runs a training program in its folder.
 * @param config resolved settings
 * @param inputs files and folders that the run reads
 * @throws RUN_LOCKED, and what `checkRun` throws
 */
export async function inRunFolder<T>(
  config: object,
  inputs: readonly string[],
  options: RunOptions,
  program: (session: RunSession) => Promise<T>,
): Promise<T> {
  const run = options.out;
  checkOutputFolder(run);
  let unlock = existsSync(run) ? lockRun(run) : undefined;
  const claim = () => {
    if (unlock !== undefined) return;
    unlock = lockRun(run);
    checkRun(run, config, inputs, options); // another may have been faster
  };
  const owned: Disposable[] = [];
  try {
    return await program({
      run,
      resumed: checkRun(run, config, inputs, options),
      claim,
      owned,
      progress: options.progress ?? silent,
      clock: options.clock ?? (() => performance.now()),
      wallTime: options.wallTime ?? (() => (performance.timeOrigin + performance.now()) / 1000),
    });
  } catch (error) {
    for (const each of owned) each.dispose();
    throw error;
  } finally {
    unlock?.();
  }
}
