/**
 * Text as the reference's language sees it: its white space and decimal digits differ from JavaScript's, its
 * case-insensitive patterns match four letters beyond ASCII, and it orders strings by code point.
 */

/** Tab to carriage return, U+1C–U+20, U+85, and the Unicode blanks; unlike JavaScript's not U+FEFF. */
export function isSpace(code: number): boolean {
  if (code <= 32) return code === 32 || (code >= 9 && code <= 13) || (code >= 28 && code <= 31);
  if (code < 0x85) return false;
  return (
    code === 0x85 ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  );
}

export function isAsciiLetter(code: number): boolean {
  return (code | 32) >= 97 && (code | 32) <= 122;
}

/** `[A-Za-z]` of a case-insensitive pattern: also İ, ı, ſ and the Kelvin sign. */
export function isLetterAnyCase(code: number): boolean {
  if (code < 128) return isAsciiLetter(code);
  return code === 0x130 || code === 0x131 || code === 0x17f || code === 0x212a;
}

/** A letter of a case-insensitive pattern in lower-case ASCII; other characters as they are. */
export function foldLetter(code: number): number {
  if (code < 128) return code >= 65 && code <= 90 ? code + 32 : code;
  if (code === 0x130 || code === 0x131) return 105;
  if (code === 0x17f) return 115;
  return code === 0x212a ? 107 : code;
}

/** Without white space at both ends. */
export function strip(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(text.charCodeAt(from))) from++;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

/** Without any of `characters` at both ends. */
export function stripOf(text: string, characters: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && characters.includes(text[from]!)) from++;
  while (to > from && characters.includes(text[to - 1]!)) to--;
  return text.slice(from, to);
}

/** Words joined by single blanks. */
export function collapse(text: string): string {
  const words: string[] = [];
  let from = -1;
  for (let i = 0; i <= text.length; i++) {
    if (i < text.length && !isSpace(text.charCodeAt(i))) {
      if (from < 0) from = i;
    } else if (from >= 0) {
      words.push(text.slice(from, i));
      from = -1;
    }
  }
  return words.join(' ');
}

/** Without `<…>` tags; a tag holds at least one character and may span lines. */
export function stripTags(text: string): string {
  let result = '';
  let from = 0;
  for (let open = text.indexOf('<'); open >= 0; ) {
    const close = text.indexOf('>', open + 1);
    if (close < 0) break;
    if (close === open + 1) {
      open = text.indexOf('<', open + 1);
      continue;
    }
    result += text.slice(from, open);
    from = close + 1;
    open = text.indexOf('<', from);
  }
  return result + text.slice(from);
}

const NUMBER = /[-+]?\p{Nd}+(?:\.\p{Nd}+)?/gu;

/** The last number literal of a text; digits of any script count. Null: none. */
export function lastNumber(text: string): number | null {
  // From behind while that is the same: only after a "." may a literal have begun earlier.
  let end = text.length;
  while (end > 0 && !isDigit(text.charCodeAt(end - 1))) {
    if (text.charCodeAt(end - 1) > 127) return lastNumberFromFront(text);
    end--;
  }
  if (end === 0) return null;
  let from = end - 1;
  while (from > 0 && isDigit(text.charCodeAt(from - 1))) from--;
  if (from === 0) return Number(text.slice(0, end));
  const before = text.charCodeAt(from - 1);
  if (before === 46 || before > 127) return lastNumberFromFront(text);
  const size = Number(text.slice(from, end));
  return before === 45 ? -size : size;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function lastNumberFromFront(text: string): number | null {
  let last: string | null = null;
  for (const match of text.matchAll(NUMBER)) last = match[0];
  return last === null ? null : numberOf(last);
}

/** Value of a matched number literal. */
export function numberOf(literal: string): number {
  const number = Number(literal);
  if (!Number.isNaN(number)) return number;
  return Number(literal.replace(/\p{Nd}/gu, (digit) => String(digitValue(digit.codePointAt(0)!))));
}

const DIGIT = /\p{Nd}/u;

/** Decimal digits come in runs of ten that begin with a zero. */
function digitValue(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  let start = code;
  while (DIGIT.test(String.fromCodePoint(start - 1))) start--;
  return (code - start) % 10;
}

/** Order by code point (JavaScript's own order is by UTF-16 unit). */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      // Surrogates stand for code points above every single unit.
      const xSurrogate = x >= 0xd800 && x <= 0xdfff;
      const ySurrogate = y >= 0xd800 && y <= 0xdfff;
      return xSurrogate === ySurrogate ? x - y : xSurrogate ? 1 : -1;
    }
  }
  return a.length - b.length;
}
