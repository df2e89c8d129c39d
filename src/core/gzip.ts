/**
 * gzip (RFC 1952). Written as a series of members of about a megabyte, each a function of its content alone;
 * read from any series of members, synchronously and in constant memory, every member held to its checksum.
 */
import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';
import { Gunzip } from 'minizlib';
import { userError } from './errors.ts';
import type { Write } from './files.ts';

/** Whether a path names a gzip file. */
export function isGzipPath(path: string): boolean {
  return path.endsWith('.gz');
}

/** Byte of the header that names the operating system; 255 is "unknown": files are the same on all of them. */
const SYSTEM_AT = 9;
const UNKNOWN_SYSTEM = 255;

function withoutSystem(member: Buffer): Buffer {
  member[SYSTEM_AT] = UNKNOWN_SYSTEM;
  return member;
}

/** Content as one member, compressed on this thread. */
export function gzipMember(content: string | Uint8Array): Buffer {
  return withoutSystem(gzipSync(content));
}

const gzipElsewhere = promisify(gzip) as (content: Uint8Array) => Promise<Buffer>;

/** Content of one member, at least (the last may be smaller). */
const MEMBER_BYTES = 1 << 20;
/** Members that may be under way at a time: what Node's thread pool has threads for. */
const UNDER_WAY = 4;

/**
 * Compresses on Node's thread pool what comes in pieces, and writes the members in order. Where one member ends
 * depends on the pieces alone.
 */
export class GzipWriter {
  private pieces: Uint8Array[] = [];
  private size = 0;
  private compressed = 0;
  private readonly members: Promise<Buffer>[] = [];

  constructor(private readonly write: Write) {}

  /** Takes a piece, which must not change afterwards; waits while enough is under way. */
  async add(piece: Uint8Array): Promise<void> {
    if (piece.length === 0) return;
    this.pieces.push(piece);
    this.size += piece.length;
    if (this.size >= MEMBER_BYTES) await this.compress();
  }

  /** Writes what is left; of nothing, one empty member. */
  async finish(): Promise<void> {
    if (this.size > 0 || this.compressed === 0) await this.compress();
    while (this.members.length > 0) await this.writeFirst();
  }

  private async compress(): Promise<void> {
    this.members.push(gzipElsewhere(Buffer.concat(this.pieces)));
    this.compressed++;
    this.pieces = [];
    this.size = 0;
    if (this.members.length >= UNDER_WAY) await this.writeFirst();
  }

  private async writeFirst(): Promise<void> {
    this.write(withoutSystem(await this.members.shift()!));
  }
}

/**
 * The content of gzip members; `path` names the file in errors.
 * @throws GZIP_INVALID when a member is cut, malformed or does not have its checksum
 */
export function* gunzip(chunks: Iterable<Uint8Array>, path: string): Generator<Uint8Array> {
  const stream = new Gunzip({});
  let ready: Uint8Array[] = [];
  let failure: Error | undefined;
  stream.on('data', (chunk) => ready.push(chunk));
  stream.on('error', (error) => {
    failure = error as Error;
  });
  const take = (): Uint8Array[] => {
    if (failure !== undefined) throw invalid(path, failure);
    const taken = ready;
    ready = [];
    return taken;
  };
  try {
    for (const chunk of chunks) {
      stream.write(chunk as Buffer);
      yield* take();
    }
    stream.end();
    yield* take();
  } finally {
    stream.close();
  }
}

function invalid(path: string, error: Error): Error {
  return userError(
    'GZIP_INVALID',
    'a complete gzip file',
    `${path} (${error.message.replace(/^zlib: /, '')})`,
    'write or download the file again',
  );
}
