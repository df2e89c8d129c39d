/**
 * The safetensors format: 8 bytes little-endian header length, a JSON header, then the tensors' bytes without
 * gaps (https://huggingface.co/docs/safetensors). Files come from strangers, so everything the header claims is
 * checked before a byte of data is believed.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { internalError, userError } from '../core/errors.ts';
import { reason, writeAtomically } from '../core/files.ts';
import { isTooDeep, repeatedKey } from '../core/json.ts';

/** Types that are read. 16-bit floats become float32; F64 is rounded to it. I64 values must be exact numbers. */
export type SafetensorsType = 'F32' | 'F16' | 'BF16' | 'F64' | 'I32' | 'I64';

export interface StoredTensor {
  /** As the file has it, not as `data` holds it. */
  dtype: SafetensorsType;
  shape: number[];
  /** Row-major; integers are Int32Array (I64 must fit). */
  data: Float32Array | Int32Array;
}

/** A tensor to be written, row-major. */
export interface TensorToStore {
  shape: readonly number[];
  data: Float32Array | Int32Array;
}

const BYTES: Readonly<Record<SafetensorsType, number>> = { F32: 4, F16: 2, BF16: 2, F64: 8, I32: 4, I64: 8 };

/** The reference implementation refuses longer headers too. */
const LONGEST_HEADER = 100_000_000;
const CHUNK = 1 << 24;

interface Entry {
  name: string;
  dtype: SafetensorsType;
  shape: number[];
  begin: number;
  end: number;
}

/**
 * Writes tensors as F32 or I32, all or nothing. They come in the order of the reference implementation (floats
 * before integers, then by name) and the header is padded with spaces to a multiple of 8, so the same tensors
 * give the same bytes as its `save_file`.
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [string, TensorToStore]>,
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): void {
  const sorted = [...tensors].sort(
    ([a, { data: x }], [b, { data: y }]) =>
      Number(x instanceof Int32Array) - Number(y instanceof Int32Array) ||
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  const parts = Object.keys(metadata).length > 0 ? [`"__metadata__":${JSON.stringify(metadata)}`] : [];
  const names = new Set<string>();
  let offset = 0;
  for (const [name, { shape, data }] of sorted) {
    const count = shape.reduce((product, length) => product * length, 1);
    if (count !== data.length) throw internalError(`tensor ${name} [${shape}] has ${data.length} values`);
    if (name === '__metadata__' || names.has(name)) throw internalError(`tensor name ${name}`);
    names.add(name);
    const end = offset + data.byteLength;
    const dtype = data instanceof Int32Array ? 'I32' : 'F32';
    parts.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [offset, end] })}`);
    offset = end;
  }
  const json = Buffer.from(`{${parts.join(',')}}`, 'utf8');
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8), 0);
  json.copy(header, 8);
  writeAtomically(path, (write) => {
    write(header);
    // Every platform that Node runs on is little-endian, as the format is.
    for (const [, { data }] of sorted) write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  });
}

/**
 * All tensors of a file by name, in the order of their data.
 * @throws INPUT_UNREADABLE, SAFETENSORS naming the file and, where there is one, the tensor
 */
export function readSafetensors(path: string): Map<string, StoredTensor> {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw unreadable(path, new Error('not a file'));
    const { entries, start } = readHeader(descriptor, stat.size, path);
    const tensors = new Map<string, StoredTensor>();
    for (const { name, dtype, shape, begin, end } of entries) {
      const bytes = readBytes(descriptor, start + begin, end - begin, path);
      tensors.set(name, { dtype, shape, data: decode(bytes, dtype, name, path) });
    }
    return tensors;
  } finally {
    closeSync(descriptor);
  }
}

