/** Frames of several runs and evaluations side by side, from the folders they left. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { userError } from '../core/errors.ts';
import { readJsonFile } from '../core/json.ts';
import type { Metrics } from '../evaluate/index.ts';
import { readMetrics } from '../train/index.ts';
import { errorTypesFrame, type Grouping, passAtKFrame } from './frames.ts';
import { rowsOf } from './tables.ts';

/** A row of a frame. */
export type FrameRow = Record<string, unknown>;

/** What of an evaluation a frame holds: its pass@k or its kinds of errors. */
export type Measured = 'pass_at_k' | 'error_types';

/** An evaluation folder and what is known of it: `{ evaluation: 'evals/base', run: 'Base', hard_ratio: 5 }`. */
export interface DesignRow {
  evaluation: string;
  [factor: string]: unknown;
}

/**
 * Rows of evaluation folders (`metrics.json`) with the design's columns before them: one frame of an experiment, however its
 * parts are named. Rows by op also say their `range`.
 * @throws userError INPUT_UNREADABLE, JSON_FILE, EVALUATION_METRICS
 */
export function designRows(
  design: readonly DesignRow[],
  by: Grouping,
  what: Measured = 'pass_at_k',
): FrameRow[] {
  return design.flatMap(({ evaluation, ...factors }) => {
    const metrics = readEvaluationMetrics(evaluation);
    const frame = (what === 'pass_at_k' ? passAtKFrame : errorTypesFrame)(metrics, { by });
    return (rowsOf(frame) as FrameRow[]).map((row) => ({
      ...factors,
      ...(by === 'op' ? { range: rangeOf(metrics, Number(row.op)) } : {}),
      ...row,
    }));
  });
}

/** The design of plain folders: each a `run` of its name. */
export function namedDesign(folders: readonly string[]): DesignRow[] {
  const names = folders.map((folder) => basename(resolve(folder)));
  return folders.map((evaluation, i) => {
    const only = names.indexOf(names[i]!) === names.lastIndexOf(names[i]!);
    return { evaluation, run: only ? names[i] : evaluation };
  });
}

function rangeOf({ ranges }: Metrics, op: number): string {
  return Object.entries(ranges).find(([, [low, high]]) => op >= low && op <= high)?.[0] ?? 'other';
}

/** The metrics of an evaluation folder. */
export function readEvaluationMetrics(folder: string): Metrics {
  const path = join(folder, 'metrics.json');
  const metrics = readJsonFile(path, 'metrics of an evaluation') as Partial<Metrics> | null;
  if (typeof metrics === 'object' && metrics?.by_op && metrics.by_range && metrics.ranges)
    return metrics as Metrics;
  throw userError(
    'EVALUATION_METRICS',
    `metrics of an evaluation in ${path}`,
    'something else',
    'evaluate again',
  );
}

/**
 * pass@k along the checkpoints of a run, by range and by op, from a sweep (`evaluate --run`): rows {step, tokens, range or
 * op, verifier, k, value, low, high, n, clusters}. `ops` limits the rows by op (default all).
 * @throws userError INPUT_UNREADABLE when the folder has no `step-N`
 */
export function dynamicsRows(sweep: string, ops?: readonly number[]): FrameRow[] {
  const names = existsSync(sweep) && statSync(sweep).isDirectory() ? readdirSync(sweep) : [];
  const steps = names
    .filter((name) => /^step-\d+$/.test(name) && existsSync(join(sweep, name, 'metrics.json')))
    .map((name) => Number(name.slice(5)))
    .sort((a, b) => a - b);
  if (steps.length === 0) {
    throw userError(
      'INPUT_UNREADABLE',
      'a sweep with evaluated checkpoints step-N',
      sweep,
      'make it with evaluate --run',
    );
  }
  const tokens = tokensByStep(sweep);
  return steps.flatMap((step) => {
    const metrics = readEvaluationMetrics(join(sweep, `step-${step}`));
    const at = { step, tokens: tokens.get(step) ?? null };
    const byOp = (rowsOf(passAtKFrame(metrics, { by: 'op' })) as FrameRow[]).filter(
      ({ op }) => ops === undefined || ops.includes(op as number),
    );
    const byRange = rowsOf(passAtKFrame(metrics, { by: 'range' })) as FrameRow[];
    return [...byRange, ...byOp].map((row) => ({ ...at, ...row }));
  });
}

