import assert from 'node:assert/strict';
import {
  PAPER_BUDGETS,
  PAPER_SHARES,
  rlTokens,
  splitBudget,
  trainingFlops,
} from '../../src/analysis/index.ts';

/**
 * The paper's Table 3: budget in B tokens, steps of mid-training alone and of RL alone, RL samples in thousands, and
 * the steps of [mid-training, RL] for the shares 0.2, 0.5 and 0.8 of RL.
 */
const TABLE_3: readonly [number, number, number, number, ...[number, number][]][] = [
  [1.05, 2000, 50, 51.2, [1600, 10], [1000, 25], [400, 40]],
  [2.1, 4000, 100, 102.4, [3200, 20], [2000, 50], [800, 80]],
  [4.2, 8000, 200, 204.8, [6400, 40], [4000, 100], [1600, 160]],
  [8.4, 16_000, 400, 409.6, [12_800, 80], [8000, 200], [3200, 320]],
  [12.58, 24_000, 600, 614.4, [19_200, 120], [12_000, 300], [4800, 480]],
  [16.78, 32_000, 800, 819.2, [25_600, 160], [16_000, 400], [6400, 640]],
  [20, 38_147, 954, 976.6, [30_517, 191], [19_073, 477], [7629, 763]],
];

describe('compute budget', () => {
  it("gives every number of the paper's Table 3", () => {
    assert.equal(PAPER_BUDGETS.length, TABLE_3.length);
    TABLE_3.forEach(([billions, midAlone, rlAlone, samples, ...splits], i) => {
      const tokens = PAPER_BUDGETS[i]!;
      // The table rounds to hundredths of a billion and mostly to steps; 4.194 is shown as 4.20, 8.389 as 8.40.
      assert.ok(Math.abs(tokens / 1e9 - billions) < 0.012, `${tokens}`);
      assert.equal(splitBudget(tokens, PAPER_SHARES['full-mid']!).mid_steps, midAlone);
      const rl = splitBudget(tokens, PAPER_SHARES['full-rl']!);
      assert.equal(rl.rl_steps, rlAlone);
      assert.ok(Math.abs(rl.rl_prompts / 1000 - samples) < 0.05, `${rl.rl_prompts}`);
      assert.deepEqual([rl.mid_steps, rl.mid_tokens], [0, 0]);
      ['light-rl', 'medium-rl', 'heavy-rl'].forEach((name, at) => {
        const { mid_steps, rl_steps } = splitBudget(tokens, PAPER_SHARES[name]!);
        const [mid, steps] = splits[at]!;
        // The table cuts 30,517.6 and 19,073.5 and rounds 7,629.4 and 190.7; a step is 0.5 of neither.
        assert.ok(
          Math.abs(mid_steps - mid) <= 1 && rl_steps === steps,
          `${tokens} ${name} ${mid_steps} ${rl_steps}`,
        );
      });
    });
  });

  it('counts what a rollout costs', () => {
    // 51,200 prompts × 6 rollouts × 2048 tokens × 5/3 = 1.0486 B; without a reference model 4/3 instead of 5/3.
    assert.equal(Math.round(rlTokens(51_200)), 1_048_576_000);
    const costs = { rollouts: 6, length: 2048, reference: 0 };
    assert.ok(Math.abs(rlTokens(51_200, costs) / rlTokens(51_200) - 0.8) < 1e-12);
    assert.equal(trainingFlops(1e8, 1e10), 6e18);
    // Measured lengths of 600 tokens buy 2048/600 as many prompts.
    const nominal = splitBudget(1e9, 0.5).rl_prompts;
    assert.ok(Math.abs(splitBudget(1e9, 0.5, { length: 600 }).rl_prompts / nominal - 2048 / 600) < 1e-9);
  });

  it('spends all of the budget', () => {
    for (const share of [0, 0.2, 0.37, 1]) {
      const { mid_tokens, rl_tokens, rl_prompts, tokens } = splitBudget(3e9, share);
      assert.ok(Math.abs(mid_tokens + rl_tokens - tokens) < 1);
      assert.ok(Math.abs(rlTokens(rl_prompts) - rl_tokens) < 1);
    }
  });

  it('refuses numbers that are no budget', () => {
    const cases: [number, number, object][] = [
      [0, 0.5, {}],
      [Number.NaN, 0.5, {}],
      [1e9, -0.1, {}],
      [1e9, 1.1, {}],
      [1e9, Number.NaN, {}],
      [1e9, 0.5, { rollouts: 0 }],
      [1e9, 0.5, { length: -1 }],
      [1e9, 0.5, { reference: 2 }],
      [1e9, 0.5, { batchTokens: Number.POSITIVE_INFINITY }],
      [1e9, 0.5, { promptsPerStep: 0 }],
    ];
    for (const [tokens, share, options] of cases) {
      assert.throws(() => splitBudget(tokens, share, options), { code: 'BUDGET' });
    }
  });
});
