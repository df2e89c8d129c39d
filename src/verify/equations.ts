/**
 * Finds the equations in a stretch of prose. Only letter *tokens* count: a letter that is part of a word is
 * never a variable (the flaw of the public reference, PAPER §6.5). A word, a line break or punctuation ends an
 * equation; so does a number or letter that follows another one after a blank.
 */
import { DIVIDE, ExpressionReader, letterCode, MINUS, PLUS, TIMES } from './expression.ts';
import type { Expression } from './types.ts';

const WORD = /[\p{L}\p{M}\p{N}]/u;
const BLANK = /[^\S\n\r\u2028\u2029]/;

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isAsciiLetter = (code: number): boolean => (code | 32) >= 97 && (code | 32) <= 122;

/** Letters, digits and marks of any script, and the underscore: what words are made of. */
export function isWordCode(code: number): boolean {
  if (code < 128) return isDigit(code) || isAsciiLetter(code) || code === 95;
  // Half of a pair cannot be classified alone; outside the basic plane there is nothing we calculate with.
  return (code >= 0xd800 && code <= 0xdfff) || WORD.test(String.fromCharCode(code));
}

function operatorOf(code: number): number {
  switch (code) {
    case 43: // +
      return PLUS;
    case 45: // -
    case 0x2212: // −
    case 0x2013: // –
      return MINUS;
    case 42: // *
    case 0xd7: // ×
    case 0xb7: // ·
    case 0x22c5: // ⋅
      return TIMES;
    case 47: // /
    case 0xf7: // ÷
      return DIVIDE;
    default:
      return 0;
  }
}

/** Sides of every equation in `text[from, to)`, in reading order. Letters are unresolved. One pass. */
export function findEquations(text: string, from: number, to: number): Expression[][] {
  const found: Expression[][] = [];
  const reader = new ExpressionReader();
  let sides: Expression[] = [];
  let blank = false; // a blank stands between the last token and here

  const stop = (): void => {
    if (sides.length > 0) {
      sides.push(reader.finish());
      found.push(sides);
      sides = [];
    } else if (!reader.empty) reader.finish();
  };
  /** A second operand in a row belongs to the first only when it touches it. */
  const beforeOperand = (): void => {
    if (blank && !reader.expectsOperand) stop();
    blank = false;
  };

  let at = from;
  while (at < to) {
    const code = text.charCodeAt(at);
    if (code === 32 || code === 9) {
      blank = true;
      at++;
    } else if (isDigit(code)) {
      let end = at + 1;
      while (end < to && isDigit(text.charCodeAt(end))) end++;
      if (end + 1 < to && text.charCodeAt(end) === 46 && isDigit(text.charCodeAt(end + 1))) {
        end += 2;
        while (end < to && isDigit(text.charCodeAt(end))) end++;
      }
      let wordEnd = end;
      while (wordEnd < to && isWordCode(text.charCodeAt(wordEnd))) wordEnd++;
      const coefficient = wordEnd === end + 1 && isAsciiLetter(text.charCodeAt(end)); // `2x`
      if (wordEnd === end || coefficient) {
        beforeOperand();
        reader.operand(Number(text.slice(at, end)));
        if (coefficient) reader.operand(letterCode(text.charCodeAt(end)));
      } else stop(); // `3rd`
      at = wordEnd;
    } else if (isWordCode(code)) {
      let end = at + 1;
      while (end < to && isWordCode(text.charCodeAt(end))) end++;
      if (end === at + 1 && isAsciiLetter(code)) {
        beforeOperand();
        reader.operand(letterCode(code));
      } else stop();
      at = end;
    } else {
      const operator = operatorOf(code);
      if (operator !== 0) {
        reader.operator(operator);
        blank = false;
      } else if (code === 61) {
        sides.push(reader.finish());
        blank = false;
      } else if (code === 40) {
        beforeOperand();
        reader.open();
      } else if (code === 41) {
        reader.close();
        blank = false;
      } else if (code >= 128 && BLANK.test(text[at]!)) {
        blank = true;
      } else stop();
      at++;
    }
  }
  stop();
  return found;
}
