/** Bars side by side with what they differ by: rewards, hard ratios, kinds of errors. */
import { escapeText, markLabel } from './annotations.ts';
import { Figure } from './figure.ts';
import { checkShares, countText, distinct, type Frame, numberIn, type Row, selectRows } from './frame.ts';
import { type AxisRequest, arrangePanels, type FrameOptions, type PanelRequest } from './layout.ts';
import { INTERVAL_TEXT, rowTitle } from './lines.ts';
import {
  axesOf,
  capital,
  checkUnique,
  type Labels,
  multiplesOf,
  nameOf,
  type Panels,
  partition,
  type Spot,
} from './multiples.ts';
import { sentence } from './sentence.ts';
import { errorBars, hasIntervals, orNull } from './series.ts';
import { INK, SIZE, seriesColours } from './style.ts';
import { niceStep } from './svg/scale.ts';
import { textWidth } from './text.ts';
import type { Annotation, BarTrace } from './types.ts';

const BAR_GAP = 0.18;
/** Size of the numbers above bars under which they are left out, px: 5 points. */
const LEAST_NUMBER = 6.6;

export interface BarsOptions extends FrameOptions {
  /** Column of the bars that stand side by side, such as `reward`. */
  by: string;
  /** Column of the groups along the x axis; without it a panel is one group. */
  x?: string;
  /** Column of the heights (default `value`). */
  value?: string;
  /** Column whose values are panels, or two: rows and columns of a grid. */
  panels?: Panels;
  columns?: number;
  where?: Readonly<Record<string, unknown>>;
  verifier?: string;
  ks?: readonly number[];
  /**
   * `delta` (default): the first bar of a group says its height, the others their difference from it, both in percentage
   * points; of two bars the pair says its difference. `value`: every bar its height. `none`.
   */
  numbers?: 'delta' | 'value' | 'none';
  labels?: Labels;
  xTitle?: string;
  yTitle?: string;
  panelHeight?: number;
  /** Panels that share their y axis (default all). */
  y?: 'all' | 'row';
  intervalText?: string;
  /** What is counted, for the caption (default `problems`). */
  counted?: string;
}

/**
 * Bars of shares. `frame`: rows {value, low?, high?, n?} and the columns of `by`, `x` and `panels`, a row per bar; value
 * in [0, 1].
 */
