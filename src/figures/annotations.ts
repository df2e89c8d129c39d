/** Texts on a figure: title and caption, titles of panels, labels of marks. */
import { INK, SIZE } from './style.ts';
import type { Annotation, AxisId, FigureLayout } from './types.ts';

const LINE = 1.35;
/** From the figure's edge to the text nearest to it. */
export const EDGE = 14;

/** Height of lines of text in px. */
export function linesHeight(lines: readonly string[], size: number): number {
  return lines.length * size * LINE;
}

/** Text for plotly, which takes a few HTML tags and entities in every label. */
export function escapeText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** Lines in bold. */
export function bold(lines: readonly string[]): string {
  return lines.map((line) => `<b>${escapeText(line)}</b>`).join('<br>');
}

/** A text whose lower left corner stands at a place of the plot (shares of it), shifted by px. */
export function note(
  text: string,
  place: { x: number; y: number; xshift?: number; yshift?: number },
  size: number,
  color: string,
): Annotation {
  return {
    text,
    xref: 'paper',
    yref: 'paper',
    x: place.x,
    y: place.y,
    xanchor: 'left',
    yanchor: 'bottom',
    xshift: place.xshift ?? 0,
    yshift: place.yshift ?? 0,
    align: 'left',
    showarrow: false,
    font: { size, color },
  };
}

/** Title and caption, with `below` px between them and the panels. */
export function placeHeading(
  layout: FigureLayout,
  title: readonly string[],
  caption: readonly string[],
  below: number,
): void {
  const xshift = EDGE - layout.margin.l;
  const captionBottom = below + 12;
  if (caption.length > 0) {
    const text = caption.map(escapeText).join('<br>');
    layout.annotations.push(
      note(text, { x: 0, y: 1, xshift, yshift: captionBottom }, SIZE.caption, INK.soft),
    );
  }
  if (title.length > 0) {
    const yshift = captionBottom + linesHeight(caption, SIZE.caption) + 2;
    layout.annotations.push(note(bold(title), { x: 0, y: 1, xshift, yshift }, SIZE.title, INK.text));
  }
}

/** One title for an axis that all panels share, in the middle below them, `down` px under the plot. */
export function sharedXTitle(text: string, down: number): Annotation {
  return {
    ...note(escapeText(text), { x: 0.5, y: 0, yshift: -down }, SIZE.axis, INK.text),
    xanchor: 'center',
    yanchor: 'top',
    align: 'center',
  };
}

/**
 * A label at a mark: centred at (x, y) in the coordinates of panel `panel`'s axes (a category's number), `up` px above it.
 */
export function markLabel(
  text: string,
  panel: number,
  at: { x: number; y: number; up?: number; anchor?: 'bottom' | 'middle' | 'top' },
  size: number,
  color: string,
): Annotation {
  const suffix = panel === 0 ? '' : String(panel + 1);
  return {
    ...note(escapeText(text), { x: at.x, y: at.y, yshift: at.up ?? 0 }, size, color),
    xref: `x${suffix}` as AxisId<'x'>,
    yref: `y${suffix}` as AxisId<'y'>,
    xanchor: 'center',
    yanchor: at.anchor ?? 'bottom',
    align: 'center',
  };
}
