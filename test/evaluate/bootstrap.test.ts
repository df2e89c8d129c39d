import assert from 'node:assert/strict';
import { randomFamily } from '../../src/core/index.ts';
import { bootstrapMeans, passAtK } from '../../src/evaluate/index.ts';

const streams = randomFamily('bootstrap test', 1);

describe('bootstrapMeans', () => {
  it('covers the true pass@k about as often as it says', () => {
    // 400 evaluations of 100 problems × 16 samples. A problem's chance of success is uniform, so that the true
    // pass@k is the mean of 1 − (1−p)^k, which is 1 − 1/(k+1).
    const trials = 400;
    const ks = [1, 4, 8];
    const covered = ks.map(() => 0);
    const draws = randomFamily('coverage', 7);
    for (let trial = 0; trial < trials; trial++) {
      const stream = draws.at(trial);
      const counts = Array.from({ length: 100 }, () => {
        const p = stream.uniform();
        let c = 0;
        for (let i = 0; i < 16; i++) if (stream.chance(p)) c++;
        return c;
      });
      const columns = ks.map((k) => counts.map((c) => passAtK(16, c, k)));
      const estimates = bootstrapMeans(columns, {
        streams: randomFamily('coverage bootstrap', trial),
        replicates: 400,
      });
      estimates.forEach(({ low, high }, i) => {
        const truth = 1 - 1 / (ks[i]! + 1);
        if (low <= truth && truth <= high) covered[i]!++;
      });
    }
    // 92–97 %: the binomial's standard error for 400 trials at 95 % is 1.1 points, and the percentile interval of
    // 100 problems is known to cover up to a point less than its level.
    covered.forEach((count, i) => {
      const share = count / trials;
      assert.ok(share >= 0.92 && share <= 0.97, `pass@${ks[i]} covered ${share}`);
    });
  });

  it('is wider when problems come in clusters of equals', () => {
    const values = Array.from({ length: 60 }, (_, i) => Math.floor(i / 6) % 2);
    const clusters = values.map((_, i) => Math.floor(i / 6));
    const [alone] = bootstrapMeans([values], { streams });
    const [clustered] = bootstrapMeans([values], { streams, clusters });
    assert.equal(alone!.value, clustered!.value);
    // 10 clusters instead of 60 problems: the standard error grows by √6 ≈ 2.4; 1.8 leaves room for 1,000 draws.
    assert.ok(clustered!.high - clustered!.low > 1.8 * (alone!.high - alone!.low));
  });

  it('gives Wilson intervals when nothing varies, as the bootstrap then gives a point', () => {
    const [zero, one] = bootstrapMeans([new Array(10).fill(0), new Array(10).fill(1)], { streams });
    // Wilson's 95 % interval for 0 of 10 ends at 0.2775 (any table); the other end is its mirror image.
    assert.deepEqual([zero!.low, one!.high], [0, 1]);
    assert.ok(Math.abs(zero!.high - 0.2775) < 5e-5 && Math.abs(one!.low - 0.7225) < 5e-5);
  });

  it('is undefined where it cannot be known', () => {
    const [undefinedMean, half] = bootstrapMeans(
      [
        [0, Number.NaN, 1],
        [0, 0.5, 1],
      ],
      { streams },
    );
    assert.ok([undefinedMean!.value, undefinedMean!.low, undefinedMean!.high].every(Number.isNaN));
    assert.equal(half!.value, 0.5);
    const [single] = bootstrapMeans([[0.25]], { streams });
    assert.equal(single!.value, 0.25);
    assert.ok(Number.isNaN(single!.low) && Number.isNaN(single!.high));
  });

  it('depends on the seed alone', () => {
    const values = [0, 0.5, 1, 0.25, 0.75];
    assert.deepEqual(
      bootstrapMeans([values], { streams }),
      bootstrapMeans([values, values], { streams }).slice(0, 1),
    );
    const other = bootstrapMeans([values], { streams: randomFamily('bootstrap test', 2), replicates: 50 });
    assert.notDeepEqual(other, bootstrapMeans([values], { streams, replicates: 50 }));
  });
});
