/** Where legends stand: right of the panels, or below them where the figure is narrow. */
import { bold, EDGE } from './annotations.ts';
import { INK, SIZE } from './style.ts';
import { textWidth } from './text.ts';
import type { FigureLayout, Legend } from './types.ts';

export interface LegendRequest {
  title: string;
  names: readonly string[];
}

const LOOK = {
  xanchor: 'left',
  yanchor: 'top',
  font: { size: SIZE.tick, color: INK.text },
  tracegroupgap: 0,
} as const;

const SAMPLE = 40;
/** Height of an entry; plotly's own is as high. */
export const LEGEND_ROW = 19;
/** Between legends that stand below one another or side by side, and from plotly's legend to its first sample. */
const GAP = { down: 8, across: 14 };
export const LEGEND_PAD = 5;
/** A legend at the right takes at most this share of the figure. */
const MOST_AT_RIGHT = 0.35;

/** Room that a legend takes: the widest entry, its sample and the space around. */
function legendWidth({ names, title }: LegendRequest): number {
  const widest = Math.max(
    textWidth(title, SIZE.tick, 'bold'),
    ...names.map((name) => SAMPLE + textWidth(name, SIZE.tick)),
  );
  return Math.ceil(widest) + 34;
}

function legendHeight({ names }: LegendRequest): number {
  return (names.length + 1) * LEGEND_ROW + 8;
}

export interface LegendPlan {
  below: boolean;
  /** Px that they need right of the panels (0 if they stand below), and from the first's top to the last's end. */
  width: number;
  height: number;
  /** Px of each from the left edge of the figure (below) and from the top of all. */
  places: { x: number; y: number }[];
}

/** Legends stand at the right unless that takes too much of the figure's width; below, side by side while they fit. */
export function planLegends(legends: readonly LegendRequest[], width: number, room: number): LegendPlan {
  const widths = legends.map(legendWidth);
  const heights = legends.map(legendHeight);
  const widest = Math.max(0, ...widths);
  const below = widest > MOST_AT_RIGHT * width || (widest > 0 && widest > room);
  const places: { x: number; y: number }[] = [];
  let [x, y, lowest] = [EDGE, 0, 0];
  for (const [i, height] of heights.entries()) {
    if (i > 0 && (!below || x + widths[i]! > width - EDGE)) {
      x = EDGE;
      y = lowest + GAP.down;
    }
    places.push({ x, y });
    lowest = Math.max(lowest, y + height);
    if (below) x += widths[i]! + GAP.across;
  }
  return { below, width: below ? 0 : widest, height: lowest, places };
}

/** Writes the legends into a layout whose size and margins stand; `down`: px from the plot's lower edge to those below it. */
export function placeLegends(
  layout: FigureLayout,
  legends: readonly LegendRequest[],
  plan: LegendPlan,
  down: number,
): void {
  const { width, height, margin } = layout;
  const plot = { width: width - margin.l - margin.r, height: height - margin.t - margin.b };
  for (const [i, { title }] of legends.entries()) {
    const { x, y } = plan.places[i]!;
    layout[`legend${i === 0 ? '' : i + 1}` as 'legend'] = {
      ...LOOK,
      x: plan.below ? round((x - LEGEND_PAD - margin.l) / plot.width) : 1.01,
      y: plan.below ? round(-(down + y) / plot.height) : round(1 - y / plot.height),
      title: { text: bold([title]), font: { size: SIZE.tick, color: INK.text } },
    } satisfies Legend;
  }
}

/** Shares of the plot without the last bits, which differ between machines. */
function round(share: number): number {
  return Math.round(share * 1e6) / 1e6;
}
