/**
 * Training of a byte-level BPE tokenizer (Sennrich et al. 2016; PAPER §2). Counts are of words, so the corpus
 * is read once and then only its distinct words matter; pair counts are kept up to date incrementally and the
 * best pair comes from a heap whose stale entries are corrected when they surface.
 *
 * Ties: the highest count wins; among equal counts the pair with the smaller left id, then the smaller right
 * id. That is the rule of Hugging Face's trainer, so the same corpus gives the same merges, and it makes the
 * result a function of the multiset of words: the order of the texts does not matter.
 */
import { userError } from '../core/errors.ts';
import { ALPHABET, CHARACTER_OF_BYTE } from './bytes.ts';
import { Heap } from './heap.ts';
import { compilePattern, detached, PATTERNS, splitWords } from './pretokenize.ts';
import { SPECIAL_TOKENS, specialExpression } from './special.ts';
import { Tokenizer } from './tokenizer.ts';

export interface TrainOptions {
  /** Size of the vocabulary, special tokens and the 256 bytes included: at least 266. It is an upper limit. */
  vocabularySize: number;
  /** A pair that is seen less often is not merged. Default 2 (PAPER §2). */
  minFrequency?: number;
  /** Pre-tokenizer expression in Hugging Face's spelling; default `PATTERNS.digits`. */
  pattern?: string;
  /** Special tokens behind the usual ten, with ids from 10 on. Default none. */
  special?: readonly string[];
}

/** Smallest vocabulary: the special tokens and one token per byte. */
export const SMALLEST_VOCABULARY = SPECIAL_TOKENS.length + ALPHABET.length;

/** Above this, ids of a pair no longer pack into one exact number with room to spare. */
const LARGEST_VOCABULARY = 2 ** 24;

/**
 * Tokenizer of the merges learned from `texts`. Special tokens in the texts are cut out first: they never
 * take part in a merge.
 * @throws VOCABULARY_SIZE, MIN_FREQUENCY, PATTERN, SPECIAL_TOKEN
 */
export function trainTokenizer(texts: Iterable<string>, options: TrainOptions): Tokenizer {
  const { vocabularySize, minFrequency, pattern, special } = checkTrainOptions(options);
  const specialTokens = [...SPECIAL_TOKENS, ...special];
  const tokens = [...specialTokens, ...ALPHABET];
  const expression = compilePattern(pattern, 'pattern');
  const words = countWords(texts, expression, specialTokens);
  const merges = learnMerges(words, tokens, vocabularySize, minFrequency);
  return new Tokenizer({
    tokens,
    merges,
    pattern,
    added: specialTokens.map((content, id) => ({ id, content, special: true })),
  });
}

/**
 * The options with their defaults; impossible ones are refused (the command line asks before it reads data).
 * @throws VOCABULARY_SIZE, MIN_FREQUENCY, PATTERN, SPECIAL_TOKEN
 */
export function checkTrainOptions(options: TrainOptions): Required<TrainOptions> {
  const { vocabularySize, minFrequency = 2, pattern = PATTERNS.digits, special = [] } = options;
  const smallest = SMALLEST_VOCABULARY + special.length;
  if (!Number.isInteger(vocabularySize) || vocabularySize < smallest || vocabularySize > LARGEST_VOCABULARY) {
    throw userError(
      'VOCABULARY_SIZE',
      `a vocabulary size within ${smallest}-${LARGEST_VOCABULARY}`,
      String(vocabularySize),
      `ask for at least ${smallest} (${smallest - ALPHABET.length} special tokens and 256 bytes)`,
    );
  }
  if (!Number.isInteger(minFrequency) || minFrequency < 1) {
    throw userError('MIN_FREQUENCY', 'a whole number ≥ 1', String(minFrequency), 'use 2');
  }
  compilePattern(pattern, 'pattern');
  const taken = [...SPECIAL_TOKENS, ...ALPHABET];
  const bad = special.find((token, i) => token === '' || taken.includes(token) || special.indexOf(token) < i);
  if (bad !== undefined) {
    throw userError(
      'SPECIAL_TOKEN',
      'special tokens that differ, and none that every tokenizer has',
      JSON.stringify(bad),
      'leave it out',
    );
  }
  return { vocabularySize, minFrequency, pattern, special };
}

/** How often each word occurs outside special tokens. */
function countWords(
  texts: Iterable<string>,
  expression: RegExp,
  specialTokens: readonly string[],
): Map<string, { count: number }> {
  const counts = new Map<string, { count: number }>();
  const special = specialExpression(specialTokens);
  for (const text of texts) {
    for (const part of text.split(special)) {
      for (const word of splitWords(expression, part)) {
        const entry = counts.get(word);
        if (entry !== undefined) entry.count++;
        else counts.set(detached(word), { count: 1 });
      }
    }
  }
  return counts;
}

