/**
 * Random order of any number of things without an array of them: a keyed permutation of 0…n − 1 that gives its
 * values one by one, in constant memory.
 *
 * Up to {@link SHUFFLED} things are shuffled in memory. Above, the permutation is a Feistel network over the next
 * power of two, cycle-walked into range (Black & Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002);
 * on few bits such a network is far from uniform, hence the shuffle.
 */
import { internalError } from './errors.ts';
import type { RandomStream } from './random.ts';

/** Largest number of things that is shuffled in memory. */
export const SHUFFLED = 1 << 16;

/** Even, so that the halves have their widths back at the end. */
const ROUNDS = 8;

/** Image of an index; a bijection of 0…n − 1. */
export type Permutation = (index: number) => number;

/** The permutation of 0…n − 1 (1 ≤ n ≤ 2⁵²) that the stream draws. */
export function randomPermutation(n: number, random: RandomStream): Permutation {
  if (!Number.isSafeInteger(n) || n < 1 || n > 2 ** 52) throw internalError(`a permutation of ${n} things`);
  if (n > SHUFFLED) return feistel(n, random);
  const order = random.shuffle(Array.from({ length: n }, (_, i) => i));
  return (index) => order[index]!;
}

/** Less than 2n values are walked through, so an image takes fewer than two turns of the loop on average. */
function feistel(n: number, random: RandomStream): Permutation {
  let bits = 1;
  while (2 ** bits < n) bits++;
  const leftBits = bits >> 1;
  const rightBits = bits - leftBits;
  const split = 2 ** rightBits;
  const keys = Uint32Array.from({ length: ROUNDS }, () => random.u32());
  return (index) => {
    let value = index;
    do {
      let left = Math.floor(value / split);
      let right = value % split;
      for (let round = 0; round < ROUNDS; round++) {
        // The halves change places each round, and their widths with them.
        const shift = 32 - (round % 2 === 0 ? leftBits : rightBits);
        const mixed = left ^ (scramble(right, keys[round]!) >>> shift);
        left = right;
        right = mixed;
      }
      value = left * split + right;
    } while (value >= n);
    return value;
  };
}

/** The finalizer of MurmurHash3 (Appleby) of a half and a key. */
function scramble(half: number, key: number): number {
  let h = Math.imul(half ^ key, 0x85ebca6b) ^ key;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
