import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { InterplayError } from '../../src/core/errors.ts';
import { readSafetensors, type TensorToStore, writeSafetensors } from '../../src/model/safetensors.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/safetensors/${name}`, import.meta.url));

interface Expected {
  shape: number[];
  /** Integers, or the bits of float32 values. */
  values: number[];
}
const expected = JSON.parse(readFileSync(fixture('expected.json'), 'utf8')) as Record<
  'mixed' | 'plain',
  Record<string, Expected>
>;

const bitsOf = (data: Float32Array | Int32Array) =>
  data instanceof Int32Array ? [...data] : [...new Uint32Array(data.buffer, data.byteOffset, data.length)];
const floatsOf = (bits: number[]) => new Float32Array(Uint32Array.from(bits).buffer);

describe('safetensors', () => {
  let folder = '';
  let file = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
    file = join(folder, 'x.safetensors');
  });
  after(() => rmSync(folder, { recursive: true }));

  it("reads every type of the reference implementation's file, to the bit", () => {
    const tensors = readSafetensors(fixture('mixed.safetensors'));
    assert.deepEqual([...tensors.keys()].sort(), Object.keys(expected.mixed).sort());
    for (const [name, { shape, values }] of Object.entries(expected.mixed)) {
      assert.deepEqual(tensors.get(name)!.shape, shape, name);
      assert.deepEqual(bitsOf(tensors.get(name)!.data), values, name);
    }
    assert.deepEqual(
      ['half', 'wide', 'brain', 'single', 'integer', 'long'].map((name) => tensors.get(name)!.dtype),
      ['F16', 'F64', 'BF16', 'F32', 'I32', 'I64'],
    );
  });

  it('writes the bytes that the reference implementation writes', () => {
    const tensors = Object.entries(expected.plain).map(
      ([name, { shape, values }]): [string, TensorToStore] => [
        name,
        { shape, data: name === 'ids' ? Int32Array.from(values) : floatsOf(values) },
      ],
    );
    writeSafetensors(file, tensors.reverse());
    assert.deepEqual(readFileSync(file), readFileSync(fixture('plain.safetensors')));
    assert.deepEqual(readdirSync(folder), ['x.safetensors'], 'no temporary file is left');
  });

  it('gives back what was written, whatever the names, shapes and bits', () => {
    const tensor = fc
      .tuple(fc.array(fc.nat(4), { maxLength: 3 }), fc.boolean(), fc.infiniteStream(fc.nat(2 ** 32 - 1)))
      .map(([shape, integers, stream]) => {
        const count = shape.reduce((product, length) => product * length, 1);
        const bits = Uint32Array.from({ length: count }, () => stream.next().value as number);
        return { shape, data: integers ? new Int32Array(bits.buffer) : new Float32Array(bits.buffer) };
      });
    const name = fc.string({ unit: 'binary', maxLength: 8 }).filter((text) => text !== '__metadata__');
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 5 }),
        (tensors) => {
          writeSafetensors(file, tensors);
          const read = readSafetensors(file);
          assert.equal(read.size, tensors.length);
          for (const [key, { shape, data }] of tensors) {
            assert.deepEqual(read.get(key)!.shape, shape);
            assert.deepEqual(bitsOf(read.get(key)!.data), bitsOf(data));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('writes views of larger arrays, and no metadata when there is none', () => {
    writeSafetensors(file, [['v', { shape: [2], data: new Float32Array([1, 2, 3, 4]).subarray(1, 3) }]], {});
    assert.deepEqual([...readSafetensors(file).get('v')!.data], [2, 3]);
    assert.ok(!readFileSync(file, 'latin1').includes('__metadata__'));
  });

  it('refuses to write values that do not fill the shape, a name twice or the reserved name; writes nothing', () => {
    const data = new Float32Array(2);
    const never = join(folder, 'never.safetensors');
    assert.throws(() => writeSafetensors(never, [['a', { shape: [3], data }]]), /internal error: tensor a/);
    const twice = { shape: [2], data };
    assert.throws(
      () =>
        writeSafetensors(never, [
          ['a', twice],
          ['b', twice],
          ['a', twice],
        ]),
      /tensor name a/,
    );
    assert.throws(() => writeSafetensors(never, [['__metadata__', twice]]), /tensor name __metadata__/);
    assert.deepEqual(readdirSync(folder), ['x.safetensors']);
  });

  describe('hostile files', () => {
    /** A file of a header text and bytes; `length` replaces the honest header length. */
    const put = (header: string, bytes: number, length = Buffer.byteLength(header)) => {
      const head = Buffer.alloc(8);
      head.writeBigUInt64LE(BigInt(length));
      writeFileSync(file, Buffer.concat([head, Buffer.from(header), Buffer.alloc(bytes)]));
    };
    const refused = (names: RegExp) =>
      assert.throws(
        () => readSafetensors(file),
        (error: InterplayError) => {
          assert.equal(error.code, 'SAFETENSORS');
          assert.match(error.message, /x\.safetensors/);
          assert.match(error.message, names);
          return true;
        },
      );
    const entry = (dtype: unknown, shape: unknown, offsets: unknown) =>
      JSON.stringify({ dtype, shape, data_offsets: offsets });
    const f32 = entry('F32', [2], [0, 8]);

    const cases: [string, string, number, RegExp][] = [
      ['a header that is no JSON', '{"a": ', 0, /JSON header/],
      ['a header that is a list', '[]', 0, /JSON object/],
      ['a name twice', `{"a":${f32},"a":${f32}}`, 8, /"a" twice/],
      ['a name twice, once in escapes', `{"a":${f32},"\\u0061":${f32}}`, 8, /"a" twice/],
      [
        'a field twice',
        '{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
        8,
        /"dtype" twice/,
      ],
      ['overlapping tensors', `{"a":${f32},"b":${entry('F32', [2], [4, 12])}}`, 12, /tensor b/],
      ['two tensors on the same bytes', `{"a":${f32},"b":${f32}}`, 8, /tensor b/],
      ['a gap between tensors', `{"a":${f32},"b":${entry('F32', [1], [12, 16])}}`, 16, /tensor b/],
      ['a gap at the start', `{"a":${entry('F32', [2], [4, 12])}}`, 12, /tensor a/],
      ['bytes behind the last tensor', `{"a":${f32}}`, 9, /8 bytes of data/],
      ['bytes that are missing', `{"a":${f32}}`, 7, /8 bytes of data/],
      ['bytes without any tensor', '{}', 4, /0 bytes of data/],
      ['a shape that does not fit', `{"a":${entry('F32', [3], [0, 8])}}`, 8, /"a" F32 \[3\] of 12 bytes/],
      ['a type that does not fit', `{"a":${entry('F16', [2], [0, 8])}}`, 8, /"a" F16/],
      ['an unknown type', `{"a":${entry('F8_E4M3', [8], [0, 8])}}`, 8, /"a" of dtype/],
      ['a type from the prototype', `{"a":${entry('toString', [8], [0, 8])}}`, 8, /"a" of dtype/],
      ['no type', `{"a":${entry(undefined, [2], [0, 8])}}`, 8, /"a" of dtype/],
      ['a negative dimension', `{"a":${entry('F32', [-2, -1], [0, 8])}}`, 8, /"a" with a shape/],
      ['a fractional dimension', `{"a":${entry('F32', [0.5, 4], [0, 8])}}`, 8, /"a" with a shape/],
      ['a shape that overflows', `{"a":${entry('F32', [2 ** 52, 2 ** 52, 0.0], [0, 8])}}`, 8, /"a"/],
      [
        'a shape that overflows to infinity',
        `{"a":${entry('F32', Array(40).fill(2 ** 50), [0, 8])}}`,
        8,
        /"a"/,
      ],
      ['offsets backwards', `{"a":${entry('F32', [2], [8, 0])}}`, 8, /"a" F32/],
      ['one offset', `{"a":${entry('F32', [2], [8])}}`, 8, /data_offsets/],
      ['an entry that is null', '{"a":null}', 0, /"a" as an object/],
      ['an entry nested without end', `{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`, 0, /JSON object/],
      ['metadata that is a number', `{"__metadata__":5,"a":${f32}}`, 8, /__metadata__/],
      ['metadata that is a list', `{"__metadata__":["a"],"a":${f32}}`, 8, /__metadata__/],
      ['metadata of numbers', `{"__metadata__":{"format":1},"a":${f32}}`, 8, /__metadata__/],
      ['an integer beyond 32 bits', '', 0, /32-bit integers/],
    ];
    for (const [name, header, bytes, names] of cases) {
      it(`refuses ${name}`, () => {
        put(header, bytes);
        if (header === '') {
          const text = `{"a":${entry('I64', [1], [0, 8])}}`;
          put(text, 8);
          const content = readFileSync(file);
          content.writeBigInt64LE(2n ** 31n, 8 + text.length);
          writeFileSync(file, content);
        }
        refused(names);
      });
    }

    it('refuses header lengths beyond the file or beyond reason', () => {
      for (const length of [3, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
        put('{}', 0, length);
        refused(/header/);
      }
      writeFileSync(file, Buffer.alloc(8, 0xff));
      refused(/header length/);
    });

    it('refuses every truncation of a good file', () => {
      const good = readFileSync(fixture('mixed.safetensors'));
      for (let length = 0; length < good.length; length++) {
        writeFileSync(file, good.subarray(0, length));
        refused(/./);
      }
    });

    it('answers any changed byte with a coded error or tensors of a sound shape', () => {
      const good = readFileSync(fixture('mixed.safetensors'));
      const headerEnd = 8 + Number(good.readBigUInt64LE(0));
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat(headerEnd - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
          (edits) => {
            const content = Buffer.from(good);
            for (const [at, byte] of edits) content[at] = byte;
            writeFileSync(file, content);
            try {
              for (const { shape, data } of readSafetensors(file).values()) {
                assert.equal(
                  data.length,
                  shape.reduce((product, length) => product * length, 1),
                );
              }
            } catch (error) {
              assert.ok(error instanceof InterplayError, String(error));
            }
          },
        ),
        { numRuns: 500 },
      );
    });

    it('says when there is no file, or a folder', () => {
      assert.throws(() => readSafetensors(join(folder, 'absent')), {
        code: 'INPUT_UNREADABLE',
        message: /absent/,
      });
      assert.throws(() => readSafetensors(folder), { code: 'INPUT_UNREADABLE' });
    });
  });
});
