/** How answers fail: the share of samples with each kind of error, by op, a panel per kind. */

import { escapeText } from './annotations.ts';
import { Figure } from './figure.ts';
import { countText, distinct, type Frame, numberIn, rowsWith } from './frame.ts';
import { arrangePanels, type FrameOptions, type PanelRequest } from './layout.ts';
import { ERROR_KINDS, nameOf } from './multiples.ts';
import { sentence } from './sentence.ts';
import { errorBars, hasIntervals, orNull } from './series.ts';
import { PALETTE } from './style.ts';
import type { Trace } from './types.ts';

export interface ErrorTypesOptions extends FrameOptions {
  /** Column whose values become bars side by side (for instance `run`). */
  by?: string;
  /** Only these kinds, in this order. */
  types?: readonly string[];
  columns?: number;
  /** How the intervals were made, for the caption. */
  intervalText?: string;
}

/**
 * Share of samples with at least one error of each kind, against op. Kinds do not exclude each other, so the
 * shares of an op need not add up to one. `frame`: rows {op, type, share, low?, high?, n?, samples?}, share in [0, 1], n in
 * problems.
 */
export function errorTypes(frame: Frame, options: ErrorTypesOptions = {}): Figure {
  const all = rowsWith(frame, 'errorTypes', [
    'op',
    'type',
    'share',
    ...(options.by === undefined ? [] : [options.by]),
  ]);
  const rows =
    options.types === undefined ? all : all.filter((row) => options.types!.includes(String(row.type)));
  const types = options.types ?? inOrder(distinct(rows, 'type').map(String));
  const ops = distinct(rows, 'op').map(String);
  const groups = options.by === undefined ? [undefined] : distinct(rows, options.by);
  const highest = rows.reduce((most, row) => {
    const top = [numberIn(row, 'share'), numberIn(row, 'high')].filter(Number.isFinite);
    return Math.max(most, ...top);
  }, 0);
  const dtick = highest > 0.5 ? 0.25 : highest > 0.2 ? 0.1 : 0.05;
  const top = Math.min(1, Math.max(dtick, Math.ceil(highest / dtick) * dtick));

  const panels: PanelRequest[] = types.map((type) => ({
    title: nameOf('type', type),
    x: {
      title: 'operations (op)',
      type: 'category',
      range: [-0.6, ops.length - 0.4],
      categoryorder: 'array',
      categoryarray: ops,
      showgrid: false,
    },
    y: { title: 'share of samples', type: 'linear', range: [0, top * 1.03], dtick, tickformat: '.0%' },
  }));
  const data: Trace[] = [];
  for (const [panel, type] of types.entries()) {
    const suffix = panel === 0 ? '' : String(panel + 1);
    for (const [index, group] of groups.entries()) {
      const own = rows.filter(
        (row) =>
          String(row.type) === type && (group === undefined || String(row[options.by!]) === String(group)),
      );
      own.sort((a, b) => ops.indexOf(String(a.op)) - ops.indexOf(String(b.op)));
      const colour =
        group === undefined && type === 'correct' ? PALETTE[2] : PALETTE[index % PALETTE.length]!;
      data.push({
        type: 'bar',
        name: escapeText(String(group ?? type)),
        legendgroup: escapeText(String(group ?? type)),
        showlegend: panel === 0 && group !== undefined,
        x: own.map((row) => String(row.op)),
        y: own.map((row) => orNull(numberIn(row, 'share'))),
        xaxis: `x${suffix}`,
        yaxis: `y${suffix}`,
        marker: { color: colour },
        hovertemplate: 'op %{x}: %{y:.1%}<extra>%{fullData.name}</extra>',
        ...(hasIntervals(own) ? { error_y: errorBars(own, 'share', '#333333') } : {}),
      });
    }
  }
  const caption = sentence([
    options.caption,
    'Samples with at least one such error; kinds overlap',
    hasIntervals(rows)
      ? `Whiskers: ${options.intervalText ?? '95 % bootstrap intervals over problems'}`
      : undefined,
    countText(rows, 'op'),
  ]);
  const layout = arrangePanels(panels, {
    columns: options.columns ?? Math.min(4, types.length),
    ...options,
    caption,
    ...(options.by === undefined ? {} : { legend: { title: options.by, names: groups.map(String) } }),
  });
  layout.barmode = 'group';
  layout.bargap = 0.25;
  return new Figure({ data, layout }, options.title ?? 'Error types', rows, options.selfContained);
}

function inOrder(types: readonly string[]): string[] {
  const known = Object.keys(ERROR_KINDS).filter((type) => types.includes(type));
  return [...known, ...types.filter((type) => !known.includes(type))];
}
