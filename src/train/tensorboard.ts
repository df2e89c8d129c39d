/**
 * TensorBoard event files: scalars by step. A file is a row of records (TFRecord: length, masked CRC-32C of it, data,
 * masked CRC-32C of the data), each a protocol buffer `Event` of tensorflow/core/util/event.proto.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { appendToFile, makeOutputFolder, writeFileAtomically } from '../core/files.ts';

/** TensorBoard reads every file with `tfevents` in its name. */
export const EVENT_FILE = join('tensorboard', 'events.out.tfevents.interplay');

/** Writes one event file of a run folder. */
export class EventWriter {
  private readonly path: string;

  /** @param wallTime seconds since 1970, as the events carry them */
  constructor(
    run: string,
    private readonly wallTime: () => number,
  ) {
    this.path = join(run, EVENT_FILE);
    if (existsSync(this.path)) return;
    makeOutputFolder(join(run, 'tensorboard'));
    const version = field(3, Buffer.from('brain.Event:2'));
    writeFileAtomically(this.path, record(Buffer.concat([double(1, wallTime()), version])));
  }

  /** Appends the values of a step under the tags `GROUP/NAME`. */
  scalars(step: number, group: string, values: Readonly<Record<string, number>>): void {
    const summary = Object.entries(values).map(([name, value]) => {
      const scalar = Buffer.alloc(5);
      scalar[0] = (2 << 3) | 5; // simple_value
      scalar.writeFloatLE(value, 1);
      return field(1, Buffer.concat([field(1, Buffer.from(`${group}/${name}`)), scalar]));
    });
    const event = [double(1, this.wallTime()), varintField(2, step), field(5, Buffer.concat(summary))];
    appendToFile(this.path, record(Buffer.concat(event)));
  }

  /** Drops the events behind a step, and one that a kill left half-written. */
  rewindTo(step: number): void {
    const bytes = readFileSync(this.path);
    const kept: Buffer[] = [];
    for (let at = 0; at + HEADER <= bytes.length; ) {
      const length = Number(bytes.readBigUInt64LE(at));
      const end = at + HEADER + length + 4;
      if (end > bytes.length) break;
      if (stepOf(bytes.subarray(at + HEADER, end - 4)) <= step) kept.push(bytes.subarray(at, end));
      at = end;
    }
    writeFileAtomically(this.path, Buffer.concat(kept));
  }
}

/** Length (8 bytes) and its checksum (4). */
const HEADER = 12;

function record(data: Buffer): Buffer {
  const framed = Buffer.alloc(HEADER + data.length + 4);
  framed.writeBigUInt64LE(BigInt(data.length), 0);
  framed.writeUInt32LE(maskedCrc32c(framed.subarray(0, 8)), 8);
  data.copy(framed, HEADER);
  framed.writeUInt32LE(maskedCrc32c(data), HEADER + data.length);
  return framed;
}

/** Step of an event of ours: its second field, behind the wall time; 0 when it has none. */
function stepOf(event: Buffer): number {
  let at = 9;
  if (event[at++] !== 2 << 3) return 0;
  let step = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = event[at++]!;
    step += (byte & 127) * scale;
    if (byte < 128) return step;
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  bytes.push(value);
  return Buffer.from(bytes);
}

function varintField(number: number, value: number): Buffer {
  return Buffer.concat([Buffer.of(number << 3), varint(value)]);
}

function double(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = (number << 3) | 1;
  bytes.writeDoubleLE(value, 1);
  return bytes;
}

/** A field of bytes, text or a message. */
function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of((number << 3) | 2), varint(content.length), content]);
}

/** CRC-32C (Castagnoli), rotated and shifted as TFRecord has it, so that sums of sums stay sums. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
