/** Linear expressions a·x + b with whole coefficients, and how sympy prints them. */
import assert from 'node:assert/strict';

export interface Linear {
  /** Coefficient of x. */
  a: number;
  b: number;
}

export function constant(b: number): Linear {
  return { a: 0, b };
}

/** @throws where the product would be of the second order. */
export function apply(verb: string, p: Linear, q: Linear): Linear {
  if (verb === '+') return { a: p.a + q.a, b: p.b + q.b };
  if (verb === '-') return { a: p.a - q.a, b: p.b - q.b };
  assert.equal(verb, '*');
  assert.ok(p.a === 0 || q.a === 0, `(${print(p)}) * (${print(q)}) is not of the first order`);
  return { a: p.a * q.b + p.b * q.a, b: p.b * q.b };
}

/**
 * As sympy prints it: `x`, `-x`, `2*x`, `3`, `x + 3`, `2*x - 4`, `-x - 3`, and, the one case where the number comes
 * first, `3 - 2*x` for a positive number and a negative coefficient.
 */
export function print({ a, b }: Linear): string {
  if (a === 0) return String(b);
  if (a < 0 && b > 0) return `${b} - ${term(-a)}`;
  if (b === 0) return term(a);
  return `${term(a)} ${b < 0 ? '-' : '+'} ${Math.abs(b)}`;
}

function term(a: number): string {
  return a === 1 ? 'x' : a === -1 ? '-x' : `${a}*x`;
}

/**
 * The closing steps of a reverse solution (PAPER §1.9) for the quantity of this letter, which is `expression` and has
 * been given as `value`; without the answer.
 */
export function closing(letter: string, expression: Linear, value: number): string {
  const { a, b } = expression;
  const equation = `${print(expression)} = ${value}`;
  const moved = print({ a, b: b - value });
  return (
    `We know ${letter} = ${value}, so we have ${equation} and we solve it through the following steps: ` +
    `Simplifying the equation: ${equation}. Move all terms to one side: ${moved} = 0. ` +
    `Isolate the term with x: ${a}*x = ${value - b}. ` +
    `Divide both sides by ${a}: x = ${value - b} / ${a}. Solution: x = ${(value - b) / a}. `
  );
}
