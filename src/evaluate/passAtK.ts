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

/** mean@k: the expected share of right ones among k samples, c/n whatever k; NaN when n < k. */
export function meanAtK(n: number, c: number, k: number): number {
  check(n, c, k);
  return n < k ? Number.NaN : c / n;
}

/**
 * maj@k: the chance that the most frequent answer among k samples, drawn without replacement, is the right one; several
 * equally frequent ones share the chance evenly. Samples without an answer do not vote. Exact, not simulated. NaN when
 * fewer than k samples are there.
 * @param right Samples with the right answer.
 * @param wrong For each wrong answer, how many samples gave it.
 * @param silent Samples without an answer.
 */
export function majAtK(right: number, wrong: readonly number[], silent: number, k: number): number {
  const n = right + silent + wrong.reduce((sum, count) => sum + count, 0);
  check(n, right, k);
  if (n < k) return Number.NaN;
  // C(N, a) times r^a (1 − r)^(N − a): the factors cancel in the end, and keep every number within range.
  const r = k / n;
  const known = new Map<number, Float64Array>();
  const termsOf = (count: number): Float64Array => {
    const terms = known.get(count) ?? binomial(count, r);
    known.set(count, terms);
    return terms;
  };
  const rightTerms = termsOf(right);
  let chance = 0;
  for (let votes = 1; votes <= Math.min(right, k); votes++) {
    // Answers that cannot get as many votes as the right one need not be told apart: their sum is binomial, too.
    const rivals = wrong.filter((count) => count >= votes);
    const others = n - right - rivals.reduce((sum, count) => sum + count, 0);
    const left = k - votes;
    const otherTerms = termsOf(others);
    const ways = rivalWays(rivals.map(termsOf), votes, left);
    for (const [ties, row] of ways.entries()) {
      let ending = 0;
      for (let drawn = Math.max(0, left - others); drawn < row.length; drawn++) {
        ending += row[drawn]! * otherTerms[left - drawn]!;
      }
      chance += (rightTerms[votes]! * ending) / (ties + 1);
    }
  }
  return Math.min(1, chance / binomial(n, r)[k]!);
}

/**
 * Rivals of the right answer, none of which has more than `votes` votes: [ties][drawn] is the weight of `ties` of them
 * having as many, and `drawn` votes (at most `left`) going to all of them. Arrays are as long as so many rivals can
 * make them; of 50 answers given once each they are short.
 */
function rivalWays(rivals: readonly Float64Array[], votes: number, left: number): Float64Array[] {
  let ways = [Float64Array.of(1)];
  let reach = 0; // most votes that rivals so far can have drawn
  for (const terms of rivals) {
    reach = Math.min(left, reach + votes);
    const rows = Math.min(ways.length + 1, Math.floor(left / votes) + 1);
    const next = Array.from({ length: rows }, () => new Float64Array(reach + 1));
    for (let ties = 0; ties < ways.length; ties++) {
      const row = ways[ties]!;
      for (let drawn = ties * votes; drawn < row.length; drawn++) {
        const weight = row[drawn]!;
        if (weight === 0) continue;
        const most = Math.min(votes, left - drawn);
        for (let a = 0; a <= most; a++)
          next[a === votes ? ties + 1 : ties]![drawn + a]! += weight * terms[a]!;
      }
    }
    ways = next;
  }
  return ways;
}

/** Binomial probabilities of 0…n. */
function binomial(n: number, p: number): Float64Array {
  const terms = new Float64Array(n + 1);
  if (p >= 1) {
    terms[n] = 1;
    return terms;
  }
  // From the most likely value outwards, then normalised.
  const mode = Math.min(n, Math.floor((n + 1) * p));
  terms[mode] = 1;
  const odds = p / (1 - p);
  for (let a = mode; a < n; a++) terms[a + 1] = (terms[a]! * (n - a) * odds) / (a + 1);
  for (let a = mode; a > 0; a--) terms[a - 1] = (terms[a]! * a) / ((n - a + 1) * odds);
  const total = terms.reduce((sum, term) => sum + term, 0);
  return terms.map((term) => term / total);
}

function check(n: number, c: number, k: number): void {
  const whole = Number.isInteger(n) && Number.isInteger(c) && Number.isInteger(k);
  if (!whole || c < 0 || c > n || k < 1) {
    throw internalError(`integers 0 ≤ c ≤ n and k ≥ 1 expected, got n=${n}, c=${c}, k=${k}`);
  }
}
