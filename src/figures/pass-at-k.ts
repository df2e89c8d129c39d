/** Figures of pass@k: against k (one line per range or op), and against op (one line per k). */
import { userError } from '../core/errors.ts';
import { Figure } from './figure.ts';
import { countText, distinct, type Frame, numberIn, ofVerifier, type Row, rowsWith } from './frame.ts';
import { type AxisRequest, arrangePanels, type FrameOptions } from './layout.ts';
import { sentence } from './sentence.ts';
import { type IntervalStyle, lineTraces, type Series } from './series.ts';
import { seriesColours } from './style.ts';

export interface PassAtKOptions extends FrameOptions {
  /** Column that a line stands for. */
  by?: string;
  /** Which verifier's verdicts to draw when the frame has several (default `verified`). */
  verifier?: string;
  interval?: IntervalStyle;
  /** Only these values of k. */
  ks?: readonly number[];
  /** How the intervals were made, for the caption. */
  intervalText?: string;
}

const INTERVAL_TEXT = '95 % bootstrap intervals over problems';

/**
 * pass@k against k on a log₂ axis, a line per `by` (default: `range` if the frame has it, else `op`).
 * `frame`: rows {k, value, low?, high?, n?, op or range, verifier?}; value in [0, 1], NaN where undefined.
 */
export function passAtKCurve(frame: Frame, options: PassAtKOptions = {}): Figure {
  const all = rowsWith(frame, 'passAtKCurve', ['k', 'value']);
  const by = options.by ?? (all[0]!.range === undefined ? 'op' : 'range');
  const { rows, verifier } = select(frame, 'passAtKCurve', by, options);
  const ks = distinct(rows, 'k').map(Number);
  const series = seriesBy(rows, by, 'k', (value) => (by === 'op' ? `op ${value}` : String(value)));
  const axis: AxisRequest = {
    title: 'k (samples per problem)',
    type: 'log',
    range: padded(Math.log10(ks[0]!), Math.log10(ks.at(-1)!), 0.04, 0.15),
    tickmode: 'array',
    tickvals: ks,
    ticktext: ks.map(String),
  };
  const hover = 'k = %{x}<br>pass@k = %{y:.3f}<extra>%{fullData.name}</extra>';
  return draw(series, rows, 'k', axis, 'pass@k', hover, by, verifier, options);
}

/**
 * pass@k against op, a line per k. `frame`: rows {op, k, value, low?, high?, n?, verifier?}; value in [0, 1],
 * NaN where undefined (k larger than the number of samples).
 */
export function passAtKByOp(frame: Frame, options: PassAtKOptions = {}): Figure {
  const by = options.by ?? 'k';
  const { rows, verifier } = select(frame, 'passAtKByOp', by, options);
  const ops = distinct(rows, 'op').map(Number);
  const series = seriesBy(rows, by, 'op', (value) => (by === 'k' ? `pass@${value}` : String(value)));
  const axis: AxisRequest = {
    title: 'operations (op)',
    type: 'linear',
    range: padded(ops[0]!, ops.at(-1)!, 0.03, 0.5),
    tickmode: 'array',
    tickvals: ops,
    ticktext: ops.map(String),
  };
  const hover = 'op %{x}<br>%{fullData.name} = %{y:.3f}<extra></extra>';
  return draw(
    series,
    rows,
    'op',
    axis,
    by === 'k' ? 'pass@k' : passLabel(rows),
    hover,
    by,
    verifier,
    options,
  );
}

function select(frame: Frame, figure: string, by: string, options: PassAtKOptions) {
  const columns = figure === 'passAtKByOp' ? ['op', 'k', 'value', by] : ['k', 'value', by];
  const { rows, verifier } = ofVerifier(rowsWith(frame, figure, [...new Set(columns)]), options.verifier);
  const asked = options.ks;
  const kept = asked === undefined ? rows : rows.filter((row) => asked.includes(numberIn(row, 'k')));
  if (kept.length === 0) {
    const has = distinct(rows, 'k').join(', ');
    throw userError('FIGURE_EMPTY', `rows with k = ${asked?.join(', ')}`, `k = ${has}`, 'choose from these');
  }
  return { rows: kept, verifier };
}

function draw(
  series: readonly Series[],
  rows: readonly Row[],
  x: string,
  axis: AxisRequest,
  yTitle: string,
  hover: string,
  by: string,
  verifier: string | undefined,
  options: PassAtKOptions,
): Figure {
  const interval = options.interval ?? 'band';
  const data = series.flatMap((one) => lineTraces(one, x, interval, hover));
  // All areas first: a line is never under another one's area.
  data.sort((a, b) => Number(b.fill === 'toself') - Number(a.fill === 'toself'));
  const kinds = [
    ...(data.some((trace) => trace.fill === 'toself') ? ['shaded'] : []),
    ...(data.some((trace) => trace.error_y !== undefined) ? ['whiskers'] : []),
  ];
  const caption = sentence([
    options.caption,
    verifier === undefined ? undefined : `Judged by: ${verifier.replaceAll('_', ' ')}`,
    kinds.length > 0 ? `${capital(kinds.join(', '))}: ${options.intervalText ?? INTERVAL_TEXT}` : undefined,
    countText(rows, x === 'op' || by === 'op' ? 'op' : 'line'),
  ]);
  const layout = arrangePanels(
    [
      {
        x: { ...axis, showgrid: false },
        y: { title: yTitle, type: 'linear', range: [-0.02, 1.02], dtick: 0.2, tickformat: '.0%' },
      },
    ],
    {
      ...options,
      caption,
      legend: {
        title: by === 'op' ? 'Operations' : by === 'k' ? 'Samples' : capital(by),
        names: series.map((one) => one.name),
      },
    },
  );
  return new Figure({ data, layout }, options.title ?? 'pass@k', rows, options.selfContained);
}

/** One series per value of `by`, its rows in ascending order of x; one row per x. */
function seriesBy(
  rows: readonly Row[],
  by: string,
  x: string,
  label: (value: number | string) => string,
): Series[] {
  const values = distinct(rows, by);
  const colours = seriesColours(
    values.length,
    values.length > 2 && values.every((value) => typeof value === 'number'),
  );
  return values.map((value, index) => {
    const own = rows
      .filter((row) => row[by] === value || String(row[by]) === value)
      .sort((a, b) => numberIn(a, x) - numberIn(b, x));
    const twice = own.find((row, i) => i > 0 && row[x] === own[i - 1]![x]);
    if (twice !== undefined) {
      throw userError(
        'FIGURE_AMBIGUOUS',
        `one row for each ${by} and ${x}`,
        `several for ${by} = ${value}, ${x} = ${twice[x]}`,
        'filter the frame first (context, mode, run) or name the column in the option by',
      );
    }
    return { name: label(value), rows: own, colour: colours[index]!, index };
  });
}

function passLabel(rows: readonly Row[]): string {
  const ks = distinct(rows, 'k');
  return ks.length === 1 ? `pass@${ks[0]}` : 'pass@k';
}

function padded(low: number, high: number, share: number, least: number): [number, number] {
  const pad = high > low ? Math.max((high - low) * share, least * 0.2) : least;
  return [low - pad, high + pad];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1).replaceAll('_', ' ');
}
