/** All checkpoints of a run on the same tasks: an evaluation folder each, and one table. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isCancelled } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import { writeFileAtomically } from '../core/files.ts';
import { readJsonFile } from '../core/json.ts';
import { parseJsonLine } from '../core/jsonl.ts';
import { disposeQwen2, loadModel } from '../model/index.ts';
import type { ReferenceTask } from '../tasks/index.ts';
import { readLines } from './lines.ts';
import type { GroupMetrics, Metrics } from './metrics.ts';
import { type EvaluateOptions, evaluate } from './run.ts';
import { VERIFIERS, type Verifier } from './tally.ts';

/** `all`, every n-th step, or the steps named. */
export type Checkpoints = 'all' | { everySteps: number } | readonly number[];

export interface EvaluateRunOptions extends EvaluateOptions {
  /** Default `all`. */
  checkpoints?: Checkpoints;
}

/** A line of `sweep.csv`: one number at one step. */
export interface SweepRow {
  step: number;
  /** Trained on so far; null where the checkpoint does not say. */
  tokens: number | null;
  /** Held-out loss at this step, from the run's metrics.jsonl; null where it was not measured. */
  validation_loss: number | null;
  /** A range of op, or `all`. */
  range: string;
  problems: number;
  /** A verifier's pass@k, or a share of samples: `unparsed`, `truncated`. */
  statistic: Verifier | 'unparsed' | 'truncated';
  /** Of pass@k; 1 for shares. */
  k: number;
  value: number;
  low: number;
  high: number;
}

export interface Sweep {
  out: string;
  /** Of the checkpoints that are done. */
  rows: SweepRow[];
  /** Evaluation folders, by step. */
  folders: Map<number, string>;
  /** False when stopped before the last checkpoint; calling again goes on. */
  finished: boolean;
}

interface Checkpoint {
  step: number;
  folder: string;
  tokens: number | null;
}

/**
 * Evaluates checkpoints of a run folder (of pre-training, mid-training or RL) into `out/step-N`, and writes `sweep.csv` and
 * `sweep.json` after each. What is done is not done again.
 * @throws SWEEP_CHECKPOINTS when the run has none, or not the ones asked for; JSONL_LINE (its metrics.jsonl); and what {@link evaluate} throws
 */
export async function evaluateRun(
  run: string,
  tasks: readonly ReferenceTask[],
  { checkpoints = 'all', out, ...options }: EvaluateRunOptions,
): Promise<Sweep> {
  const chosen = chooseCheckpoints(run, checkpoints);
  const losses = validationLosses(run);
  const sweep: Sweep = { out, rows: [], folders: new Map(), finished: false };
  for (const [i, { step, folder, tokens }] of chosen.entries()) {
    const target = join(out, `step-${step}`);
    const { progress } = options;
    const loaded = loadModel(folder);
    let evaluation: Awaited<ReturnType<typeof evaluate>>;
    try {
      evaluation = await evaluate(loaded, tasks, {
        ...options,
        out: target,
        ...(progress && {
          progress: (report) => progress({ ...report, stage: `step ${step} (${i + 1}/${chosen.length})` }),
        }),
      });
    } finally {
      disposeQwen2(loaded.model);
    }
    if (!evaluation.finished) return sweep;
    sweep.folders.set(step, target);
    sweep.rows.push(...rowsOf(evaluation.metrics!, { step, tokens, loss: losses.get(step) ?? null }));
    writeSweep(out, sweep.rows);
    if (isCancelled() && i + 1 < chosen.length) return sweep;
  }
  return { ...sweep, finished: true };
}

