/** Tokens that stand outside byte-pair encoding, with the ids of the reference's tokenizer (PAPER §2). */
import { TAGS } from '../tasks/text.ts';

export const UNKNOWN_TOKEN = '[UNK]';
export const PADDING_TOKEN = '[PAD]';
export const BEGINNING_TOKEN = '[BOS]';
export const END_TOKEN = '[EOS]';

/** Special tokens in the order of their ids: 0–9. */
export const SPECIAL_TOKENS: readonly string[] = [
  UNKNOWN_TOKEN,
  PADDING_TOKEN,
  BEGINNING_TOKEN,
  END_TOKEN,
  ...TAGS,
];

/** Tags around a thought; special tokens of tokenizers that are trained for texts with thoughts. */
export const THINK_TAGS = ['<think>', '</think>'] as const;

/** Matches any of the contents; longest first, so that the leftmost longest one is found. */
export function specialExpression(contents: readonly string[]): RegExp {
  if (contents.length === 0) return /(?!)/g;
  const longest = [...contents].sort((a, b) => b.length - a.length);
  return new RegExp(longest.map((content) => content.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'), 'g');
}
