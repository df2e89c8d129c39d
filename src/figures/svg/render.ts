/**
 * Writes a figure as SVG without a browser: the subset of plotly's specification that our figures use (see
 * ../types.ts), placed as plotly places it. Anything else is refused rather than drawn wrong.
 */
import { userError } from '../../core/errors.ts';
import { FONT, INK } from '../style.ts';
import { textWidth } from '../text.ts';
import type {
  Annotation,
  Axis,
  BarTrace,
  Box,
  FigureLayout,
  FigureSpec,
  HeatTrace,
  LineTrace,
  Trace,
} from '../types.ts';
import { drawCells, drawColorBar } from './heat.ts';
import { drawLabel, labelSize } from './label.ts';
import { drawLegends } from './legend.ts';
import { type Area, drawArea, drawErrorBar, drawLine, drawMarker, linePath, type Point } from './marks.ts';
import { element, escapeMarkup, group, px, svgDocument } from './markup.ts';
import { coordinate, ticksOf } from './scale.ts';

interface Panel {
  /** `''`, `2`, … of its y axis. */
  id: string;
  x: Axis;
  y: Axis;
  area: Area;
  toX(value: number | string | null): number;
  toY(value: number | string | null): number;
  data: Trace[];
}

/** The SVG document of a figure; the same bytes for the same figure. */
export function renderSvg(spec: FigureSpec, title: string): string {
  const { layout } = spec;
  for (const trace of spec.data) checkTrace(trace);
  const { l, r, t, b } = layout.margin;
  const plot: Area = { left: l, top: t, width: layout.width - l - r, height: layout.height - t - b };
  const panels = panelsOf(spec, plot);
  return svgDocument(layout.width, layout.height, FONT, title, [
    ...panels.map((panel, i) => drawPanel(panel, layout, i)),
    ...(layout.shapes ?? []).map((box) => drawBox(box, panelAt(panels, box.yref))),
    ...layout.annotations.map((annotation) => drawAnnotation(annotation, plot, panels)),
    layout.showlegend ? drawLegends(spec, plot) : '',
    ...spec.data.map((trace) => (trace.type === 'heatmap' ? drawColorBar(trace, plot) : '')),
  ]);
}

function checkTrace(trace: Trace): void {
  if (trace.type === 'bar' || trace.type === 'scatter' || trace.type === 'heatmap') return;
  const type = String((trace as { type?: unknown }).type);
  throw userError(
    'FIGURE_UNSUPPORTED',
    'traces of type scatter, bar or heatmap for an SVG without a browser',
    type,
    'save as .html, or install playwright-core and Chromium',
  );
}

function panelsOf(spec: FigureSpec, plot: Area): Panel[] {
  const ids = Object.keys(spec.layout).flatMap((key) => /^yaxis(\d*)$/.exec(key)?.[1] ?? []);
  return ids.map((id) => {
    const y = spec.layout[`yaxis${id as ''}`];
    const x = spec.layout[`xaxis${(y?.anchor ?? `x${id}`).slice(1) as ''}`];
    if (x === undefined || y === undefined) {
      throw userError(
        'FIGURE_UNSUPPORTED',
        'an x axis for each y axis',
        `y${id} alone`,
        'complete the layout',
      );
    }
    const area = {
      left: plot.left + x.domain[0] * plot.width,
      top: plot.top + (1 - y.domain[1]) * plot.height,
      width: (x.domain[1] - x.domain[0]) * plot.width,
      height: (y.domain[1] - y.domain[0]) * plot.height,
    };
    const share = (axis: Axis, value: number | string | null) =>
      (coordinate(axis, value) - axis.range[0]) / (axis.range[1] - axis.range[0]);
    return {
      id,
      x,
      y,
      area,
      toX: (value) => area.left + share(x, value) * area.width,
      toY: (value) => area.top + (1 - share(y, value)) * area.height,
      data: spec.data.filter((trace) => (trace.yaxis ?? 'y') === `y${id}`),
    };
  });
}

function drawPanel(panel: Panel, layout: FigureLayout, index: number): string {
  const { left, top, width, height } = panel.area;
  const bars = panel.data.filter((trace): trace is BarTrace => trace.type === 'bar');
  const lines = panel.data.filter((trace): trace is LineTrace => trace.type === 'scatter');
  const clip = `panel-${index}`;
  const cells = panel.data.filter((trace): trace is HeatTrace => trace.type === 'heatmap');
  const inside = [
    ...cells.map((trace) => drawCells(trace, panel.toX, panel.toY)),
    ...lines.filter((trace) => trace.fill === 'toself').map((trace) => drawFilled(panel, trace)),
    ...drawBars(panel, bars, layout.bargap ?? 0.2),
    ...lines.filter((trace) => trace.fill === undefined).map((trace) => drawSeries(panel, trace)),
  ];
  const bounds = element('rect', { x: left, y: top - 2, width, height: height + 2 });
  return group({ class: 'panel' }, [
    element('clipPath', { id: clip }, bounds),
    drawXAxis(panel),
    drawYAxis(panel),
    group({ class: 'data', 'clip-path': `url(#${clip})` }, inside),
  ]);
}

