import assert from 'node:assert/strict';
import fc from 'fast-check';
import { philox4x32, randomFamily } from '../../src/core/random.ts';

describe('random', () => {
  // Known-answer vectors of the Random123 distribution (kat_vectors, philox4x32-10).
  const vectors = [
    { counter: [0, 0, 0, 0], key: [0, 0], want: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
    {
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      key: [0xffffffff, 0xffffffff],
      want: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      want: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    },
  ] as const;
  for (const { counter, key, want } of vectors) {
    it(`philox4x32-10 of counter ${counter[0].toString(16)}… is the published block`, () => {
      const out = new Uint32Array(4);
      const [c0, c1, c2, c3] = counter;
      philox4x32(out, c0, c1, c2, c3, key[0], key[1]);
      assert.deepEqual([...out], [...want]);
    });
  }

  it('gives the same draws for the same name and others for any other name', () => {
    const draws = (...parts: (string | number)[]) => {
      const stream = randomFamily('test', ...parts).at(7);
      return Array.from({ length: 8 }, () => stream.u32());
    };
    assert.deepEqual(draws('a', 1), draws('a', 1));
    assert.notDeepEqual(draws('a', 1), draws('a', 2));
    assert.notDeepEqual(draws('a', 11), draws('a1', 1));
    assert.notDeepEqual(draws('1'), draws(1));
  });

  it('neighbouring indices and subs share no draw', () => {
    const family = randomFamily('test', 1);
    const seen = new Set<number>();
    for (let index = 0; index < 20; index++)
      for (let sub = 0; sub < 5; sub++) {
        const stream = family.at(index, sub);
        for (let i = 0; i < 10; i++) seen.add(stream.uniform());
      }
    assert.equal(seen.size, 1000);
  });

  it('below(n) is uniform: chi-square of 60,000 draws over 6 cells stays under its 0.999 quantile', () => {
    const stream = randomFamily('chi-square').at(0);
    const cells = new Array<number>(6).fill(0);
    for (let i = 0; i < 60_000; i++) cells[stream.below(6)]!++;
    const chi2 = cells.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    assert.ok(chi2 < 20.52, `chi-square ${chi2}`); // 5 degrees of freedom
  });

  it('normal() has mean 0 and variance 1 within 4 standard errors', () => {
    const stream = randomFamily('normal').at(0);
    const n = 40_000;
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < n; i++) {
      const x = stream.normal();
      sum += x;
      squares += x * x;
    }
    assert.ok(Math.abs(sum / n) < 4 / Math.sqrt(n));
    assert.ok(Math.abs(squares / n - 1) < 4 * Math.sqrt(2 / n));
  });

  it('stays inside its bounds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), fc.integer({ min: 1, max: 2 ** 31 }), (index, n) => {
        const stream = randomFamily('bounds').at(index);
        const x = stream.below(n);
        assert.ok(Number.isInteger(x) && x >= 0 && x < n);
        const u = stream.uniform();
        assert.ok(u >= 0 && u < 1);
      }),
    );
    assert.equal(randomFamily('one').at(0).below(1), 0);
  });

  it('shuffle and sample keep the elements', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer(), { maxLength: 40 }), fc.nat(), (items, index) => {
        const sorted = (values: number[]) => values.slice().sort((a, b) => a - b);
        assert.deepEqual(sorted(randomFamily('s').at(index).shuffle(items.slice())), sorted(items));
        const some = randomFamily('s')
          .at(index)
          .sample(items, items.length >> 1);
        assert.equal(new Set(some).size, items.length >> 1);
        assert.ok(some.every((x) => items.includes(x)));
      }),
    );
  });

  it('weighted never draws weight 0 and follows the weights', () => {
    const stream = randomFamily('weighted').at(0);
    const counts = [0, 0, 0];
    for (let i = 0; i < 10_000; i++) counts[stream.weighted([1, 0, 3])]!++;
    assert.equal(counts[1], 0);
    assert.ok(Math.abs(counts[2]! / 10_000 - 0.75) < 4 * Math.sqrt((0.75 * 0.25) / 10_000));
  });
});
