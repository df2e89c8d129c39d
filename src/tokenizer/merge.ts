/** Byte-pair encoding of one word: the learned merges applied in the order in which they were learned. */
import { Heap } from './heap.ts';

/** Merges by pair of ids, with their rank (0 = learned first) and the id they make. */
export class MergeTable {
  private readonly rankOf = new Map<number, number>();
  private readonly made: number[] = [];

  /** `merges[rank]` = ids of the pair, `made[rank]` = id of the merged token. */
  constructor(
    private readonly vocabularySize: number,
    merges: readonly (readonly [number, number])[],
    made: readonly number[],
  ) {
    for (const [rank, [left, right]] of merges.entries()) {
      this.rankOf.set(left * vocabularySize + right, rank);
      this.made.push(made[rank]!);
    }
  }

  /**
   * Ids of a word given the ids of its bytes. O(n log n) in the length of the word, so a text without any
   * spaces is no trap. Among equal ranks the leftmost pair goes first.
   */
  apply(symbols: readonly number[]): number[] {
    const { rankOf, made, vocabularySize } = this;
    const length = symbols.length;
    if (length < 2) return symbols.slice();
    const ids = symbols.slice();
    // A doubly linked list over positions; a position that was merged into its left neighbour has id −1.
    const next = Array.from({ length }, (_, i) => i + 1);
    const previous = Array.from({ length }, (_, i) => i - 1);
    const heap = new Heap<{ rank: number; at: number }>(
      (a, b) => a.rank < b.rank || (a.rank === b.rank && a.at < b.at),
    );
    const rankAt = (at: number): number | undefined => {
      const right = next[at]!;
      return right < length ? rankOf.get(ids[at]! * vocabularySize + ids[right]!) : undefined;
    };
    const consider = (at: number): void => {
      const rank = rankAt(at);
      if (rank !== undefined) heap.push({ rank, at });
    };
    for (let i = 0; i + 1 < length; i++) consider(i);
    for (let top = heap.pop(); top !== undefined; top = heap.pop()) {
      const { rank, at } = top;
      if (ids[at] === -1 || rankAt(at) !== rank) continue; // a neighbour was merged meanwhile
      const right = next[at]!;
      ids[at] = made[rank]!;
      ids[right] = -1;
      next[at] = next[right]!;
      if (next[at]! < length) previous[next[at]!] = at;
      if (previous[at]! >= 0) consider(previous[at]!);
      consider(at);
    }
    return ids.filter((id) => id !== -1);
  }
}
