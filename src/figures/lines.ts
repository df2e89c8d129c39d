/** Small multiples of lines with intervals: what figures of pass@k, sweeps and budgets have in common. */
import { checkShares, distinct, numberIn, type Row } from './frame.ts';
import { type AxisRequest, arrangePanels, type FrameOptions, type PanelRequest } from './layout.ts';
import {
  axesOf,
  capital,
  checkUnique,
  type Labels,
  type Multiples,
  nameOf,
  type Panels,
  partition,
  type Spot,
} from './multiples.ts';
import { type IntervalStyle, lineTraces } from './series.ts';
import { SIZE, seriesColours } from './style.ts';
import { niceStep } from './svg/scale.ts';
import { textWidth } from './text.ts';
import type { FigureSpec, LineTrace } from './types.ts';

/** Options that all figures of lines understand. */
export interface LineOptions extends FrameOptions {
  /** Column that a line stands for. */
  by?: string;
  /** Column whose values are panels, or two: rows and columns of a grid. */
  panels?: Panels;
  /** Panels in a row, with one column of panels (default 4). */
  columns?: number;
  /** Only rows with these values, by column. */
  where?: Readonly<Record<string, unknown>>;
  interval?: IntervalStyle;
  /** What values of the frame are called, by value. */
  labels?: Labels;
  /** Whether the lines are an ordered series, which then has shades of one ramp (default: numbers, more than two). */
  ordered?: boolean;
  /**
   * The y axis of shares: from 0 to 1 (default), or fitted to what is drawn, in all panels together, in each row of a
   * grid or in each column.
   */
  y?: 'unit' | 'all' | 'row' | 'column';
  /** Height of a row of panels, px. */
  panelHeight?: number;
  /** How the intervals were made, for the caption. */
  intervalText?: string;
}

export interface LinesRequest {
  multiples: Multiples;
  x: string;
  /** The x axis of a panel. */
  xAxis(spot: Spot): AxisRequest;
  /** What y is, and how a row's name goes with it. */
  yTitle: string;
  /** Whether y is a share, with per cent at its axis (default). */
  share?: boolean;
  by: string | undefined;
  /** Title of the legend (default: the column's name). */
  legend?: string;
  hover: string;
}

/** The lines of all panels; the same colour and marker for a series in all of them. `caption` gets the drawn traces. */
export function drawLines(
  rows: readonly Row[],
  request: LinesRequest,
  options: LineOptions,
  caption: (traces: readonly LineTrace[]) => string,
): FigureSpec {
  const { multiples, x, by } = request;
  if (request.share ?? true) checkShares(rows, 'value');
  const values = by === undefined ? [undefined] : distinct(rows, by);
  const numeric = values.length > 2 && values.every((value) => typeof value === 'number');
  const colours = seriesColours(values.length, options.ordered ?? numeric);
  const names = values.map((value) =>
    value === undefined ? request.yTitle : nameOf(by!, value, options.labels),
  );
  const shown = new Set<number>();
  const data = multiples.spots.flatMap((spot) => {
    const parts = by === undefined ? new Map([['undefined', spot.rows]]) : partition(spot.rows, by);
    return values.flatMap((value, index) => {
      const own = parts.get(String(value))?.toSorted((a, b) => numberIn(a, x) - numberIn(b, x));
      if (own === undefined) return [];
      checkUnique(own, x, [...[options.panels ?? []].flat(), ...(by === undefined ? [] : [by])]);
      const series = { name: names[index]!, rows: own, colour: colours[index]!, index };
      const axes = multiples.spots.length > 1 ? axesOf(spot) : {};
      const traces = lineTraces(series, x, options.interval ?? 'band', request.hover, axes);
      const first = !shown.has(index);
      shown.add(index);
      return by !== undefined && first ? traces : traces.map((trace) => ({ ...trace, showlegend: false }));
    });
  });
  // All areas first: a line is never under another one's area.
  data.sort((a, b) => Number(b.fill === 'toself') - Number(a.fill === 'toself'));
  const panels = multiples.grid.map((spot): PanelRequest | null => {
    if (spot === null) return null;
    const y = yAxis(spot, request, multiples, options.y ?? 'unit', options.panelHeight ?? 168);
    return { ...(spot.title === undefined ? {} : { title: spot.title }), x: request.xAxis(spot), y };
  });
  const layout = arrangePanels(panels, {
    ...options,
    columns: multiples.columns,
    yLabels: options.y === 'column' && multiples.columns > 1 ? 'ticks' : 'outer',
    caption: caption(data),
    ...(by === undefined ? {} : { legend: { title: request.legend ?? capital(by), names } }),
  });
  return { data, layout };
}

function yAxis(
  spot: Spot,
  { yTitle, share = true }: LinesRequest,
  { spots }: Multiples,
  mode: NonNullable<LineOptions['y']>,
  height: number,
): AxisRequest {
  const title = rowTitle(spot.rowName, yTitle, height);
  if (mode === 'unit' && share) {
    return { title, type: 'linear', range: [-0.02, 1.02], dtick: 0.2, tickformat: '.0%' };
  }
  const together = spots.filter(
    (other) =>
      mode === 'all' ||
      mode === 'unit' ||
      (mode === 'row' ? other.row === spot.row : other.column === spot.column),
  );
  return {
    title,
    ...fittedAxis(
      together.flatMap(({ rows }) => rows),
      share,
    ),
  };
}

/** What is measured and a row's name, as far as both fit beside a panel; a row that is a measure says it all. */
export function rowTitle(rowName: string | undefined, measure: string, height: number): string {
  if (rowName === undefined) return measure;
  if (rowName.startsWith('pass@')) return rowName;
  const both = `${measure}, ${rowName}`;
  return textWidth(both, SIZE.axis) <= height ? both : rowName;
}

/** An axis for the values and intervals of rows: round numbers at its ends, shares within 0 and 1. */
export function fittedAxis(rows: readonly Row[], share: boolean): Omit<AxisRequest, 'title'> {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const row of rows) {
    for (const column of ['value', 'low', 'high']) {
      const value = numberIn(row, column);
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (!(low <= high)) return { type: 'linear', range: [0, 1] };
  const dtick = Math.max(share ? 0.01 : 0, niceStep((high - low || Math.abs(high) || 1) / 5));
  const ends: [number, number] = [
    Math.floor(low / dtick + 1e-9) * dtick,
    Math.ceil(high / dtick - 1e-9) * dtick,
  ];
  if (ends[0] === ends[1]) ends[1] += dtick;
  if (share) ends[1] = Math.min(1, ends[1]);
  const pad = (ends[1] - ends[0]) * 0.03;
  return {
    type: 'linear',
    range: [ends[0] - pad, ends[1] + pad],
    dtick,
    ...(share ? { tickformat: '.0%' as const } : {}),
  };
}

/** `Shaded: …` and `Whiskers: …` for what intervals are drawn; undefined for none. */
export function intervalSentence(data: readonly LineTrace[], text = INTERVAL_TEXT): string | undefined {
  const kinds = [
    ...(data.some((trace) => trace.fill === 'toself') ? ['shaded'] : []),
    ...(data.some((trace) => trace.error_y !== undefined) ? ['whiskers'] : []),
  ];
  return kinds.length > 0 ? `${capital(kinds.join(', '))}: ${text}` : undefined;
}

export const INTERVAL_TEXT = '95 % bootstrap intervals over problems';

/** Ends of an axis of values with room around them. */
export function padded(low: number, high: number, share: number, least: number): [number, number] {
  const pad = high > low ? Math.max((high - low) * share, least * 0.2) : least;
  return [low - pad, high + pad];
}
