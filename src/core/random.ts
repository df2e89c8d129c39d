/**
 * Counter-based random streams. A stream is named by what it is for (a purpose, a seed, a split, an index…),
 * so a draw never depends on what was drawn before it elsewhere, on batch size or on the number of workers.
 *
 * Generator: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), checked
 * in the tests against the published known-answer vectors. It is also what the native sampler uses.
 */
import { createHash } from 'node:crypto';

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** High 32 bits of the 64-bit product of two unsigned 32-bit numbers. */
function mulhi(a: number, b: number): number {
  const al = a & 0xffff;
  const ah = a >>> 16;
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const mid = ah * bl + ((al * bl) >>> 16);
  const mid2 = al * bh + (mid % 0x10000);
  return (ah * bh + Math.floor(mid / 0x10000) + Math.floor(mid2 / 0x10000)) >>> 0;
}

/** One Philox4x32-10 block: four 32-bit words from a 128-bit counter and a 64-bit key, into `out`. */
export function philox4x32(
  out: Uint32Array,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): void {
  let x0 = c0 >>> 0;
  let x1 = c1 >>> 0;
  let x2 = c2 >>> 0;
  let x3 = c3 >>> 0;
  let key0 = k0 >>> 0;
  let key1 = k1 >>> 0;
  for (let round = 0; round < 10; round++) {
    const hi0 = mulhi(M0, x0);
    const lo0 = Math.imul(M0, x0) >>> 0;
    const hi1 = mulhi(M1, x2);
    const lo1 = Math.imul(M1, x2) >>> 0;
    x0 = (hi1 ^ x1 ^ key0) >>> 0;
    x1 = lo1;
    x2 = (hi0 ^ x3 ^ key1) >>> 0;
    x3 = lo0;
    key0 = (key0 + W0) >>> 0;
    key1 = (key1 + W1) >>> 0;
  }
  out[0] = x0;
  out[1] = x1;
  out[2] = x2;
  out[3] = x3;
}

/** A sequence of draws that belongs to one name. Cheap to make; not shared between purposes. */
export class RandomStream {
  private readonly block = new Uint32Array(4);
  private position = 4;
  private counter = 0;

  constructor(
    private readonly k0: number,
    private readonly k1: number,
    private readonly c1: number,
    private readonly c2: number,
    private readonly c3: number,
  ) {}

  /** Uniform in [0, 2³²). */
  u32(): number {
    if (this.position === 4) {
      philox4x32(this.block, this.counter++, this.c1, this.c2, this.c3, this.k0, this.k1);
      this.position = 0;
    }
    return this.block[this.position++]!;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    const high = this.u32() >>> 5;
    const low = this.u32() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** Uniform integer in [0, n), without bias (Lemire's rejection on the low product). 1 ≤ n ≤ 2³². */
  below(n: number): number {
    const threshold = (0x100000000 - n) % n;
    for (;;) {
      const x = this.u32();
      const low = Math.imul(x, n) >>> 0;
      if (low >= threshold) return n === 0x100000000 ? x : mulhi(x, n);
    }
  }

  /** Uniform integer in [low, high], both ends included. */
  integer(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True with probability p. */
  chance(p: number): boolean {
    return this.uniform() < p;
  }

  /** One element, uniformly. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Index drawn with probability proportional to `weights` (finite, ≥ 0, not all 0). */
  weighted(weights: ArrayLike<number>): number {
    let total = 0;
    for (let i = 0; i < weights.length; i++) total += weights[i]!;
    let rest = this.uniform() * total;
    let last = 0;
    for (let i = 0; i < weights.length; i++) {
      const weight = weights[i]!;
      if (weight <= 0) continue;
      last = i;
      rest -= weight;
      if (rest < 0) return i;
    }
    return last; // reached only when rounding eats the last sliver
  }

  /** Standard normal (Box–Muller, one of the pair). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Fisher–Yates, in place; returns the same array. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const held = items[i]!;
      items[i] = items[j]!;
      items[j] = held;
    }
    return items;
  }

  /** `count` different elements in random order (count ≤ items.length); the input stays as it was. */
  sample<T>(items: readonly T[], count: number): T[] {
    const pool = items.slice();
    for (let i = 0; i < count; i++) {
      const j = i + this.below(pool.length - i);
      const held = pool[i]!;
      pool[i] = pool[j]!;
      pool[j] = held;
    }
    pool.length = count;
    return pool;
  }
}

/** All streams of one purpose: `randomFamily('task', version, seed, split).at(index)`. */
export interface RandomFamily {
  /** The stream of (index, sub); index < 2⁵³, sub < 2³² tells several streams of one index apart. */
  at(index: number, sub?: number): RandomStream;
  /** The 64-bit Philox key, as two unsigned words (for the native sampler). */
  readonly key: readonly [number, number];
}

/**
 * Family of streams named by its parts. Different tuples give unrelated streams: the key is a hash of the
 * unambiguous JSON of the tuple, never an addition.
 */
export function randomFamily(purpose: string, ...parts: readonly (string | number)[]): RandomFamily {
  const digest = createHash('sha256')
    .update(JSON.stringify([purpose, ...parts]))
    .digest();
  const k0 = digest.readUInt32LE(0);
  const k1 = digest.readUInt32LE(4);
  // The 53-bit index takes two counter words, `sub` takes the third, the block number the first.
  return {
    key: [k0, k1],
    at: (index, sub = 0) =>
      new RandomStream(k0, k1, index >>> 0, Math.floor(index / 0x100000000) >>> 0, sub >>> 0),
  };
}
