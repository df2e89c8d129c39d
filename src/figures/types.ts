/**
 * The part of plotly's specification that our figures use: lines, bars, error bars, filled outlines and heat maps
 * on linear, logarithmic and category axes, in panels. Whatever is written in it can be drawn by plotly and by
 * the SVG writer alike; each type is assignable to plotly's own (tested).
 */

/** MIME type → content, as Jupyter displays it. */
export type MimeBundle = Record<string, unknown>;

export interface ErrorBars {
  type: 'data';
  symmetric: false;
  /** Lengths upward and downward, in units of y. */
  array: number[];
  arrayminus: number[];
  color: string;
  thickness: number;
  width: number;
}

interface TraceBase {
  name?: string;
  x: (number | string)[];
  y: (number | null)[];
  xaxis?: string;
  yaxis?: string;
  showlegend?: boolean;
  legendgroup?: string;
  /** Which legend its entry stands in; without it the first. */
  legend?: LegendName;
  hovertemplate?: string;
  hoverinfo?: 'skip';
  error_y?: ErrorBars;
}

export type MarkerSymbol =
  | 'circle'
  | 'square'
  | 'diamond'
  | 'triangle-up'
  | 'triangle-down'
  | 'cross'
  | 'x'
  | 'circle-open';

export interface LineTrace extends TraceBase {
  type: 'scatter';
  mode: 'lines' | 'markers' | 'lines+markers';
  line?: { color?: string; width?: number; dash?: 'solid' | 'dash' | 'dot' };
  marker?: { color: string; size: number; symbol: MarkerSymbol };
  /** `toself`: the points are the outline of an area of {@link LineTrace.fillcolor}. */
  fill?: 'toself';
  fillcolor?: string;
}

export interface BarTrace extends TraceBase {
  type: 'bar';
  marker: { color: string };
}

/** Coloured cells on two category axes; row i of `z` belongs to `y[i]`. A cell without a number is null. */
export interface HeatTrace {
  type: 'heatmap';
  name?: string;
  x: string[];
  y: string[];
  z: (number | null)[][];
  xaxis?: string;
  yaxis?: string;
  colorscale: [number, string][];
  zmin: number;
  zmax: number;
  /** Px between cells. */
  xgap: number;
  ygap: number;
  colorbar: ColorBar;
  showlegend?: false;
  hovertemplate?: string;
}

export interface ColorBar {
  title: { text: string; side: 'top'; font: { size: number; color: string } };
  x: number;
  xanchor: 'left';
  xpad: number;
  y: number;
  yanchor: 'top';
  ypad: number;
  len: number;
  lenmode: 'pixels';
  thickness: number;
  outlinewidth: 0;
  tickvals: number[];
  ticktext: string[];
  tickfont: { size: number; color: string };
}

export type Trace = LineTrace | BarTrace | HeatTrace;

export interface Axis {
  title?: { text: string; standoff: number; font: { size: number; color: string } };
  type: 'linear' | 'log' | 'category';
  /** Ends of the axis; for `log` their decimal logarithms, for `category` positions −0.5 … n−0.5. */
  range: [number, number];
  tickmode?: 'array';
  tickvals?: (number | string)[];
  ticktext?: string[];
  dtick?: number;
  tickformat?: '.0%' | '~s' | '~r' | '.0e';
  categoryarray?: string[];
  categoryorder?: 'array';
  domain: [number, number];
  anchor: string;
  showticklabels?: boolean;
  automargin: false;
  showline: true;
  linecolor: string;
  ticks: 'outside' | '';
  ticklen: number;
  tickcolor: string;
  tickfont: { size: number; color: string };
  showgrid: boolean;
  gridcolor: string;
  zeroline: false;
  /** The axis whose range this one keeps when zooming. */
  matches?: string;
}

export interface Annotation {
  text: string;
  /** `paper`, or an axis; then x is in the axis' own coordinate (a category's number, a decimal logarithm). */
  xref: 'paper' | AxisId<'x'>;
  yref: 'paper' | AxisId<'y'>;
  x: number;
  y: number;
  xanchor: 'left' | 'center' | 'right';
  yanchor: 'top' | 'middle' | 'bottom';
  xshift: number;
  yshift: number;
  align: 'left' | 'center';
  showarrow: false;
  font: { size: number; color: string };
}

export type AxisId<Letter extends 'x' | 'y'> = Letter | `${Letter}${number}`;

/** A frame around part of a panel, in the axes' own coordinates. */
export interface Box {
  type: 'rect';
  xref: AxisId<'x'>;
  yref: AxisId<'y'>;
  x0: number;
  x1: number;
  y0: number;
  y1: number;
  line: { color: string; width: number };
  layer: 'above';
}

export interface Legend {
  title: { text: string; font: { size: number; color: string } };
  x: number;
  y: number;
  xanchor: 'left';
  yanchor: 'top';
  font: { size: number; color: string };
  tracegroupgap: number;
}

export type LegendName = 'legend' | `legend${number}`;

type Legends = { [name in LegendName]?: Legend };

/** The n-th panel's axes are `xaxis`, `xaxis2`, … and `yaxis`, `yaxis2`, …. */
type Axes = { [name in `xaxis${number}` | 'xaxis' | `yaxis${number}` | 'yaxis']?: Axis };

export interface FigureLayout extends Axes, Legends {
  width: number;
  height: number;
  margin: { l: number; r: number; t: number; b: number };
  font: { family: string; size: number; color: string };
  paper_bgcolor: string;
  plot_bgcolor: string;
  hovermode: 'closest';
  annotations: Annotation[];
  shapes?: Box[];
  showlegend: boolean;
  barmode?: 'group';
  bargap?: number;
  /** Plotly leaves it alone. */
  meta: { caption: string };
}

/** What plotly draws. */
export interface FigureSpec {
  data: Trace[];
  layout: FigureLayout;
}
