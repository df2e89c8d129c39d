/**
 * Linear expressions in x as the reference's solutions print them (it uses a computer algebra system for it), and the
 * steps that solve `a·x + b = c` (PAPER §1.9). Only whole numbers and a ≥ 0 occur.
 */

/** slope · x + intercept. */
export interface Linear {
  slope: number;
  intercept: number;
}

/** `3*x + 12`, `x - 4`, `2*x`, `x`, `7`. */
export function linearText(slope: number, intercept: number): string {
  if (slope === 0) return `${intercept}`;
  const x = slope === 1 ? 'x' : `${slope}*x`;
  if (intercept === 0) return x;
  return intercept > 0 ? `${x} + ${intercept}` : `${x} - ${-intercept}`;
}

/** `We know Z = 22, so we have … Solution: x = 2. ` for the quantity of letter `letter`, whose value is `given`. */
export function solvingText(letter: string, left: Linear, given: number): string {
  const { slope } = left;
  const rest = left.intercept - given;
  const equation = `${linearText(slope, left.intercept)} = ${given}`;
  return (
    `We know ${letter} = ${given}, so we have ${equation} and we solve it through the following steps: ` +
    `Simplifying the equation: ${equation}. ` +
    `Move all terms to one side: ${linearText(slope, rest)} = 0. ` +
    `Isolate the term with x: ${slope}*x = ${-rest}. ` +
    `Divide both sides by ${slope}: x = ${-rest} / ${slope}. ` +
    `Solution: x = ${-rest / slope}. `
  );
}