export function bars(frame: Frame, options: BarsOptions): Figure {
  const { by, x, value = 'value', numbers = 'delta' } = options;
  const needed = [value, by, ...(x === undefined ? [] : [x]), ...[options.panels ?? []].flat()];
  const { rows, verifier } = selectRows(frame, 'bars', [...new Set(needed)], options);
  const multiples = multiplesOf(rows, options.panels, options);
  const series = distinct(rows, by).map(String);
  const colours = seriesColours(series.length);
  const groups = x === undefined ? [''] : distinct(rows, x).map(String);
  const categories = groups.map((group) =>
    x === undefined ? '' : escapeText(nameOf(x, group, options.labels)),
  );
  const drawn = new Set<string>();
  const data = multiples.spots.flatMap((spot) => {
    const parts = partition(spot.rows, by);
    return series.flatMap((name, index): BarTrace[] => {
      const own = ordered(parts.get(name) ?? [], x, groups);
      const label = escapeText(nameOf(by, name, options.labels));
      // A bar that a panel lacks keeps its place, as the numbers above the others expect it to.
      if (own.length === 0) return [emptyPlace(label, colours[index]!, axesOf(spot), categories[0]!)];
      checkUnique(x === undefined ? own.map((row) => ({ ...row, group: '' })) : own, x ?? 'group', [
        by,
        ...[options.panels ?? []].flat(),
      ]);
      const first = !drawn.has(name);
      drawn.add(name);
      return [
        {
          type: 'bar',
          name: label,
          legendgroup: label,
          showlegend: first,
          x: own.map((row) => (x === undefined ? '' : escapeText(nameOf(x, row[x], options.labels)))),
          y: own.map((row) => orNull(numberIn(row, value))),
          ...(multiples.spots.length > 1 ? axesOf(spot) : {}),
          marker: { color: colours[index]! },
          hovertemplate: '%{x} %{y:.1%}<extra>%{fullData.name}</extra>',
          ...(hasIntervals(own) ? { error_y: errorBars(own, value, '#333333') } : {}),
        },
      ];
    });
  });
  checkShares(rows, value);
  const panelHeight = options.panelHeight ?? (multiples.columns > 1 ? 168 : 260);
  const panels = multiples.grid.map((spot): PanelRequest | null => {
    if (spot === null) return null;
    const together = multiples.spots.filter((other) => options.y !== 'row' || other.row === spot.row);
    const title = rowTitle(spot.rowName, options.yTitle ?? yName(rows, value), panelHeight);
    return {
      ...(spot.title === undefined ? {} : { title: spot.title }),
      x: {
        title: options.xTitle ?? (x === undefined ? '' : capital(x)),
        type: 'category',
        range: [-0.5, groups.length - 0.5],
        categoryorder: 'array',
        categoryarray: categories,
        showgrid: false,
        ...(x === undefined ? { ticks: '' as const } : {}),
      },
      y: { title, ...heightAxis(together, value, numbers !== 'none') },
    };
  });
  const arranged = (caption: string) =>
    arrangePanels(panels, {
      ...options,
      panelHeight,
      ...(numbers === 'none' ? {} : { leastPanel: numbersWidth(groups.length, series.length, numbers) }),
      columns: multiples.columns,
      caption,
      legend: { title: capital(by), names: series.map((name) => nameOf(by, name, options.labels)) },
    });
  const slot = slotWidth(arranged(''), groups.length);
  const numbered = multiples.spots.flatMap((spot) =>
    numbers === 'none'
      ? []
      : numberLabels(spot, { by, x, value, numbers, series, groups, slot, gap: BAR_GAP }),
  );
  // Numbers that would stand on one another are left out, all of them.
  const legible = numbered.every(({ font }) => font.size >= LEAST_NUMBER);
  const caption = sentence([
    options.caption,
    verifier === undefined ? undefined : `Judged by: ${verifier.replaceAll('_', ' ')}`,
    numbersText(legible ? numbers : 'none', series.length, nameOf(by, series[0], options.labels)),
    hasIntervals(rows) ? `Whiskers: ${options.intervalText ?? INTERVAL_TEXT}` : undefined,
    countText(rows, 'bar', options.counted),
  ]);
  const layout = arranged(caption);
  layout.barmode = 'group';
  layout.bargap = BAR_GAP;
  if (legible) layout.annotations.push(...numbered);
  return new Figure({ data, layout }, options.title ?? 'Comparison', rows, options.selfContained);
}

function emptyPlace(
  name: string,
  color: string,
  axes: { xaxis: string; yaxis: string },
  category: string,
): BarTrace {
  const place = { x: [category], y: [null], marker: { color } };
  return { type: 'bar', name, legendgroup: name, showlegend: false, ...place, ...axes, hovertemplate: '' };
}

function ordered(rows: readonly Row[], x: string | undefined, groups: readonly string[]): readonly Row[] {
  if (x === undefined) return rows;
  return rows.toSorted((a, b) => groups.indexOf(String(a[x])) - groups.indexOf(String(b[x])));
}

function yName(rows: readonly Row[], value: string): string {
  if (value === 'share') return 'share of samples';
  const ks = rows[0]!.k === undefined ? [] : distinct(rows, 'k');
  return ks.length === 1 ? `pass@${ks[0]}` : 'pass@k';
}

