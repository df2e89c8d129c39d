/**
 * The files of a run folder that grow while it runs. `metrics.jsonl` holds what the run computed and is the same
 * for the same settings and seed; `timing.jsonl` holds what the machine did meanwhile; the TensorBoard events hold both.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { appendToFile, makeOutputFolder, writeFileAtomically } from '../core/files.ts';
import { EventWriter } from './tensorboard.ts';

/** One line of metrics.jsonl; names are documented in docs/metrics.md. */
export interface TrainMetrics {
  step: number;
  tokens: number;
  loss?: number;
  gradient_norm?: number;
  learning_rate?: number;
  /** Longest sequence, during a length warm-up. */
  sequence_length?: number;
  remit_objective?: number;
  remit_weight?: number;
  remit_clipped_low?: number;
  remit_clipped_high?: number;
  validation_loss?: number;
  validation_loss_by_group?: Record<string, number>;
}

/** One line of timing.jsonl; names are documented in docs/metrics.md. */
export interface TrainTiming {
  step: number;
  seconds: number;
  tokens_per_second: number;
  mfu: number;
  seconds_left: number;
  memory_mib: number;
}

export interface RunLogOptions {
  /** Seconds since 1970; also writes TensorBoard events. */
  tensorboard?: () => number;
}

export class RunLog {
  private readonly events: EventWriter | undefined;

  constructor(
    private readonly folder: string,
    options: RunLogOptions = {},
  ) {
    makeOutputFolder(folder);
    this.events =
      options.tensorboard === undefined ? undefined : new EventWriter(folder, options.tensorboard);
  }

  metrics(line: TrainMetrics): void {
    appendToFile(join(this.folder, 'metrics.jsonl'), `${JSON.stringify(line)}\n`);
    const { step, validation_loss_by_group: groups = {}, ...values } = line;
    const byGroup = Object.entries(groups).map(([name, loss]) => [`validation_loss/${name}`, loss] as const);
    this.events?.scalars(step, 'train', { ...values, ...Object.fromEntries(byGroup) });
  }

  timing(line: TrainTiming): void {
    appendToFile(join(this.folder, 'timing.jsonl'), `${JSON.stringify(line)}\n`);
    const { step, ...values } = line;
    this.events?.scalars(step, 'timing', values);
  }

  /** Drops what a killed run wrote after its last checkpoint (and a line it left half-written). */
  rewindTo(step: number): void {
    for (const name of ['metrics.jsonl', 'timing.jsonl']) {
      const path = join(this.folder, name);
      if (!existsSync(path)) continue;
      const kept = completeLines(readFileSync(path, 'utf8')).filter((line) => line.step <= step);
      writeFileAtomically(path, kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
    }
    this.events?.rewindTo(step);
  }
}

/** The metrics of a run so far. */
export function readMetrics(folder: string): TrainMetrics[] {
  const path = join(folder, 'metrics.jsonl');
  return existsSync(path) ? (completeLines(readFileSync(path, 'utf8')) as TrainMetrics[]) : [];
}

/** Lines that end in a newline; only those were written whole. */
function completeLines(text: string): { step: number }[] {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { step: number });
}
