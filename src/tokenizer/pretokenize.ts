/**
 * Pre-tokenization: a regular expression cuts text into words, and byte pairs are only merged within a word.
 * Patterns are kept in the spelling of Hugging Face's files (Oniguruma); {@link compilePattern} translates.
 */
import { userError } from '../core/errors.ts';

/**
 * GPT-2's pattern with every digit a word of its own, as Qwen2 cuts numbers (`\p{N}`): a number is then a
 * sequence of digit tokens whatever stands before it, and arithmetic sees the same digits everywhere.
 */
const DIGITS = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/** GPT-2's own pattern: runs of digits are words and take the space before them along. */
const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/** Qwen2's pattern: as GPT-2's, but case-blind contractions, single digits, line ends apart. */
const QWEN2 = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

/** The named patterns a tokenizer can be trained with; `digits` is the default. */
export const PATTERNS = { digits: DIGITS, gpt2: GPT2, qwen2: QWEN2 } as const;

export type PatternName = keyof typeof PATTERNS;

/** Letters that a case-blind match of an ASCII letter accepts under Unicode simple case folding. */
function caseBlind(letter: string): string {
  const extra = { s: 'ſ', k: 'K' }[letter.toLowerCase()] ?? '';
  return `[${letter.toLowerCase()}${letter.toUpperCase()}${extra}]`;
}

/**
 * JavaScript expression for an Oniguruma pattern: `\s` is Unicode's White_Space there (JavaScript's has U+FEFF
 * and lacks U+0085), and `(?i:…)` groups, which Node 20 does not read, are spelt out.
 * @throws PATTERN when the expression does not compile; `source` names where it came from.
 */
export function compilePattern(pattern: string, source: string): RegExp {
  const spelt = pattern
    .replace(/\(\?i:([^()]*)\)/g, (_, body: string) => `(?:${body.replace(/[a-z]/gi, caseBlind)})`)
    .replace(/\\([\s\S])/g, (sequence, letter: string) => {
      if (letter === 's') return '\\p{White_Space}';
      if (letter === 'S') return '\\P{White_Space}';
      return sequence;
    });
  try {
    return new RegExp(spelt, 'gu');
  } catch (error) {
    throw userError(
      'PATTERN',
      'a regular expression for the pre-tokenizer',
      `${source}: ${pattern} (${error instanceof Error ? error.message : String(error)})`,
      `use one of ${Object.keys(PATTERNS).join(', ')}`,
    );
  }
}

/**
 * The words of a text, in order: what the pattern matches and what lies between two matches (Hugging Face's
 * `Split` with behaviour `Isolated`). Joined they are the text again.
 */
export function splitWords(expression: RegExp, text: string): readonly string[] {
  // One call of match() is three times as fast as the loop below, and the known patterns leave nothing out.
  const matches = text.match(expression) ?? [];
  let length = 0;
  for (const match of matches) length += match.length;
  if (length === text.length) return matches;
  const words: string[] = [];
  let end = 0;
  for (const { 0: match, index } of text.matchAll(expression)) {
    if (index > end) words.push(text.slice(end, index));
    if (match !== '') words.push(match);
    end = index + match.length;
  }
  if (end < text.length) words.push(text.slice(end));
  return words;
}

/** The same string in memory of its own: a piece that is kept must not keep the text it was cut from. */
export function detached(word: string): string {
  return word.length < 13 ? word : Buffer.from(word, 'utf16le').toString('utf16le'); // shorter ones are copies
}
