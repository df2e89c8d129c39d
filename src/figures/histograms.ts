/** Distributions side by side: the share of values in each bin, a panel per exposure, a line per range. */
import { userError } from '../core/errors.ts';
import { markLabel } from './annotations.ts';
import { Figure } from './figure.ts';
import { type Columns, columnsWith, type Frame, numberIn, numericReader, type Row } from './frame.ts';
import { type AxisRequest, arrangePanels, type FrameOptions, type PanelRequest } from './layout.ts';
import { axesOf, capital, type Labels, multiplesOf, nameOf, partition, type Spot } from './multiples.ts';
import { sentence } from './sentence.ts';
import { hasInterval } from './series.ts';
import { DASHES, INK, SIZE, seriesColours, translucent } from './style.ts';
import type { Annotation, LineTrace } from './types.ts';

export interface HistogramOptions extends FrameOptions {
  /** Column of single values (default `similarity`), for frames without bins. */
  value?: string;
  /** Column that a line stands for (default `range` where the frame has it). */
  by?: string;
  /** Column whose values are panels. */
  panels?: string;
  columns?: number;
  /** Bins over `domain` for single values (default 20). */
  bins?: number;
  /** Ends of the values (default [0, 1]). */
  domain?: readonly [number, number];
  /** Left end of the x axis (default the first bin that any panel needs). */
  from?: number;
  /** Axis of the shares (default log, as small shares matter). */
  scale?: 'linear' | 'log';
  /** Places on the x axis that get a dotted line with a name, such as edges of buckets. */
  marks?: readonly { at: number; label: string }[];
  /** What is counted, for the caption (default `responses`). */
  counted?: string;
  labels?: Labels;
  xTitle?: string;
  panelHeight?: number;
}

/** Least share on a logarithmic axis: 0.5 %; bins below it, empty ones too, stand at the axis. */
const FLOOR = 0.005;

/**
 * Share of values per bin. `frame`: rows with bins {bin_low, bin_high, share, low?, high?, samples?} as `analyze --train`
 * writes them (`topology_similarity_histogram`), or with single values {`value`}, which are counted here; with the columns of
 * `by` and `panels`. Shares of a line in a panel add up to 1.
 */
