/** What the runs of the comparison have left, as tables: every curve, and every measure of every model. */
import { join } from 'node:path';
import { from } from 'arquero';
import { writeFileAtomically } from '../../src/core/files.ts';
import { BUCKETS, type NextTokenAccuracy, pairedGains, passAtKFrame, readMetrics } from '../../src/index.ts';
import {
  ABLATIONS,
  type Experiment,
  lastBudget,
  type ModelName,
  measureTokens,
  RANGES,
  SAMPLES,
  solve,
} from './experiment.ts';

export type Cell = number | string | null;
export type TableRow = Record<string, Cell>;

export interface Results {
  /** seed, model, stage (mid, grpo), step, and the numbers of the log that are curves. */
  curves: TableRow[];
  /** seed, model, difficulty (all, easy, medium, hard), prediction (plain, thinking): next-token accuracy. */
  accuracy: TableRow[];
  /** seed, model, bin: shares of tokens by entropy. */
  entropies: TableRow[];
  /** seed, model, stage, range, k: verified pass@k. */
  'pass-at-k': TableRow[];
  /** seed, model, stage, range, k: the same minus that of continued next-token training, problem by problem. */
  gains: TableRow[];
}

/** Numbers of the logs that are curves. */
const CURVES = [
  'token_equivalents',
  'tokens',
  'loss',
  'next_token_loss',
  'reward',
  'pass_rate',
  'match',
  'match_easy',
  'match_medium',
  'match_hard',
  'thought_length',
  'thinking_budget',
  'response_length',
  'entropy',
  'text_entropy',
  'closed',
  'truncated',
  'groups_all_wrong',
  'groups_without_signal',
  'kl',
  'gradient_norm',
  'learning_rate',
  'validation_loss',
  'validation_thought_length',
  ...['', '_easy', '_medium', '_hard'].flatMap((bucket) => [
    `validation_accuracy_plain${bucket}`,
    `validation_accuracy_thinking${bucket}`,
    `validation_entropy${bucket}`,
  ]),
] as const;

/** Reads (and measures, where that has not been done) what the runs have left. */
export async function collect(
  experiments: readonly Experiment[],
  models: readonly ModelName[],
): Promise<Results> {
  const results: Results = { curves: [], accuracy: [], entropies: [], 'pass-at-k': [], gains: [] };
  for (const experiment of experiments) {
    const { seed, out, quick } = experiment;
    const continued = models.includes('continued') ? 'continued' : 'base';
    // The base behind the budget that RMT ends with: what that budget alone changes.
    const { accuracy: announced } = await measureTokens(experiment, 'base', lastBudget('rmt'));
    results.accuracy.push(...accuracyCells(announced, { seed, model: BASE_WITH_BUDGET }));
    for (const model of models) {
      const { accuracy, entropies } = await measureTokens(experiment, model);
      results.accuracy.push(...accuracyCells(accuracy, { seed, model }));
      for (const bin of entropies) results.entropies.push({ seed, model, ...bin });
      for (const stage of (ABLATIONS as readonly string[]).includes(model)
        ? (['mid'] as const)
        : (['mid', 'grpo'] as const)) {
        const run = stage === 'mid' ? model : `grpo-${model}`;
        for (const line of readMetrics(join(out, `seed-${seed}`, run)))
          results.curves.push(curveRow(line, { seed, model, stage }));
        const evaluation = await solve(experiment, model, stage);
        const passed = passAtKFrame(evaluation.metrics!, {
          by: 'range',
          verifiers: ['verified'],
        }).objects() as TableRow[];
        for (const { range, k, value, low, high, n, clusters } of passed) {
          results['pass-at-k'].push({
            seed,
            model,
            stage,
            range: range!,
            k: k!,
            value: value!,
            low: low!,
            high: high!,
            n: n!,
            clusters: clusters!,
          });
        }
        if (model === continued) continue;
        const reference = await solve(experiment, continued, stage);
        const gains = pairedGains(reference.rows, evaluation.rows, {
          k: quick ? [1] : [1, SAMPLES],
          seed,
          verifiers: ['verified'],
          ranges: RANGES,
          by: ['range'],
        });
        for (const { group, k, gain, low, high, n, clusters } of gains) {
          results.gains.push({ seed, model, stage, range: group, k, gain, low, high, n, clusters });
        }
      }
    }
  }
  return results;
}

/** The base in `accuracy`, thinking behind RMT's last budget. */
export const BASE_WITH_BUDGET = 'base-with-budget';

/** Rows by difficulty, at once and after thinking. */
function accuracyCells(accuracy: NextTokenAccuracy, of: TableRow): TableRow[] {
  const { thought_length, closed } = accuracy;
  return (['all', ...BUCKETS] as const).flatMap((difficulty) => {
    const found = difficulty === 'all' ? accuracy : accuracy.by_bucket[difficulty];
    if (found === undefined) return [];
    return (['plain', 'thinking'] as const).map((prediction) => {
      const { value, low, high, n } = found[prediction];
      return { ...of, difficulty, prediction, value, low, high, n, thought_length, closed };
    });
  });
}

/** A line of a log as a row: the curves in it, those by difficulty spread over columns. */
function curveRow(line: object, of: TableRow): TableRow {
  const flat: Record<string, unknown> = { ...line };
  const { match_by_difficulty: match } = flat as { match_by_difficulty?: Record<string, number> };
  for (const [bucket, value] of Object.entries(match ?? {})) flat[`match_${bucket}`] = value;
  const cells = CURVES.map(
    (name) => [name, typeof flat[name] === 'number' ? (flat[name] as number) : null] as const,
  );
  return { ...of, step: flat.step as number, ...Object.fromEntries(cells) };
}

/** Writes each table as a CSV file. */
export function writeResults(folder: string, results: Results): void {
  for (const [name, rows] of Object.entries(results)) {
    const rounded = (rows as TableRow[]).map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([key, cell]) => [
          key,
          typeof cell === 'number' ? Number(cell.toPrecision(6)) : cell,
        ]),
      ),
    );
    writeFileAtomically(join(folder, `${name}.csv`), `${from(rounded).toCSV()}\n`);
  }
}
