/** What a trace looks like: lines, markers, areas, bars, error bars. */
import type { LineTrace, MarkerSymbol } from '../types.ts';
import { element, px } from './markup.ts';

export interface Point {
  x: number;
  y: number;
}

/** Rectangle in px. */
export interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** A polyline with gaps at undefined points. */
export function linePath(points: readonly Point[]): string {
  let path = '';
  let pen = false;
  for (const { x, y } of points) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      pen = false;
      continue;
    }
    path += `${pen ? 'L' : 'M'}${px(x)} ${px(y)}`;
    pen = true;
  }
  return path;
}

const DASHES = { solid: undefined, dash: '7 4', dot: '2 3' } as const;

export function drawLine(path: string, line: NonNullable<LineTrace['line']>, colour: string): string {
  return element('path', {
    class: 'line',
    d: path,
    fill: 'none',
    stroke: line.color ?? colour,
    'stroke-width': line.width ?? 2,
    'stroke-linejoin': 'round',
    'stroke-linecap': 'round',
    'stroke-dasharray': DASHES[line.dash ?? 'solid'],
  });
}

/** A closed area; the colour may be `rgba(r,g,b,a)`, which not every SVG reader knows. */
export function drawArea(path: string, colour: string): string {
  const rgba = /^rgba\((\d+), ?(\d+), ?(\d+), ?([\d.]+)\)$/.exec(colour);
  return element('path', {
    class: 'area',
    d: `${path}Z`,
    fill: rgba === null ? colour : `rgb(${rgba[1]},${rgba[2]},${rgba[3]})`,
    'fill-opacity': rgba?.[4],
    stroke: 'none',
  });
}

/** A marker of `size` px with a white rim, so that overlapping ones stay apart. */
export function drawMarker(symbol: MarkerSymbol, at: Point, size: number, colour: string): string {
  const r = size / 2;
  const rim = { stroke: '#ffffff', 'stroke-width': 0.8 };
  if (symbol === 'circle')
    return element('circle', { class: 'marker', cx: at.x, cy: at.y, r, fill: colour, ...rim });
  if (symbol === 'circle-open') {
    return element('circle', {
      class: 'marker',
      cx: at.x,
      cy: at.y,
      r,
      fill: '#ffffff',
      stroke: colour,
      'stroke-width': 1.6,
    });
  }
  const outline = OUTLINES[symbol].map(([dx, dy]) => `${px(at.x + dx * r)} ${px(at.y + dy * r)}`).join('L');
  return element('path', { class: 'marker', d: `M${outline}Z`, fill: colour, ...rim });
}

const arm = 0.38;
const plus: [number, number][] = [
  [-arm, -1.1],
  [arm, -1.1],
  [arm, -arm],
  [1.1, -arm],
  [1.1, arm],
  [arm, arm],
  [arm, 1.1],
  [-arm, 1.1],
  [-arm, arm],
  [-1.1, arm],
  [-1.1, -arm],
  [-arm, -arm],
];

/** Corners of the symbols for radius 1. */
const OUTLINES: Record<Exclude<MarkerSymbol, 'circle' | 'circle-open'>, [number, number][]> = {
  square: [
    [-0.9, -0.9],
    [0.9, -0.9],
    [0.9, 0.9],
    [-0.9, 0.9],
  ],
  diamond: [
    [0, -1.25],
    [1.25, 0],
    [0, 1.25],
    [-1.25, 0],
  ],
  'triangle-up': [
    [0, -1.15],
    [1.15, 0.85],
    [-1.15, 0.85],
  ],
  'triangle-down': [
    [0, 1.15],
    [1.15, -0.85],
    [-1.15, -0.85],
  ],
  cross: plus,
  x: plus.map(([x, y]) => [(x - y) * Math.SQRT1_2, (x + y) * Math.SQRT1_2]),
};

/** A vertical error bar with caps. */
export function drawErrorBar(
  x: number,
  low: number,
  high: number,
  style: { color: string; thickness: number; width: number },
): string {
  const caps = [low, high]
    .map((y) => `M${px(x - style.width)} ${px(y)}L${px(x + style.width)} ${px(y)}`)
    .join('');
  return element('path', {
    class: 'error',
    d: `M${px(x)} ${px(low)}L${px(x)} ${px(high)}${caps}`,
    fill: 'none',
    stroke: style.color,
    'stroke-width': style.thickness,
  });
}
