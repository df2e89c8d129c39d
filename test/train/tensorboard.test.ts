import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EVENT_FILE, EventWriter, maskedCrc32c } from '../../src/train/tensorboard.ts';

/** CRC-32C bit by bit, from its definition: the polynomial 0x1EDC6F41 over bits reflected, all ones in and out. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const out = (crc ^ (byte >>> bit)) & 1;
      crc = (crc >>> 1) ^ (out * 0x82f63b78);
    }
  }
  return ~crc >>> 0;
}

const masked = (bytes: Uint8Array) => {
  const crc = BigInt(slowCrc32c(bytes));
  const rotated = ((crc >> 15n) | (crc << 17n)) & 0xffffffffn;
  return Number((rotated + 0xa282ead8n) & 0xffffffffn);
};

/** Fields of a protocol buffer: number → values, by the wire format's own types. */
function message(bytes: Buffer): Map<number, (bigint | Buffer)[]> {
  const fields = new Map<number, (bigint | Buffer)[]>();
  let at = 0;
  const varint = () => {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (size: number) => {
    at += size;
    return bytes.subarray(at - size, at);
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const type = key & 7;
    const value = type === 0 ? varint() : take(type === 1 ? 8 : type === 5 ? 4 : Number(varint()));
    fields.set(key >>> 3, [...(fields.get(key >>> 3) ?? []), value]);
  }
  assert.equal(at, bytes.length);
  return fields;
}

interface Event {
  wallTime: number;
  step: number;
  version?: string;
  scalars: Record<string, number>;
}

/** The events of a file, every checksum verified. */
function readEvents(path: string): Event[] {
  const bytes = readFileSync(path);
  const events: Event[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    assert.equal(bytes.readUInt32LE(at + 8), masked(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    assert.equal(bytes.readUInt32LE(at + 12 + length), masked(data));
    at += 16 + length;
    const event = message(data);
    const scalars = (event.get(5) ?? []).flatMap((summary) =>
      (message(summary as Buffer).get(1) ?? []).map((value) => {
        const { 1: tag, 2: simple } = Object.fromEntries(message(value as Buffer));
        return [String(tag![0]), (simple![0] as Buffer).readFloatLE()] as const;
      }),
    );
    const version = event.get(3)?.[0];
    events.push({
      wallTime: (event.get(1)![0] as Buffer).readDoubleLE(),
      step: Number(event.get(2)?.[0] ?? 0n),
      ...(version === undefined ? {} : { version: String(version) }),
      scalars: Object.fromEntries(scalars),
    });
  }
  return events;
}

describe('TensorBoard events', () => {
  let run: string;
  beforeEach(() => {
    run = mkdtempSync(join(tmpdir(), 'interplay-'));
  });
  afterEach(() => rmSync(run, { recursive: true }));
  const file = () => join(run, EVENT_FILE);

  it('have the checksums of RFC 3720', () => {
    // crc32c('123456789') = 0xe3069283, the check value of the polynomial.
    assert.equal(slowCrc32c(Buffer.from('123456789')), 0xe3069283);
    for (const text of ['', 'a', '123456789']) {
      assert.equal(maskedCrc32c(Buffer.from(text)), masked(Buffer.from(text)));
    }
  });

  it('are what was written', () => {
    let now = 1.5e9;
    const writer = new EventWriter(run, () => now++);
    writer.scalars(1, 'train', { loss: 2.5, tokens: 100 });
    writer.scalars(3_000_000_000, 'timing', { mfu: 0.25 });
    assert.deepEqual(readEvents(file()), [
      { wallTime: 1.5e9, step: 0, version: 'brain.Event:2', scalars: {} },
      { wallTime: 1.5e9 + 1, step: 1, scalars: { 'train/loss': 2.5, 'train/tokens': 100 } },
      { wallTime: 1.5e9 + 2, step: 3_000_000_000, scalars: { 'timing/mfu': 0.25 } },
    ]);
  });

  it('are dropped behind the step that a run resumes from, also half an event', () => {
    const writer = new EventWriter(run, () => 7);
    for (const step of [1, 200, 300]) writer.scalars(step, 'train', { loss: step });
    appendFileSync(file(), Buffer.alloc(20, 1)); // a length that goes beyond the file
    const again = new EventWriter(run, () => 8);
    again.rewindTo(200);
    again.scalars(201, 'train', { loss: 0 });
    assert.deepEqual(
      readEvents(file()).map(({ step }) => step),
      [0, 1, 200, 201],
    );
  });
});
