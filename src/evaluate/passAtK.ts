/** Statistics of repeated attempts at one problem: n samples, c of them correct. */
import { internalError } from '../core/errors.ts';

/**
 * pass@k, unbiased: 1 − C(n−c, k) / C(n, k), the chance that k of the n samples, drawn without replacement,
 * hold a correct one (Chen et al. 2021). In product form, because the binomials leave the range of doubles.
 * NaN when n < k: it cannot be estimated.
 */
export function passAtK(n: number, c: number, k: number): number {
  check(n, c, k);
  if (n < k) return Number.NaN;
  if (n - c < k) return 1;
  let allWrong = 1;
  if (c < k) for (let i = n - c + 1; i <= n; i++) allWrong *= 1 - k / i;
  else for (let i = 0; i < k; i++) allWrong *= (n - c - i) / (n - i);
  return 1 - allWrong;
}

/** pass^k, unbiased: C(c, k) / C(n, k), the chance that k of the n samples are all correct. NaN when n < k. */
export function passHatK(n: number, c: number, k: number): number {
  check(n, c, k);
  if (n < k) return Number.NaN;
  let allRight = 1;
  for (let i = 0; i < k && allRight > 0; i++) allRight *= Math.max(0, c - i) / (n - i);
  return allRight;
}

function check(n: number, c: number, k: number): void {
  const whole = Number.isInteger(n) && Number.isInteger(c) && Number.isInteger(k);
  if (!whole || c < 0 || c > n || k < 1) {
    throw internalError(`integers 0 ≤ c ≤ n and k ≥ 1 expected, got n=${n}, c=${c}, k=${k}`);
  }
}
