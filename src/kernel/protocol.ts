/**
 * The Jupyter wire format (messaging protocol 5.4): one message is
 * `[identity…, '<IDS|MSG>', signature, header, parent_header, metadata, content, buffer…]`, the signature an
 * HMAC over the four JSON parts. Nothing here opens a socket.
 */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';

export const PROTOCOL_VERSION = '5.4';

const DELIMITER = Buffer.from('<IDS|MSG>');

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };
export type JsonObject = { [key: string]: Json | undefined };

export interface Header {
  msg_id: string;
  msg_type: string;
  session: string;
  username: string;
  date: string;
  version: string;
}

export interface Message {
  /** Routing identities in front of the delimiter; a topic on IOPub. */
  identities: Buffer[];
  header: Header;
  parent: Header | Record<string, never>;
  metadata: JsonObject;
  content: JsonObject;
  buffers: Uint8Array[];
}

/** Signs and checks messages with one key; the empty key means an unsigned connection. */
export class Signer {
  readonly #key: string;

  constructor(key: string, scheme = 'hmac-sha256') {
    if (key !== '' && scheme !== 'hmac-sha256') throw new Error(`unsupported signature scheme ${scheme}`);
    this.#key = key;
  }

  /** Hexadecimal HMAC-SHA256 of the parts, or '' for an unsigned connection. */
  sign(parts: readonly Uint8Array[]): string {
    if (this.#key === '') return '';
    const hmac = createHmac('sha256', this.#key);
    for (const part of parts) hmac.update(part);
    return hmac.digest('hex');
  }

  /** Whether `signature` belongs to `parts`; takes the same time wherever they differ. */
  verify(signature: Uint8Array, parts: readonly Uint8Array[]): boolean {
    if (this.#key === '') return true;
    const expected = Buffer.from(this.sign(parts), 'latin1');
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  }
}

/** Frames of one message, ready to send. */
export function encode(message: Message, signer: Signer): Uint8Array[] {
  const parts = [message.header, message.parent, message.metadata, message.content].map((part) =>
    Buffer.from(wellFormed(JSON.stringify(part)), 'utf8'),
  );
  return [
    ...message.identities,
    DELIMITER,
    Buffer.from(signer.sign(parts), 'latin1'),
    ...parts,
    ...message.buffers,
  ];
}

/**
 * JSON writes half of a surrogate pair, which is no character, as an escape. Front ends read it and cannot save the
 * notebook any more, since UTF-8 has no such character; it becomes U+FFFD, as in any text that Node writes.
 */
function wellFormed(json: string): string {
  if (!json.includes('\\ud')) return json;
  // A backslash that is itself escaped begins no escape.
  return json.replace(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, (found) => (found === '\\\\' ? found : '\ufffd'));
}

/**
 * The message in `frames`, or the reason why it must be ignored. The signature is checked before anything
 * is parsed.
 */
export function decode(frames: readonly Buffer[], signer: Signer): Message | { refused: string } {
  const at = frames.findIndex((frame) => frame.equals(DELIMITER));
  if (at < 0 || frames.length < at + 6) return { refused: 'not a complete message' };
  const parts = frames.slice(at + 2, at + 6);
  if (!signer.verify(frames[at + 1]!, parts)) return { refused: 'the signature does not match' };
  let parsed: unknown[];
  try {
    parsed = parts.map((part) => JSON.parse(part.toString('utf8')));
  } catch (error) {
    return { refused: `not JSON: ${(error as Error).message}` };
  }
  if (!parsed.every(isObject)) return { refused: 'a part is not an object' };
  const [header, parent, metadata, content] = parsed as [Header, Header, JsonObject, JsonObject];
  if (typeof header.msg_type !== 'string' || typeof header.msg_id !== 'string') {
    return { refused: 'the header has no msg_type or msg_id' };
  }
  return {
    identities: frames.slice(0, at),
    header,
    parent,
    metadata,
    content,
    buffers: frames.slice(at + 6),
  };
}

/** A fresh header of this session. */
export function makeHeader(type: string, session: string, username = 'kernel'): Header {
  return {
    msg_id: randomUUID(),
    msg_type: type,
    session,
    username,
    date: new Date().toISOString(),
    version: PROTOCOL_VERSION,
  };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
