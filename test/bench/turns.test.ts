import assert from 'node:assert/strict';
import { NoiseMeter } from '../../bench/noise.ts';
import { geometricMean, median } from '../../bench/statistics.ts';
import { turns } from '../../bench/turns.ts';

/** A meter that finds the rounds disturbed that it is told to. */
class Scripted extends NoiseMeter {
  private round = 0;

  constructor(private readonly noisy: readonly number[]) {
    super();
  }

  override disturbed(): boolean {
    return this.noisy.includes(this.round++);
  }
}

describe('turns', () => {
  const record = () => {
    const order: string[] = [];
    let count = 0;
    const contestant = (name: string) => () => {
      order.push(name);
      return [count++];
    };
    return { order, a: contestant('a'), b: contestant('b') };
  };

  it('alternate, in the opposite order every other round', async () => {
    const { order, a, b } = record();
    const measured = await turns({ a, b }, 3, new Scripted([]));
    assert.deepEqual(order, ['a', 'b', 'b', 'a', 'a', 'b']);
    assert.deepEqual(measured, { a: [0, 3, 4], b: [1, 2, 5] });
  });

  it('repeat disturbed rounds, but not for ever', async () => {
    const { a, b } = record();
    const noise = new Scripted([0, 2, 3]);
    const measured = await turns({ a, b }, 2, noise, 2);
    // Round 0 is repeated as round 1, then 2 as 3; that is disturbed as well but kept.
    assert.deepEqual(measured, { a: [2, 7], b: [3, 6] });
    assert.equal(noise.count.repeated, 2);
  });
});

describe('statistics of the benchmarks', () => {
  it('take the middle', () => {
    assert.equal(median([5, 1, 3]), 3);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.ok(Number.isNaN(median([])));
  });

  it('take geometric means', () => {
    assert.ok(Math.abs(geometricMean([2, 8, 4]) - 4) < 1e-12);
  });
});

describe('noise', () => {
  it('counts the processor time of others, not ours', function () {
    if (process.platform !== 'linux') this.skip();
    const ours = new NoiseMeter();
    ours.start();
    const end = performance.now() + 300;
    while (performance.now() < end);
    ours.disturbed();
    assert.equal(ours.count.measured, 1);
    assert.match(ours.summary(), /in [01] of 1 rounds others used more than 10 % of a core/);
  });
});