/** From 0 to a round number above bars, whiskers and their labels; below 0 as far as something reaches. */
function heightAxis(spots: readonly Spot[], value: string, labelled: boolean): Omit<AxisRequest, 'title'> {
  let [bottom, top] = [0, 0];
  for (const { rows } of spots) {
    for (const row of rows)
      for (const column of [value, 'low', 'high']) {
        const height = numberIn(row, column);
        if (height > top) top = height;
        if (height < bottom) bottom = height;
      }
  }
  const dtick = Math.max(0.01, niceStep((top - bottom || 1) / 5));
  const range: [number, number] = [bottom * 1.05, top + (top - bottom) * (labelled ? 0.14 : 0.05) || 1];
  return { type: 'linear', range, dtick, tickformat: '.0%' };
}

/** Px that the numbers above the bars of a panel need, about. */
function numbersWidth(groups: number, series: number, numbers: 'delta' | 'value'): number {
  return numbers === 'delta' && series === 2 ? groups * 27 : groups * series * 20;
}

function numbersText(numbers: BarsOptions['numbers'], series: number, reference: string): string | undefined {
  if (numbers !== 'delta') return undefined;
  return series === 2
    ? `Numbers: difference from ${reference} in percentage points`
    : `Numbers: ${reference} in %, others as difference from it in percentage points`;
}

/** Px of a group's place on the x axis. */
function slotWidth(
  {
    width,
    margin,
    xaxis,
  }: { width: number; margin: { l: number; r: number }; xaxis?: { domain: [number, number] } },
  groups: number,
): number {
  const [low, high] = xaxis!.domain;
  return ((width - margin.l - margin.r) * (high - low)) / groups;
}

interface Numbered {
  by: string;
  x: string | undefined;
  value: string;
  numbers: 'delta' | 'value';
  series: readonly string[];
  groups: readonly string[];
  slot: number;
  gap: number;
}

/** What bars say above their whiskers, as small as it must be to stand beside one another. */
function numberLabels(spot: Spot, of: Numbered): Annotation[] {
  const { by, x, value, numbers, series, groups, slot, gap } = of;
  const share = (1 - gap) / series.length;
  const pair = numbers === 'delta' && series.length === 2;
  return groups.flatMap((group, g) => {
    const inGroup = x === undefined ? spot.rows : spot.rows.filter((row) => String(row[x]) === group);
    const row = (name: string) => inGroup.find((one) => String(one[by]) === name);
    const reference = row(series[0]!);
    const labels = series.flatMap((name, s) => {
      const own = row(name);
      if (own === undefined || (pair && s === 0)) return [];
      const height = numberIn(own, value);
      const first = reference === undefined ? Number.NaN : numberIn(reference, value);
      const absolute = numbers === 'value' || s === 0;
      const number = absolute ? height * 100 : (height - first) * 100;
      if (!Number.isFinite(number)) return [];
      const both = pair && reference !== undefined ? [own, reference] : [own];
      // The number of a bar that points down stands above the axis.
      const top = Math.max(
        0,
        ...both.flatMap((one) => [numberIn(one, value), numberIn(one, 'high')]).filter(Number.isFinite),
      );
      const at = pair ? g : g + (s - (series.length - 1) / 2) * share;
      return [{ text: absolute ? number.toFixed(1) : signed(number), at, top }];
    });
    const room = slot * (pair ? 1 : share) - 3.5;
    const widest = Math.max(1, ...labels.map(({ text }) => textWidth(text, 1)));
    const size = Math.max(1, Math.min(SIZE.small, Math.floor((room / widest) * 10) / 10));
    return labels.map(({ text, at, top }) =>
      markLabel(text, spot.number, { x: at, y: top, up: 1 }, size, INK.text),
    );
  });
}

/** `+4.7`, `−0.1`; a difference that rounds to nothing keeps its sign, as the paper writes it. */
export function signed(points: number): string {
  return `${points < 0 ? '−' : '+'}${Math.abs(points).toFixed(1)}`;
}
