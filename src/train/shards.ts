/**
 * Token shards: texts as tokens on disk, in a folder with
 *
 *     shards.json       what is in it: format, counts, kinds of tasks, shards
 *     tokenizer.json    the tokenizer of all of them
 *     00000.tokens      token ids, unsigned 16 bits, little-endian, one text after another
 *     00000.texts       16 bytes a text: u32 first token, u32 tokens, u32 CRC-32 of the token bytes, u16 kind, u16 zero
 *     00000.ids         the tasks' ids, one JSON string a line
 *
 * Texts are read by ranged reads: memory does not grow with the data, and what is damaged is noticed when it is read.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { internalError, userError } from '../core/errors.ts';
import { reason } from '../core/files.ts';
import { readJsonFile } from '../core/json.ts';
import { openTokenizer, type Tokenizer } from '../tokenizer/index.ts';
import type { TaskKind } from './data.ts';

export const SHARDS_FILE = 'shards.json';
export const SHARDS_FORMAT = 'interplay token shards 1';
/** Bytes of a text's entry in `.texts`, and of a token in `.tokens`. */
export const ENTRY_BYTES = 16;
export const TOKEN_BYTES = 2;

const manifestSchema = z.strictObject({
  format: z.literal(SHARDS_FORMAT),
  /** Identity of the tokenizer. */
  tokenizer: z.string(),
  texts: z.int().min(1),
  tokens: z.int().min(1),
  kinds: z
    .array(z.strictObject({ context: z.string(), op: z.int(), mode: z.string(), depth: z.int() }))
    .min(1),
  shards: z
    .array(
      z.strictObject({ name: z.string().regex(/^\d{5}$/), texts: z.int().min(1), tokens: z.int().min(1) }),
    )
    .min(1),
});

/** What `shards.json` says. */
export type ShardManifest = z.infer<typeof manifestSchema>;

/** An opened folder of shards. */
export interface TokenShards {
  readonly manifest: ShardManifest;
  readonly texts: number;
  readonly tokenizer: Tokenizer;
  /** Tokens of a text, 0 ≤ index < texts. @throws SHARDS when they are damaged */
  read(index: number): number[];
  /** Kind of the task that a text is of. */
  kind(index: number): TaskKind;
  /** Reads all texts and checks them against their checksums. @throws SHARDS */
  check(): void;
  close(): void;
}

interface Shard {
  name: string;
  /** Index of its first text. */
  first: number;
  tokens: number;
  tokensFile: number;
  textsFile: number;
}

/**
 * Opens a folder of shards; sizes of all files are checked here, contents as they are read.
 * @throws SHARDS, INPUT_UNREADABLE, JSON_FILE, TOKENIZER_FILE
 */
export function openShards(folder: string): TokenShards {
  const manifest = readManifest(folder);
  const tokenizer = openTokenizer(folder);
  if (tokenizer.fingerprint() !== manifest.tokenizer) {
    throw damaged(folder, 'the tokenizer.json that they were written with', 'another');
  }
  const files: number[] = [];
  const close = () => {
    for (const file of files.splice(0)) closeSync(file);
  };
  const open = (name: string, bytes: number): number => {
    const path = join(folder, name);
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch (error) {
      throw damaged(folder, name, reason(error));
    }
    files.push(file);
    const { size } = fstatSync(file);
    if (size !== bytes) throw damaged(folder, `${bytes} bytes in ${name}`, `${size}`);
    return file;
  };
  try {
    let first = 0;
    const shards = manifest.shards.map(({ name, texts, tokens }): Shard => {
      const shard = {
        name,
        first,
        tokens,
        tokensFile: open(`${name}.tokens`, tokens * TOKEN_BYTES),
        textsFile: open(`${name}.texts`, texts * ENTRY_BYTES),
      };
      first += texts;
      return shard;
    });
    if (first !== manifest.texts) throw damaged(folder, `${manifest.texts} texts`, `${first}`);
    return new OpenShards(folder, manifest, tokenizer, shards, close);
  } catch (error) {
    close();
    throw error;
  }
}

class OpenShards implements TokenShards {
  readonly texts: number;
  private readonly entry = Buffer.alloc(ENTRY_BYTES);
  private bytes = Buffer.alloc(1 << 14);

  constructor(
    private readonly folder: string,
    readonly manifest: ShardManifest,
    readonly tokenizer: Tokenizer,
    private readonly shards: readonly Shard[],
    readonly close: () => void,
  ) {
    this.texts = manifest.texts;
  }

  read(index: number): number[] {
    const shard = this.find(index);
    this.readEntry(shard, index);
    const start = this.entry.readUInt32LE(0);
    const length = this.entry.readUInt32LE(4);
    if (start + length > shard.tokens) {
      throw this.broken(shard, index, `tokens ${start} to ${start + length} of ${shard.tokens}`);
    }
    const size = length * TOKEN_BYTES;
    if (this.bytes.length < size) this.bytes = Buffer.alloc(2 * size);
    const bytes = this.bytes.subarray(0, size);
    readFully(shard.tokensFile, bytes, start * TOKEN_BYTES);
    if (crc32(bytes) !== this.entry.readUInt32LE(8)) {
      throw this.broken(shard, index, 'tokens that do not match their checksum');
    }
    const ids = new Array<number>(length);
    for (let i = 0; i < length; i++) ids[i] = bytes[2 * i]! | (bytes[2 * i + 1]! << 8);
    return ids;
  }

  kind(index: number): TaskKind {
    const shard = this.find(index);
    this.readEntry(shard, index);
    const kind = this.manifest.kinds[this.entry.readUInt16LE(12)];
    if (kind === undefined) throw this.broken(shard, index, 'a kind that is not in the list');
    return kind;
  }

  check(): void {
    const { vocabularySize } = this.tokenizer;
    for (let index = 0; index < this.texts; index++) {
      const high = this.read(index).find((id) => id >= vocabularySize);
      if (high !== undefined) throw this.broken(this.find(index), index, `token ${high}`);
      this.kind(index);
    }
  }

  private find(index: number): Shard {
    const { shards } = this;
    if (!(index >= 0 && index < this.texts)) throw internalError(`text ${index} of ${this.texts}`);
    let low = 0;
    let high = shards.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (shards[middle]!.first <= index) low = middle;
      else high = middle - 1;
    }
    return shards[low]!;
  }

  private readEntry(shard: Shard, index: number): void {
    readFully(shard.textsFile, this.entry, (index - shard.first) * ENTRY_BYTES);
  }

  private broken(shard: Shard, index: number, got: string): Error {
    return damaged(this.folder, `a whole text ${index - shard.first} in ${shard.name}`, got);
  }
}

function readFully(file: number, bytes: Buffer, position: number): void {
  for (let at = 0; at < bytes.length; ) {
    const count = readSync(file, bytes, at, bytes.length - at, position + at);
    // Sizes were checked at the start: the file has become shorter since. The checksum tells.
    if (count === 0) return void bytes.fill(0, at);
    at += count;
  }
}

function readManifest(folder: string): ShardManifest {
  const result = manifestSchema.safeParse(readJsonFile(join(folder, SHARDS_FILE), 'list of token shards'));
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw damaged(folder, `a valid ${SHARDS_FILE}`, `${issue.path.join('.') || 'file'}: ${issue.message}`);
}

function damaged(folder: string, expected: string, got: string): Error {
  return userError('SHARDS', expected, `${got} (token shards in ${folder})`, 'write the shards again');
}
