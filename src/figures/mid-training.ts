/**
 * Figures of reinforcement mid-training (RMT, RPT, RLP) and what it is compared with, each one of the general figures with
 * its choices made. Every function takes the options of the general figure it is made of, which go before its own.
 */
import { type BarsOptions, bars } from './bars.ts';
import type { Figure } from './figure.ts';
import { columnsWith, type Frame, numberIn, type Row, rowsWith } from './frame.ts';
import { type HistogramOptions, histograms } from './histograms.ts';
import { type RunCurvesOptions, runCurves } from './run-curves.ts';

const PREDICTION_LABELS = { plain: 'at once', thinking: 'after thinking' } as const;
const DIFFICULTIES = ['easy', 'medium', 'hard', 'all'];

/**
 * Next-token accuracy by difficulty, at once and after thinking, a bar per run. `frame`: {run, difficulty, prediction, value,
 * low?, high?, n?}, as `difficultyRows` gives them for runs of `rmt`, and `accuracyRows` for any model.
 */
export function nextTokenAccuracies(frame: Frame, options: Partial<BarsOptions> = {}): Figure {
  const by = options.by ?? 'run';
  const rows = rowsWith(frame, 'nextTokenAccuracies', [by, 'difficulty', 'prediction', 'value']);
  const place = (row: Row) => DIFFICULTIES.indexOf(String(row.difficulty));
  return bars(
    rows.toSorted((a, b) => place(a) - place(b)), // runs stay in their order
    {
      title: 'Next-token accuracy by difficulty',
      by,
      x: 'difficulty',
      panels: 'prediction',
      columns: 1,
      numbers: 'value',
      xTitle: 'entropy of the token under the start',
      yTitle: 'right predictions',
      panelHeight: 150,
      counted: 'tokens',
      intervalText: '95 % bootstrap intervals over texts',
      ...options,
      labels: { ...PREDICTION_LABELS, ...options.labels },
    },
  );
}

/**
 * Shares of tokens by their entropy, models laid over one another; `marks` draws the edges of the buckets. `frame`: {run,
 * bin_low, bin_high, share, low?, high?, samples?}, as `entropyHistogram` gives the bins, or {run, entropy}, as
 * `tokenEntropies` does.
 */
export function entropyHistograms(frame: Frame, options: HistogramOptions = {}): Figure {
  const by = options.by ?? 'run';
  const columns = columnsWith(frame, 'entropyHistograms', [by]);
  const binned = columns.reader('bin_low')?.(0) !== undefined;
  const rows = columns.rows();
  // Bins beyond the last that has half a per cent of any line's tokens would be an empty half of the figure.
  const high = rows.reduce(
    (most, row) =>
      Math.max(
        most,
        binned ? (numberIn(row, 'share') >= 0.005 ? numberIn(row, 'bin_high') : 0) : numberIn(row, 'entropy'),
      ),
    0,
  );
  return histograms(binned ? rows.filter((row) => numberIn(row, 'bin_low') < high) : rows, {
    title: 'Entropy of the next token',
    value: 'entropy',
    xTitle: 'entropy of the next token (nats)',
    counted: 'tokens',
    domain: [0, high || 1],
    from: 0,
    ...options,
    by,
  });
}

/**
 * Length of thoughts over a run with its budget B_t beside it, a line per run. `frame`: {run, step, thought_length,
 * thinking_budget?}, as `runRows` gives them.
 */
export function thoughtLengths(frame: Frame, options: RunCurvesOptions = {}): Figure {
  return runCurves(frame, {
    title: 'Length of thoughts',
    metrics: ['thought_length'],
    beside: { thought_length: 'thinking_budget' },
    panels: null,
    panelHeight: 230,
    ...options,
  });
}
