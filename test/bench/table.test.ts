import assert from 'node:assert/strict';
import { row } from '../../bench/table.ts';

describe('rows of the benchmarks', () => {
  it('have these keys and no others', () => {
    assert.deepEqual(row('work', 's', 6, { value: 3, name: 'other' }, 9), {
      work: 'work',
      ours: 6,
      unit: 's',
      peer: 3,
      peer_name: 'other',
      ratio: 2,
      limit: 9,
    });
  });

  it('have null for what is missing', () => {
    assert.deepEqual(row('work', 's', 6, undefined, null), {
      work: 'work',
      ours: 6,
      unit: 's',
      peer: null,
      peer_name: null,
      ratio: null,
      limit: null,
    });
  });
});