interface Candidate {
  left: number;
  right: number;
  count: number;
}

/** Extends `tokens` and returns the merges in order, as id pairs. */
function learnMerges(
  words: Map<string, { count: number }>,
  tokens: string[],
  vocabularySize: number,
  minFrequency: number,
): [number, number][] {
  const { symbols, counts } = asSymbols(words, tokens);
  const pairs = new PairTable(vocabularySize);
  for (let word = 0; word < symbols.length; word++) {
    const ids = symbols[word]!;
    for (let i = 0; i + 1 < ids.length; i++) pairs.add(ids[i]!, ids[i + 1]!, counts[word]!, word);
  }
  const heap = new Heap<Candidate>(
    (a, b) =>
      a.count > b.count ||
      (a.count === b.count && (a.left < b.left || (a.left === b.left && a.right < b.right))),
  );
  for (const candidate of pairs.takeTouched()) heap.push(candidate);

  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const merges: [number, number][] = [];
  while (tokens.length < vocabularySize) {
    const best = heap.pop();
    if (best === undefined) break;
    const count = pairs.count(best.left, best.right);
    if (count !== best.count) {
      // Other merges have eaten some of its occurrences since it was pushed.
      if (count > 0) heap.push({ ...best, count });
      continue;
    }
    if (count < minFrequency) break;
    const content = tokens[best.left]! + tokens[best.right]!;
    let id = idOf.get(content);
    if (id === undefined) {
      id = tokens.length;
      tokens.push(content);
      idOf.set(content, id);
    }
    merges.push([best.left, best.right]);
    for (const word of pairs.remove(best.left, best.right)) {
      mergeInWord(symbols, word, counts[word]!, best, id, pairs);
    }
    for (const candidate of pairs.takeTouched()) heap.push(candidate);
  }
  return merges;
}

/** Replaces every left-right in a word by `id`, from the left, and books the pairs that come and go. */
function mergeInWord(
  symbols: number[][],
  word: number,
  count: number,
  { left, right }: Candidate,
  id: number,
  pairs: PairTable,
): void {
  const ids = symbols[word]!;
  const merged: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] !== left || ids[i + 1] !== right) {
      merged.push(ids[i]!);
      continue;
    }
    const before = merged.at(-1);
    const after = ids[i + 2];
    if (before !== undefined) {
      pairs.subtract(before, left, count);
      pairs.add(before, id, count, word);
    }
    if (after !== undefined) {
      pairs.subtract(right, after, count);
      pairs.add(id, after, count, word);
    }
    merged.push(id);
    i++;
  }
  symbols[word] = merged;
}

function asSymbols(words: Map<string, { count: number }>, tokens: readonly string[]) {
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const idOfByte = CHARACTER_OF_BYTE.map((character) => idOf.get(character)!);
  const symbols: number[][] = [];
  const counts: number[] = [];
  for (const [word, { count }] of words) {
    symbols.push(Array.from(Buffer.from(word, 'utf8'), (byte) => idOfByte[byte]!));
    counts.push(count);
  }
  return { symbols, counts };
}

interface PairEntry {
  left: number;
  right: number;
  count: number;
  /** Words that have held the pair since it was last merged; may name a word twice or one that lost it. */
  words: number[];
  touched: boolean;
}

/** Count and whereabouts of every adjacent pair. */
class PairTable {
  private readonly entries = new Map<number, PairEntry>();
  private touched: PairEntry[] = [];

  constructor(private readonly vocabularySize: number) {}

  count(left: number, right: number): number {
    return this.entries.get(left * this.vocabularySize + right)?.count ?? 0;
  }

  add(left: number, right: number, count: number, word: number): void {
    const key = left * this.vocabularySize + right;
    let entry = this.entries.get(key);
    if (entry === undefined) {
      entry = { left, right, count: 0, words: [], touched: false };
      this.entries.set(key, entry);
    }
    entry.count += count;
    if (entry.words.at(-1) !== word) entry.words.push(word);
    if (!entry.touched) {
      entry.touched = true;
      this.touched.push(entry);
    }
  }

  subtract(left: number, right: number, count: number): void {
    const entry = this.entries.get(left * this.vocabularySize + right);
    // The pair that is being merged is gone already (`aaa` gives the pair back while it is merged).
    if (entry !== undefined) entry.count -= count;
  }

  /** Forgets a pair; returns each word it was in once. */
  remove(left: number, right: number): Set<number> {
    const key = left * this.vocabularySize + right;
    const words = new Set(this.entries.get(key)?.words);
    this.entries.delete(key);
    return words;
  }

  /** Pairs that have gained occurrences since the last call. */
  takeTouched(): Candidate[] {
    const taken = this.touched.filter((entry) => entry.count > 0);
    for (const entry of this.touched) entry.touched = false;
    this.touched = [];
    return taken.map(({ left, right, count }) => ({ left, right, count }));
  }
}
