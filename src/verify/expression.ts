/**
 * Expressions of solution texts: numbers, single letters, + − × ÷ and brackets, compiled to postfix while they
 * are read. One array per expression: a literal is itself (≥ 0), everything else is negative.
 */
import type { Expression } from './types.ts';

export const PLUS = -1;
export const MINUS = -2;
export const TIMES = -3;
export const DIVIDE = -4;
export const NEGATE = -5;
const OPEN = -6;

/** A letter that has not been resolved is −(100 + code); a binding is −(1000 + index). */
export const letterCode = (charCode: number): number => -100 - charCode;
export const bindingCode = (index: number): number => -1000 - index;
/** Char code of an unresolved letter, or -1. */
export const letterOf = (code: number): number => (code <= -100 && code > -1000 ? -100 - code : -1);
/** Index of a binding, or -1. */
export const bindingOf = (code: number): number => (code <= -1000 ? -1000 - code : -1);

/** By minus the code: + −, × ÷, sign. */
const PRECEDENCE = [0, 1, 1, 2, 2, 3];

/** Reads one expression token by token (shunting-yard: linear, no recursion, any nesting). */
export class ExpressionReader {
  private output: number[] = [];
  private readonly operators: number[] = [];
  private malformed = false;
  /** True where an operand may stand. */
  expectsOperand = true;

  get empty(): boolean {
    return this.output.length === 0 && this.operators.length === 0 && !this.malformed;
  }

  /** What is being read is no expression. */
  spoil(): void {
    this.malformed = true;
  }

  operand(code: number): void {
    if (!this.expectsOperand) this.operator(TIMES); // `2x`, `(2)(3)`
    this.output.push(code);
    this.expectsOperand = false;
  }

  open(): void {
    if (!this.expectsOperand) this.operator(TIMES);
    this.operators.push(OPEN);
  }

  close(): void {
    if (this.expectsOperand) this.malformed = true;
    for (;;) {
      const top = this.operators.pop();
      if (top === undefined) {
        this.malformed = true;
        return;
      }
      if (top === OPEN) return;
      this.output.push(top);
    }
  }

  operator(code: number): void {
    if (this.expectsOperand) {
      if (code === MINUS) this.operators.push(NEGATE);
      else if (code !== PLUS) this.malformed = true;
      return;
    }
    const precedence = PRECEDENCE[-code]!;
    while (this.operators.length > 0) {
      const top = this.operators[this.operators.length - 1]!;
      if (top === OPEN || PRECEDENCE[-top]! < precedence) break;
      this.output.push(top);
      this.operators.pop();
    }
    this.operators.push(code);
    this.expectsOperand = true;
  }

  /** The expression read so far (null when it is none), and a clean start for the next. */
  finish(): Expression {
    const { output, operators } = this;
    let good = !this.malformed && !this.expectsOperand;
    while (operators.length > 0) {
      const top = operators.pop()!;
      if (top === OPEN) good = false;
      output.push(top);
    }
    this.output = [];
    this.malformed = false;
    this.expectsOperand = true;
    return good ? output : null;
  }
}

/**
 * Value of an expression; NaN when it is none, when a letter stands for nothing or for no number, and on
 * division by zero. `values[i]` is the number that binding i stands for.
 */
export function evaluate(expression: Expression, values: ArrayLike<number>): number {
  if (expression === null) return Number.NaN;
  if (expression.length === 1) return operandValue(expression[0]!, values);
  const stack: number[] = [];
  for (const code of expression) {
    if (code >= 0 || code <= -100) {
      stack.push(operandValue(code, values));
    } else if (code === NEGATE) {
      stack.push(-stack.pop()!);
    } else {
      const right = stack.pop()!;
      const left = stack.pop()!;
      if (code === PLUS) stack.push(left + right);
      else if (code === MINUS) stack.push(left - right);
      else if (code === TIMES) stack.push(left * right);
      else stack.push(right === 0 ? Number.NaN : left / right);
    }
  }
  return stack[0]!;
}

function operandValue(code: number, values: ArrayLike<number>): number {
  if (code >= 0) return code;
  const binding = bindingOf(code);
  return binding < 0 ? Number.NaN : values[binding]!;
}

/** Whether a letter in it stands for nothing. */
export function hasUndefined(expression: Expression): boolean {
  if (expression !== null) for (const code of expression) if (letterOf(code) >= 0) return true;
  return false;
}

/** Whether any letter stands in the expression. */
export function hasLetters(expression: Expression): boolean {
  if (expression !== null) for (const code of expression) if (code <= -100) return true;
  return false;
}
