/** Heat maps: coloured cells, and the bar that says what the colours mean. */
import { scaleColour } from '../style.ts';
import type { HeatTrace } from '../types.ts';
import { drawLabel } from './label.ts';
import type { Area } from './marks.ts';
import { element, group } from './markup.ts';

/** Cells of a heat map on two category axes. */
export function drawCells(
  trace: HeatTrace,
  toX: (value: number | string) => number,
  toY: (value: number | string) => number,
): string {
  const width = trace.x.length > 1 ? toX(trace.x[1]!) - toX(trace.x[0]!) : undefined;
  const height = trace.y.length > 1 ? Math.abs(toY(trace.y[1]!) - toY(trace.y[0]!)) : undefined;
  const wide = (width ?? height ?? 40) - trace.xgap;
  const high = (height ?? width ?? 40) - trace.ygap;
  const cells = trace.y.flatMap((row, r) =>
    trace.x.flatMap((column, c) => {
      const value = trace.z[r]?.[c] ?? null;
      if (value === null) return [];
      return element('rect', {
        class: 'cell',
        x: toX(column) - wide / 2,
        y: toY(row) - high / 2,
        width: wide,
        height: high,
        fill: colourAt(trace, value),
      });
    }),
  );
  return group({ class: 'series', 'data-name': trace.name }, cells);
}

/** Colour of a value, beyond the ends that of the end. */
function colourAt({ colorscale, zmin, zmax }: HeatTrace, value: number): string {
  return scaleColour(colorscale, (value - zmin) / (zmax - zmin));
}

const STEPS = 64;

/** The bar of colours right of the plot. */
export function drawColorBar(trace: HeatTrace, plot: Area): string {
  const { colorbar: bar, zmin, zmax } = trace;
  const x = plot.left + bar.x * plot.width + bar.xpad;
  const titleHeight = bar.tickfont.size * 1.35 + 6;
  const top = plot.top + (1 - bar.y) * plot.height + bar.ypad + titleHeight;
  const length = bar.len - titleHeight - 2 * bar.ypad;
  const parts = [drawLabel(bar.title.text, x, top - titleHeight, bar.title.font.size, bar.title.font.color)];
  for (let step = 0; step < STEPS; step++) {
    const share = 1 - (step + 0.5) / STEPS;
    parts.push(
      element('rect', {
        x,
        y: top + (step * length) / STEPS,
        width: bar.thickness,
        // Neighbours overlap a little, so that no seam shows between them.
        height: length / STEPS + (step + 1 < STEPS ? 0.5 : 0),
        fill: scaleColour(trace.colorscale, share),
      }),
    );
  }
  for (const [i, value] of bar.tickvals.entries()) {
    const y = top + length * (1 - (value - zmin) / (zmax - zmin));
    const size = bar.tickfont.size;
    parts.push(drawLabel(bar.ticktext[i]!, x + bar.thickness + 4, y - size * 0.67, size, bar.tickfont.color));
  }
  return group({ class: 'colorbar' }, parts);
}
