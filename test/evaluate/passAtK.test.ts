import assert from 'node:assert/strict';
import { randomFamily } from '../../src/core/index.ts';
import { majAtK, meanAtK, passAtK, passHatK } from '../../src/evaluate/passAtK.ts';

/** Share of the subsets of size k for which `good` holds; the first c of n elements are the correct ones. */
function share(n: number, c: number, k: number, good: (correct: number) => boolean): number {
  let all = 0;
  let hits = 0;
  for (let subset = 0; subset < 1 << n; subset++) {
    let size = 0;
    let correct = 0;
    for (let i = 0; i < n; i++) {
      if (!(subset & (1 << i))) continue;
      size++;
      if (i < c) correct++;
    }
    if (size !== k) continue;
    all++;
    if (good(correct)) hits++;
  }
  return hits / all;
}

describe('pass@k', () => {
  it('equals the count over all subsets', () => {
    for (let n = 1; n <= 9; n++) {
      for (let c = 0; c <= n; c++) {
        for (let k = 1; k <= n; k++) {
          // 1e-12: both sides round a few dozen operations on numbers up to 1.
          const anyRight = share(n, c, k, (correct) => correct > 0);
          assert.ok(Math.abs(passAtK(n, c, k) - anyRight) < 1e-12, `pass@k ${n} ${c} ${k}`);
          const allRight = share(n, c, k, (correct) => correct === k);
          assert.ok(Math.abs(passHatK(n, c, k) - allRight) < 1e-12, `pass^k ${n} ${c} ${k}`);
        }
      }
    }
  });

  it('equals exact integer arithmetic where the binomials leave the range of doubles', () => {
    const exact = (n: number, c: number, k: number): number => {
      let top = 1n;
      let bottom = 1n;
      for (let i = 0; i < k; i++) {
        top *= BigInt(Math.max(0, n - c - i));
        bottom *= BigInt(n - i);
      }
      const scale = 10n ** 17n;
      return Number(((bottom - top) * scale) / bottom) / 1e17;
    };
    for (const [n, c, k] of [
      [128, 1, 64],
      [200, 5, 10],
      [200, 5, 100],
      [1024, 1, 128],
      [1024, 300, 7],
      [2048, 2, 1024],
    ] as const) {
      // 1e-14: at most min(c, k) rounded factors, each within 2⁻⁵³.
      assert.ok(Math.abs(passAtK(n, c, k) - exact(n, c, k)) < 1e-14, `${n} ${c} ${k}`);
    }
  });

  it('equals published values', () => {
    // Of the human-eval formula, computed with exact integers.
    for (const [n, c, k, value] of [
      [8, 2, 4, 0.7857142857142857],
      [16, 1, 8, 0.5],
      [128, 1, 64, 0.5],
      [128, 3, 128, 1],
      [128, 0, 128, 0],
      [200, 5, 10, 0.22828446073733422],
      [200, 5, 100, 0.9703083947657067],
      [1024, 1, 128, 0.125],
      [4, 2, 1, 0.5],
    ] as const) {
      assert.ok(Math.abs(passAtK(n, c, k) - value) < 1e-14, `${n} ${c} ${k}`);
      // "All right" is "none wrong".
      assert.ok(Math.abs(passHatK(n, n - c, k) - (1 - value)) < 1e-14, `${n} ${c} ${k}`);
    }
  });

  it('has plain ends', () => {
    assert.equal(passAtK(10, 0, 10), 0);
    assert.equal(passAtK(10, 1, 10), 1);
    assert.equal(passAtK(4, 2, 1), 0.5);
    assert.ok(Math.abs(passAtK(10, 3, 1) - 0.3) < 1e-15);
  });

  it('is undefined when there are fewer samples than k', () => {
    assert.ok(Number.isNaN(passAtK(4, 4, 5)));
    assert.ok(Number.isNaN(passHatK(4, 4, 5)));
    assert.ok(Number.isNaN(passAtK(0, 0, 1)));
    assert.ok(Number.isNaN(meanAtK(4, 4, 5)));
    assert.equal(meanAtK(4, 3, 2), 0.75);
    assert.ok(Number.isNaN(majAtK(2, [1], 1, 5)));
  });

  it('refuses impossible counts', () => {
    for (const [n, c, k] of [
      [4, 5, 1],
      [4, -1, 1],
      [4, 1, 0],
      [4, 1.5, 1],
    ] as const) {
      assert.throws(() => passAtK(n, c, k), /internal error/);
    }
  });
});

