/** The tables that `analyze` writes: all evaluations side by side. */
import { type ColumnTable, from, table } from 'arquero';
import { userError } from '../core/errors.ts';
import { computeMetrics, pairedGains } from '../evaluate/index.ts';
import { type EdgeOptions, edgeOfCompetence } from './edge.ts';
import type { SavedEvaluation } from './evaluations.ts';
import { errorTypesFrame, firstErrorsFrame, passAtKFrame } from './frames.ts';
import type { TopologyIndex } from './similarity.ts';
import { type ResponseSample, similarityTables } from './similarity-frame.ts';

export interface AnalysisTables {
  /** By op; see {@link passAtKFrame}. */
  pass_at_k: ColumnTable;
  /** By range of op. */
  pass_at_k_by_range: ColumnTable;
  /** By op; see {@link errorTypesFrame}. */
  error_types: ColumnTable;
  /** By op; see {@link firstErrorsFrame}. */
  first_errors: ColumnTable;
}

/**
 * Tables of one or several evaluations; the first column, `evaluation`, is the folder.
 * @throws userError ANALYZE_K when no k is given and the evaluation does not say which it was made with
 */
export function analyseEvaluations(
  evaluations: readonly SavedEvaluation[],
  options: { seed: number; k?: readonly number[] },
): AnalysisTables {
  const rows: Record<keyof AnalysisTables, object[]> = {
    pass_at_k: [],
    pass_at_k_by_range: [],
    error_types: [],
    first_errors: [],
  };
  for (const evaluation of evaluations) {
    const { folder, rows: samples, ranges, without } = evaluation;
    const k = options.k ?? kOf(evaluation);
    const metrics = computeMetrics(samples, {
      k,
      seed: options.seed,
      ...(without === undefined ? {} : { tasks: without }),
      ...(ranges === undefined ? {} : { ranges }),
    });
    const add = (name: keyof AnalysisTables, frame: ColumnTable): void => {
      for (const row of rowsOf(frame)) rows[name].push({ evaluation: folder, ...row });
    };
    add('pass_at_k', passAtKFrame(metrics));
    add('pass_at_k_by_range', passAtKFrame(metrics, { by: 'range' }));
    add('error_types', errorTypesFrame(metrics));
    add('first_errors', firstErrorsFrame(metrics));
  }
  return {
    pass_at_k: from(rows.pass_at_k),
    pass_at_k_by_range: from(rows.pass_at_k_by_range),
    error_types: from(rows.error_types),
    first_errors: from(rows.first_errors),
  };
}

/**
 * What each evaluation gained over a baseline on the same tasks: `evaluation`, then the columns of {@link Gain}.
 * @throws userError GAIN_TASKS, METRICS_ROWS; ANALYZE_K as {@link analyseEvaluations}
 */
export function analyseGains(
  baseline: SavedEvaluation,
  evaluations: readonly SavedEvaluation[],
  options: { seed: number; k?: readonly number[] },
): ColumnTable {
  const rows = evaluations.flatMap((evaluation) => {
    const { folder, ranges } = evaluation;
    const k = options.k ?? kOf(evaluation);
    const without = { before: baseline.without ?? [], after: evaluation.without ?? [] };
    const settings = { k, seed: options.seed, without, ...(ranges === undefined ? {} : { ranges }) };
    return pairedGains(baseline.rows, evaluation.rows, settings).map((gain) => ({
      evaluation: folder,
      ...gain,
    }));
  });
  return from(rows);
}

/** The k of an evaluation. @throws ANALYZE_K */
function kOf({ k, folder }: SavedEvaluation): readonly number[] {
  if (k !== undefined) return k;
  throw userError('ANALYZE_K', `"k" in ${folder}/config.json`, 'none', 'choose with --k 1,2,4');
}

/** Tables {@link analyseSimilarity} gives: those of {@link similarityTables}, all evaluations side by side. */
export interface SimilarityAnalysis {
  topology_similarity: ColumnTable;
  topology_similarity_histogram: ColumnTable;
  [name: string]: ColumnTable;
}

/**
 * How alike the right responses of evaluations are to training graphs, by range of op.
 * @throws userError EVALUATION_ROW when a folder's samples are saved without their responses
 */
export function analyseSimilarity(
  evaluations: readonly SavedEvaluation[],
  index: TopologyIndex,
  { seed }: { seed: number },
): SimilarityAnalysis {
  const summary: object[] = [];
  const histogram: object[] = [];
  for (const { folder, rows, ranges } of evaluations) {
    const samples = rows.map((row) => {
      if ('response' in row && typeof row.response === 'string') return row as ResponseSample;
      throw userError('EVALUATION_ROW', 'a text in "response"', `none in ${folder}`, 'evaluate again');
    });
    const tables = similarityTables(samples, index, { seed, ...(ranges === undefined ? {} : { ranges }) });
    for (const row of rowsOf(tables.summary)) summary.push({ evaluation: folder, ...row });
    for (const row of rowsOf(tables.histogram)) histogram.push({ evaluation: folder, ...row });
  }
  return { topology_similarity: from(summary), topology_similarity_histogram: from(histogram) };
}

/** Ids of the tasks at the edge of competence: columns `evaluation`, `task_id`. */
export function analyseEdge(evaluations: readonly SavedEvaluation[], options: EdgeOptions): ColumnTable {
  const rows = evaluations.flatMap(({ folder, rows }) =>
    edgeOfCompetence(rows, options).map((task_id) => ({ evaluation: folder, task_id })),
  );
  // Column by column, so that a table without rows has its columns, too.
  return table({
    evaluation: rows.map(({ evaluation }) => evaluation),
    task_id: rows.map(({ task_id }) => task_id),
  });
}

/** All rows of a table (arquero gives 100,000 unless told otherwise). */
export function rowsOf(frame: ColumnTable): object[] {
  return frame.objects({ limit: Number.POSITIVE_INFINITY });
}