function readHeader(descriptor: number, fileSize: number, path: string): { entries: Entry[]; start: number } {
  if (fileSize < 8) throw refuse(path, 'at least 8 bytes', `${fileSize}`);
  const length = Number(readBytes(descriptor, 0, 8, path).readBigUInt64LE(0));
  if (length > LONGEST_HEADER || 8 + length > fileSize) {
    throw refuse(path, 'a header within the file', `a header length of ${length} in ${fileSize} bytes`);
  }
  const text = readBytes(descriptor, 8, length, path).toString('utf8');
  let header: unknown;
  try {
    header = isTooDeep(text) ? undefined : JSON.parse(text);
  } catch {
    throw refuse(path, 'a JSON header', JSON.stringify(text.slice(0, 40)));
  }
  if (!isObject(header)) throw refuse(path, 'a JSON object as header', JSON.stringify(text.slice(0, 40)));
  const names = Object.keys(header);
  const twice = repeatedKey(text);
  if (twice !== null) throw refuse(path, 'each name once', `${JSON.stringify(twice)} twice`);
  const metadata = header.__metadata__ ?? {};
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw refuse(path, '__metadata__ of texts', JSON.stringify(metadata));
  }
  const entries = names
    .filter((name) => name !== '__metadata__')
    .map((name) => readEntry(name, header[name], path))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  const start = 8 + length;
  let expected = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== expected) {
      throw refuse(
        path,
        `tensor ${name} to begin at byte ${expected}, where the one before ends`,
        `${begin}`,
      );
    }
    expected = end;
  }
  if (start + expected !== fileSize) {
    throw refuse(path, `${expected} bytes of data`, `${fileSize - start} (cut or of another header)`);
  }
  return { entries, start };
}

function readEntry(name: string, value: unknown, path: string): Entry {
  const where = `tensor ${JSON.stringify(name)}`;
  if (!isObject(value)) throw refuse(path, `${where} as an object`, JSON.stringify(value));
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES, dtype)) {
    throw refuse(path, `${where} of dtype ${Object.keys(BYTES).join(', ')}`, JSON.stringify(dtype) ?? 'none');
  }
  if (!isCounts(shape)) throw refuse(path, `${where} with a shape`, JSON.stringify(shape) ?? 'none');
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw refuse(path, `${where} with two data_offsets`, JSON.stringify(offsets) ?? 'none');
  }
  const [begin, end] = offsets as [number, number];
  const size = shape.reduce((product, length) => product * length, 1) * BYTES[dtype as SafetensorsType];
  if (!(end - begin === size)) {
    throw refuse(path, `${where} ${dtype} [${shape}] of ${size} bytes`, `bytes ${begin} to ${end}`);
  }
  return { name, dtype: dtype as SafetensorsType, shape, begin, end };
}

/** Values of little-endian bytes as float32 or int32. */
function decode(
  bytes: Buffer,
  dtype: SafetensorsType,
  name: string,
  path: string,
): Float32Array | Int32Array {
  const { buffer, byteOffset, byteLength } = bytes;
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case 'I32':
      return new Int32Array(buffer, byteOffset, byteLength / 4);
    case 'F64':
      return Float32Array.from(new Float64Array(buffer, byteOffset, byteLength / 8));
    case 'BF16': {
      // The upper half of a float32.
      const bits = Uint32Array.from(
        new Uint16Array(buffer, byteOffset, byteLength / 2),
        (half) => half << 16,
      );
      return new Float32Array(bits.buffer);
    }
    case 'F16':
      return Float32Array.from(new Uint16Array(buffer, byteOffset, byteLength / 2), float16);
    case 'I64':
      return Int32Array.from(new BigInt64Array(buffer, byteOffset, byteLength / 8), (value) => {
        if (BigInt.asIntN(32, value) !== value) {
          throw refuse(path, `tensor ${JSON.stringify(name)} of 32-bit integers`, String(value));
        }
        return Number(value);
      });
  }
}

/** Value of an IEEE 754 half. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Bytes [position, position + length) of a file, at the start of a buffer of their own (so aligned). */
function readBytes(descriptor: number, position: number, length: number, path: string): Buffer {
  const bytes = Buffer.from(new ArrayBuffer(length));
  for (let at = 0; at < length; ) {
    let count: number;
    try {
      count = readSync(descriptor, bytes, at, Math.min(CHUNK, length - at), position + at);
    } catch (error) {
      throw unreadable(path, error);
    }
    if (count === 0) throw refuse(path, 'a file that keeps its size', 'one that shrank while it was read');
    at += count;
  }
  return bytes;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function refuse(path: string, expected: string, got: string): Error {
  return userError(
    'SAFETENSORS',
    expected,
    `${got.slice(0, 100)} in ${path}`,
    'copy or write the file again',
  );
}

function unreadable(path: string, error: unknown): Error {
  return userError(
    'INPUT_UNREADABLE',
    'a readable safetensors file',
    `${path} (${reason(error)})`,
    'check the path',
  );
}
