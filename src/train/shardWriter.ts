/** Writing token shards (the format is in shards.ts): one text after another, in constant memory. */
import { closeSync, existsSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { isCancelled } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import { checkOutputFolder, writeFileAtomically, writeFolderAtomicallyAsync } from '../core/files.ts';
import { type ProgressSink, silent } from '../core/progress.ts';
import { saveTokenizer, type Tokenizer } from '../tokenizer/index.ts';
import { type TaskKind, taskTokens } from './data.ts';
import type { FileData, GeneratedData } from './dataConfig.ts';
import { ENTRY_BYTES, SHARDS_FILE, SHARDS_FORMAT, type ShardManifest, TOKEN_BYTES } from './shards.ts';

/** Tokens of a shard unless told otherwise: half a gigabyte. */
export const SHARD_TOKENS = 2 ** 28;
/** First tokens are stored in 32 bits. */
const MOST_SHARD_TOKENS = 2 ** 32 - 1;
const LARGEST_VOCABULARY = 2 ** 16;
/** Kinds are stored in 16 bits. */
const MOST_KINDS = 2 ** 16;
/** Bytes that are kept back before they are written. */
const PENDING = 1 << 20;

export interface WriteShardsOptions {
  data: FileData | GeneratedData;
  seed: number;
  tokenizer: Tokenizer;
  /** Folder to write, all or nothing; one with shards is replaced. */
  out: string;
  /** Ends with the text that reaches so many tokens, or texts; at the latest with the data. */
  tokens?: number | undefined;
  texts?: number | undefined;
  /** Most tokens of a shard; {@link SHARD_TOKENS} by default. */
  shardTokens?: number | undefined;
  progress?: ProgressSink;
}

/** Texts between two turns of the event loop, in which signals are heard. */
const TURN = 500;

/**
 * Writes a folder of shards from data settings.
 * @throws SHARDS_FOLDER, NO_TASKS, SHARD_SIZE, SHARD_VOCABULARY, THINK_TOKENS, STOPPED, OUTPUT_UNWRITABLE, and the errors of the data
 */
export async function writeShards(options: WriteShardsOptions): Promise<ShardManifest> {
  const { data, seed, tokenizer, out, shardTokens, progress = silent } = options;
  const { tokens = Number.POSITIVE_INFINITY, texts = Number.POSITIVE_INFINITY } = options;
  checkReplaceable(out);
  return writeFolderAtomicallyAsync(out, async (folder) => {
    const writer = new ShardWriter(folder, tokenizer, shardTokens);
    const report = () => {
      // Of which limit there is; a file's end is not known before it is there.
      const [done, total, unit] = Number.isFinite(tokens)
        ? [writer.tokens, tokens, 'token']
        : [writer.texts, texts, 'text'];
      if (Number.isFinite(total)) progress({ stage: 'encode', done: Math.min(done, total), total, unit });
    };
    try {
      for (const { ids, kind, id } of taskTokens(data, seed, tokenizer)) {
        writer.add(ids, kind, id);
        if (writer.tokens >= tokens || writer.texts >= texts) break;
        if (writer.texts % TURN > 0) continue;
        report();
        await new Promise((resolve) => setImmediate(resolve));
        if (isCancelled()) {
          throw userError(
            'STOPPED',
            'to write all texts',
            `${writer.texts}`,
            'start again; nothing was written',
          );
        }
      }
      report();
      return writer.finish();
    } finally {
      writer.close();
    }
  });
}

/** Only what was written here is replaced. */
function checkReplaceable(folder: string): void {
  checkOutputFolder(folder);
  if (!existsSync(folder) || existsSync(join(folder, SHARDS_FILE)) || readdirSync(folder).length === 0)
    return;
  throw userError(
    'SHARDS_FOLDER',
    'an empty folder, or one with token shards',
    `${folder}, which holds other files`,
    'choose another --out',
  );
}

/** Writes texts into an existing folder; the caller removes it when something fails. */
export class ShardWriter {
  private readonly kinds = new Map<string, number>();
  private readonly kindList: TaskKind[] = [];
  private readonly shards: ShardManifest['shards'] = [];
  private files: { tokens: OutputFile; texts: OutputFile; ids: OutputFile } | undefined;
  texts = 0;
  tokens = 0;

  /** @throws SHARD_SIZE, SHARD_VOCABULARY */
  constructor(
    private readonly folder: string,
    private readonly tokenizer: Tokenizer,
    private readonly shardTokens = SHARD_TOKENS,
  ) {
    if (!(Number.isInteger(shardTokens) && shardTokens >= 1 && shardTokens <= MOST_SHARD_TOKENS)) {
      throw userError(
        'SHARD_SIZE',
        `shards of 1 to ${MOST_SHARD_TOKENS} tokens`,
        String(shardTokens),
        `use ${SHARD_TOKENS}`,
      );
    }
    if (tokenizer.vocabularySize > LARGEST_VOCABULARY) {
      throw userError(
        'SHARD_VOCABULARY',
        `a vocabulary of at most ${LARGEST_VOCABULARY}, whose ids fit into 16 bits`,
        String(tokenizer.vocabularySize),
        'use a smaller tokenizer, or train without shards',
      );
    }
  }

  /** Appends a text; a shard that would grow beyond its size is closed before. */
  add(ids: readonly number[], kind: TaskKind, taskId: string): void {
    const last = this.shards.at(-1);
    if (last === undefined || last.tokens + ids.length > this.shardTokens) this.nextShard();
    const shard = this.shards.at(-1)!;
    const bytes = Buffer.allocUnsafe(ids.length * TOKEN_BYTES);
    for (let i = 0; i < ids.length; i++) bytes.writeUInt16LE(ids[i]!, i * TOKEN_BYTES);
    const entry = Buffer.alloc(ENTRY_BYTES);
    entry.writeUInt32LE(shard.tokens, 0);
    entry.writeUInt32LE(ids.length, 4);
    entry.writeUInt32LE(crc32(bytes), 8);
    entry.writeUInt16LE(this.kindIndex(kind), 12);
    this.files!.tokens.write(bytes);
    this.files!.texts.write(entry);
    this.files!.ids.write(Buffer.from(`${JSON.stringify(taskId)}\n`));
    shard.texts++;
    shard.tokens += ids.length;
    this.texts++;
    this.tokens += ids.length;
  }

  /** Writes what is pending, the tokenizer and, last, the list of shards. @throws NO_TASKS */
  finish(): ShardManifest {
    this.close();
    if (this.texts === 0)
      throw userError('NO_TASKS', 'at least one task', 'none', 'name data that have tasks');
    saveTokenizer(this.folder, this.tokenizer);
    const manifest: ShardManifest = {
      format: SHARDS_FORMAT,
      tokenizer: this.tokenizer.fingerprint(),
      texts: this.texts,
      tokens: this.tokens,
      kinds: this.kindList,
      shards: this.shards,
    };
    writeFileAtomically(join(this.folder, SHARDS_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
    return manifest;
  }

  /** Closes the files of the current shard. */
  close(): void {
    if (this.files === undefined) return;
    for (const file of Object.values(this.files)) file.close();
    this.files = undefined;
  }

  private nextShard(): void {
    this.close();
    const name = String(this.shards.length).padStart(5, '0');
    this.shards.push({ name, texts: 0, tokens: 0 });
    const open = (ending: string) => new OutputFile(join(this.folder, `${name}.${ending}`));
    this.files = { tokens: open('tokens'), texts: open('texts'), ids: open('ids') };
  }

  private kindIndex(kind: TaskKind): number {
    const key = JSON.stringify([kind.context, kind.op, kind.mode, kind.depth]);
    let index = this.kinds.get(key);
    if (index === undefined) {
      index = this.kindList.length;
      if (index === MOST_KINDS) {
        throw userError(
          'SHARD_KINDS',
          `at most ${MOST_KINDS} kinds of tasks`,
          'more',
          'write several folders',
        );
      }
      this.kindList.push(kind);
      this.kinds.set(key, index);
    }
    return index;
  }
}

/** A file that is written in large pieces. */
class OutputFile {
  private readonly file: number;
  private pending: Buffer[] = [];
  private size = 0;

  constructor(path: string) {
    this.file = openSync(path, 'wx');
  }

  write(bytes: Buffer): void {
    this.pending.push(bytes);
    this.size += bytes.length;
    if (this.size >= PENDING) this.flush();
  }

  close(): void {
    this.flush();
    closeSync(this.file);
  }

  private flush(): void {
    const bytes = Buffer.concat(this.pending);
    this.pending = [];
    this.size = 0;
    for (let at = 0; at < bytes.length; ) at += writeSync(this.file, bytes, at, bytes.length - at);
  }
}
