/** Legends right of the plot or below it, an entry for each trace that wants one. */
import { EDGE, escapeText } from '../annotations.ts';
import { LEGEND_PAD, LEGEND_ROW } from '../legends.ts';
import { INK, SIZE } from '../style.ts';
import { shorten } from '../text.ts';
import type { FigureSpec, Legend, LegendName, Trace } from '../types.ts';
import { drawLabel, labelLines } from './label.ts';
import { type Area, drawArea, drawLine, drawMarker, linePath } from './marks.ts';
import { element, group } from './markup.ts';

/** All legends of a figure, each at its height. */
export function drawLegends(spec: FigureSpec, plot: Area): string {
  const names = Object.keys(spec.layout).filter((key): key is LegendName => /^legend\d*$/.test(key));
  return names.map((name) => drawLegend(spec, name, spec.layout[name]!, plot)).join('\n');
}

function drawLegend(spec: FigureSpec, name: LegendName, legend: Legend, plot: Area): string {
  const x = legend.x > 1 ? plot.left + plot.width + 16 : plot.left + legend.x * plot.width + LEGEND_PAD;
  const room = spec.layout.width - x - EDGE / 2;
  let y = plot.top + (1 - legend.y) * plot.height;
  const parts = [drawLabel(legend.title.text, x, y, SIZE.tick, INK.text)];
  y += SIZE.tick * 1.35 + 6;
  const entries = spec.data.filter(
    (trace) => trace.showlegend !== false && trace.name !== undefined && trace.type !== 'heatmap',
  );
  for (const trace of entries.filter((one) => legendOf(one) === name)) {
    const middle = y + LEGEND_ROW / 2;
    parts.push(...sampleOf(trace, x, middle));
    parts.push(
      drawLabel(shortened(trace.name!, room - 34), x + 34, middle - SIZE.tick * 0.67, SIZE.tick, INK.text),
    );
    y += LEGEND_ROW;
  }
  return group({ class: 'legend' }, parts);
}

/** A name as far as there is room for it. */
function shortened(name: string, room: number): string {
  return escapeText(shorten(labelLines(name)[0]!.text, room, SIZE.tick));
}

function legendOf(trace: Trace): LegendName {
  return trace.type === 'heatmap' ? 'legend' : (trace.legend ?? 'legend');
}

function sampleOf(trace: Trace, x: number, middle: number): string[] {
  if (trace.type === 'heatmap') return [];
  if (trace.type === 'bar') {
    return [element('rect', { x, y: middle - 5.5, width: 22, height: 11, fill: trace.marker.color })];
  }
  const parts: string[] = [];
  const colour = trace.line?.color ?? trace.marker?.color ?? INK.text;
  if (trace.fill === 'toself') {
    parts.push(
      drawArea(
        linePath([
          { x, y: middle - 5.5 },
          { x: x + 26, y: middle - 5.5 },
          { x: x + 26, y: middle + 5.5 },
          { x, y: middle + 5.5 },
        ]),
        trace.fillcolor ?? INK.grid,
      ),
    );
  }
  const sample = [
    { x, y: middle },
    { x: x + 26, y: middle },
  ];
  if (trace.mode.includes('lines')) parts.push(drawLine(linePath(sample), trace.line ?? {}, colour));
  if (trace.mode.includes('markers') && trace.marker !== undefined) {
    const at = { x: x + 13, y: middle };
    parts.push(drawMarker(trace.marker.symbol, at, trace.marker.size, trace.marker.color));
  }
  return parts;
}
