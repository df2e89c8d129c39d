/** Figures of one panel each, side by side as one figure with a legend for each. */
import { internalError } from '../core/errors.ts';
import { Figure } from './figure.ts';
import { type AxisRequest, arrangePanels, type FrameOptions, type PanelRequest } from './layout.ts';
import { sentence } from './sentence.ts';
import { labelLines } from './svg/label.ts';
import type { Annotation, Axis, AxisId, LegendName, Trace } from './types.ts';

export interface SideBySideOptions extends FrameOptions {
  /** Titles of the panels (default (a), (b), …). */
  titles?: readonly string[];
  panelHeight?: number;
}

/**
 * Panels that do not share axes: each keeps its own, its labels and its legend (with two entries or more), which are
 * stacked at the right. The captions are joined, each behind its letter.
 */
export function sideBySide(figures: readonly Figure[], options: SideBySideOptions = {}): Figure {
  const letters = figures.map((_, i) => `(${String.fromCharCode(97 + i)})`);
  const titles = figures.map((_, i) => `${letters[i]} ${options.titles?.[i] ?? ''}`.trim());
  const legends = figures.flatMap((figure, i) => {
    const names = entries(figure).map((trace) => plain(trace.name!));
    if (names.length < 2) return [];
    return [
      { figure: i, title: `${letters[i]} ${plain(figure.layout.legend?.title.text ?? '')}`.trim(), names },
    ];
  });
  const panels = figures.map(
    ({ layout }, i): PanelRequest => ({
      title: titles[i]!,
      x: requestOf(layout.xaxis),
      y: requestOf(layout.yaxis),
    }),
  );
  const layout = arrangePanels(panels, {
    panelHeight: 190,
    ...options,
    columns: figures.length,
    yLabels: 'full',
    ownX: true,
    legends,
    caption: sentence([
      options.caption,
      ...figures.map(({ caption }, i) => (caption === '' ? undefined : `${letters[i]} ${caption}`)),
    ]),
  });
  const data = figures.flatMap((figure, i): Trace[] => {
    const suffix = i === 0 ? '' : i + 1;
    const place = legends.findIndex((legend) => legend.figure === i);
    const legend = `legend${place <= 0 ? '' : place + 1}` as LegendName;
    return figure.data.map((trace): Trace => {
      if (trace.type === 'heatmap') throw internalError('a heat map side by side with others');
      const group = `${i} ${trace.legendgroup ?? trace.name ?? ''}`;
      const own = { ...trace, xaxis: `x${suffix}`, yaxis: `y${suffix}`, legendgroup: group, legend };
      return place < 0 ? { ...own, showlegend: false } : own;
    });
  });
  for (const [i, figure] of figures.entries()) {
    const { barmode, bargap } = figure.layout;
    if (barmode !== undefined) layout.barmode = barmode;
    if (bargap !== undefined) layout.bargap = bargap;
    layout.annotations.push(...marksOf(figure, i));
  }
  const rows = () =>
    figures.flatMap((figure, i) => figure.rows.map((row) => ({ panel: letters[i], ...row })));
  return new Figure({ data, layout }, options.title ?? titles.join(', '), rows, options.selfContained);
}

function entries(figure: Figure): Trace[] {
  return figure.data.filter(({ showlegend, name }) => showlegend !== false && name !== undefined);
}

function plain(label: string): string {
  return labelLines(label)
    .map(({ text }) => text)
    .join(' ');
}

/** An axis without what it looks like and where it stood. */
function requestOf(axis: Axis | undefined): AxisRequest {
  if (axis === undefined) throw internalError('a figure without axes');
  const { title, type, range, tickmode, tickvals, ticktext, dtick, tickformat, showgrid } = axis;
  const { categoryarray, categoryorder } = axis;
  const given = { tickmode, tickvals, ticktext, dtick, tickformat, categoryarray, categoryorder, showgrid };
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { title: plain(title?.text ?? ''), type, range, ...set } as AxisRequest;
}

/** Labels at marks, on the axes of their new panel. */
function marksOf(figure: Figure, panel: number): Annotation[] {
  const suffix = panel === 0 ? '' : panel + 1;
  return figure.layout.annotations
    .filter(({ xref }) => xref !== 'paper')
    .map((mark) => ({ ...mark, xref: `x${suffix}` as AxisId<'x'>, yref: `y${suffix}` as AxisId<'y'> }));
}
