/**
 * Byte-level BPE tokenizer in the form of Hugging Face's `tokenizer.json`. Any string has an encoding, and
 * `decode(encode(text)) === text` for every well-formed string; a lone surrogate, which has no UTF-8 form,
 * reads as U+FFFD.
 */
import { internalError, userError } from '../core/errors.ts';
import { readUserFile, writeFileAtomically } from '../core/files.ts';
import { sha256 } from '../core/hash.ts';
import { bytesOfToken, CHARACTER_OF_BYTE } from './bytes.ts';
import { formatTokenizerJson, parseTokenizerJson } from './json.ts';
import { MergeTable } from './merge.ts';
import { compilePattern, detached, splitWords } from './pretokenize.ts';
import { specialExpression } from './special.ts';

/** A token that is recognised in text before anything else. */
export interface AddedToken {
  id: number;
  content: string;
  /** Special tokens can be left out of decoded text. */
  special: boolean;
}

/** Everything a tokenizer consists of. */
export interface TokenizerParts {
  /** Content of each id: byte-level characters for ordinary tokens, the plain text for added ones. [V] */
  tokens: readonly string[];
  /** Pairs of ids in the order of learning; the content of the merged token must be one of `tokens`. */
  merges: readonly (readonly [number, number])[];
  /** Pre-tokenizer expression in Hugging Face's spelling. */
  pattern: string;
  added: readonly AddedToken[];
}

/** Words longer than this many UTF-16 units are not kept; they do not come back. */
const LONGEST_CACHED_WORD = 64;
/** The cache starts anew when it holds this many words, which bounds its memory to some 20 MB. */
const MOST_CACHED_WORDS = 1 << 16;

export class Tokenizer {
  readonly vocabularySize: number;
  readonly parts: TokenizerParts;

  private readonly ids: ReadonlyMap<string, number>;
  private readonly bytes: readonly Uint8Array[];
  private readonly idOfByte: readonly number[];
  private readonly merges: MergeTable;
  private readonly words: RegExp;
  private readonly addedIds: ReadonlyMap<string, number>;
  private readonly addedExpression: RegExp;
  private readonly specialIds: ReadonlySet<number>;
  private readonly cache = new Map<string, readonly number[]>();

  /** Trusts its parts: files go through {@link Tokenizer.fromJson}, which checks them. */
  constructor(parts: TokenizerParts) {
    const { tokens, merges, pattern, added } = parts;
    this.parts = parts;
    this.vocabularySize = tokens.length;
    this.ids = new Map(tokens.map((token, id) => [token, id]));
    this.addedIds = new Map(added.map(({ content, id }) => [content, id]));
    this.specialIds = new Set(added.filter(({ special }) => special).map(({ id }) => id));
    const plain = new Set(added.map(({ id }) => id));
    this.bytes = tokens.map((token, id) =>
      plain.has(id) ? Buffer.from(token, 'utf8') : (bytesOfToken(token) ?? Buffer.from(token, 'utf8')),
    );
    this.idOfByte = CHARACTER_OF_BYTE.map((character) => this.requiredId(character));
    const made = merges.map(([left, right]) => this.requiredId(tokens[left]! + tokens[right]!));
    this.merges = new MergeTable(tokens.length, merges, made);
    this.words = compilePattern(pattern, 'pre_tokenizer');
    this.addedExpression = specialExpression([...this.addedIds.keys()]);
  }

  /** Ids of a text; added tokens (`<question>`, `[EOS]`, …) that occur in it become their own id. */
  encode(text: string): number[] {
    const out: number[] = [];
    let end = 0;
    for (const match of text.matchAll(this.addedExpression)) {
      if (match.index > end) this.encodePlain(text.slice(end, match.index), out);
      out.push(this.addedIds.get(match[0])!);
      end = match.index + match[0].length;
    }
    if (end < text.length) this.encodePlain(end === 0 ? text : text.slice(end), out);
    return out;
  }

  /**
   * Text of ids. Byte sequences that are not UTF-8 (a sequence cut in the middle) become U+FFFD.
   * @throws TOKEN_ID when an id is not in the vocabulary
   */
  decode(ids: Iterable<number>, options: { skipSpecialTokens?: boolean } = {}): string {
    const parts: Uint8Array[] = [];
    for (const id of ids) {
      const bytes = this.bytes[id];
      if (bytes === undefined) throw this.unknownId(id);
      if (options.skipSpecialTokens && this.specialIds.has(id)) continue;
      parts.push(bytes);
    }
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(parts));
  }

  /** Id of a token's content (byte-level characters, e.g. `Ġequals`), or undefined. */
  idOf(token: string): number | undefined {
    return this.ids.get(token);
  }

  /** Content of an id, in byte-level characters. @throws TOKEN_ID */
  tokenOf(id: number): string {
    const token = this.parts.tokens[id];
    if (token === undefined) throw this.unknownId(id);
    return token;
  }

  /** Bytes of an id; text can be assembled from them token by token. @throws TOKEN_ID */
  bytesOf(id: number): Uint8Array {
    const bytes = this.bytes[id];
    if (bytes === undefined) throw this.unknownId(id);
    return bytes;
  }

  isSpecial(id: number): boolean {
    return this.specialIds.has(id);
  }

  /** Content of a `tokenizer.json`; the same tokenizer gives the same bytes. */
  toJson(): string {
    return formatTokenizerJson(this.parts);
  }

  /** Identity of the tokenizer: hash of its file. */
  fingerprint(): string {
    return sha256(this.toJson(), 16);
  }

  /** Writes `tokenizer.json` at `path`, all or nothing. */
  save(path: string): void {
    writeFileAtomically(path, this.toJson());
  }

  /** Tokenizer from the content of a `tokenizer.json`; `source` names it in errors. @throws TOKENIZER_FILE */
  static fromJson(content: string, source = 'tokenizer.json'): Tokenizer {
    return new Tokenizer(parseTokenizerJson(content, source));
  }

  /** Tokenizer from a `tokenizer.json`. @throws INPUT_UNREADABLE, TOKENIZER_FILE */
  static load(path: string): Tokenizer {
    return Tokenizer.fromJson(readUserFile(path, 'tokenizer.json'), path);
  }

  private encodePlain(text: string, out: number[]): void {
    for (const word of splitWords(this.words, text)) {
      let ids = this.cache.get(word);
      if (ids === undefined) {
        ids = this.merges.apply(Array.from(Buffer.from(word, 'utf8'), (byte) => this.idOfByte[byte]!));
        if (word.length <= LONGEST_CACHED_WORD) {
          if (this.cache.size >= MOST_CACHED_WORDS) this.cache.clear();
          this.cache.set(detached(word), ids);
        }
      }
      for (let i = 0; i < ids.length; i++) out.push(ids[i]!);
    }
  }

  private requiredId(content: string): number {
    const id = this.ids.get(content);
    if (id === undefined) throw internalError(`token ${JSON.stringify(content)} is not in the vocabulary`);
    return id;
  }

  private unknownId(id: number): Error {
    return userError(
      'TOKEN_ID',
      `a token id within 0-${this.vocabularySize - 1}`,
      String(id),
      'use the tokenizer that belongs to the model',
    );
  }
}
