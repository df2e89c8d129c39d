/** Heat maps: a number per pair of categories, such as NLL reduction by RL range and op. */
import { escapeText, markLabel } from './annotations.ts';
import { Figure } from './figure.ts';
import { countText, distinct, type Frame, numberIn, type Row, selectRows } from './frame.ts';
import { arrangePanels, type FrameOptions } from './layout.ts';
import { checkUnique, type Labels, nameOf } from './multiples.ts';
import { sentence } from './sentence.ts';
import { INK, inkOn, SIZE, scaleColour, sequentialScale } from './style.ts';
import { niceStep } from './svg/scale.ts';
import { textWidth } from './text.ts';
import type { Box, HeatTrace } from './types.ts';

export interface HeatMapOptions extends FrameOptions {
  /** Column of the columns (default `op`). */
  x?: string;
  /** Column of the rows, the first on top (default `run`). */
  y?: string;
  /** Column of the numbers (default `value`). */
  value?: string;
  /** Column that is true for cells in a white box (default `trained` where the frame has it). */
  boxes?: string;
  where?: Readonly<Record<string, unknown>>;
  labels?: Labels;
  xTitle?: string;
  yTitle?: string;
  /** What the numbers are, at the colour bar. */
  measure?: string;
  /** What a white box means, for the caption. */
  boxText?: string;
}

/**
 * Coloured cells with their numbers. `frame`: rows {`x`, `y`, value, low?, high?, n?, trained?}. A number whose interval
 * includes 0 stands in parentheses.
 */
export function heatMap(frame: Frame, options: HeatMapOptions = {}): Figure {
  const { x = 'op', y = 'run', value = 'value' } = options;
  const { rows } = selectRows(frame, 'heatMap', [x, y, value], options);
  const columns = distinct(rows, x);
  const lines = distinct(rows, y);
  const cells = lines.map((line) => {
    const own = rows.filter((row) => String(row[y]) === String(line));
    const sorted = own.toSorted((a, b) => columns.indexOf(a[x] as never) - columns.indexOf(b[x] as never));
    checkUnique(sorted, x, [y]);
    return columns.map((column) => own.find((row) => String(row[x]) === String(column)));
  });
  const z = cells.map((line) => line.map((row) => finite(row, value)));
  const numbers = z.flat().filter((one) => one !== null);
  const low = Math.min(0, ...numbers);
  const high = Math.max(...numbers, low + 1e-9);
  const names = {
    x: columns.map((column) => (x === 'op' ? String(column) : nameOf(x, column, options.labels))),
    y: lines.map((line) => nameOf(y, line, options.labels)),
  };
  const measure = options.measure ?? value;
  const ticks = colourTicks(low, high);
  const width = options.width ?? 720;
  const left = Math.max(...names.y.map((name) => textWidth(name, SIZE.tick))) + 44;
  const bar = Math.max(textWidth(measure, SIZE.tick, 'bold'), 46) + 34;
  const panelHeight = Math.max(96, 42 * lines.length);
  const boxColumn = options.boxes ?? (rows.some((row) => row.trained !== undefined) ? 'trained' : undefined);
  const uncertain = rows.some((row) => coversZero(row));
  const caption = sentence([
    options.caption,
    boxColumn === undefined || !rows.some((row) => row[boxColumn])
      ? undefined
      : (options.boxText ?? 'White boxes: trained'),
    uncertain ? 'In parentheses: the 95 % interval includes 0' : undefined,
    countText(rows, x === 'op' ? 'op' : 'cell'),
  ]);
  const layout = arrangePanels(
    [
      {
        x: {
          title: options.xTitle ?? (x === 'op' ? 'operations (op)' : x),
          type: 'category',
          range: [-0.5, columns.length - 0.5],
          categoryorder: 'array',
          categoryarray: names.x,
          showgrid: false,
        },
        y: {
          title: options.yTitle ?? y,
          type: 'category',
          range: [lines.length - 0.5, -0.5],
          categoryorder: 'array',
          categoryarray: names.y,
          showgrid: false,
        },
      },
    ],
    { ...options, caption, left, right: bar, panelHeight },
  );
  const trace: HeatTrace = {
    type: 'heatmap',
    name: escapeText(measure),
    x: names.x,
    y: names.y,
    z,
    colorscale: sequentialScale(),
    zmin: low,
    zmax: high,
    xgap: 1,
    ygap: 1,
    colorbar: {
      title: {
        text: `<b>${escapeText(measure)}</b>`,
        side: 'top',
        font: { size: SIZE.tick, color: INK.text },
      },
      x: 1,
      xanchor: 'left',
      xpad: 14,
      y: 1,
      yanchor: 'top',
      ypad: 0,
      len: layout.height - layout.margin.t - layout.margin.b,
      lenmode: 'pixels',
      thickness: 14,
      outlinewidth: 0,
      tickvals: ticks,
      ticktext: ticks.map((tick) => digits(tick, high - low)),
      tickfont: { size: SIZE.tick, color: INK.axis },
    },
    hovertemplate: '%{y}, %{x}: %{z:.4f}<extra></extra>',
  };
  const cellWidth = (width - layout.margin.l - layout.margin.r) / columns.length;
  for (const [r, line] of cells.entries()) {
    for (const [c, row] of line.entries()) {
      if (row === undefined || z[r]![c] === null) continue;
      // Without the zero before the point, so that many columns fit.
      const number = digits(z[r]![c]!, high - low).replace(/^(−?)0\./, '$1.');
      const text = coversZero(row) ? `(${number})` : number;
      const size = Math.min(SIZE.small, Math.floor(((cellWidth - 3) / textWidth(text, 1)) * 10) / 10);
      if (size < 6.5) continue;
      const ink = inkOn(scaleColour(trace.colorscale, (z[r]![c]! - low) / (high - low)));
      layout.annotations.push(markLabel(text, 0, { x: c, y: r, anchor: 'middle' }, size, ink));
    }
  }
  if (boxColumn !== undefined) layout.shapes = cells.flatMap((line, r) => boxesOf(line, r, boxColumn));
  return new Figure({ data: [trace], layout }, options.title ?? measure, rows, options.selfContained);
}

