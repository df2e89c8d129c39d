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
  token_equivalents?: number;
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
  /** TensorBoard's group of the metrics; default `train`. */
  group?: string;
}

/** A line of a program's log: numbers by name, some of them by group of tasks or kind. */
type Line = { step: number };
type LineValue = number | Readonly<Record<string, number>> | undefined;

export class RunLog<M extends Line = TrainMetrics, T extends Line = TrainTiming> {
  private readonly events: EventWriter | undefined;
  private readonly group: string;

  constructor(
    private readonly folder: string,
    options: RunLogOptions = {},
  ) {
    makeOutputFolder(folder);
    this.group = options.group ?? 'train';
    this.events =
      options.tensorboard === undefined ? undefined : new EventWriter(folder, options.tensorboard);
  }

  metrics(line: M): void {
    appendToFile(join(this.folder, 'metrics.jsonl'), `${JSON.stringify(line)}\n`);
    this.events?.scalars(line.step, this.group, scalarsOf(line));
  }

  timing(line: T): void {
    appendToFile(join(this.folder, 'timing.jsonl'), `${JSON.stringify(line)}\n`);
    this.events?.scalars(line.step, 'timing', scalarsOf(line));
  }

  /**
   * Drops what a killed run wrote after its last checkpoint (and a line it left half-written).
   * @param keep which lines of that very step the checkpoint knows of; default all
   */
  rewindTo(step: number, keep: (line: object) => boolean = () => true): void {
    for (const name of ['metrics.jsonl', 'timing.jsonl']) {
      const path = join(this.folder, name);
      if (!existsSync(path)) continue;
      const kept = completeLines(readFileSync(path, 'utf8')).filter(
        (line) => line.step < step || (line.step === step && keep(line)),
      );
      writeFileAtomically(path, kept.map((line) => `${JSON.stringify(line)}\n`).join(''));
    }
    this.events?.rewindTo(step);
  }
}

/** The numbers of a line by tag: those of `loss_by_group` are `loss/GROUP`. */
function scalarsOf({ step: _step, ...values }: Line): Record<string, number> {
  const scalars = Object.entries(values as Record<string, LineValue>).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (typeof value === 'number') return [[name, value]];
    const tag = name.replace(/_by_group$/, '');
    return Object.entries(value).map(([group, inner]) => [`${tag}/${group}`, inner]);
  });
  return Object.fromEntries(scalars) as Record<string, number>;
}

/** The metrics of a run so far; those of a GRPO run are `readMetrics<GrpoMetrics>(folder)`. */
export function readMetrics(folder: string): TrainMetrics[];
export function readMetrics<Metrics extends { step: number }>(folder: string): Metrics[];
export function readMetrics(folder: string): { step: number }[] {
  const path = join(folder, 'metrics.jsonl');
  return existsSync(path) ? completeLines(readFileSync(path, 'utf8')) : [];
}

/** Lines that end in a newline; only those were written whole. */
function completeLines(text: string): { step: number }[] {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { step: number });
}
