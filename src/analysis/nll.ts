/** What RL gains in the likelihood of gold solutions (paper, Figure 10). */
import { type ColumnTable, from } from 'arquero';
import { userError } from '../core/errors.ts';
import { readJsonLines } from '../core/jsonl.ts';
import { randomFamily } from '../core/random.ts';
import { bootstrapMeans, type GoldNll } from '../evaluate/index.ts';

export interface NllReductionOptions {
  /** Of the bootstrap over problems, clustered by graph. */
  seed: number;
  /** Ops that a run was trained on, [from, to], by its name: its cells are `trained`. */
  trained?: Readonly<Record<string, readonly [number, number]>>;
}

/**
 * Mean over problems of the NLL per token under the base model less that under a run, in nats: above 0 where the run finds
 * gold solutions more likely. Problems are paired, so that the interval is of the difference. Columns: run, op, value, low,
 * high, n, and `trained` where told.
 * @throws userError NLL_TASKS when a run was measured on other tasks than the base model
 */
export function nllReductionFrame(
  base: readonly GoldNll[],
  runs: Readonly<Record<string, readonly GoldNll[]>>,
  { seed, trained }: NllReductionOptions,
): ColumnTable {
  const before = new Map(base.map((row) => [row.task_id, row]));
  const rows = Object.entries(runs).flatMap(([run, after]) => {
    checkSameTasks(before, after, run);
    const ops = [...new Set(after.map(({ op }) => op))].sort((a, b) => a - b);
    return ops.map((op) => {
      const own = after.filter((row) => row.op === op);
      const gains = own.map((row) => perToken(before.get(row.task_id)!) - perToken(row));
      const [{ value, low, high, n }] = bootstrapMeans([gains], {
        streams: randomFamily('bootstrap-nll', seed, `${run} ${op}`),
        clusters: own.map(({ fingerprint, task_id }) => fingerprint ?? task_id),
      }) as [ReturnType<typeof bootstrapMeans>[number]];
      const range = trained?.[run];
      const within = range === undefined ? {} : { trained: op >= range[0] && op <= range[1] };
      return { run, op, value, low, high, n, ...within };
    });
  });
  return from(rows);
}

function perToken({ nll, tokens }: GoldNll): number {
  return nll / tokens;
}

function checkSameTasks(before: ReadonlyMap<string, GoldNll>, after: readonly GoldNll[], run: string): void {
  const other = after.find(({ task_id }) => !before.has(task_id))?.task_id;
  if (other === undefined && after.length === before.size) return;
  throw userError(
    'NLL_TASKS',
    `the ${before.size} tasks of the base model for ${run}`,
    other === undefined ? `${after.length} tasks` : `another task, ${other}`,
    'measure all with the same task file',
  );
}

/** The lines of a file that `interplay nll` wrote. @throws userError INPUT_UNREADABLE, JSONL_LINE, NLL_ROW */
export function readNll(path: string): GoldNll[] {
  return [...readJsonLines(path)].map(({ value, line }) => {
    const row = value as Partial<GoldNll> | null;
    const whole =
      typeof row === 'object' &&
      row !== null &&
      typeof row.task_id === 'string' &&
      [row.op, row.tokens, row.nll].every((number) => typeof number === 'number');
    if (whole) return row as GoldNll;
    throw userError(
      'NLL_ROW',
      'task_id, op, tokens and nll',
      `${path} line ${line} without`,
      'write it with interplay nll',
    );
  });
}
