/** Long curves: points as typed arrays, and as few means as a page can show. */
import type { Row } from './frame.ts';
import { translucent } from './style.ts';
import type { LineTrace } from './types.ts';

/** Points in ascending order of x, all finite. */
export interface Curve {
  x: Float64Array;
  y: Float64Array;
}

/** A curve thinned out: means of groups of neighbours, with the range of each group. */
export interface Thinned {
  mean: Curve;
  /** Points of a group; 1: nothing was thinned. */
  group: number;
  low: Float64Array;
  high: Float64Array;
}

/** More points than this are averaged in equal groups: a page cannot show more. */
const MOST_POINTS = 400;

/** The finite points of two columns, at the given rows or at all `length`. */
export function curveOf(
  x: (row: number) => number,
  y: (row: number) => number,
  rows: ArrayLike<number> | number,
): Curve {
  const length = typeof rows === 'number' ? rows : rows.length;
  const curve = { x: new Float64Array(length), y: new Float64Array(length) };
  let count = 0;
  let ascending = true;
  for (let i = 0; i < length; i++) {
    const row = typeof rows === 'number' ? i : rows[i]!;
    const value = y(row);
    const at = x(row);
    if (!Number.isFinite(value) || !Number.isFinite(at)) continue;
    if (count > 0 && at < curve.x[count - 1]!) ascending = false;
    curve.x[count] = at;
    curve.y[count++] = value;
  }
  const finite = { x: curve.x.subarray(0, count), y: curve.y.subarray(0, count) };
  return ascending ? finite : sorted(finite);
}

/** Points with equal x keep their order. */
function sorted({ x, y }: Curve): Curve {
  const order = Array.from(x.keys()).sort((a, b) => x[a]! - x[b]! || a - b);
  return { x: Float64Array.from(order, (at) => x[at]!), y: Float64Array.from(order, (at) => y[at]!) };
}

/** Means of equal groups of neighbours, at the groups' mean x; the points themselves when they are few. */
export function thin(curve: Curve, most = MOST_POINTS): Thinned {
  const { x, y } = curve;
  const group = Math.max(1, Math.ceil(x.length / most));
  if (group === 1) return { mean: curve, group, low: y, high: y };
  const groups = Math.ceil(x.length / group);
  const thinned: Thinned = {
    mean: { x: new Float64Array(groups), y: new Float64Array(groups) },
    group,
    low: new Float64Array(groups).fill(Number.POSITIVE_INFINITY),
    high: new Float64Array(groups).fill(Number.NEGATIVE_INFINITY),
  };
  for (let g = 0; g < groups; g++) {
    const end = Math.min(x.length, (g + 1) * group);
    const size = end - g * group;
    let sumX = 0;
    let sumY = 0;
    for (let i = g * group; i < end; i++) {
      const value = y[i]!;
      sumX += x[i]!;
      sumY += value;
      if (value < thinned.low[g]!) thinned.low[g] = value;
      if (value > thinned.high[g]!) thinned.high[g] = value;
    }
    thinned.mean.x[g] = sumX / size;
    thinned.mean.y[g] = sumY / size;
  }
  return thinned;
}

/** The line of a thinned curve, behind it the area of its range where it is one of means. */
export function curveTraces(
  { mean, group, low, high }: Thinned,
  trace: Pick<LineTrace, 'hovertemplate' | 'xaxis' | 'yaxis' | 'showlegend'> & {
    name: string;
    color: string;
    width?: number;
  },
): LineTrace[] {
  const { color, width, name, ...rest } = trace;
  const common = { type: 'scatter' as const, mode: 'lines' as const, name, legendgroup: name };
  const line: LineTrace = {
    ...common,
    x: [...mean.x],
    y: [...mean.y],
    ...rest,
    line: { color, width: width ?? 1.8 },
  };
  if (group === 1) return [line];
  const { hovertemplate: _, ...placed } = rest;
  const area: LineTrace = {
    ...common,
    x: [...mean.x, ...mean.x.toReversed()],
    y: [...high, ...low.toReversed()],
    ...placed,
    fill: 'toself',
    fillcolor: translucent(color, 0.18),
    line: { width: 0 },
    hoverinfo: 'skip',
    showlegend: false,
  };
  return [area, line];
}

/** The points of a curve as rows, for the text form of a figure. */
export function curveRows({ x, y }: Curve, names: { x: string; y: string }, facts: Row = {}): Row[] {
  return Array.from(x, (at, i) => ({ ...facts, [names.x]: at, [names.y]: y[i]! }));
}

/** Smallest and largest value. */
export function extent(curves: readonly ArrayLike<number>[]): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const values of curves) {
    for (let i = 0; i < values.length; i++) {
      if (values[i]! < low) low = values[i]!;
      if (values[i]! > high) high = values[i]!;
    }
  }
  return [low, high];
}
