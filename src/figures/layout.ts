/**
 * The frame around the data: size, margins, title and caption, panels on shared axes. Everything is placed in
 * pixels by measured text, so plotly and the SVG writer give the same picture.
 */
import { bold, EDGE, escapeText, linesHeight, note, placeHeading, sharedXTitle } from './annotations.ts';
import { FONT, INK, SIZE } from './style.ts';
import { FONT_RESERVE, textWidth, wrapText } from './text.ts';
import type { Axis, FigureLayout, Legend } from './types.ts';

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
      | 'ticks'
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

/** An empty place of the grid. */
export type Hole = null;

export interface LegendRequest {
  title: string;
  names: readonly string[];
}

export interface ArrangeOptions extends FrameOptions {
  columns?: number;
  caption: string;
  legend?: LegendRequest;
  /** Several, one below the other, instead of {@link ArrangeOptions.legend}: `legend`, `legend2`, …. */
  legends?: readonly LegendRequest[];
  /** Height of a row of weight 1, px. */
  panelHeight?: number;
  /** Room at the left, for long names on the y axis, and at the right for something that is no legend, px. */
  left?: number;
  right?: number;
  /**
   * Which panels show numbers on their y axis: the first of each row (default), all (`ticks`), or all with their title
   * (`full`).
   */
  yLabels?: 'outer' | 'ticks' | 'full';
  /** Whether every panel has an x axis of its own, with numbers and title. */
  ownX?: boolean;
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

/** Between panels; titles of panels come on top of `y`. Panels with y axes of their own need more room. */
const GAP = { x: 22, ticks: 50, full: 72, y: 20, ownX: 66 };
const MARGIN = { l: 66, r: 18, b: 52 };
/** From the plot's lower edge to the title of the x axis. */
const X_TITLE = 23.5;

/** Room that legends on the right take: the widest entry, its sample and the space around. */
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

function legendHeight({ names }: LegendRequest): number {
  return (names.length + 1) * LEGEND_ROW + 8;
}

/** Where the panels of a grid stand, in px of the plot and as shares of it. */
interface Grid {
  columns: number;
  rows: number;
  /** Lines of each panel's title. */
  titles: string[][];
  /** Px above each row: the gap to the row before (none for the first) and its titles. */
  above: number[];
  /** Px between columns. */
  gapX: number;
  weights: number[];
}

/**
 * A layout of panels in rows of `columns`; a hole leaves its place empty. Panels share their axes: inner ones have no tick
 * labels, and titles of axes stand once per row and column, or once for all where columns are too narrow. The n-th panel
 * (holes do not count) has the axes `xaxisN` and `yaxisN`.
 */
export function arrangePanels(
  panels: readonly (PanelRequest | Hole)[],
  options: ArrangeOptions,
): FigureLayout {
  const legends = options.legends ?? (options.legend === undefined ? [] : [options.legend]);
  const width = options.width ?? 720;
  const room = (width - 2 * EDGE) * FONT_RESERVE;
  const title = options.title === undefined ? [] : wrapText(options.title, room, SIZE.title, 'bold');
  const caption = options.caption === '' ? [] : wrapText(options.caption, room, SIZE.caption);
  const right = Math.max(
    options.right ?? MARGIN.r,
    ...legends.map((legend) => legendWidth(legend.names, legend.title)),
  );
  const left = Math.max(MARGIN.l, options.left ?? 0);
  const grid = gridOf(panels, options, width - left - right);
  const heading = linesHeight(title, SIZE.title) + linesHeight(caption, SIZE.caption);
  const margin = {
    l: left,
    r: right,
    t: Math.ceil(EDGE + heading + (title.length + caption.length > 0 ? 14 : 0) + grid.above[0]!),
    b: MARGIN.b,
  };
  const between = grid.above.slice(1).reduce((sum, px) => sum + px, 0);
  const weight = grid.weights.reduce((sum, one) => sum + one, 0);
  const panelsHeight = weight * (options.panelHeight ?? (grid.columns > 1 ? 168 : 290)) + between;
  const legendsHeight = legends.reduce((sum, legend) => sum + legendHeight(legend), 0);
  const height =
    options.height ?? Math.ceil(margin.t + margin.b + Math.max(panelsHeight, legendsHeight - margin.b / 2));
  const layout: FigureLayout = {
    width,
    height,
    margin,
    annotations: [],
    showlegend: legends.length > 0,
    font: { family: FONT, size: SIZE.tick, color: INK.text },
    paper_bgcolor: INK.paper,
    plot_bgcolor: INK.paper,
    hovermode: 'closest',
    meta: { caption: options.caption },
  };
  const plotHeight = height - margin.t - margin.b;
  placeLegends(layout, legends, plotHeight);
  placeHeading(layout, title, caption, grid.above[0]!);
  placePanels(layout, panels, grid, options);
  return layout;
}

function gridOf(panels: readonly (PanelRequest | Hole)[], options: ArrangeOptions, plotWidth: number): Grid {
  const columns = Math.min(options.columns ?? 1, panels.length);
  const rows = Math.ceil(panels.length / columns);
  const gapX = options.yLabels === 'full' ? GAP.full : options.yLabels === 'ticks' ? GAP.ticks : GAP.x;
  const panelWidth = (plotWidth - (columns - 1) * gapX) / columns;
  const titles = panels.map((panel) =>
    panel?.title === undefined
      ? []
      : wrapText(panel.title, (panelWidth + gapX) * FONT_RESERVE, SIZE.axis, 'bold'),
  );
  const inRow = (row: number) => Array.from({ length: columns }, (_, column) => row * columns + column);
  const above = Array.from({ length: rows }, (_, row) => {
    const lines = Math.max(...inRow(row).map((i) => titles[i]?.length ?? 0));
    const gap = row === 0 ? 0 : options.ownX ? GAP.ownX : GAP.y + (lines === 0 ? 0 : 2);
    return gap + (lines === 0 ? 0 : Math.ceil(5 + lines * SIZE.axis * 1.35));
  });
  const weights = Array.from(
    { length: rows },
    (_, row) => inRow(row).flatMap((i) => panels[i] ?? [])[0]?.weight ?? 1,
  );
  return { columns, rows, titles, above, gapX, weights };
}

function placeLegends(layout: FigureLayout, legends: readonly LegendRequest[], plotHeight: number): void {
  let down = 0;
  for (const [i, legend] of legends.entries()) {
    const text = `<b>${escapeText(legend.title)}</b>`;
    layout[`legend${i === 0 ? '' : i + 1}` as 'legend'] = {
      ...LEGEND_LOOK,
      y: round(1 - down / plotHeight),
      title: { text, font: { size: SIZE.tick, color: INK.text } },
    } satisfies Legend;
    down += legendHeight(legend) + 8;
  }
}

function placePanels(
  layout: FigureLayout,
  panels: readonly (PanelRequest | Hole)[],
  { columns, titles, above, gapX, weights }: Grid,
  { yLabels = 'outer', ownX = false }: ArrangeOptions,
): void {
  const { width, height, margin } = layout;
  const plot = { width: width - margin.l - margin.r, height: height - margin.t - margin.b };
  const between = above.slice(1).reduce((sum, px) => sum + px, 0);
  const weight = weights.reduce((sum, one) => sum + one, 0);
  const spanX = (plot.width - (columns - 1) * gapX) / columns / plot.width;
  const spansY = weights.map((one) => (((plot.height - between) / plot.height) * one) / weight);
  const tops = spansY.map(
    (_, row) =>
      1 -
      spansY.slice(0, row).reduce((sum, span) => sum + span, 0) -
      above.slice(1, row + 1).reduce((sum, px) => sum + px, 0) / plot.height,
  );
  const drawn: { suffix: number | ''; x: Axis; y: Axis }[] = [];
  const bottom = panels.filter((panel, i) => panel !== null && !coveredBelow(panels, i, columns));
  const shared = sharedTitle(bottom as PanelRequest[], spanX * plot.width + gapX, ownX);
  for (const [i, panel] of panels.entries()) {
    if (panel === null) continue;
    const column = i % columns;
    const row = Math.floor(i / columns);
    const left = column * (spanX + gapX / plot.width);
    const top = tops[row]!;
    const suffix: number | '' = drawn.length === 0 ? '' : drawn.length + 1;
    const x = axis(spacedLabels(panel.x, spanX * plot.width), 8, [left, left + spanX], `y${suffix}`);
    const y = axis(panel.y, 10, [top - spansY[row]!, top], `x${suffix}`);
    // The lowest panel of a column carries the column's x axis, even when the last row is not full.
    if (!ownX && coveredBelow(panels, i, columns)) {
      delete x.title;
      x.showticklabels = false;
    } else if (shared !== undefined) delete x.title;
    const first = column === 0 || panels[i - 1] === null;
    if (!first && yLabels !== 'full') delete y.title;
    if (!first && yLabels === 'outer') y.showticklabels = false;
    const alike = (one: Axis, other: Axis) =>
      one.type === other.type &&
      one.range.join() === other.range.join() &&
      one.categoryarray?.join('\0') === other.categoryarray?.join('\0');
    const likeX = drawn.find((other) => alike(other.x, x));
    const likeY = drawn.find((other) => alike(other.y, y));
    if (likeX !== undefined) x.matches = `x${likeX.suffix}`;
    if (likeY !== undefined) y.matches = `y${likeY.suffix}`;
    drawn.push({ suffix, x, y });
    layout[`xaxis${suffix}`] = x;
    layout[`yaxis${suffix}`] = y;
    if (titles[i]!.length > 0) {
      layout.annotations.push(note(bold(titles[i]!), { x: left, y: top, yshift: 4 }, SIZE.axis, INK.text));
    }
  }
  if (shared !== undefined) layout.annotations.push(sharedXTitle(shared, X_TITLE));
}

/** Where given tick labels stand too close for `width` px, only every second, third, … of them is kept. */
function spacedLabels(request: AxisRequest, width: number): AxisRequest {
  const { ticktext: texts, tickvals, range } = request;
  if (request.type === 'category' || texts === undefined || texts.length < 2) return request;
  const at = tickvals!.map((value) => (request.type === 'log' ? Math.log10(Number(value)) : Number(value)));
  const fits = (every: number) => {
    let free = Number.NEGATIVE_INFINITY;
    return texts.every((text, i) => {
      if (i % every !== 0) return true;
      const middle = ((at[i]! - range[0]) / (range[1] - range[0])) * width;
      const half = textWidth(text, SIZE.tick) / 2;
      const apart = middle - half >= free;
      free = middle + half + 4;
      return apart;
    });
  };
  let every = 1;
  while (every < texts.length && !fits(every)) every++;
  return every === 1
    ? request
    : { ...request, ticktext: texts.map((text, i) => (i % every === 0 ? text : '')) };
}

/** Whether a panel stands below panel i in its column. */
function coveredBelow(panels: readonly (PanelRequest | Hole)[], i: number, columns: number): boolean {
  for (let below = i + columns; below < panels.length; below += columns)
    if (panels[below] !== null) return true;
  return false;
}

/** The x title of all columns where it is one and the same and does not fit under a single panel. */
function sharedTitle(bottom: readonly PanelRequest[], room: number, ownX: boolean): string | undefined {
  const [first] = bottom;
  if (ownX || first === undefined || bottom.length < 2) return undefined;
  if (bottom.some((panel) => panel.x.title !== first.x.title)) return undefined;
  return textWidth(first.x.title, SIZE.axis) > room * FONT_RESERVE ? first.x.title : undefined;
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
