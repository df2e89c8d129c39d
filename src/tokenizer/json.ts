/**
 * Hugging Face's `tokenizer.json`: writing ours, and reading any byte-level BPE tokenizer that does what ours
 * does (no normalizer, one split expression, no post-processing). Everything else in a file would change ids
 * silently, so it is refused by name.
 */
import { type InterplayError, userError } from '../core/errors.ts';
import { isTooDeep } from '../core/json.ts';
import { ALPHABET, bytesOfToken } from './bytes.ts';
import { compilePattern, PATTERNS } from './pretokenize.ts';
import type { AddedToken, TokenizerParts } from './tokenizer.ts';

/** Content of the file. Vocabulary in the order of ids, merges as pairs; ends in a newline. */
export function formatTokenizerJson({ tokens, merges, pattern, added }: TokenizerParts): string {
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  const head = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added.map(({ id, content, special }) => ({ id, content, ...flags, special })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  };
  const model = {
    type: 'BPE',
    dropout: null,
    unk_token: null, // every byte has a token: nothing is unknown
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
  };
  // The vocabulary is written by hand: a JavaScript object would put "7" before "a" and lose "__proto__".
  const vocabulary = tokens.map((token, id) => `      ${JSON.stringify(token)}: ${id}`).join(',\n');
  const pairs = merges
    .map(([left, right]) => `      [${JSON.stringify(tokens[left])}, ${JSON.stringify(tokens[right])}]`)
    .join(',\n');
  const open = JSON.stringify(head, null, 2).slice(0, -2);
  const fields = JSON.stringify(model, null, 2).slice(2, -2).replaceAll('\n', '\n  ');
  return `${open},\n  "model": {\n  ${fields},\n    "vocab": {\n${vocabulary}\n    },\n    "merges": [${pairs === '' ? '' : `\n${pairs}\n    `}]\n  }\n}\n`;
}

type Fields = Record<string, unknown>;

/** The parts in a file. @throws TOKENIZER_FILE naming the file and the field */
export function parseTokenizerJson(content: string, source: string): TokenizerParts {
  const refuse = (expected: string, got: string): InterplayError =>
    userError('TOKENIZER_FILE', expected, `${source}: ${got}`, 'use a byte-level BPE tokenizer.json');
  let file: unknown;
  if (isTooDeep(content)) throw refuse('a JSON document', 'one nested like no tokenizer');
  try {
    file = JSON.parse(content);
  } catch {
    throw refuse('a JSON document', `${content.length} characters that do not parse (is the file complete?)`);
  }
  const root = fieldsOf(file);
  if (root === null) throw refuse('a JSON object', show(file));
  if (root.normalizer != null) throw refuse('normalizer null', show(root.normalizer));
  const after = fieldsOf(root.post_processor);
  // ByteLevel as post-processor only moves offsets.
  if (root.post_processor != null && after?.type !== 'ByteLevel') {
    throw refuse('post_processor null or ByteLevel', show(root.post_processor));
  }
  if (fieldsOf(root.decoder)?.type !== 'ByteLevel') {
    throw refuse('a decoder of type ByteLevel', show(root.decoder));
  }
  const pattern = patternOf(root.pre_tokenizer, refuse);
  compilePattern(pattern, source);

  const model = fieldsOf(root.model);
  if (model?.type !== 'BPE') throw refuse('model.type BPE', show(model?.type));
  for (const name of ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix', 'ignore_merges']) {
    if (model[name]) throw refuse(`model.${name} off`, show(model[name]));
  }
  const added = addedOf(root.added_tokens ?? [], refuse);
  const tokens = tokensOf(model.vocab, added, refuse);
  return { tokens, merges: mergesOf(model.merges, tokens, added, refuse), pattern, added };
}

type Refuse = (expected: string, got: string) => InterplayError;

