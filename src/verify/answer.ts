/** The final answer of a response: where it stands and which number it is. */
import { isWordCode } from './equations.ts';

export interface AnswerText {
  text: string;
  /** `<answer>` was opened and never closed, or the text ends in a digit of `Answer: 5`. */
  unclosed: boolean;
}

/** Index of the first `tag` (lower case, starting with "<") in any case at or after `from`, or -1. */
function findTag(text: string, tag: string, from = 0): number {
  for (let at = text.indexOf('<', from); at >= 0; at = text.indexOf('<', at + 1)) {
    if (text.slice(at, at + tag.length).toLowerCase() === tag) return at;
  }
  return -1;
}

/** Index of the first word "Answer:", or -1. */
function findLabel(text: string): number {
  for (let at = text.indexOf('Answer:'); at >= 0; at = text.indexOf('Answer:', at + 1)) {
    if (at === 0 || !isWordCode(text.charCodeAt(at - 1))) return at;
  }
  return -1;
}

/**
 * The first `<answer>…</answer>`; else what follows an unclosed `<answer>` up to a tag, a line break or the
 * end; else what follows the first `Answer:` up to a line break or the end. Trimmed, without final dots.
 * Null when there is none.
 */
export function extractAnswer(text: string): AnswerText | null {
  const open = findTag(text, '<answer>');
  if (open >= 0) {
    const start = open + '<answer>'.length;
    const close = findTag(text, '</answer>', start);
    if (close >= 0) return { text: clean(text.slice(start, close)), unclosed: false };
    return { text: clean(text.slice(start, lineEnd(text, start))), unclosed: true };
  }
  const label = findLabel(text);
  if (label < 0) return null;
  const start = label + 'Answer:'.length;
  const end = lineEnd(text, start);
  // "Answer: 5" at the very end might have become 58.
  const unclosed = end === text.length && /[0-9]$/.test(text.slice(-1));
  return { text: clean(text.slice(start, end)), unclosed };
}

/** Where the steps end: at the first `</solution>`, `<answer>` or `Answer:`. */
export function stepsEnd(text: string): number {
  let end = text.length;
  for (const at of [findTag(text, '</solution>'), findTag(text, '<answer>'), findLabel(text)]) {
    if (at >= 0 && at < end) end = at;
  }
  return end;
}

/** The next "<" or line break at or after `from`, or the end. */
function lineEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '<' && text[at] !== '\n') at++;
  return at;
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
