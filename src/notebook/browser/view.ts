/** What one output of the browser holds: the samples it shows, and how many there are of every kind. */
import { userError } from '../../core/errors.ts';
import { type SampleView, viewSample } from './detail.ts';
import type { EvaluationIndex } from './evaluation.ts';
import type { BrowseOptions } from './filters.ts';
import { pageOf, SAMPLES_A_TURN, spread } from './select.ts';
import { SAMPLE_VERDICTS, type SampleVerdict } from './verdicts.ts';

export interface BrowserView {
  evaluation: EvaluationIndex;
  /** Filters that the samples were chosen by, where a cell can repeat the call. */
  given?: BrowseOptions;
  shown: SampleView[];
  /** Samples that pass the filters. */
  matching: number;
  /** How the shown ones were chosen. */
  how: string;
  verdicts: Record<SampleVerdict, number>;
  cells: Cell[];
}

/** Matching samples that filters cannot tell apart, and their number. */
export type Cell = [
  op: number,
  template: string,
  mode: string,
  verdict: number,
  errors: number,
  firstError: number,
  count: number,
];

export interface ViewOptions {
  limit: number;
  page?: number | undefined;
  given?: BrowseOptions;
}

/** @throws userError as {@link EvaluationIndex.read} */
export function viewSamples(
  evaluation: EvaluationIndex,
  positions: Uint32Array,
  { limit, page, given }: ViewOptions,
): BrowserView {
  const pages = Math.max(1, Math.ceil(positions.length / limit));
  if (page !== undefined && page > pages) {
    throw userError('BROWSE_FILTER', `a page within 1-${pages}`, String(page), 'lower it, or filter less');
  }
  const chosen = page === undefined ? spread(evaluation, positions, limit) : pageOf(positions, limit, page);
  const cells = cellsOf(evaluation, positions);
  const verdicts = Object.fromEntries(SAMPLE_VERDICTS.map((verdict) => [verdict, 0]));
  for (const [, , , verdict, , , count] of cells) verdicts[SAMPLE_VERDICTS[verdict]!]! += count;
  return {
    evaluation,
    ...(given === undefined ? {} : { given }),
    shown: Array.from(evaluation.read(chosen), viewSample),
    matching: positions.length,
    how: howChosen(positions.length, chosen.length, pages, page),
    verdicts: verdicts as Record<SampleVerdict, number>,
    cells,
  };
}

function howChosen(matching: number, shown: number, pages: number, page: number | undefined): string {
  if (page !== undefined) {
    return `page ${page} of ${pages}, in task order`;
  }
  if (shown === matching) return 'all';
  return `spread over op, context, mode and verdict, up to ${SAMPLES_A_TURN} of a problem in turn`;
}

function cellsOf(evaluation: EvaluationIndex, positions: Uint32Array): Cell[] {
  const cells = new Map<string, Cell>();
  for (const at of positions) {
    const { taskIndex, verdict, errors, firstError } = evaluation.key(at);
    const { op, template, mode } = evaluation.tasks[taskIndex]!;
    const index = SAMPLE_VERDICTS.indexOf(verdict);
    const name = `${op} ${template} ${mode} ${index} ${errors} ${firstError}`;
    const cell = cells.get(name);
    if (cell === undefined) cells.set(name, [op, template, mode, index, errors, firstError, 1]);
    else cell[6]++;
  }
  return [...cells.values()];
}
