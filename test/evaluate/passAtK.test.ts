import assert from 'node:assert/strict';
import { passAtK, passHatK } from '../../src/evaluate/passAtK.ts';

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
    // Published value of the human-eval formula.
    assert.ok(Math.abs(passAtK(8, 2, 4) - 0.7857142857142857) < 1e-15);
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
