/**
 * Figures from frames of a million rows: the time to their plotly specification, in seconds of processor time, as others
 * use the machine too. Making the frames does not count.
 */
import { type ColumnTable, table } from 'arquero';
import { histograms, passAtKCurve, runCurves, trainingCurve } from '../src/figures/index.ts';
import { leastProcessorTime } from './processorTime.ts';
import { type BenchmarkRow, row } from './table.ts';

const ROWS = 1_000_000;
const ROUNDS = 3;
/** The promise: a second. */
const LIMIT = 1;

export function figuresBenchmark(): BenchmarkRow[] {
  const steps = stepsTable();
  const objects = steps.objects({ limit: ROWS });
  const sweep = sweepTable();
  const where = { evaluation: ['run 7', 'run 8', 'run 9'] };
  const works: [string, () => unknown][] = [
    ['training curve, table', () => trainingCurve(steps)],
    ['training curve, array of rows', () => trainingCurve(objects)],
    ['reward and length of 5 runs, table', () => runCurves(steps)],
    ['histogram of single similarities, table', () => histograms(steps, { panels: 'run', by: 'range' })],
    [
      'pass@k of 3 evaluations among 13,889, table',
      () => passAtKCurve(sweep, { by: 'evaluation', panels: 'range', where }),
    ],
  ];
  return works.map(([work, draw]) =>
    row(`${work}, ${ROWS} rows`, 's', leastProcessorTime(draw, ROUNDS), undefined, LIMIT),
  );
}

function column(of: (row: number) => number): Float64Array {
  return Float64Array.from({ length: ROWS }, (_, i) => of(i));
}

function stepsTable(): ColumnTable {
  const wobble = (i: number) => ((i * 7919) % 101) / 101;
  return table({
    run: Array.from({ length: ROWS }, (_, i) => `run ${i % 5}`),
    range: Array.from({ length: ROWS }, (_, i) => ['id', 'edge', 'hard'][i % 3]),
    step: column((i) => i),
    tokens: column((i) => 8192 * i),
    loss: column((i) => 1 / (1 + i / 1e5) + 0.1 * wobble(i)),
    reward: column((i) => 0.8 * wobble(i)),
    response_length: column((i) => 250 + 10 * wobble(i)),
    similarity: column(wobble),
  });
}

/** 3 ranges × 8 k × 3 verifiers of many evaluations. */
function sweepTable(): ColumnTable {
  return table({
    evaluation: Array.from({ length: ROWS }, (_, i) => `run ${Math.floor(i / 72)}`),
    range: Array.from({ length: ROWS }, (_, i) => ['id', 'edge', 'hard'][i % 3]),
    verifier: Array.from(
      { length: ROWS },
      (_, i) => ['verified', 'compatible', 'answer'][Math.floor(i / 24) % 3],
    ),
    k: column((i) => 2 ** (Math.floor(i / 3) % 8)),
    value: column((i) => (i % 72) / 72),
    low: column((i) => ((i % 72) / 72) * 0.9),
    high: column((i) => Math.min(1, (i % 72) / 60)),
    n: column(() => 200),
  });
}
