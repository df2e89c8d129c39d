import assert from 'node:assert/strict';
import { type RandomStream, randomFamily } from '../../src/core/index.ts';
import { bootstrapMeans, type Estimate, passAtK } from '../../src/evaluate/index.ts';

const streams = randomFamily('bootstrap test', 1);

/** Beta(a, b) by Jöhnk's method. */
function beta(stream: RandomStream, a: number, b: number): number {
  for (;;) {
    const x = stream.uniform() ** (1 / a);
    const y = stream.uniform() ** (1 / b);
    if (x + y > 0 && x + y <= 1) return x / (x + y);
  }
}

function successes(stream: RandomStream, n: number, p: number): number {
  let c = 0;
  for (let i = 0; i < n; i++) if (stream.chance(p)) c++;
  return c;
}

/** Enough for coverage: the ends of an interval are the 5th and the 195th, and their noise hardly moves how often it covers. */
const REPLICATES = 200;

describe('bootstrapMeans', () => {
  // Evaluations of M problems × n samples; a problem's chance of success is Beta(a, b), so that the true pass@k is
  // 1 − Π (b + i)/(a + b + i), i < k.
  const priors: [problems: number, n: number, ks: number[], a: number, b: number][] = [
    [200, 16, [1, 8, 16], 0.3, 0.7],
    [50, 16, [1, 8], 0.3, 0.7],
    [200, 128, [1, 8, 16], 0.3, 0.7],
    [200, 128, [1, 8, 128], 0.1, 2],
  ];
  for (const [problems, n, ks, a, b] of priors) {
    it(`covers the true pass@${ks.join(', @')} of ${problems} problems × ${n} from Beta(${a}, ${b}) as it says`, () => {
      const trials = 400;
      const covered = ks.map(() => 0);
      const draws = randomFamily('coverage', problems, n, b * 10);
      for (let trial = 0; trial < trials; trial++) {
        const stream = draws.at(trial);
        const counts = Array.from({ length: problems }, () => successes(stream, n, beta(stream, a, b)));
        const estimates = bootstrapMeans(
          ks.map((k) => counts.map((c) => passAtK(n, c, k))),
          { streams: randomFamily('coverage bootstrap', trial), replicates: REPLICATES },
        );
        ks.forEach((k, i) => {
          let none = 1;
          for (let j = 0; j < k; j++) none *= (b + j) / (a + b + j);
          if (estimates[i]!.low <= 1 - none && 1 - none <= estimates[i]!.high) covered[i]!++;
        });
      }
      // 95 ± 3 %: three standard errors of the binomial for 400 trials.
      covered.forEach((count, i) => {
        const share = count / trials;
        assert.ok(share >= 0.92 && share <= 0.98, `pass@${ks[i]} covered ${share}`);
      });
    });
  }

  for (const [clusters, ks, low, high] of [
    [60, [1, 8], 0.92, 0.98],
    [10, [1], 0.92, 0.98],
    // So few say little about their own spread: wide intervals that still miss too often. With pass@8, which is near 1 for
    // most clusters, 10 are few as well.
    [10, [8], 0.8, 0.95],
    [4, [1], 0.8, 0.95],
  ] as const) {
    it(`covers pass@${ks.join(', @')} of ${clusters} clusters of correlated problems, as ignoring them does not`, () => {
      const trials = 400;
      const covered = { clustered: ks.map(() => 0), alone: ks.map(() => 0) };
      const draws = randomFamily('clustered coverage', clusters);
      for (let trial = 0; trial < trials; trial++) {
        const stream = draws.at(trial);
        const counts: number[] = [];
        const cluster: number[] = [];
        for (let i = 0; i < clusters; i++) {
          const p = stream.uniform(); // one for all problems of the cluster
          for (let j = 0; j < 5; j++) {
            counts.push(successes(stream, 16, p));
            cluster.push(i);
          }
        }
        const columns = ks.map((k) => counts.map((c) => passAtK(16, c, k)));
        const bootstrap = { streams: randomFamily('clustered bootstrap', trial), replicates: REPLICATES };
        const add = (name: keyof typeof covered, estimates: Estimate[]): void => {
          // For uniform p the true pass@k is 1 − 1/(k + 1).
          estimates.forEach((estimate, i) => {
            const truth = 1 - 1 / (ks[i]! + 1);
            if (estimate.low <= truth && truth <= estimate.high) covered[name][i]!++;
          });
        };
        add('clustered', bootstrapMeans(columns, { ...bootstrap, clusters: cluster }));
        add('alone', bootstrapMeans(columns, bootstrap));
      }
      ks.forEach((k, i) => {
        const share = covered.clustered[i]! / trials;
        assert.ok(share >= low && share <= high, `pass@${k} covered ${share}`);
        const naive = covered.alone[i]! / trials;
        assert.ok(naive < 0.85, `pass@${k} without clusters covered ${naive}`);
      });
    });
  }

  it('expands the percentiles of few problems as Student does', () => {
    // A column of four values 0, 0, 0, 1: means of replicates are Binomial(4, ¼)/4. With 3 degrees of freedom t = 3.182, so
    // each tail is 1 − Φ(√(4/3) · 3.182) = 1.2e-4 instead of 0.025: the extremes of 1,000 replicates, all but for the
    // share 0.12 of the way to the next.
    const [few] = bootstrapMeans([[0, 0, 0, 1]], { streams });
    assert.equal(few!.low, 0);
    assert.ok(few!.high >= 0.97 && few!.high <= 1, `${few!.high}`);
    // The usual percentiles end at 0.75: 1 of 256 replicates has mean 1, 13 of 256 have 0.75 or more.
    // With 400 problems the expansion moves the ends by less than a replicate's share.
    const many = Array.from({ length: 400 }, (_, i) => i % 4);
    const [wide] = bootstrapMeans([many.map((value) => value / 3)], { streams });
    const spread = Math.sqrt(5 / 36 / 400); // variance of 0, 1/3, 2/3, 1 is 5/36
    assert.ok(Math.abs(wide!.high - wide!.low - 2 * 1.96 * spread) < 0.1 * spread * 4);
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
