/** The final answer of a response: where it stands and which number it is. */

export interface AnswerText {
  text: string;
  /** `<answer>` was opened and never closed. */
  unclosed: boolean;
}

const OPEN_TAG = /<answer>/i;
const CLOSE_TAG = /<\/answer>/i;
const LABEL = /\bAnswer:/;

/**
 * The first `<answer>…</answer>`; else what follows an unclosed `<answer>` up to a tag, a line break or the
 * end; else what follows the first `Answer:` up to a line break or the end. Trimmed, without final dots.
 * Null when there is none.
 */
export function extractAnswer(text: string): AnswerText | null {
  const open = OPEN_TAG.exec(text);
  if (open) {
    const rest = text.slice(open.index + open[0].length);
    const close = CLOSE_TAG.exec(rest);
    if (close) return { text: clean(rest.slice(0, close.index)), unclosed: false };
    const end = rest.search(/[<\n]/);
    return { text: clean(end < 0 ? rest : rest.slice(0, end)), unclosed: true };
  }
  const label = LABEL.exec(text);
  if (label === null) return null;
  const rest = text.slice(label.index + label[0].length);
  const end = rest.search(/[<\n]/);
  return { text: clean(end < 0 ? rest : rest.slice(0, end)), unclosed: false };
}

/** Where the steps end: at the first `</solution>`, `<answer>` or `Answer:`. */
export function stepsEnd(text: string): number {
  const tag = text.search(/<\/solution>|<answer>/i);
  const label = text.search(LABEL);
  if (tag < 0) return label < 0 ? text.length : label;
  return label < 0 ? tag : Math.min(tag, label);
}

function clean(text: string): string {
  const trimmed = text.trim();
  let end = trimmed.length;
  while (end > 0 && trimmed.charCodeAt(end - 1) === 46) end--;
  return trimmed.slice(0, end).trimEnd();
}

const INTEGER_OR_DECIMAL = /^[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?$/;

/** `7`, `-3`, `2.0`, `1,200`, `6/2`; null for anything else. */
export function parseNumber(text: string): number | null {
  const slash = text.indexOf('/');
  if (slash >= 0) {
    const top = parsePlain(text.slice(0, slash).trim());
    const bottom = parsePlain(text.slice(slash + 1).trim());
    return top === null || bottom === null || bottom === 0 ? null : top / bottom;
  }
  return parsePlain(text);
}

function parsePlain(text: string): number | null {
  if (text.length > 40 || !INTEGER_OR_DECIMAL.test(text)) return null;
  return Number(text.replace('−', '-').replaceAll(',', ''));
}