function finite(row: Row | undefined, column: string): number | null {
  const value = row === undefined ? Number.NaN : numberIn(row, column);
  return Number.isFinite(value) ? value : null;
}

function coversZero(row: Row): boolean {
  return numberIn(row, 'low') <= 0 && numberIn(row, 'high') >= 0;
}

/** A white frame with a dark rim around each run of neighbouring marked cells. */
function boxesOf(line: readonly (Row | undefined)[], row: number, column: string): Box[] {
  const boxes: Box[] = [];
  for (let start = 0; start < line.length; start++) {
    if (!isMarked(line[start], column)) continue;
    let end = start;
    while (end + 1 < line.length && isMarked(line[end + 1], column)) end++;
    const frame = { type: 'rect', xref: 'x', yref: 'y', layer: 'above' } as const;
    const place = { x0: start - 0.46, x1: end + 0.46, y0: row - 0.44, y1: row + 0.44 };
    boxes.push({ ...frame, ...place, line: { color: INK.text, width: 4.4 } });
    boxes.push({ ...frame, ...place, line: { color: INK.paper, width: 2.6 } });
    start = end;
  }
  return boxes;
}

function isMarked(row: Row | undefined, column: string): boolean {
  return row !== undefined && (row[column] === true || row[column] === 1 || row[column] === 'true');
}

function colourTicks(low: number, high: number): number[] {
  const step = niceStep((high - low) / 4);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** As many decimals as tell the colours apart: two significant digits of the span. */
function digits(value: number, span: number): string {
  const decimals = Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(span) + 1e-9)));
  const text = value.toFixed(decimals).replace('-', '−');
  return /^−0(\.0+)?$/.test(text) ? text.slice(1) : text;
}
