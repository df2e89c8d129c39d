/**
 * The frame around the data: size, margins, title and caption, panels on shared axes. Everything is placed in
 * pixels by measured text, so plotly and the SVG writer give the same picture.
 */
import { FONT, INK, SIZE } from './style.ts';
import { FONT_RESERVE, textWidth, wrapText } from './text.ts';
import type { Annotation, Axis, FigureLayout } from './types.ts';

export interface FrameOptions {
  /** Size of the whole figure in px (96 to the inch). */
  width?: number;
  height?: number;
  title?: string;
  /** Line under the title; what the figure knows of n and intervals is added behind it. */
  caption?: string;
  /** Whether the figure brings plotly along wherever it is shown; by default a notebook's first one does. */
  selfContained?: boolean;
}

/** What an axis is, without what it looks like and where it stands. */
export type AxisRequest = Pick<Axis, 'type' | 'range'> &
  Partial<
    Pick<
      Axis,
      | 'tickmode'
      | 'tickvals'
      | 'ticktext'
      | 'dtick'
      | 'tickformat'
      | 'categoryarray'
      | 'categoryorder'
      | 'showgrid'
    >
  > & { title: string };

export interface PanelRequest {
  /** Above the panel; omitted for a single one. */
  title?: string;
  x: AxisRequest;
  y: AxisRequest;
  /** Height relative to the other rows (default 1); the first panel of a row decides. */
  weight?: number;
}

const AXIS_LOOK = {
  automargin: false,
  showline: true,
  linecolor: INK.axis,
  ticks: 'outside',
  ticklen: 4,
  tickcolor: INK.axis,
  tickfont: { size: SIZE.tick, color: INK.axis },
  showgrid: true,
  gridcolor: INK.grid,
  zeroline: false,
} as const;

const LEGEND_LOOK = {
  x: 1.01,
  y: 1,
  xanchor: 'left',
  yanchor: 'top',
  font: { size: SIZE.tick, color: INK.text },
  tracegroupgap: 0,
} as const;

/** From the figure's edge to the text nearest to it. */
export const EDGE = 14;
const LINE = 1.35;
const PANEL_TITLE = 22;
/** Between panels; below titles less is needed. */
const GAP = { x: 22, y: 44, untitled: 20 };

/** Room that a legend on the right takes: its widest entry, its sample and the space around. */
export function legendWidth(names: readonly string[], title: string): number {
  const widest = Math.max(
    textWidth(title, SIZE.tick, 'bold'),
    ...names.map((name) => LEGEND_SAMPLE + textWidth(name, SIZE.tick)),
  );
  return Math.ceil(widest) + 34;
}
const LEGEND_SAMPLE = 40;
/** Height of an entry; plotly's own is as high. */
export const LEGEND_ROW = 19;

/**
 * A layout of panels in rows of `columns`. Panels share their axes: inner ones have no tick labels, and
 * titles of axes stand once per row and column.
 */
