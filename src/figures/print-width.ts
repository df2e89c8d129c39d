/** Widths on paper: in units of length, or by the names that LaTeX gives a document's columns. */
import { userError } from '../core/errors.ts';

/** Column widths of the ICML style, in which the paper is set, in inches; `page` is NeurIPS' and ICLR's one column. */
export const PAPER_WIDTHS = { column: 3.25, textwidth: 6.75, page: 5.5 } as const;

/** Inches of a unit; `pt` is TeX's point, in which `\the\columnwidth` answers, `bp` PDF's. */
const UNITS = { mm: 1 / 25.4, cm: 1 / 2.54, in: 1, pt: 1 / 72.27, bp: 1 / 72, px: 1 / 96 } as const;

/** A printed width: `'85mm'`, `'3.25in'`, `'239.39pt'`, `'column'`, `'textwidth'`; a number is px of 1/96 inch. */
export type PaperWidth = keyof typeof PAPER_WIDTHS | `${number}${keyof typeof UNITS}` | number;

const [LEAST, MOST] = [0.2, 60];

/**
 * Inches of a width.
 * @throws FIGURE_WIDTH for what is no length of 0.2 to 60 inches
 */
export function inches(width: PaperWidth | string): number {
  const named = (PAPER_WIDTHS as Record<string, number>)[width];
  const match = /^(\d+(?:\.\d*)?|\.\d+)\s*(mm|cm|in|pt|bp|px)?$/.exec(String(width).trim());
  const length = named ?? Number(match?.[1]) * UNITS[(match?.[2] ?? 'px') as keyof typeof UNITS];
  if (length >= LEAST && length <= MOST) return length;
  throw userError(
    'FIGURE_WIDTH',
    `a width such as 85mm, 3.25in, 240pt, or ${Object.keys(PAPER_WIDTHS).join(', ')}, of ${LEAST} to ${MOST} inches`,
    String(width),
    'correct the width',
  );
}

/** Px (1/96 inch) of a width: what to draw a figure at so that its text keeps its size when it is printed so wide. */
export function pixels(width: PaperWidth | string): number {
  return inches(width) * 96;
}