function tokensByStep(sweep: string): Map<number, number> {
  const path = join(sweep, 'sweep.json');
  const rows = existsSync(path)
    ? (readJsonFile(path, 'sweep') as { step: number; tokens: number | null }[])
    : [];
  return new Map(rows.flatMap(({ step, tokens }) => (tokens === null ? [] : [[step, tokens]])));
}

/**
 * Lines of the metrics of runs of `grpo` or `rmt`, each with the `run` it is of (the folder's name) and `n`, its responses
 * per step.
 * A run may still be under way.
 * @throws userError INPUT_UNREADABLE for a folder that is no run
 */
export function runRows(runs: readonly string[]): FrameRow[] {
  return namedDesign(runs).flatMap(({ evaluation: folder, run }) => {
    const lines = linesOf(folder);
    const config = join(folder, 'config.json');
    const settings = existsSync(config)
      ? (readJsonFile(config, 'run config') as { group_size?: number })
      : {};
    return lines.map((line): FrameRow => {
      const { groups_sampled, positions } = line as { groups_sampled?: number; positions?: number };
      const groups = groups_sampled ?? positions;
      const n =
        groups === undefined || settings.group_size === undefined ? {} : { n: groups * settings.group_size };
      return { run, ...line, ...n };
    });
  });
}

/** A next-token accuracy of a run of `rmt`, as the figure `nextTokenAccuracies` takes it. */
export interface DifficultyRow {
  [column: string]: unknown;
  run: string;
  /** Of the validation. */
  step: number;
  difficulty: 'easy' | 'medium' | 'hard' | 'all';
  prediction: 'plain' | 'thinking';
  value: number;
  low: number;
  high: number;
  /** Tokens. */
  n: number;
}

/**
 * Next-token accuracies by difficulty of runs of `rmt`, of their last validation.
 * @throws userError INPUT_UNREADABLE for a folder that is no run, FIGURE_EMPTY for one without such a validation
 */
export function difficultyRows(runs: readonly string[]): DifficultyRow[] {
  return namedDesign(runs).flatMap(({ evaluation: folder, run }) => {
    const last = linesOf(folder).findLast((line) => line.validation_accuracy_plain !== undefined);
    if (last === undefined) {
      const remedy = 'train with rmt and validation.positions above 0';
      throw userError('FIGURE_EMPTY', 'a validation with next-token accuracies', `none in ${folder}`, remedy);
    }
    return (['easy', 'medium', 'hard', 'all'] as const).flatMap((difficulty) => {
      const ending = difficulty === 'all' ? '' : `_${difficulty}`;
      return (['plain', 'thinking'] as const).flatMap((prediction): DifficultyRow[] => {
        const name = `validation_accuracy_${prediction}${ending}`;
        const value = last[name];
        if (value === undefined) return [];
        const end = (which: string) => last[`${name}_${which}`] ?? Number.NaN;
        const n = last[`validation_tokens${ending}`] ?? Number.NaN;
        return [
          {
            run: String(run),
            step: last.step!,
            difficulty,
            prediction,
            value,
            low: end('low'),
            high: end('high'),
            n,
          },
        ];
      });
    });
  });
}

/** The lines of a run's metrics. */
function linesOf(folder: string): Partial<Record<string, number>>[] {
  if (existsSync(join(folder, 'metrics.jsonl'))) return readMetrics<{ step: number }>(folder);
  throw userError('INPUT_UNREADABLE', 'a run folder with metrics.jsonl', folder, 'check the path');
}
