/**
 * Stop strings: where a text that grows token by token first contains one of them. Compared as UTF-8 bytes, because a
 * token may end inside a character; a whole string's bytes occur only where the string does.
 */
import type { Tokenizer } from '../tokenizer/index.ts';

export class StopStrings {
  private readonly needles: readonly Buffer[];
  /** Bytes before the newest token in which a stop string that it completes can begin. */
  private readonly reach: number;
  private scratch = Buffer.alloc(64);

  constructor(
    private readonly tokenizer: Tokenizer,
    strings: readonly string[],
  ) {
    this.needles = strings.map((text) => Buffer.from(text, 'utf8'));
    this.reach = Math.max(...this.needles.map((needle) => needle.length)) - 1;
  }

  /**
   * Asked after every token: how many bytes of the newest token stand behind the stop string that it completes, or -1
   * when it completes none. Of several the one that ends first counts. Only the tail of `ids` is looked at.
   */
  surplus(ids: readonly number[]): number {
    let first = ids.length - 1;
    const newest = this.tokenizer.bytesOf(ids[first]!).length;
    let length = newest;
    while (first > 0 && length - newest < this.reach) length += this.tokenizer.bytesOf(ids[--first]!).length;
    if (length > this.scratch.length) this.scratch = Buffer.alloc(2 * length);
    for (let at = 0, i = first; i < ids.length; i++) {
      const bytes = this.tokenizer.bytesOf(ids[i]!);
      this.scratch.set(bytes, at);
      at += bytes.length;
    }
    const tail = this.scratch.subarray(0, length);
    let end = Number.POSITIVE_INFINITY;
    for (const needle of this.needles) {
      const at = tail.indexOf(needle, Math.max(0, length - newest - needle.length + 1));
      if (at >= 0 && at + needle.length < end) end = at + needle.length;
    }
    return end <= length ? length - end : -1;
  }

  /** Text of `ids` without their last `surplus` bytes. */
  cut(ids: readonly number[], surplus: number): string {
    const bytes = Buffer.concat(ids.map((id) => this.tokenizer.bytesOf(id)));
    const kept = bytes.subarray(0, bytes.length - surplus);
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(kept); // as Tokenizer.decode
  }
}
