/** Which way a graph runs, and whether two stand beside each other: whatever is shrunk least on a page. */
import { GAP, type Layout, layoutGraph, type Size } from './layout.ts';
import { RING } from './marks.ts';
import { INSET, MARGIN, PANEL_GAP } from './page.ts';
import type { GraphPairOptions } from './types.ts';

const PAGE_WIDTH = 1180;

/** Standing beside each other makes two graphs easy to compare: worth being shrunk to this. */
const SHRINK_FOR_BESIDE = 0.72;

/**
 * The layout that is shrunk least when the page is `width` px wide; of equals the lower one. With two panels
 * also whether they stand beside each other.
 */
export function chooseLayout(
  sizes: ReadonlyMap<string, Size>,
  edges: readonly [string, string][],
  options: GraphPairOptions,
  panels: 1 | 2,
): { layout: Layout; beside: boolean } {
  const page = options.width ?? PAGE_WIDTH;
  const arrangement = panels === 1 ? 'beside' : (options.arrangement ?? 'auto');
  const arrangements = arrangement === 'auto' ? [true, false] : [arrangement === 'beside'];
  const candidates = layoutsToTry(sizes, edges, options.direction ?? 'auto', page / panels).flatMap(
    (layout) =>
      arrangements.map((beside) => {
        const columns = beside ? panels : 1;
        const width = columns * (layout.width + 2 * INSET) + (columns - 1) * PANEL_GAP + 2 * MARGIN;
        const scale = Math.min(1, page / width);
        const height = (beside ? 1 : panels) * layout.height * scale;
        return { layout, beside, score: beside ? scale / SHRINK_FOR_BESIDE : scale, height };
      }),
  );
  const best = Math.max(...candidates.map(({ score }) => score));
  const good = candidates.filter(({ score }) => score > best - 0.05);
  return good.reduce((a, b) => (b.height < a.height * 0.8 ? b : a));
}

/** Downward always; sideways too where that may be narrower (its width is about its layers' widest boxes). */
function layoutsToTry(
  sizes: ReadonlyMap<string, Size>,
  edges: readonly [string, string][],
  direction: 'down' | 'right' | 'auto',
  room: number,
): Layout[] {
  if (direction !== 'auto') return [layoutGraph(sizes, edges, direction)];
  const down = layoutGraph(sizes, edges, 'down');
  const widest = [...sizes.values()].reduce((most, { width }) => Math.max(most, width), 0);
  const sideways = down.layers * (0.85 * widest + GAP.along);
  if (down.width <= room || sideways > 0.9 * down.width) return [down];
  return [down, layoutGraph(sizes, edges, 'right')];
}

/** Sizes with room for the asked-for node's ring, so that edges end at the ring. */
export function withRing(sizes: ReadonlyMap<string, Size>, query: string | undefined): Map<string, Size> {
  return new Map(
    [...sizes].map(([name, { width, height }]) => {
      const ring = name === query ? 2 * RING : 0;
      return [name, { width: width + ring, height: height + ring }];
    }),
  );
}
