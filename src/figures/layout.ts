/**
 * The frame around the data: size, margins, title and caption, panels on shared axes. Everything is placed in
 * pixels by measured text, so plotly and the SVG writer give the same picture.
 */
import { userError } from '../core/errors.ts';
import { bold, EDGE, escapeText, linesHeight, note, placeHeading, sharedXTitle } from './annotations.ts';
import { type LegendRequest, placeLegends, planLegends } from './legends.ts';
import { FONT, INK, SIZE } from './style.ts';
import { FONT_RESERVE, textWidth, wrapText } from './text.ts';
import type { Axis, FigureLayout } from './types.ts';

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

export interface ArrangeOptions extends FrameOptions {
  columns?: number;
  caption: string;
  legend?: LegendRequest;
  /** Several, one below the other, instead of {@link ArrangeOptions.legend}: `legend`, `legend2`, …. */
  legends?: readonly LegendRequest[];
  /** Height of a row of weight 1, px. */
  panelHeight?: number;
  /** Px that a panel needs for what is in it; where there is less, one row of panels becomes several. */
  leastPanel?: number;
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

/** Between panels; titles of panels come on top of `y`. Panels with y axes of their own need more room. */
const GAP = { x: 22, ticks: 50, full: 72, y: 20, ownX: 66 };
const MARGIN = { l: 66, r: 18, b: 52 };
/** From the plot's lower edge to the title of the x axis. */
const X_TITLE = 23.5;
/** Panels narrower than the first are put below one another where their grid allows it; than the second, refused. */
const LEAST_PANEL = { good: 88, any: 24 };
/** Px for the panels beside a legend; with less, it stands below them. */
const LEAST_PLOT = 260;

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
 * A layout of panels in rows of `columns`, or fewer where one row of panels has no room; a hole leaves its place empty. Panels share their axes: inner ones have no tick
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
  const left = Math.max(MARGIN.l, options.left ?? 0);
  const plan = planLegends(legends, width, width - left - LEAST_PLOT);
  const right = Math.max(options.right ?? MARGIN.r, plan.width);
  const shape = { ...options, ...fittingShape(panels, options, width - left - right) };
  const grid = gridOf(panels, shape, width - left - right);
  const heading = linesHeight(title, SIZE.title) + linesHeight(caption, SIZE.caption);
  const margin = {
    l: left,
    r: right,
    t: Math.ceil(EDGE + heading + (title.length + caption.length > 0 ? 14 : 0) + grid.above[0]!),
    b: MARGIN.b + (plan.below ? plan.height : 0),
  };
  const between = grid.above.slice(1).reduce((sum, px) => sum + px, 0);
  const weight = grid.weights.reduce((sum, one) => sum + one, 0);
  const panelsHeight = weight * (options.panelHeight ?? (grid.columns > 1 ? 168 : 290)) + between;
  const besides = plan.below ? 0 : plan.height - margin.b / 2;
  const height = options.height ?? Math.ceil(margin.t + margin.b + Math.max(panelsHeight, besides));
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
  placeLegends(layout, legends, plan, MARGIN.b);
  placeHeading(layout, title, caption, grid.above[0]!);
  placePanels(layout, panels, grid, shape);
  return layout;
}

/**
 * As many columns as leave the panels readable, where the panels are one row and may stand below one another, and whether
 * panels need x axes of their own, because one below another differs.
 * @throws FIGURE_WIDTH where a grid has no room
 */
function fittingShape(
  panels: readonly (PanelRequest | Hole)[],
  options: ArrangeOptions,
  plotWidth: number,
): { columns: number; ownX: boolean } {
  const asked = Math.min(options.columns ?? 1, panels.length);
  const gap = gapBetween(options);
  const panelWidth = (columns: number) => (plotWidth - (columns - 1) * gap) / columns;
  let rows = 1;
  const oneRow = asked === panels.length && !panels.includes(null);
  const least = Math.max(LEAST_PANEL.good, options.leastPanel ?? 0);
  while (oneRow && rows < asked && panelWidth(Math.ceil(asked / rows)) < least) rows++;
  const columns = Math.ceil(asked / rows);
  if (panelWidth(columns) < LEAST_PANEL.any) {
    const lacking = Math.ceil((LEAST_PANEL.any - panelWidth(columns)) * columns);
    const width = options.width ?? 720;
    throw userError(
      'FIGURE_WIDTH',
      `at least ${width + lacking} px for rows of ${columns} panel${columns === 1 ? '' : 's'} with their names`,
      `${width} px`,
      'draw the figure wider, or with fewer panels in a row',
    );
  }
  const differs = panels.some((panel, i) => {
    const below = panels[i + columns];
    return panel && below && !sameX(panel.x, below.x);
  });
  return { columns, ownX: options.ownX ?? differs };
}

function sameX(one: AxisRequest, other: AxisRequest): boolean {
  const key = ({ type, range, categoryarray, title }: AxisRequest) =>
    JSON.stringify([type, range, categoryarray, title]);
  return key(one) === key(other);
}

function gapBetween({ yLabels }: ArrangeOptions): number {
  return yLabels === 'full' ? GAP.full : yLabels === 'ticks' ? GAP.ticks : GAP.x;
}

function gridOf(panels: readonly (PanelRequest | Hole)[], options: ArrangeOptions, plotWidth: number): Grid {
  const columns = Math.min(options.columns ?? 1, panels.length);
  const rows = Math.ceil(panels.length / columns);
  const gapX = gapBetween(options);
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