export function histograms(frame: Frame, options: HistogramOptions = {}): Figure {
  const { value = 'similarity', scale = 'log' } = options;
  const panelColumns = options.panels === undefined ? [] : [options.panels];
  const binned = columnsWith(frame, 'histograms', panelColumns).reader('bin_low')?.(0) !== undefined;
  const measured = binned ? ['bin_low', 'bin_high', 'share'] : [value];
  const columns = columnsWith(frame, 'histograms', [...measured, ...panelColumns]);
  const by = options.by ?? (columns.reader('range')?.(0) === undefined ? undefined : 'range');
  if (by !== undefined) columnsWith(frame, 'histograms', [by]);
  const rows = binned
    ? columns.rows()
    : count(columns, value, [...panelColumns, ...(by === undefined ? [] : [by])], options);
  const multiples = multiplesOf(rows, options.panels, options);
  const lines = by === undefined ? ['undefined'] : [...new Set(rows.map((row) => String(row[by])))];
  const colours = seriesColours(lines.length);
  const full = rows.filter((row) => numberIn(row, 'share') > 0);
  const [low, high] = options.domain ?? [0, 1];
  const from =
    options.from ??
    Math.max(
      low,
      full.reduce((least, row) => Math.min(least, numberIn(row, 'bin_low')), high),
    );
  const drawn = new Set<number>();
  const data = multiples.spots.flatMap((spot) => {
    const parts = by === undefined ? new Map([['undefined', spot.rows]]) : partition(spot.rows, by);
    return lines.flatMap((line, index): LineTrace[] => {
      const own = parts.get(line)?.filter((row) => Number.isFinite(numberIn(row, 'share')));
      if (own === undefined || own.length === 0) return [];
      const name = by === undefined ? 'share' : nameOf(by, line, options.labels);
      const first = by !== undefined && !drawn.has(index);
      drawn.add(index);
      return [
        ...(own.every(hasInterval) ? [{ ...band(own, from, scale, colours[index]!), ...axesOf(spot) }] : []),
        {
          ...outline(own, from, scale),
          ...look(name, colours[index]!, index),
          showlegend: first,
          ...axesOf(spot),
        },
      ];
    });
  });
  data.sort((a, b) => Number(b.fill === 'toself') - Number(a.fill === 'toself'));
  const heights = full.flatMap((row) => [numberIn(row, 'share'), numberIn(row, 'high')]);
  const y = shareAxis(
    scale,
    heights.filter(Number.isFinite).reduce((most, one) => Math.max(most, one), FLOOR),
  );
  const panels = multiples.grid.map((spot): PanelRequest | null =>
    spot === null ? null : panelOf(spot, [from, high], y, options.xTitle ?? value.replaceAll('_', ' ')),
  );
  const marks = (options.marks ?? []).filter(({ at }) => at > from && at < high);
  data.unshift(
    ...multiples.spots.flatMap((spot) => marks.map(({ at }) => ({ ...markLine(at, y), ...axesOf(spot) }))),
  );
  const caption = sentence([
    options.caption,
    scale === 'log' ? 'Shares below 0.5 % stand at the axis' : undefined,
    data.some(({ fill }) => fill === 'toself') ? 'Shaded: 95 % intervals' : undefined,
    sampleText(rows, [...panelColumns, ...(by === undefined ? [] : [by])], options.counted ?? 'responses'),
  ]);
  const layout = arrangePanels(panels, {
    ...options,
    columns: multiples.columns,
    caption,
    ...(by === undefined
      ? {}
      : { legend: { title: capital(by), names: lines.map((line) => nameOf(by, line, options.labels)) } }),
  });
  layout.annotations.push(
    ...multiples.spots.flatMap((spot) =>
      marks.map(({ at, label }, i) =>
        markText(label, spot.number, { at, share: (at - from) / (high - from), i }, y),
      ),
    ),
  );
  return new Figure({ data, layout }, options.title ?? 'Distribution', rows, options.selfContained);
}

/** Rows of bins from single values, per group of the given columns. @throws FIGURE_COLUMN for values beyond the domain */
function count(columns: Columns, value: string, by: readonly string[], options: HistogramOptions): Row[] {
  const { bins = 20, domain: [low, high] = [0, 1] } = options;
  const read = numericReader(columns, value)!;
  const keys = by.map((name) => columns.reader(name)!);
  const groups = new Map<string, { facts: Row; counts: Float64Array }>();
  for (let row = 0; row < columns.length; row++) {
    const at = read(row);
    if (Number.isNaN(at)) continue;
    if (at < low || at > high) {
      throw userError(
        'FIGURE_COLUMN',
        `"${value}" within ${low} and ${high}`,
        String(at),
        'set the option domain',
      );
    }
    let key = '';
    for (const part of keys) key += `${part(row)}\0`;
    let group = groups.get(key);
    if (group === undefined) {
      group = {
        facts: Object.fromEntries(by.map((name, i) => [name, keys[i]!(row)])),
        counts: new Float64Array(bins),
      };
      groups.set(key, group);
    }
    group.counts[Math.min(bins - 1, Math.floor(((at - low) / (high - low)) * bins))]!++;
  }
  const width = (high - low) / bins;
  return [...groups.values()].flatMap(({ facts, counts }) => {
    const samples = counts.reduce((sum, one) => sum + one, 0);
    return Array.from(counts, (one, bin) => ({
      ...facts,
      bin_low: low + bin * width,
      bin_high: low + (bin + 1) * width,
      samples: one,
      share: one / samples,
    }));
  });
}