function drawXAxis(panel: Panel): string {
  const { left, top, width, height } = panel.area;
  const axis = panel.x;
  const bottom = top + height;
  const ticks = ticksOf(axis, Math.max(2, Math.floor(width / 70)));
  const at = (tick: number) => left + ((tick - axis.range[0]) / (axis.range[1] - axis.range[0])) * width;
  const parts = [
    ...(axis.showgrid
      ? ticks.map((tick) => rule(at(tick.at), top, at(tick.at), bottom, axis.gridcolor))
      : []),
    rule(left, bottom, left + width, bottom, axis.linecolor),
    ...(axis.ticks === '' ? [] : ticks).map((tick) =>
      rule(at(tick.at), bottom, at(tick.at), bottom + axis.ticklen, axis.tickcolor),
    ),
  ];
  const size = axis.tickfont.size;
  if (axis.showticklabels !== false) {
    let free = Number.NEGATIVE_INFINITY;
    for (const tick of ticks.filter(({ text }) => text !== '')) {
      const half = textWidth(tick.text, size) / 2;
      // A label that would touch the one before is left out, as plotly does.
      if (at(tick.at) - half < free) continue;
      free = at(tick.at) + half + 4;
      parts.push(
        drawLabel(tick.text, at(tick.at), bottom + axis.ticklen + 2, size, axis.tickfont.color, 'middle', {
          class: 'tick',
        }),
      );
    }
  }
  if (axis.title !== undefined) {
    const y =
      bottom + axis.ticklen + (axis.showticklabels === false ? 0 : size * 1.35) + axis.title.standoff - 4;
    parts.push(
      drawLabel(axis.title.text, left + width / 2, y, axis.title.font.size, axis.title.font.color, 'middle'),
    );
  }
  return group({ class: 'axis x' }, parts);
}