export function arrangePanels(
  panels: readonly PanelRequest[],
  options: FrameOptions & { columns?: number; caption: string; legend?: { title: string; names: string[] } },
): FigureLayout {
  const columns = Math.min(options.columns ?? 1, panels.length);
  const rows = Math.ceil(panels.length / columns);
  const width = options.width ?? 720;
  const room = (width - 2 * EDGE) * FONT_RESERVE;
  const title = options.title === undefined ? [] : wrapText(options.title, room, SIZE.title, 'bold');
  const caption = options.caption === '' ? [] : wrapText(options.caption, room, SIZE.caption);
  const titleHeight = title.length * SIZE.title * LINE;
  const captionHeight = caption.length * SIZE.caption * LINE;
  const panelTitles = panels.some((panel) => panel.title !== undefined) ? PANEL_TITLE : 0;
  const margin = {
    l: 66,
    r: options.legend === undefined ? 18 : legendWidth(options.legend.names, options.legend.title),
    t: Math.ceil(
      EDGE + titleHeight + captionHeight + (title.length + caption.length > 0 ? 14 : 0) + panelTitles,
    ),
    b: 52,
  };
  const gapY = panelTitles > 0 ? GAP.y : GAP.untitled;
  const weights = Array.from({ length: rows }, (_, row) => panels[row * columns]!.weight ?? 1);
  const weight = weights.reduce((sum, one) => sum + one, 0);
  const panelsHeight = weight * (columns > 1 ? 168 : 290) + (rows - 1) * gapY;
  const legendHeight = options.legend === undefined ? 0 : (options.legend.names.length + 1) * LEGEND_ROW + 8;
  const height =
    options.height ?? Math.ceil(margin.t + margin.b + Math.max(panelsHeight, legendHeight - margin.b / 2));
  const layout: FigureLayout = {
    width,
    height,
    margin,
    annotations: [],
    showlegend: options.legend !== undefined,
    font: { family: FONT, size: SIZE.tick, color: INK.text },
    paper_bgcolor: INK.paper,
    plot_bgcolor: INK.paper,
    hovermode: 'closest',
  };
  if (options.legend !== undefined) {
    const text = `<b>${escapeText(options.legend.title)}</b>`;
    layout.legend = { ...LEGEND_LOOK, title: { text, font: { size: SIZE.tick, color: INK.text } } };
  }
  const plot = { width: width - margin.l - margin.r, height: height - margin.t - margin.b };
  placeHeading(layout, title, caption, panelTitles);

  const spanX = (plot.width - (columns - 1) * GAP.x) / columns / plot.width;
  const spansY = weights.map((one) => (((plot.height - (rows - 1) * gapY) / plot.height) * one) / weight);
  const tops = spansY.map(
    (_, row) => 1 - spansY.slice(0, row).reduce((sum, span) => sum + span + gapY / plot.height, 0),
  );
  for (const [i, panel] of panels.entries()) {
    const column = i % columns;
    const row = Math.floor(i / columns);
    const left = column * (spanX + GAP.x / plot.width);
    const top = tops[row]!;
    const suffix: number | '' = i === 0 ? '' : i + 1;
    // The lowest panel of a column carries the column's x axis, even when the last row is not full.
    const lowest = i + columns >= panels.length;
    const x = axis(panel.x, 8, [left, left + spanX], `y${suffix}`);
    const y = axis(panel.y, 10, [top - spansY[row]!, top], `x${suffix}`);
    if (!lowest) {
      delete x.title;
      x.showticklabels = false;
    }
    if (column > 0) {
      delete y.title;
      y.showticklabels = false;
    }
    if (i > 0) {
      x.matches = 'x';
      if (panel.y.range.join() === panels[0]!.y.range.join()) y.matches = 'y';
    }
    layout[`xaxis${suffix}`] = x;
    layout[`yaxis${suffix}`] = y;
    if (panel.title !== undefined) {
      layout.annotations.push(
        note(`<b>${escapeText(panel.title)}</b>`, left, top, 0, 4, SIZE.axis, INK.text),
      );
    }
  }
  return layout;
}

function axis(request: AxisRequest, standoff: number, domain: [number, number], anchor: string): Axis {
  const { title, ...rest } = request;
  return {
    ...AXIS_LOOK,
    ...rest,
    title: { text: escapeText(title), standoff, font: { size: SIZE.axis, color: INK.text } },
    domain: [round(domain[0]), round(domain[1])],
    anchor,
  };
}

/** Shares of the plot, without the last bits that differ between machines; never out of [0, 1]. */
function round(share: number): number {
  return Math.min(1, Math.max(0, Math.round(share * 1e6) / 1e6));
}

function placeHeading(layout: FigureLayout, title: string[], caption: string[], below: number): void {
  const shift = EDGE - layout.margin.l;
  const captionBottom = below + 12;
  if (caption.length > 0) {
    layout.annotations.push(
      note(caption.map(escapeText).join('<br>'), 0, 1, shift, captionBottom, SIZE.caption, INK.soft),
    );
  }
  if (title.length > 0) {
    const bottom = captionBottom + caption.length * SIZE.caption * LINE + 2;
    const text = title.map((line) => `<b>${escapeText(line)}</b>`).join('<br>');
    layout.annotations.push(note(text, 0, 1, shift, bottom, SIZE.title, INK.text));
  }
}

function note(
  text: string,
  x: number,
  y: number,
  xshift: number,
  yshift: number,
  size: number,
  color: string,
): Annotation {
  return {
    text,
    xref: 'paper',
    yref: 'paper',
    x,
    y,
    xanchor: 'left',
    yanchor: 'bottom',
    xshift,
    yshift,
    align: 'left',
    showarrow: false,
    font: { size, color },
  };
}

/** Text for plotly, which takes a few HTML tags and entities in every label. */
export function escapeText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