/** Votes of drawn samples: 0 for the right answer, 1… for wrong ones, -1 for none. The right one's share of the top. */
function vote(drawn: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const answer of drawn) if (answer >= 0) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  const most = Math.max(0, ...counts.values());
  if (most === 0 || (counts.get(0) ?? 0) < most) return 0;
  return 1 / [...counts.values()].filter((count) => count === most).length;
}

function ballots(right: number, wrong: readonly number[], silent: number): number[] {
  return [
    ...new Array<number>(right).fill(0),
    ...wrong.flatMap((count, i) => new Array<number>(count).fill(i + 1)),
    ...new Array<number>(silent).fill(-1),
  ];
}

describe('maj@k', () => {
  it('equals the count over all subsets', () => {
    for (const [right, wrong, silent] of [
      [3, [2], 0],
      [1, [1], 1],
      [2, [2, 2], 2],
      [4, [3, 1], 1],
      [2, [1, 1, 1, 1], 3],
      [5, [], 4],
      [0, [3], 2],
      [3, [3, 3], 0],
      [1, [], 0],
      [4, [5], 0],
    ] as const) {
      const answers = ballots(right, wrong, silent);
      for (let k = 1; k <= answers.length; k++) {
        let all = 0;
        let sum = 0;
        for (let subset = 0; subset < 1 << answers.length; subset++) {
          const drawn = answers.filter((_, i) => subset & (1 << i));
          if (drawn.length !== k) continue;
          all++;
          sum += vote(drawn);
        }
        const value = majAtK(right, wrong, silent, k);
        // 1e-12: some hundred rounded operations on numbers up to 1.
        assert.ok(
          Math.abs(value - sum / all) < 1e-12,
          `${right} ${wrong} ${silent} @${k}: ${value} ${sum / all}`,
        );
      }
    }
  });

  it('equals a simulation of many samples', () => {
    const draws = 20_000;
    for (const [right, wrong, silent, k] of [
      [20, [18, 10, 6], 10, 16],
      [40, [45, 3], 40, 32],
      [100, [60, 60, 20, 10, 5], 1, 8],
    ] as const) {
      const stream = randomFamily('maj@k', right, k).at(0);
      const answers = ballots(right, wrong, silent);
      let sum = 0;
      for (let draw = 0; draw < draws; draw++) {
        for (let i = 0; i < k; i++) {
          const j = stream.integer(i, answers.length - 1);
          [answers[i], answers[j]] = [answers[j]!, answers[i]!];
        }
        sum += vote(answers.slice(0, k));
      }
      // Four standard errors of a share of 20,000 draws, at most 0.5/√20,000 each.
      assert.ok(Math.abs(majAtK(right, wrong, silent, k) - sum / draws) < 4 * 0.0036);
    }
  });

  it('stays within range for many samples', () => {
    assert.equal(majAtK(600, [424], 0, 1024), 1);
    assert.equal(majAtK(424, [600], 0, 1024), 0);
    assert.ok(Math.abs(majAtK(512, [512], 0, 511) - 0.5) < 1e-9); // as likely one as the other
    assert.ok(Math.abs(majAtK(512, [512], 0, 1024) - 0.5) < 1e-12); // a tie
    assert.ok(Math.abs(majAtK(512, [256], 256, 1) - 0.5) < 1e-12); // maj@1 is mean@1
  });
});
