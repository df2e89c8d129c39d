/**
 * Value of an arithmetic expression as the reference gets it: known letters are replaced by their numbers, then
 * the text is evaluated as an expression of Python if it holds only digits, + − * / ( ) . and white space.
 * Departures: integers beyond 2⁵³ are rounded, and brackets or powers that would exhaust Python are no value.
 */

type Token = number | '+' | '-' | '*' | '/' | '**' | '//' | '(' | ')';

/** A number and whether it is an integer to Python; matters only for results too large for a float. */
interface Value {
  number: number;
  integer: boolean;
}

/** Thrown by the parser, caught in this file. */
const NO_VALUE = new Error('no value');
const DEEPEST = 100;

/** Null: no value. `known` holds the letters' numbers. */
export function evaluateAsReference(expression: string, known: ReadonlyMap<string, number>): number | null {
  const plain = plainNumber(expression);
  if (plain !== null) return plain;
  const tokens = tokenize(expression, known);
  if (tokens === null || tokens.length === 0) return null;
  try {
    const parser = new Parser(tokens);
    const value = parser.sum(0);
    if (parser.at !== tokens.length || Number.isNaN(value.number)) return null;
    if (value.integer && !Number.isFinite(value.number)) return null; // too large for a float
    return value.number;
  } catch (error) {
    if (error === NO_VALUE) return null;
    throw error;
  }
}

/** Nearly every expression is one number. */
function plainNumber(expression: string): number | null {
  if (expression.length === 0 || expression.length > 15) return null;
  for (let i = 0; i < expression.length; i++) {
    const code = expression.charCodeAt(i);
    if (code < 48 || code > 57) return null;
  }
  if (expression.length > 1 && expression.charCodeAt(0) === 48) return null;
  return Number(expression);
}

function tokenize(expression: string, known: ReadonlyMap<string, number>): Token[] | null {
  const tokens: Token[] = [];
  let depth = 0;
  for (let i = 0; i < expression.length; ) {
    const character = expression[i]!;
    const code = expression.charCodeAt(i);
    if (character === ' ' || character === '\t' || character === '\f') {
      i++;
    } else if (character === '\n' || character === '\r') {
      if (depth === 0) return null; // ends the expression in the middle
      i++;
    } else if (isWord(code)) {
      let end = i + 1;
      while (end < expression.length && isWord(expression.charCodeAt(end))) end++;
      const word = expression.slice(i, end);
      if (/^[0-9]+$/.test(word)) {
        if (/^0+[1-9]/.test(word)) return null; // no leading zeros in a Python integer
        tokens.push(Number(word));
      } else {
        const value = word.length === 1 ? known.get(word) : undefined;
        if (value === undefined || !pushNumber(tokens, value)) return null;
      }
      i = end;
    } else if (character === '*' || character === '/') {
      const double = expression[i + 1] === character;
      tokens.push(double ? (character === '*' ? '**' : '//') : character);
      i += double ? 2 : 1;
    } else if (character === '+' || character === '-' || character === '(' || character === ')') {
      if (character === '(') depth++;
      if (character === ')') depth--;
      tokens.push(character);
      i++;
    } else {
      return null;
    }
  }
  return tokens;
}

function isWord(code: number): boolean {
  return (code >= 48 && code <= 57) || ((code | 32) - 97) >>> 0 < 26 || code === 95;
}

/** A letter's number is put in as Python prints it; exponents, inf and nan then fail the character test. */
function pushNumber(tokens: Token[], value: number): boolean {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || size >= 1e16 || (size !== 0 && size < 1e-4)) return false;
  if (value < 0 || Object.is(value, -0)) tokens.push('-');
  tokens.push(size);
  return true;
}

class Parser {
  at = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  sum(depth: number): Value {
    let left = this.product(depth);
    for (let token = this.tokens[this.at]; token === '+' || token === '-'; token = this.tokens[this.at]) {
      this.at++;
      const right = this.product(depth);
      left = {
        number: token === '+' ? left.number + right.number : left.number - right.number,
        integer: left.integer && right.integer,
      };
    }
    return left;
  }

  private product(depth: number): Value {
    let left = this.signed(depth);
    for (;;) {
      const token = this.tokens[this.at];
      if (token !== '*' && token !== '/' && token !== '//') return left;
      this.at++;
      const right = this.signed(depth);
      if (token !== '*' && right.number === 0) throw NO_VALUE;
      const quotient = left.number / right.number;
      const integer = left.integer && right.integer;
      if (token === '*') left = { number: left.number * right.number, integer };
      else if (token === '/') left = { number: quotient, integer: false };
      else left = { number: Math.floor(quotient), integer };
    }
  }

  private signed(depth: number): Value {
    let negative = false;
    for (let token = this.tokens[this.at]; token === '+' || token === '-'; token = this.tokens[this.at]) {
      if (token === '-') negative = !negative;
      this.at++;
    }
    const { number, integer } = this.power(depth);
    return { number: negative ? -number : number, integer };
  }

  /** Binds tighter than a sign before it, looser than a sign behind it. */
  private power(depth: number): Value {
    const base = this.atom(depth);
    if (this.tokens[this.at] !== '**') return base;
    if (depth >= DEEPEST) throw NO_VALUE;
    this.at++;
    const exponent = this.signed(depth + 1);
    if (base.number === 0 && exponent.number < 0) throw NO_VALUE;
    const number = base.number ** exponent.number;
    if (Number.isNaN(number) || !Number.isFinite(number)) throw NO_VALUE; // complex, or too large
    return { number, integer: base.integer && exponent.integer && exponent.number >= 0 };
  }

  private atom(depth: number): Value {
    const token = this.tokens[this.at++];
    if (typeof token === 'number') return { number: token, integer: Number.isInteger(token) };
    if (token !== '(' || depth >= DEEPEST) throw NO_VALUE;
    const inner = this.sum(depth + 1);
    if (this.tokens[this.at++] !== ')') throw NO_VALUE;
    return inner;
  }
}
