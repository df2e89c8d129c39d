/** Thoughts inside a response: what stands between `<think>` and `</think>` is no part of the solution. */

const [OPEN, CLOSE] = ['<think>', '</think>'];
/** The token in front of a thought that says how long it may be. */
const BUDGET_END = /<B\d{1,9}>$/;

/**
 * A text without its thoughts, each with its budget token, as if the model had not thought. A thought that does not
 * end takes the rest of the text with it. Linear in the length.
 */
export function withoutThoughts(text: string): string {
  let open = text.indexOf(OPEN);
  if (open < 0) return text;
  let kept = '';
  let from = 0;
  while (open >= 0) {
    // Only the last few characters can be a budget's token.
    const before = text.slice(from, open);
    const tail = before.slice(-12);
    kept += before.slice(0, before.length - tail.length) + tail.replace(BUDGET_END, '');
    const close = text.indexOf(CLOSE, open + OPEN.length);
    if (close < 0) return kept;
    from = close + CLOSE.length;
    open = text.indexOf(OPEN, from);
  }
  return kept + text.slice(from);
}

/** The text with blanks in the place of thoughts, for finding where something else stands. */
export const thoughtsHidden = (text: string): string =>
  text.includes(OPEN)
    ? text.replace(/<think>[\s\S]*?(?:<\/think>|$)/g, (thought) => ' '.repeat(thought.length))
    : text;
