/** Thoughts inside a response: what stands between `<think>` and `</think>` is no part of the solution. */

const [OPEN, CLOSE] = ['<think>', '</think>'];
/** The token in front of a thought that says how long it may be. */
const BUDGET_END = /<B\d{1,9}>$/;

/** A stretch of a text that is no thought. */
interface Piece {
  /** Where it begins in the text, and where without the thoughts. */
  start: number;
  at: number;
  text: string;
}

/**
 * What is left of a text without its thoughts, each with its budget token. A thought that does not end takes the rest of
 * the text with it. Linear in the length.
 */
function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  const keep = (start: number, piece: string) => {
    pieces.push({ start, at, text: piece });
    at += piece.length;
  };
  let from = 0;
  for (let open = text.indexOf(OPEN); open >= 0; open = text.indexOf(OPEN, from)) {
    // Only the last few characters can be a budget's token.
    const before = text.slice(from, open);
    const tail = before.slice(-12);
    keep(from, before.slice(0, before.length - tail.length) + tail.replace(BUDGET_END, ''));
    const close = text.indexOf(CLOSE, open + OPEN.length);
    if (close < 0) return pieces;
    from = close + CLOSE.length;
  }
  keep(from, text.slice(from));
  return pieces;
}

/** A text without its thoughts, each with its budget token, as if the model had not thought. */
export function withoutThoughts(text: string): string {
  if (!text.includes(OPEN)) return text;
  return piecesOf(text)
    .map((piece) => piece.text)
    .join('');
}

/** Indices of the text without its thoughts, in rising order, as indices of the text with them. */
export function withThoughts(text: string, indices: readonly number[]): number[] {
  if (!text.includes(OPEN)) return [...indices];
  const pieces = piecesOf(text);
  let p = 0;
  return indices.map((index) => {
    while (p + 1 < pieces.length && pieces[p + 1]!.at <= index) p++;
    return pieces[p]!.start + index - pieces[p]!.at;
  });
}
