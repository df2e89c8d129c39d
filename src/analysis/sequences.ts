/**
 * Numbers for sequences of integers, equal ones for equal sequences only: a trie whose edges are in one hash table of
 * pairs (node, item). Far cheaper than strings as keys, and exact, unlike a hash of the sequence.
 */
export class SequenceNumbers {
  /** Per slot: node, item and the node that follows; node −1 marks a free slot. */
  private slots = new Int32Array(3 << 10).fill(-1);
  private nodes = 1;
  /** By node: the number of the sequence that ends there, −1 when none does. */
  private ends = new Int32Array(1 << 10).fill(-1);
  /** Sequences numbered so far. */
  size = 0;

  /** Node of the empty sequence. */
  static readonly START = 0;

  /** Node of a sequence with one more item. */
  next(node: number, item: number): number {
    const mask = this.slots.length / 3 - 1;
    const { slots } = this;
    let at = slotOf(node, item, mask);
    while (slots[3 * at]! >= 0) {
      if (slots[3 * at] === node && slots[3 * at + 1] === item) return slots[3 * at + 2]!;
      at = (at + 1) & mask;
    }
    slots[3 * at] = node;
    slots[3 * at + 1] = item;
    slots[3 * at + 2] = this.nodes;
    if (2 * this.nodes > mask) this.grow();
    return this.nodes++;
  }

  /** Number of the sequence that ends at a node, counted from 0 in the order of asking. */
  number(node: number): number {
    if (node >= this.ends.length) {
      const ends = new Int32Array(2 * Math.max(node, this.ends.length)).fill(-1);
      ends.set(this.ends);
      this.ends = ends;
    }
    if (this.ends[node]! < 0) this.ends[node] = this.size++;
    return this.ends[node]!;
  }

  /** Twice as many slots: at most half of them are ever taken. */
  private grow(): void {
    const old = this.slots;
    const slots = new Int32Array(2 * old.length).fill(-1);
    const mask = slots.length / 3 - 1;
    for (let from = 0; from < old.length; from += 3) {
      if (old[from]! < 0) continue;
      let at = slotOf(old[from]!, old[from + 1]!, mask);
      while (slots[3 * at]! >= 0) at = (at + 1) & mask;
      slots.set(old.subarray(from, from + 3), 3 * at);
    }
    this.slots = slots;
  }
}

/** Mixes both numbers into all bits (constants of Murmur hash 3). */
function slotOf(node: number, item: number, mask: number): number {
  let hash = Math.imul(node, 0xcc9e2d51) ^ Math.imul(item, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
  return (hash ^ (hash >>> 13)) & mask;
}
