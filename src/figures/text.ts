/**
 * How wide text is, without a browser. The numbers are the advance widths of Liberation Sans, which has the
 * metrics of Helvetica and Arial, in thousandths of an em; figures name those three fonts first.
 */

/** Advance widths of U+0020–U+007E. */
const REGULAR =
  '278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 260 334 584';
const BOLD =
  '278 333 474 556 556 889 722 238 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 333 333 584 584 584 611 975 722 722 722 722 667 611 778 722 278 556 722 611 833 722 778 667 778 722 667 611 722 667 944 667 667 611 333 278 333 584 556 333 556 611 556 611 556 333 611 611 278 278 556 278 889 611 611 611 611 389 556 333 611 556 778 556 556 500 389 280 389 584';
/** Beyond ASCII, the larger of regular and bold. */
const OTHER: Record<string, number> = {
  '·': 278,
  '–': 556,
  '—': 1000,
  '‘': 278,
  '’': 278,
  '“': 500,
  '”': 500,
  '…': 1000,
  '\u00a0': 278,
  '\u2009': 200,
  '→': 1000,
  '←': 1000,
};
/** Anything else: an accented letter is narrower than this, an ideograph or emoji as wide. */
const UNKNOWN = 620;
const WIDE = 1050;

const table = { normal: REGULAR.split(' ').map(Number), bold: BOLD.split(' ').map(Number) };

export type Weight = keyof typeof table;

/**
 * Lines that run free (titles, captions) are wrapped at this share of their room: where none of the three
 * fonts is installed, the usual substitute (DejaVu Sans) is about a sixth wider and must not be cut off.
 */
export const FONT_RESERVE = 0.85;

/** Width of one line of `text` in px at `size` px. */
export function textWidth(text: string, size: number, weight: Weight = 'normal'): number {
  let thousandths = 0;
  for (const character of text) thousandths += advance(character, weight);
  return (thousandths * size) / 1000;
}

/** Thousandths of an em. */
function advance(character: string, weight: Weight): number {
  const code = character.codePointAt(0)!;
  return table[weight][code - 32] ?? OTHER[character] ?? (code >= 0x2e80 ? WIDE : UNKNOWN);
}

/** How many letters from `start` on are at most `width` px wide with `extra` thousandths of an em behind them. */
function fitting(
  letters: readonly string[],
  start: number,
  extra: number,
  width: number,
  size: number,
  weight: Weight,
): number {
  let thousandths = extra;
  for (let at = start; at < letters.length; at++) {
    thousandths += advance(letters[at]!, weight);
    if ((thousandths * size) / 1000 > width) return at - start;
  }
  return letters.length - start;
}

/**
 * Breaks `text` at spaces (not at no-break ones) into lines at most `width` px wide; a word that is wider alone is cut where it
 * reaches the width. With `most` lines used up, the last one ends in "…".
 */
export function wrapText(
  text: string,
  width: number,
  size: number,
  weight: Weight = 'normal',
  most = Number.POSITIVE_INFINITY,
): string[] {
  const fits = (line: string) => textWidth(line, size, weight) <= width;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/[ \t\r\n]+/).filter((part) => part !== '')) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (fits(joined)) {
      line = joined;
      continue;
    }
    if (line !== '') lines.push(line);
    const letters = [...word];
    let at = 0;
    while (at < letters.length - 1) {
      const count = fitting(letters, at, 0, width, size, weight);
      if (at + count === letters.length) break;
      const end = at + Math.max(1, count); // a letter that is wider alone stands all the same
      lines.push(letters.slice(at, end).join(''));
      at = end;
    }
    line = letters.slice(at).join('');
  }
  if (line !== '' || lines.length === 0) lines.push(line);
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most - 1), shorten(lines.slice(most - 1).join(' '), width, size, weight)];
}

/** `text` if it fits, else its beginning and "…". */
export function shorten(text: string, width: number, size: number, weight: Weight = 'normal'): string {
  if (textWidth(text, size, weight) <= width) return text;
  const letters = [...text];
  const count = fitting(letters, 0, advance('…', weight), width, size, weight);
  return `${letters.slice(0, count).join('').trimEnd()}…`;
}
