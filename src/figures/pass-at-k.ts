/** Figures of pass@k: against k (a line per range, run, …), and against op (a line per k, exposure, …). */
import { Figure } from './figure.ts';
import { countText, distinct, type Frame, type Row, selectRows } from './frame.ts';
import type { AxisRequest } from './layout.ts';
import { drawLines, intervalSentence, type LineOptions, type LinesRequest, padded } from './lines.ts';
import { multiplesOf, type Spot } from './multiples.ts';
import { sentence } from './sentence.ts';

export interface PassAtKOptions extends LineOptions {
  /** Which verifier's verdicts to draw when the frame has several (default `verified`). */
  verifier?: string;
  /** Only these values of k. */
  ks?: readonly number[];
}

/**
 * pass@k against k on a log₂ axis, a line per `by` (default: `range` if the frame has it, else `op`).
 * `frame`: rows {k, value, low?, high?, n?, op or range, verifier?} and the columns of `by` and `panels`; value in
 * [0, 1], NaN where undefined.
 */
export function passAtKCurve(frame: Frame, options: PassAtKOptions = {}): Figure {
  const panels = [options.panels ?? []].flat();
  const columns = ['k', 'value', ...panels, ...(options.by === undefined ? [] : [options.by])];
  const { rows, verifier } = selectRows(frame, 'passAtKCurve', [...new Set(columns)], options);
  const by = options.by ?? (rows[0]!.range === undefined ? 'op' : 'range');
  if (options.by === undefined) selectRows(rows, 'passAtKCurve', ['k', 'value', by]);
  const request: LinesRequest = {
    multiples: multiplesOf(rows, options.panels, options),
    x: 'k',
    xAxis: () => kAxis(distinct(rows, 'k').map(Number)),
    yTitle: 'pass@k',
    by,
    ...(by === 'op' ? { legend: 'Operations' } : {}),
    hover: 'k = %{x}<br>pass@k = %{y:.3f}<extra>%{fullData.name}</extra>',
  };
  return draw(rows, request, verifier, by === 'op' ? 'op' : 'line', options);
}

/** A log₂ axis of k; where many stand close, only every second or fourth k has a number. */
function kAxis(ks: readonly number[]): AxisRequest {
  return {
    title: 'k (samples per problem)',
    type: 'log',
    range: padded(Math.log10(ks[0]!), Math.log10(ks.at(-1)!), 0.04, 0.15),
    tickmode: 'array',
    tickvals: [...ks],
    ticktext: ks.map(String),
    showgrid: false,
  };
}

/**
 * pass@k against op, a line per k or per `by`. `frame`: rows {op, k, value, low?, high?, n?, verifier?} and the columns
 * of `by` and `panels`; value in [0, 1], NaN where undefined (k larger than the number of samples).
 */
export function passAtKByOp(frame: Frame, options: PassAtKOptions = {}): Figure {
  const by = options.by ?? 'k';
  const columns = ['op', 'k', 'value', by, ...[options.panels ?? []].flat()];
  const { rows, verifier } = selectRows(frame, 'passAtKByOp', [...new Set(columns)], options);
  const request: LinesRequest = {
    multiples: multiplesOf(rows, options.panels, options),
    x: 'op',
    xAxis: opAxis,
    yTitle: by === 'k' ? 'pass@k' : passLabel(rows),
    by,
    ...(by === 'k' ? { legend: 'Samples' } : {}),
    hover: 'op %{x}<br>%{fullData.name} = %{y:.3f}<extra></extra>',
  };
  return draw(rows, request, verifier, 'op', options);
}

/** The ops of a panel. */
function opAxis({ rows }: Spot): AxisRequest {
  const ops = distinct(rows, 'op').map(Number);
  return {
    title: 'operations (op)',
    type: 'linear',
    range: padded(ops[0]!, ops.at(-1)!, 0.03, 0.5),
    tickmode: 'array',
    tickvals: ops,
    ticktext: ops.map(String),
    showgrid: false,
  };
}

function draw(
  rows: readonly Row[],
  request: LinesRequest,
  verifier: string | undefined,
  per: string,
  options: PassAtKOptions,
): Figure {
  const spec = drawLines(rows, request, options, (traces) =>
    sentence([
      options.caption,
      verifier === undefined ? undefined : `Judged by: ${verifier.replaceAll('_', ' ')}`,
      intervalSentence(traces, options.intervalText),
      countText(rows, per),
    ]),
  );
  return new Figure(spec, options.title ?? 'pass@k', rows, options.selfContained);
}

function passLabel(rows: readonly Row[]): string {
  const ks = distinct(rows, 'k');
  return ks.length === 1 ? `pass@${ks[0]}` : 'pass@k';
}
