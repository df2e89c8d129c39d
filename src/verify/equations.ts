/**
 * Finds the equations in a stretch of prose. Only letter *tokens* count: a letter that is part of a word is
 * never a variable (the flaw of the public reference, PAPER §6.5). A word, punctuation or a line break ends an
 * equation (but for a line break beside an equals sign); so does a letter that follows another token after a blank.
 */
import { DIVIDE, ExpressionReader, letterCode, MINUS, PLUS, TIMES } from './expression.ts';
import type { Expression } from './types.ts';

const WORD = /[\p{L}\p{M}\p{N}]/u;
const BLANK = /[^\S\n\r\u2028\u2029]/;

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isAsciiLetter(code: number): boolean {
  return (code | 32) >= 97 && (code | 32) <= 122;
}

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
  return new EquationFinder(text, from, to).read();
}

class EquationFinder {
  private readonly found: Expression[][] = [];
  private readonly reader = new ExpressionReader();
  private sides: Expression[] = [];
  /** A blank stands between the last token and here. */
  private blank = false;

  constructor(
    private readonly text: string,
    private at: number,
    private readonly to: number,
  ) {}

  read(): Expression[][] {
    const { text, to } = this;
    while (this.at < to) {
      const code = text.charCodeAt(this.at);
      if (code === 32 || code === 9) {
        this.blank = true;
        this.at++;
      } else if (code === 10 || code === 13) this.readLineBreak();
      else if (isDigit(code)) this.readNumber();
      else if (isWordCode(code)) this.readWord(code);
      else {
        this.readSign(code);
        this.at++;
      }
    }
    this.stop();
    return this.found;
  }

  /** A line break is a blank beside an equals sign, else an end. */
  private readLineBreak(): void {
    const { text, to } = this;
    while (this.at < to && ' \t\r\n'.includes(text[this.at]!)) this.at++;
    const open = this.reader.expectsOperand && this.sides.length > 0;
    if (open || text.charCodeAt(this.at) === 61) this.blank = true;
    else this.stop();
  }

  /** Ends the equation, if there is one, and starts afresh. */
  private stop(): void {
    if (this.sides.length > 0) {
      this.sides.push(this.reader.finish());
      this.found.push(this.sides);
      this.sides = [];
    } else if (!this.reader.empty) this.reader.finish();
  }

  /** A second operand in a row belongs to the first only when it touches it. */
  private beforeOperand(): void {
    if (this.blank && !this.reader.expectsOperand) this.stop();
    this.blank = false;
  }

  private readNumber(): void {
    const { text, at, to } = this;
    if (this.blank && !this.reader.expectsOperand) this.reader.spoil(); // `1 000`
    let end = at + 1;
    while (end < to && isDigit(text.charCodeAt(end))) end++;
    end = this.thousandsEnd(at, end);
    if (end + 1 < to && text.charCodeAt(end) === 46 && isDigit(text.charCodeAt(end + 1))) {
      end += 2;
      while (end < to && isDigit(text.charCodeAt(end))) end++;
    }
    let wordEnd = end;
    while (wordEnd < to && isWordCode(text.charCodeAt(wordEnd))) wordEnd++;
    const coefficient = wordEnd === end + 1 && isAsciiLetter(text.charCodeAt(end)); // `2x`
    if (wordEnd === end || coefficient) {
      this.beforeOperand();
      this.reader.operand(
        end === at + 1 ? text.charCodeAt(at) - 48 : Number(text.slice(at, end).replaceAll(',', '')),
      );
      if (coefficient) this.reader.operand(letterCode(text.charCodeAt(end)));
    } else this.stop(); // `3rd`
    this.at = wordEnd;
  }

  /** End of `1,200` when 1–3 digits from `at` to `end` go on in groups of three. */
  private thousandsEnd(at: number, end: number): number {
    if (end - at > 3) return end;
    let next = end;
    while (this.text.charCodeAt(next) === 44 && this.hasThreeDigits(next + 1)) next += 4;
    return next;
  }

  private hasThreeDigits(from: number): boolean {
    const { text, to } = this;
    let end = from;
    while (end < to && end < from + 4 && isDigit(text.charCodeAt(end))) end++;
    return end === from + 3;
  }

  private readWord(code: number): void {
    const { text, at, to } = this;
    let end = at + 1;
    while (end < to && isWordCode(text.charCodeAt(end))) end++;
    if (end === at + 1 && isAsciiLetter(code)) {
      this.beforeOperand();
      this.reader.operand(letterCode(code));
    } else this.stop();
    this.at = end;
  }

  private readSign(code: number): void {
    const operator = operatorOf(code);
    if (operator !== 0) {
      this.reader.operator(operator);
      this.blank = false;
    } else if (code === 61) {
      this.sides.push(this.reader.finish());
      this.blank = false;
    } else if (code === 40) {
      this.beforeOperand();
      this.reader.open();
    } else if (code === 41) {
      this.reader.close();
      this.blank = false;
    } else if (code === 94 || code === 177) {
      this.reader.spoil(); // `1^9`, `5 ± 1`
    } else if (code >= 128 && BLANK.test(this.text[this.at]!)) this.blank = true;
    else this.stop();
  }
}