function drawYAxis(panel: Panel): string {
  const { left, top, width, height } = panel.area;
  const axis = panel.y;
  const ticks = ticksOf(axis, Math.max(2, Math.floor(height / 45)));
  const at = (tick: number) => top + height * (1 - (tick - axis.range[0]) / (axis.range[1] - axis.range[0]));
  const size = axis.tickfont.size;
  const parts = [
    ...(axis.showgrid
      ? ticks.map((tick) => rule(left, at(tick.at), left + width, at(tick.at), axis.gridcolor))
      : []),
    rule(left, top, left, top + height, axis.linecolor),
    ...ticks.map((tick) => rule(left - axis.ticklen, at(tick.at), left, at(tick.at), axis.tickcolor)),
  ];
  let labels = 0;
  if (axis.showticklabels !== false) {
    for (const tick of ticks) {
      labels = Math.max(labels, textWidth(tick.text, size));
      parts.push(
        drawLabel(
          tick.text,
          left - axis.ticklen - 3,
          at(tick.at) - size * 0.67,
          size,
          axis.tickfont.color,
          'end',
          { class: 'tick' },
        ),
      );
    }
  }
  if (axis.title !== undefined) {
    const x = left - axis.ticklen - 3 - labels - axis.title.standoff;
    const y = top + height / 2;
    parts.push(
      element(
        'text',
        {
          transform: `translate(${px(x)} ${px(y)}) rotate(-90)`,
          'font-size': axis.title.font.size,
          'text-anchor': 'middle',
          fill: axis.title.font.color,
        },
        escapeMarkup(axis.title.text.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&')),
      ),
    );
  }
  return group({ class: 'axis y' }, parts);
}

function rule(x1: number, y1: number, x2: number, y2: number, stroke: string): string {
  return element('line', { x1, y1, x2, y2, stroke, 'stroke-width': 1 });
}

function pointsOf(panel: Panel, trace: LineTrace | BarTrace): Point[] {
  return trace.x.map((x, i) => ({ x: panel.toX(x), y: panel.toY(trace.y[i] ?? null) }));
}

function drawFilled(panel: Panel, trace: LineTrace): string {
  return drawArea(linePath(pointsOf(panel, trace)), trace.fillcolor ?? INK.grid);
}

function drawSeries(panel: Panel, trace: LineTrace): string {
  const points = pointsOf(panel, trace);
  const colour = trace.line?.color ?? trace.marker?.color ?? INK.text;
  const parts: string[] = [];
  if (trace.mode.includes('lines')) parts.push(drawLine(linePath(points), trace.line ?? {}, colour));
  parts.push(
    ...drawErrors(
      panel,
      trace,
      points.map((point) => point.x),
    ),
  );
  if (trace.mode.includes('markers')) {
    const marker = trace.marker ?? { color: colour, size: 6, symbol: 'circle' as const };
    for (const point of points) {
      if (!Number.isFinite(point.x) || !Number.isFinite(point.y)) continue;
      parts.push(drawMarker(marker.symbol, point, marker.size, marker.color));
    }
  }
  return group({ class: 'series', 'data-name': trace.name }, parts);
}

function drawErrors(panel: Panel, trace: LineTrace | BarTrace, xs: readonly number[]): string[] {
  const bars = trace.error_y;
  if (bars === undefined) return [];
  return trace.y.flatMap((y, i) => {
    const up = bars.array[i] ?? 0;
    const down = bars.arrayminus[i] ?? 0;
    if (y === null || (up === 0 && down === 0)) return [];
    return [drawErrorBar(xs[i]!, panel.toY(y - down), panel.toY(y + up), bars)];
  });
}

/** Bars of several traces at one x stand side by side. */
function drawBars(panel: Panel, traces: readonly BarTrace[], gap: number): string[] {
  if (traces.length === 0) return [];
  const slot = panel.area.width / (panel.x.range[1] - panel.x.range[0]);
  const width = (slot * (1 - gap)) / traces.length;
  const base = panel.toY(0);
  return traces.map((trace, place) => {
    const shift = (place - (traces.length - 1) / 2) * width;
    const xs = trace.x.map((x) => panel.toX(x) + shift);
    const bars = trace.y.map((y, i) => {
      if (y === null) return '';
      const end = panel.toY(y);
      return element('rect', {
        class: 'bar',
        x: xs[i]! - width / 2,
        y: Math.min(base, end),
        width,
        height: Math.abs(base - end),
        fill: trace.marker.color,
      });
    });
    const parts = [...bars.filter((bar) => bar !== ''), ...drawErrors(panel, trace, xs)];
    return group({ class: 'series', 'data-name': trace.name }, parts);
  });
}

function drawAnnotation(note: Annotation, plot: Area, panels: readonly Panel[]): string {
  const { width, height } = labelSize(note.text, note.font.size);
  const at = placeOf(note, plot, panels);
  const x = at.x + note.xshift;
  const y = at.y - note.yshift;
  const left = note.xanchor === 'left' ? x : note.xanchor === 'center' ? x - width / 2 : x - width;
  const top = note.yanchor === 'bottom' ? y - height : note.yanchor === 'middle' ? y - height / 2 : y;
  const centre = note.align === 'center';
  return drawLabel(
    note.text,
    centre ? left + width / 2 : left,
    top,
    note.font.size,
    note.font.color,
    centre ? 'middle' : 'start',
    { class: note.xref === 'paper' ? 'note' : 'label' },
  );
}

/** Where an annotation points: a place of the whole plot, or of a panel in its axes' own coordinates. */
function placeOf({ xref, yref, x, y }: Annotation, plot: Area, panels: readonly Panel[]): Point {
  if (xref === 'paper' || yref === 'paper') {
    return { x: plot.left + x * plot.width, y: plot.top + (1 - y) * plot.height };
  }
  return inPanel(panelAt(panels, yref), x, y);
}

/** A point of a panel, from its axes' own coordinates. */
function inPanel({ x: across, y: up, area }: Panel, x: number, y: number): Point {
  const share = (axis: Axis, value: number) => (value - axis.range[0]) / (axis.range[1] - axis.range[0]);
  return {
    x: area.left + share(across, x) * area.width,
    y: area.top + (1 - share(up, y)) * area.height,
  };
}

function panelAt(panels: readonly Panel[], yref: string): Panel {
  const panel = panels.find(({ id }) => `y${id}` === yref);
  if (panel !== undefined) return panel;
  throw userError('FIGURE_UNSUPPORTED', 'marks on an axis of the layout', yref, 'complete the layout');
}

function drawBox({ x0, x1, y0, y1, line }: Box, panel: Panel): string {
  const a = inPanel(panel, x0, y0);
  const b = inPanel(panel, x1, y1);
  return element('rect', {
    class: 'box',
    x: Math.min(a.x, b.x),
    y: Math.min(a.y, b.y),
    width: Math.abs(a.x - b.x),
    height: Math.abs(a.y - b.y),
    fill: 'none',
    stroke: line.color,
    'stroke-width': line.width,
  });
}
