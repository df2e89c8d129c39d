import assert from 'node:assert/strict';
import { type PackedBatch, pack } from '../../src/train/index.ts';
import { type LengthWarmup, limitLength, warmupLength } from '../../src/train/lengthWarmup.ts';

describe('sequence-length warm-up', () => {
  it('grows linearly in multiples of 8; after it texts are whole', () => {
    const warmup: LengthWarmup = { from: 8, to: 64, steps: 7, how: 'rechunk' };
    assert.deepEqual(
      [0, 1, 2, 6].map((step) => warmupLength(warmup, step)),
      [8, 16, 24, 56],
    );
    assert.equal(warmupLength({ ...warmup, to: 60 }, 1), 8); // 15.4
    assert.equal(warmupLength(warmup, 7), Number.POSITIVE_INFINITY);
  });

  const batch: PackedBatch = {
    ...pack([
      [1, 2, 3, 4, 5, 6],
      [7, 8],
    ]),
    weights: Float32Array.of(0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
  };

  it('goes on in a new segment: every token is still predicted', () => {
    assert.deepEqual(limitLength(batch, 2, 'rechunk'), {
      ids: batch.ids,
      targets: batch.targets,
      weights: batch.weights,
      positions: Int32Array.of(0, 1, 0, 1, 0, 0),
      segments: Int32Array.of(0, 2, 4, 5, 6),
    });
  });

  it('or drops what is behind the length, as published', () => {
    assert.deepEqual(limitLength(batch, 2, 'truncate'), {
      ids: Int32Array.of(1, 2, 7),
      targets: Int32Array.of(2, 3, 8),
      weights: Float32Array.of(0.1, 0.2, 0.6),
      positions: Int32Array.of(0, 1, 0),
      segments: Int32Array.of(0, 2, 3),
    });
  });

  it('leaves short texts as they are', () => {
    for (const how of ['rechunk', 'truncate'] as const) {
      assert.equal(limitLength(batch, 5, how), batch);
      assert.equal(limitLength(batch, Number.POSITIVE_INFINITY, how), batch);
    }
  });
});
