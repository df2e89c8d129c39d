import assert from 'node:assert/strict';
import fc from 'fast-check';
import { nextSequences, pack } from '../../src/train/packing.ts';

describe('packing', () => {
  it('shifts by one, restarts positions and marks segments', () => {
    assert.deepEqual(
      pack([
        [5, 6, 7],
        [8, 9],
      ]),
      {
        ids: Int32Array.of(5, 6, 8),
        positions: Int32Array.of(0, 1, 0),
        targets: Int32Array.of(6, 7, 9),
        segments: Int32Array.of(0, 2, 3),
      },
    );
  });

  it('packs nothing into nothing', () => {
    assert.deepEqual(pack([]), {
      ids: new Int32Array(0),
      positions: new Int32Array(0),
      targets: new Int32Array(0),
      segments: Int32Array.of(0),
    });
  });

  it('takes every sequence once, in order, and never exceeds the batch', () => {
    const texts = fc.array(fc.array(fc.nat(99), { minLength: 2, maxLength: 9 }), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(texts, fc.integer({ min: 8, max: 30 }), (sequences, maxRows) => {
        const endless = { at: (i: number) => sequences[i % sequences.length]! };
        let at = 0;
        while (at < sequences.length) {
          const { sequences: taken, next } = nextSequences(endless, at, maxRows);
          const rows = taken.reduce((sum, s) => sum + s.length - 1, 0);
          assert.ok(rows <= maxRows);
          assert.deepEqual(
            taken,
            Array.from({ length: next - at }, (_, i) => endless.at(at + i)),
          );
          assert.ok(rows + endless.at(next).length - 1 > maxRows, 'one more would have fitted');
          at = next;
        }
      }),
    );
  });

  it('refuses a sequence that can never fit', () => {
    assert.throws(() => nextSequences({ at: () => [1, 2, 3, 4] }, 0, 2), {
      code: 'SEQUENCE_TOO_LONG',
      message: 'expected sequences of at most 2 tokens, got 3 tokens in training text 0; raise batch_tokens',
    });
  });
});
