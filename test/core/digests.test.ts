import assert from 'node:assert/strict';
import { DigestSet, digest64 } from '../../src/core/digests.ts';
import { randomFamily } from '../../src/core/random.ts';

describe('digest set', () => {
  it('knows what it has, like a Set, with half of what comes known', () => {
    const set = new DigestSet();
    const plain = new Set<string>();
    const random = randomFamily('test digests').at(0);
    for (let i = 0; i < 60_000; i++) {
      // 40,000 different digests: about half are repeats by the end.
      const [high, low] = digest64(String(random.below(40_000)));
      const size = plain.size;
      plain.add(`${high} ${low}`);
      assert.equal(set.add(high, low), plain.size > size);
    }
    assert.equal(set.size, plain.size);
  });

  it('takes at most 12.5 bytes a digest', () => {
    const set = new DigestSet();
    for (let i = 0; i < 120_000; i++) {
      set.add(...digest64(String(i)));
      if (i > 50_000 && i % 10_000 === 0) assert.ok(set.bytes <= 12.6 * set.size, `${set.bytes / set.size}`);
    }
  });

  it('holds digests that crowd into one place, and all words at their ends', () => {
    const set = new DigestSet();
    const ends: [number, number][] = [
      [0, 1],
      [0, 0xffffffff],
      [0xffffffff, 0],
      [0xffffffff, 0xffffffff],
    ];
    for (const [high, low] of ends) assert.ok(set.add(high, low));
    for (let i = 1; i < 2000; i++) assert.ok(set.add(i, 0xffffffff), 'past the end of the table');
    for (const [high, low] of ends) assert.ok(!set.add(high, low));
    for (let i = 1; i < 2000; i++) assert.ok(!set.add(i, 0xffffffff));
    assert.ok(!set.add(0, 0), 'shares the place of 0, 1');
  });

  it('takes the first 64 bits of SHA-256', () => {
    assert.deepEqual(digest64('abc'), [0xba7816bf, 0x8f01cfea]);
  });
});
