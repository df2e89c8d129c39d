/**
 * The byte-level alphabet: each of the 256 bytes is written as one printable character, so that every string
 * has a tokenization and token files stay readable text (Radford et al. 2019, "Language models are
 * unsupervised multitask learners"; the table of GPT-2's `bytes_to_unicode`). Printable Latin-1 bytes stand for
 * themselves, the 68 others become U+0100, U+0101, … in order: a space is `Ġ`, a line feed `Ċ`.
 */

const printable = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);

/** Character that stands for each byte, [256]. */
export const CHARACTER_OF_BYTE: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

/** Byte that each character of the alphabet stands for. */
export const BYTE_OF_CHARACTER: ReadonlyMap<string, number> = new Map(
  CHARACTER_OF_BYTE.map((character, byte) => [character, byte]),
);

/** The alphabet in the order of code points, the order in which Hugging Face's trainer numbers it. [256] */
export const ALPHABET: readonly string[] = [...CHARACTER_OF_BYTE].sort();

/** Bytes of a token written in the alphabet, or null when some character is not of the alphabet. */
export function bytesOfToken(token: string): Uint8Array | null {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = BYTE_OF_CHARACTER.get(token[i]!);
    if (byte === undefined) return null;
    bytes[i] = byte;
  }
  return bytes;
}