/** The steps of a histogram's upper edge, or of an end of its intervals. */
function outline(
  rows: readonly Row[],
  from: number,
  scale: 'linear' | 'log',
  column: 'share' | 'low' | 'high' = 'share',
): { x: number[]; y: number[] } {
  const bins = rows
    .filter((row) => numberIn(row, 'bin_high') > from + 1e-12)
    .toSorted((a, b) => numberIn(a, 'bin_low') - numberIn(b, 'bin_low'));
  const height = (row: Row) => Math.max(scale === 'log' ? FLOOR : 0, numberIn(row, column));
  return {
    x: bins.flatMap((row) => [numberIn(row, 'bin_low'), numberIn(row, 'bin_high')]),
    y: bins.flatMap((row) => [height(row), height(row)]),
  };
}

/** The area between both ends of the intervals. */
function band(rows: readonly Row[], from: number, scale: 'linear' | 'log', colour: string): LineTrace {
  const [low, high] = [outline(rows, from, scale, 'low'), outline(rows, from, scale, 'high')];
  return {
    type: 'scatter',
    mode: 'lines',
    x: [...high.x, ...low.x.toReversed()],
    y: [...high.y, ...low.y.toReversed()],
    fill: 'toself',
    fillcolor: translucent(colour, 0.15),
    line: { width: 0 },
    hoverinfo: 'skip',
    showlegend: false,
  };
}

/** A dotted line from the lower to the upper end of the y axis. */
function markLine(at: number, { type, range }: AxisRequest): LineTrace {
  return {
    type: 'scatter',
    mode: 'lines',
    x: [at, at],
    y: type === 'log' ? range.map((end) => 10 ** end) : [...range],
    line: { color: INK.soft, width: 1, dash: 'dot' },
    hoverinfo: 'skip',
    showlegend: false,
  };
}

/** Its name beside its upper end, each a line lower than the one before, as marks may stand close. */
function markText(
  label: string,
  panel: number,
  { at, share, i }: { at: number; share: number; i: number },
  { range }: AxisRequest,
): Annotation {
  const side = share > 0.75 ? -1 : 1;
  return {
    ...markLabel(label, panel, { x: at, y: range[1], up: -2 - 14 * i, anchor: 'top' }, SIZE.small, INK.soft),
    xanchor: side < 0 ? 'right' : 'left',
    xshift: 4 * side,
  };
}

function look(name: string, colour: string, index: number): Omit<LineTrace, 'x' | 'y'> {
  return {
    type: 'scatter',
    mode: 'lines',
    name,
    legendgroup: name,
    line: { color: colour, width: 2, dash: DASHES[index % DASHES.length]! },
    hovertemplate: '%{x:.2f}: %{y:.1%}<extra>%{fullData.name}</extra>',
  };
}

function panelOf(
  { title }: Spot,
  range: readonly [number, number],
  y: AxisRequest,
  xTitle: string,
): PanelRequest {
  const x: AxisRequest = { title: xTitle, type: 'linear', range: [range[0], range[1]], showgrid: false };
  return { ...(title === undefined ? {} : { title }), x, y };
}

function shareAxis(scale: 'linear' | 'log', top: number): AxisRequest {
  const title = 'probability (%)';
  if (scale === 'linear')
    return { title, type: 'linear', range: [0, Math.min(1, top * 1.08)], tickformat: '.0%' };
  const ticks = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8].filter((tick) => tick <= top * 1.2);
  return {
    title,
    type: 'log',
    range: [Math.log10(FLOOR * 0.92), Math.log10(Math.min(1, top * 1.2))],
    tickmode: 'array',
    tickvals: ticks,
    ticktext: ticks.map((tick) => String(Number((tick * 100).toPrecision(2)))),
  };
}

/** `n = 120–4000 responses per line` from the counts of the bins. */
function sampleText(rows: readonly Row[], by: readonly string[], counted: string): string | undefined {
  const sums = new Map<string, number>();
  for (const row of rows) {
    const samples = numberIn(row, 'samples');
    if (!Number.isFinite(samples)) continue;
    const key = by.map((name) => row[name]).join('\0');
    sums.set(key, (sums.get(key) ?? 0) + samples);
  }
  if (sums.size === 0) return undefined;
  const [least, most] = [Math.min(...sums.values()), Math.max(...sums.values())];
  return `n\u00a0=\u00a0${least === most ? least : `${least}–${most}`} ${counted} per line`;
}
