/**
 * The dynamic token budget of a thought (RMT, 2509.24375; METHODS §1.2): a length that shrinks over the run, and a
 * reward for keeping to it.
 */

export interface BudgetSchedule {
  /** B_0 and B_min, tokens. */
  initial: number;
  least: number;
  /** γ: the share of B_0 that is left at the end. */
  gamma: number;
}

/** B_t = max(B_min, ⌊B_0 · γ^(t/T)⌋), `progress` being t/T. */
export function budgetAt({ initial, least, gamma }: BudgetSchedule, progress: number): number {
  // What is a whole number but for rounding (100 · 0.29) stays one.
  return Math.max(least, Math.floor(initial * gamma ** progress + 1e-9));
}

/**
 * Triangular reward of a thought of `length` tokens under a budget B: most · l/B up to B, from there falling to 0 at 2B.
 * Thinking too little is paid less, too.
 */
export function lengthReward(length: number, budget: number, most: number): number {
  if (length <= budget) return (most * length) / budget;
  return length <= 2 * budget ? (most * (2 * budget - length)) / budget : 0;
}

/** Which responses of a group are paid for their length. */
export const GATES = ['none', 'if_any_correct', 'if_correct'] as const;
export type Gate = (typeof GATES)[number];

/** Whether a response is paid for its length: always, if any of its group is right, or only if it is right itself. */
export function isPaidForLength(gate: Gate, correct: boolean, anyCorrect: boolean): boolean {
  if (gate === 'none') return true;
  return gate === 'if_correct' ? correct : anyCorrect;
}