/** The complete checkpoints of a run, by step. A checkpoint's state.json is written last. */
function checkpointsOf(run: string): Checkpoint[] {
  const parent = join(run, 'checkpoints');
  const names = existsSync(parent) ? readdirSync(parent) : [];
  return names
    .flatMap((name): Checkpoint[] => {
      const state = join(parent, name, 'state.json');
      if (!/^step-\d+$/.test(name) || !existsSync(state)) return [];
      const { tokens } = (readJsonFile(state, 'checkpoint state') ?? {}) as { tokens?: unknown };
      const known = typeof tokens === 'number' ? tokens : null;
      return [{ step: Number(name.slice(5)), folder: join(parent, name), tokens: known }];
    })
    .sort((a, b) => a.step - b.step);
}

function chooseCheckpoints(run: string, wanted: Checkpoints): Checkpoint[] {
  const all = checkpointsOf(run);
  const fail = (expected: string, got: string): Error =>
    userError(
      'SWEEP_CHECKPOINTS',
      expected,
      got,
      `choose among ${all.map(({ step }) => step).join(', ') || 'none'}`,
    );
  if (all.length === 0) throw fail('a run folder with checkpoints', `${run} without`);
  if (wanted === 'all') return all;
  if ('everySteps' in wanted) {
    const some = all.filter(({ step }) => step % wanted.everySteps === 0);
    if (some.length === 0) throw fail(`checkpoints at multiples of ${wanted.everySteps}`, 'none');
    return some;
  }
  const missing = wanted.filter((step) => !all.some((one) => one.step === step));
  if (missing.length > 0) throw fail('steps that have a checkpoint', missing.join(', '));
  return all.filter(({ step }) => wanted.includes(step));
}

/** Held-out loss by step, where the run measured one. @throws JSONL_LINE */
function validationLosses(run: string): Map<number, number> {
  const path = join(run, 'metrics.jsonl');
  const losses = new Map<number, number>();
  if (!existsSync(path)) return losses;
  for (const { text, line, isWhole } of readLines(path)) {
    if (!isWhole || text.trim() === '') continue; // the run may be writing
    const value = parseJsonLine(text, path, line);
    const { step, validation_loss: loss } = (value ?? {}) as { step?: unknown; validation_loss?: unknown };
    if (typeof step === 'number' && typeof loss === 'number') losses.set(step, loss);
  }
  return losses;
}

function rowsOf(
  metrics: Metrics,
  { step, tokens, loss }: { step: number; tokens: number | null; loss: number | null },
): SweepRow[] {
  const groups: [string, GroupMetrics][] = [...Object.entries(metrics.by_range), ['all', metrics.overall]];
  return groups.flatMap(([range, group]) => {
    const at = { step, tokens, validation_loss: loss, range, problems: group.problems };
    const numbers = ({ value, low, high }: { value: number; low: number; high: number }) => ({
      value,
      low,
      high,
    });
    return [
      ...VERIFIERS.flatMap((statistic) =>
        metrics.k.map((k) => ({ ...at, statistic, k, ...numbers(group.pass_at_k[statistic][String(k)]!) })),
      ),
      ...(['unparsed', 'truncated'] as const).map((statistic) => ({
        ...at,
        statistic,
        k: 1,
        ...numbers(group.errors[statistic]),
      })),
    ];
  });
}

const COLUMNS = [
  'step',
  'tokens',
  'validation_loss',
  'range',
  'problems',
  'statistic',
  'k',
  'value',
  'low',
  'high',
] as const;

/** NaN and null are empty in CSV and null in JSON. */
function writeSweep(out: string, rows: readonly SweepRow[]): void {
  const cell = (value: string | number | null): string =>
    value === null || Number.isNaN(value)
      ? ''
      : /[",\n]/.test(String(value))
        ? JSON.stringify(value)
        : String(value);
  const lines = [COLUMNS.join(','), ...rows.map((row) => COLUMNS.map((name) => cell(row[name])).join(','))];
  writeFileAtomically(join(out, 'sweep.csv'), `${lines.join('\n')}\n`);
  writeFileAtomically(join(out, 'sweep.json'), `${JSON.stringify(rows, null, 1)}\n`);
}
