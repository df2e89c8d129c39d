/** Axes: from data to pixels, where ticks stand and what they say. */
import { userError } from '../../core/errors.ts';
import type { Axis } from '../types.ts';

export interface Tick {
  /** Position in the axis' own coordinate (decimal logarithm, category number). */
  at: number;
  text: string;
}

/** The axis' own coordinate of a data value: its logarithm, its category's number, or itself. NaN if it has none. */
export function coordinate(axis: Axis, value: number | string | null): number {
  if (value === null) return Number.NaN;
  if (axis.type === 'category') {
    const at = (axis.categoryarray ?? []).indexOf(String(value));
    return at < 0 ? Number.NaN : at;
  }
  const number = Number(value);
  return axis.type === 'log' ? (number > 0 ? Math.log10(number) : Number.NaN) : number;
}

/** Ticks within the axis' range: the given ones, every `dtick`, or about `most` round numbers. */
export function ticksOf(axis: Axis, most: number): Tick[] {
  const low = Math.min(...axis.range);
  const high = Math.max(...axis.range); // an axis may run downwards
  const slack = (high - low) * 1e-9;
  const inside = (tick: Tick) => tick.at >= low - slack && tick.at <= high + slack;
  if (axis.tickvals !== undefined) {
    return axis.tickvals
      .map((value, i) => ({ at: coordinate(axis, value), text: axis.ticktext?.[i] ?? String(value) }))
      .filter(inside);
  }
  if (axis.type === 'category') {
    return (axis.categoryarray ?? []).map((text, at) => ({ at, text })).filter(inside);
  }
  if (axis.type === 'log') return logTicks(axis, low, high).filter(inside);
  const step = axis.dtick ?? niceStep((high - low) / most);
  const first = Math.ceil((low - slack) / step);
  const last = Math.floor((high + slack) / step);
  if (last - first > 200) {
    throw userError('FIGURE_UNSUPPORTED', 'at most 200 ticks on an axis', `${last - first}`, 'raise dtick');
  }
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const at = Number(((first + i) * step).toPrecision(12));
    return { at, text: formatTick(at, axis.tickformat, step) };
  });
}

/** 1, 2, 5 of each decade; only 1 when there are many decades. */
function logTicks(axis: Axis, low: number, high: number): Tick[] {
  const digits = high - low > 3 ? [1] : high - low > 1.2 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
  const ticks: Tick[] = [];
  for (let decade = Math.floor(low); decade <= Math.ceil(high); decade++) {
    for (const digit of digits) {
      const value = Number(`${digit}e${decade}`);
      ticks.push({ at: Math.log10(value), text: formatTick(value, axis.tickformat, 10 ** decade / 10) });
    }
  }
  return ticks;
}

/** The smallest of 1, 2, 5 × 10ⁿ that is at least `rough`. */
export function niceStep(rough: number): number {
  const decade = 10 ** Math.floor(Math.log10(rough));
  const digit = [1, 2, 5, 10].find((candidate) => candidate * decade >= rough * (1 - 1e-9)) ?? 10;
  return Number((digit * decade).toPrecision(12));
}

const PREFIXES: [number, string][] = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** A number as a tick label, in one of the d3 formats that our figures use. */
export function formatTick(value: number, format: Axis['tickformat'], step: number): string {
  const minus = (text: string) => text.replace('-', '−');
  if (format === '.0%') return minus(`${Math.round(value * 100)}%`);
  if (format === '~s') {
    const prefix = PREFIXES.find(([size]) => Math.abs(value) >= size);
    const scaled = prefix === undefined ? value : value / prefix[0];
    return minus(`${Number(scaled.toPrecision(4))}${prefix?.[1] ?? ''}`);
  }
  if (format === '.0e') return value === 0 ? '0' : minus(value.toExponential(0).replace('+', ''));
  if (format === undefined || format === '~r') {
    const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    return decimals > 6 ? minus(value.toExponential(1)) : minus(String(Number(value.toFixed(decimals))));
  }
  throw userError(
    'FIGURE_UNSUPPORTED',
    'a tick format of .0%, ~s, ~r, .0e',
    String(format),
    'export through a browser',
  );
}
