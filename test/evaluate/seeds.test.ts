import assert from 'node:assert/strict';
import { meanOverSeeds } from '../../src/evaluate/index.ts';

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-4, `${actual} instead of ${expected}`);

describe('meanOverSeeds', () => {
  it('has the intervals of the table of t', () => {
    // t(2) = 4.30265, t(3) = 3.18245, t(9) = 2.26216 at 97.5 %; t(2) = 2.91999 at 95 %.
    const three = meanOverSeeds([1, 2, 3]);
    assert.deepEqual([three.mean, three.sd, three.n], [2, 1, 3]);
    close(three.high - 2, 4.30265 / Math.sqrt(3));
    close(2 - three.low, 4.30265 / Math.sqrt(3));
    close(meanOverSeeds([1, 2, 3], 0.9).high - 2, 2.91999 / Math.sqrt(3));
    const four = meanOverSeeds([0, 0, 2, 2]);
    close(four.high, 1 + (3.18245 * Math.sqrt(4 / 3)) / 2);
    const ten = meanOverSeeds([1, 1, 1, 1, 1, -1, -1, -1, -1, -1]);
    close(ten.high, (2.26216 * Math.sqrt(10 / 9)) / Math.sqrt(10));
  });

  it('knows no interval of one run', () => {
    const { mean, low, high, sd, n } = meanOverSeeds([0.25]);
    assert.deepEqual([mean, low, high, sd, n], [0.25, Number.NaN, Number.NaN, Number.NaN, 1]);
  });

  it('is a point where all runs agree', () => {
    const { low, high } = meanOverSeeds([0.5, 0.5, 0.5]);
    assert.deepEqual([low, high], [0.5, 0.5]);
  });
});
