/** How a tokenizer treats a set of texts. */
import type { Tokenizer } from './tokenizer.ts';

/** Undefined figures (no texts) are NaN. */
export interface TokenizerStats {
  texts: number;
  tokens: number;
  /** Unicode code points. */
  characters: number;
  tokensPerText: { mean: number; min: number; median: number; max: number };
  charactersPerToken: number;
  /** `used`: ids that occur at least once, of `size`. */
  vocabulary: { size: number; used: number };
}

/** Figures of the encoded texts; no end token is added. */
export function tokenizerStats(tokenizer: Tokenizer, texts: Iterable<string>): TokenizerStats {
  const lengths: number[] = [];
  const seen = new Uint8Array(tokenizer.vocabularySize);
  let characters = 0;
  for (const text of texts) {
    const ids = tokenizer.encode(text);
    for (const id of ids) seen[id] = 1;
    lengths.push(ids.length);
    for (const _ of text) characters++;
  }
  lengths.sort((a, b) => a - b);
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const middle = lengths.length / 2;
  const median =
    ((lengths[Math.ceil(middle) - 1] ?? Number.NaN) + (lengths[Math.floor(middle)] ?? Number.NaN)) / 2;
  return {
    texts: lengths.length,
    tokens,
    characters,
    tokensPerText: {
      mean: tokens / lengths.length,
      min: lengths[0] ?? Number.NaN,
      median,
      max: lengths.at(-1) ?? Number.NaN,
    },
    charactersPerToken: characters / tokens,
    vocabulary: { size: tokenizer.vocabularySize, used: seen.reduce((sum, one) => sum + one, 0) },
  };
}
