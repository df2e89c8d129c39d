/**
 * A set of 64-bit digests in about ten bytes each: what a set of 100 million identities needs instead of the ten
 * gigabytes of a `Set<string>`.
 *
 * Open addressing with linear probing in 64 shards (the digest's upper bits), so that growing copies a 64th at a
 * time. A shard grows by a quarter when more than four fifths are filled: 10–12.5 bytes a digest. Two different
 * things with the same digest count as one: among n, the chance of any such pair is about n²/2⁶⁵ (3 in 10,000 at
 * n = 100 million). A thing that was added is never reported as new again.
 */
import { hash } from 'node:crypto';

/** Upper and lower 32 bits. */
export type Digest = readonly [high: number, low: number];

/** The first 64 bits of the text's SHA-256. */
export function digest64(text: string): Digest {
  const bytes = hash('sha256', text, 'buffer');
  return [bytes.readUInt32BE(0), bytes.readUInt32BE(4)];
}

const SHARD_BITS = 6;
const FIRST_SLOTS = 64;
const MOST_FILLED = 0.8;
const GROWTH = 1.25;

export class DigestSet {
  private readonly shards = Array.from({ length: 1 << SHARD_BITS }, () => new Shard());

  /** Adds a digest; false when it was there. */
  add(high: number, low: number): boolean {
    return this.shards[high >>> (32 - SHARD_BITS)]!.add(high, low);
  }

  get size(): number {
    return this.shards.reduce((sum, { size }) => sum + size, 0);
  }

  /** Bytes that the tables take. */
  get bytes(): number {
    return this.shards.reduce((sum, { table }) => sum + table.byteLength, 0);
  }
}

/** One table; slot i holds the words 2i and 2i + 1, both 0 when it is free. */
class Shard {
  size = 0;
  table = new Uint32Array(2 * FIRST_SLOTS);

  add(high: number, low: number): boolean {
    // A free slot is 0, 0; the digest 0, 0 shares the place of 0, 1.
    const second = high === 0 && low === 0 ? 1 : low;
    const at = findSlot(this.table, high, second);
    if (this.table[2 * at] !== 0 || this.table[2 * at + 1] !== 0) return false;
    this.table[2 * at] = high;
    this.table[2 * at + 1] = second;
    this.size++;
    if (2 * this.size > MOST_FILLED * this.table.length) this.grow();
    return true;
  }

  private grow(): void {
    const old = this.table;
    this.table = new Uint32Array(2 * Math.ceil((GROWTH * old.length) / 2));
    for (let i = 0; i < old.length; i += 2) {
      const high = old[i]!;
      const low = old[i + 1]!;
      if (high === 0 && low === 0) continue;
      const at = findSlot(this.table, high, low);
      this.table[2 * at] = high;
      this.table[2 * at + 1] = low;
    }
  }
}

/** The slot that holds the digest, or the free one where it belongs. */
function findSlot(table: Uint32Array, high: number, low: number): number {
  const slots = table.length >>> 1;
  // The lower word as a fraction of the table: any number of slots will do, not only powers of two.
  let at = Math.floor((low / 2 ** 32) * slots);
  for (;;) {
    const first = table[2 * at];
    const second = table[2 * at + 1];
    if ((first === high && second === low) || (first === 0 && second === 0)) return at;
    if (++at === slots) at = 0;
  }
}
