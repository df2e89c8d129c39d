/** Lines with intervals: the traces that pass@k figures and training curves are made of. */

import { escapeText } from './annotations.ts';
import { numberIn, type Row } from './frame.ts';
import { SYMBOLS, translucent } from './style.ts';
import type { ErrorBars, LineTrace } from './types.ts';

export interface Series {
  name: string;
  /** In ascending order of x. */
  rows: readonly Row[];
  colour: string;
  /** Place in the legend, which also picks the marker. */
  index: number;
}

/** How intervals are drawn: as an area behind the line, as bars at the points, or not at all. */
export type IntervalStyle = 'band' | 'bars' | 'none';

/** Whether a row has an interval. */
export function hasInterval(row: Row): boolean {
  return Number.isFinite(numberIn(row, 'low')) && Number.isFinite(numberIn(row, 'high'));
}

/** Whether any row has an interval. */
export function hasIntervals(rows: readonly Row[]): boolean {
  return rows.some(hasInterval);
}

/**
 * Traces of one series: the band (if asked for and drawable) and the line. Undefined values are gaps in the
 * line, not zeros.
 */
export function lineTraces(
  series: Series,
  x: string,
  interval: IntervalStyle,
  hover: string,
  axes: { xaxis?: string; yaxis?: string } = {},
): LineTrace[] {
  const rows = series.rows.filter((row) => Number.isFinite(numberIn(row, 'value')));
  const name = escapeText(series.name);
  const common = { name, legendgroup: name, ...axes };
  const traces: LineTrace[] = [];
  // One point has no area to shade, and an area must not pretend intervals where there are none.
  const shaded = interval === 'band' && rows.length > 1 && rows.every(hasInterval);
  if (shaded) {
    const xs = rows.map((row) => numberIn(row, x));
    traces.push({
      type: 'scatter',
      mode: 'lines',
      ...common,
      x: [...xs, ...xs.toReversed()],
      y: [
        ...rows.map((row) => numberIn(row, 'high')),
        ...rows.map((row) => numberIn(row, 'low')).toReversed(),
      ],
      fill: 'toself',
      fillcolor: translucent(series.colour, 0.15),
      line: { width: 0 },
      hoverinfo: 'skip',
      showlegend: false,
    });
  }
  traces.push({
    type: 'scatter',
    mode: 'lines+markers',
    ...common,
    x: series.rows.map((row) => numberIn(row, x)),
    y: series.rows.map((row) => orNull(numberIn(row, 'value'))),
    line: { color: series.colour, width: 2 },
    marker: { color: series.colour, size: 7, symbol: SYMBOLS[series.index % SYMBOLS.length]! },
    hovertemplate: hover,
    ...(!shaded && interval !== 'none' && hasIntervals(rows)
      ? { error_y: errorBars(series.rows, 'value', series.colour) }
      : {}),
  });
  return traces;
}

/** Distances of `low` and `high` from the value; 0 where there is no interval. */
export function errorBars(rows: readonly Row[], value: string, color: string): ErrorBars {
  const length = (from: number, to: number) => (Number.isFinite(to - from) ? Math.max(0, to - from) : 0);
  return {
    type: 'data',
    symmetric: false,
    array: rows.map((row) => length(numberIn(row, value), numberIn(row, 'high'))),
    arrayminus: rows.map((row) => length(numberIn(row, 'low'), numberIn(row, value))),
    color,
    thickness: 1.3,
    width: 3,
  };
}

/** Plotly writes a gap as null. */
export function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