function patternOf(value: unknown, refuse: Refuse): string {
  const single = fieldsOf(value);
  const steps = single?.type === 'Sequence' ? single.pretokenizers : [value];
  if (!Array.isArray(steps)) throw refuse('pre_tokenizer.pretokenizers as a list', show(steps));
  const last = fieldsOf(steps.at(-1));
  if (last?.type !== 'ByteLevel') throw refuse('a pre_tokenizer that ends in ByteLevel', show(value));
  if (last.add_prefix_space) throw refuse('pre_tokenizer without add_prefix_space', 'true');
  const usesOwn = last.use_regex !== false; // the format's default is true
  if (steps.length === 1) {
    if (!usesOwn) throw refuse('a pre_tokenizer with a split expression', show(value));
    return PATTERNS.gpt2;
  }
  const split = fieldsOf(steps[0]);
  const pattern = fieldsOf(split?.pattern)?.Regex;
  if (
    steps.length !== 2 ||
    usesOwn ||
    split?.type !== 'Split' ||
    split.behavior !== 'Isolated' ||
    split.invert === true ||
    typeof pattern !== 'string'
  ) {
    throw refuse(
      'pre_tokenizer Sequence of Split(Regex, Isolated) and ByteLevel(use_regex false)',
      show(value),
    );
  }
  return pattern;
}

function addedOf(value: unknown, refuse: Refuse): AddedToken[] {
  if (!Array.isArray(value)) throw refuse('added_tokens as a list', show(value));
  const seen = new Set<unknown>();
  return value.map((item, index) => {
    const name = `added_tokens[${index}]`;
    const fields = fieldsOf(item);
    const id = fields?.id;
    const content = fields?.content;
    if (fields === null || typeof content !== 'string' || content === '' || !isId(id)) {
      throw refuse(`${name} with an id and a content`, show(item));
    }
    for (const flag of ['single_word', 'lstrip', 'rstrip']) {
      if (fields[flag]) throw refuse(`${name}.${flag} false`, show(fields[flag]));
    }
    if (seen.has(id) || seen.has(content)) throw refuse(`${name} only once`, show(item));
    seen.add(id).add(content);
    return { id, content, special: fields.special === true };
  });
}

function tokensOf(value: unknown, added: readonly AddedToken[], refuse: Refuse): string[] {
  const vocabulary = fieldsOf(value);
  if (vocabulary === null) throw refuse('model.vocab as an object', show(value));
  const entries = Object.entries(vocabulary);
  for (const { content, id } of added) {
    if (!Object.hasOwn(vocabulary, content)) entries.push([content, id]);
    else if (vocabulary[content] !== id) {
      throw refuse(`the id of ${content} to be ${id} in model.vocab too`, show(vocabulary[content]));
    }
  }
  const size = entries.length;
  const tokens = new Array<string | undefined>(size).fill(undefined);
  const isAdded = new Set(added.map(({ content }) => content));
  for (const [token, id] of entries) {
    if (!isId(id) || id >= size)
      throw refuse(`ids 0-${size - 1} without gaps`, `${show(token)}: ${show(id)}`);
    if (tokens[id] !== undefined) throw refuse(`one token per id`, `${id} for ${tokens[id]} and ${token}`);
    if (!isAdded.has(token) && bytesOfToken(token) === null) {
      throw refuse('tokens in byte-level characters', show(token));
    }
    tokens[id] = token;
  }
  for (const character of ALPHABET) {
    if (!Object.hasOwn(vocabulary, character))
      throw refuse('a token for each byte', `none for ${show(character)}`);
  }
  return tokens as string[]; // `size` distinct ids below `size`: every place is filled
}

function mergesOf(
  value: unknown,
  tokens: readonly string[],
  added: readonly AddedToken[],
  refuse: Refuse,
): [number, number][] {
  if (!Array.isArray(value)) throw refuse('model.merges as a list', show(value));
  const isAdded = new Set(added.map(({ content }) => content));
  const ids = new Map(tokens.map((token, id) => [token, id]));
  return value.map((item, index) => {
    // Older files write "left right", newer ones ["left", "right"].
    const pair: unknown[] = typeof item === 'string' ? item.split(' ') : Array.isArray(item) ? item : [];
    const [left, right] = pair;
    if (pair.length !== 2 || typeof left !== 'string' || typeof right !== 'string') {
      throw refuse(`model.merges[${index}] as two tokens`, show(item));
    }
    for (const token of [left, right, left + right]) {
      if (!ids.has(token) || isAdded.has(token)) {
        throw refuse(`model.merges[${index}] of tokens in model.vocab`, show(token));
      }
    }
    return [ids.get(left)!, ids.get(right)!];
  });
}

const isId = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0;

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 120);
}
