import assert from 'node:assert/strict';
import { randomPermutation, SHUFFLED } from '../../src/core/permutation.ts';
import { randomFamily } from '../../src/core/random.ts';

describe('random permutation', () => {
  const family = randomFamily('test permutation', 1);

  for (const n of [1, 2, 7, 1000, SHUFFLED, SHUFFLED + 1, 100_003, 131_072]) {
    it(`is a bijection of ${n}`, () => {
      const permute = randomPermutation(n, family.at(n));
      const seen = new Uint8Array(n);
      for (let i = 0; i < n; i++) seen[permute(i)]!++;
      assert.ok(seen.every((count) => count === 1));
    });
  }

  it('is the same for the same stream and another for another', () => {
    const images = (key: number) => Array.from({ length: 100 }, (_, i) => permutations[key]!(i));
    const permutations = [5, 5, 6].map((index) => randomPermutation(1e6, family.at(index)));
    assert.deepEqual(images(0), images(1));
    assert.notDeepEqual(images(0), images(2));
  });

  it('stays in range where n is as large as indices get', () => {
    const n = 2 ** 52 - 5;
    const permute = randomPermutation(n, family.at(1));
    const images = Array.from({ length: 1000 }, (_, i) => permute(i));
    assert.equal(new Set(images).size, 1000);
    assert.ok(images.every((image) => Number.isInteger(image) && image >= 0 && image < n));
  });

  it('sends neighbours and equal places of different keys far apart, as chance would', () => {
    // Over keys, the place of index 0 and the step to index 1 fill 16 bins evenly: χ² with 15 degrees of freedom
    // exceeds 50 with probability 1e-5.
    const n = 100_000;
    const places = new Array<number>(16).fill(0);
    const steps = new Array<number>(16).fill(0);
    const draws = 4000;
    for (let key = 0; key < draws; key++) {
      const permute = randomPermutation(n, family.at(key));
      const [first, second] = [permute(0), permute(1)];
      places[Math.floor((16 * first) / n)]!++;
      steps[Math.floor((16 * ((second - first + n) % n)) / n)]!++;
    }
    for (const bins of [places, steps]) {
      const chi2 = bins.reduce((sum, count) => sum + (count - draws / 16) ** 2 / (draws / 16), 0);
      assert.ok(chi2 < 50, `${chi2}`);
    }
  });
});
