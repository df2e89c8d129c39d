/** The legend under a graph: one entry for each mark that occurs, in rows as wide as the drawing. */
import { INK, SIZE } from '../style.ts';
import { element, escapeMarkup, group, px } from '../svg/markup.ts';
import { textWidth } from '../text.ts';
import { drawBadge, EDGE, type EdgeLook, LOOKS, type NodeLook, TOLD } from './marks.ts';

export type LegendEntry =
  | { mark: 'node'; look: NodeLook; count?: number; total?: boolean; fill?: string }
  | { mark: 'edge'; look: EdgeLook }
  | { mark: 'asked' }
  | { mark: 'told' };

const SWATCH = 26;
const BADGE_SWATCH = 16;
const ROW = 20;
const SPACE = 18;

/** Draws the entries from the origin down, at most `width` px wide; gives the markup and the height used. */
export function drawLegend(
  entries: readonly LegendEntry[],
  width: number,
): { markup: string; height: number } {
  const parts: string[] = [];
  let column = 0;
  let row = 0;
  for (const entry of entries) {
    const text = entryText(entry);
    const room = badgeOf(entry) === undefined ? SWATCH : BADGE_SWATCH;
    const length = room + 6 + textWidth(text, SIZE.small);
    if (column > 0 && column + length > width) {
      column = 0;
      row++;
    }
    const left = column;
    const middle = row * ROW + ROW / 2;
    parts.push(...swatch(entry, left, middle));
    parts.push(
      element(
        'text',
        {
          x: left + room + 6,
          y: middle + SIZE.small * 0.35,
          'font-size': SIZE.small,
          textLength: textWidth(text, SIZE.small),
          lengthAdjust: 'spacingAndGlyphs',
          fill: INK.text,
        },
        escapeMarkup(text),
      ),
    );
    column += length + SPACE;
  }
  const height = entries.length === 0 ? 0 : (row + 1) * ROW;
  return { markup: group({ class: 'legend' }, parts), height };
}

/** What an entry's disc is drawn from, if it has one. */
function badgeOf(entry: LegendEntry) {
  if (entry.mark === 'told') return TOLD;
  return entry.mark === 'node' && LOOKS[entry.look].sign !== undefined ? LOOKS[entry.look] : undefined;
}

function entryText(entry: LegendEntry): string {
  if (entry.mark === 'told') return TOLD.label;
  if (entry.mark === 'asked') return 'asked for';
  if (entry.mark === 'edge') return EDGE[entry.look].label;
  const { label } = LOOKS[entry.look];
  return entry.count === undefined ? label : `${label} (${entry.count})`;
}

function swatch(entry: LegendEntry, x: number, y: number): string[] {
  const badge = badgeOf(entry);
  if (badge !== undefined) return [drawBadge(x + BADGE_SWATCH / 2, y, badge)];
  if (entry.mark === 'edge') {
    const look = EDGE[entry.look];
    const dash = 'dash' in look ? look.dash : undefined;
    return [
      element('path', {
        d: `M${px(x)} ${px(y)}L${px(x + SWATCH - 8)} ${px(y)}`,
        fill: 'none',
        stroke: look.stroke,
        'stroke-width': look.width,
        'stroke-dasharray': dash,
      }),
      element('path', {
        d: `M${px(x + SWATCH)} ${px(y)}L${px(x + SWATCH - 8.5)} ${px(y - 3.5)}L${px(x + SWATCH - 8.5)} ${px(y + 3.5)}Z`,
        fill: look.stroke,
      }),
    ];
  }
  if (entry.mark !== 'node') {
    const box = (grow: number, stroke: string, strokeWidth: number) =>
      element('rect', {
        x: x + 4 - grow,
        y: y - 4.5 - grow,
        width: 18 + 2 * grow,
        height: 9 + 2 * grow,
        rx: 2 + grow,
        fill: '#ffffff',
        stroke,
        'stroke-width': strokeWidth,
      });
    return [box(3, INK.text, 1.6), box(0, INK.soft, 1.1)];
  }
  const style = LOOKS[entry.look];
  return [
    element('rect', {
      x: x + 1,
      y: y - 6.5,
      width: SWATCH - 2,
      height: 13,
      rx: entry.total ? 6.5 : 3,
      fill: entry.fill ?? style.fill,
      stroke: style.stroke,
      'stroke-width': 1.3,
      'stroke-dasharray': style.dash,
    }),
  ];
}
