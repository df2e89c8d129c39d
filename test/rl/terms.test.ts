/** The parts of the objective one by one, with the arithmetic written out. */
import assert from 'node:assert/strict';
import { tokenWeights, topEntropyMasks } from '../../src/rl/aggregation.ts';
import { klTerm, sequenceKl } from '../../src/rl/kl.ts';
import {
  type ClipOptions,
  clipSchema,
  type KlOptions,
  klSchema,
  overlongSchema,
} from '../../src/rl/options.ts';
import { lossMask, overlongPenalty } from '../../src/rl/overlong.ts';
import { policyTerm } from '../../src/rl/policy.ts';
import { groupKind, hasSignal } from '../../src/rl/signal.ts';

const near = (x: number, y: number, what = ''): void =>
  assert.ok(Math.abs(x - y) <= 1e-12 * (1 + Math.abs(y)), `${what} ${x}, expected ${y}`);
const floats = (...values: number[]): Float32Array => Float32Array.from(values);

describe('rl: the policy term', () => {
  const term = (ratio: number, advantage: number, given: Partial<ClipOptions> = {}) =>
    policyTerm(Math.log(ratio), advantage, clipSchema.parse(given));

  it('is −ρA inside the clip range, with slope −ρA by the log-ratio', () => {
    for (const [ratio, advantage, value] of [
      [1, 2, -2],
      [1.1, 2, -2.2],
      [0.5, 2, -1], // below, but the advantage is positive: the minimum is the unclipped
      [2, -1, 2], // above, but negative
    ] as const) {
      const found = term(ratio, advantage);
      near(found.value, value);
      near(found.slope, value);
      assert.equal(found.clipped, undefined);
    }
  });

  it('stops at 1 + high for good tokens, at 1 − low for bad ones', () => {
    assert.deepEqual(term(1.5, 2), { value: -2.4, slope: 0, clipped: 'high' }); // 1.2 · 2
    assert.deepEqual(term(0.5, -2), { value: 1.6, slope: 0, clipped: 'low' }); // 0.8 · 2
    near(term(1.27, 1, { high: 0.28 }).value, -1.27); // clip-higher: 1.28 is the bound
    assert.deepEqual(term(1.29, 1, { high: 0.28 }), { value: -1.28, slope: 0, clipped: 'high' });
  });

  it('bounds the loss of bad tokens by the dual clip', () => {
    near(term(2.9, -1).value, 2.9);
    assert.deepEqual(term(3.5, -1), { value: 3, slope: 0, clipped: 'dual' });
    near(term(3.5, -1, { dual: null }).value, 3.5);
    near(term(50, -2, { dual: 10 }).value, 20);
    assert.equal(term(3.5, 1).clipped, 'high');
  });

  it('clamps the log-ratio before exp', () => {
    const far = policyTerm(25, -1, clipSchema.parse({ dual: null }));
    near(far.value, Math.exp(20));
    assert.equal(far.slope, 0);
    near(policyTerm(25, -1, clipSchema.parse({ dual: null, log_ratio_limit: null })).value, Math.exp(25));
    near(policyTerm(-25, 1, clipSchema.parse({})).value, -Math.exp(-20));
  });

  it('gives no advantage no loss', () => {
    assert.equal(Math.abs(term(5, 0).value), 0);
    assert.equal(Math.abs(term(5, 0).slope), 0);
    assert.equal(term(5, 0).clipped, undefined);
  });
});

describe('rl: KL estimators', () => {
  const at = (d: number, given: Partial<KlOptions> = {}) => klTerm(-1, -1 - d, klSchema.parse(given));

  it('k1, k2, k3 and abs of d = log p − log ref = ±½', () => {
    for (const [estimator, d, value, slope] of [
      ['k1', 0.5, 0.5, 1],
      ['k1', -0.5, -0.5, 1],
      ['k2', 0.5, 0.125, 0.5],
      ['k2', -0.5, 0.125, -0.5],
      ['abs', 0.5, 0.5, 1],
      ['abs', -0.5, 0.5, -1],
      ['k3', 0.5, Math.exp(-0.5) + 0.5 - 1, 1 - Math.exp(-0.5)],
      ['k3', -0.5, Math.exp(0.5) - 0.5 - 1, 1 - Math.exp(0.5)],
    ] as const) {
      const found = at(d, { estimator });
      near(found.value, value, estimator);
      near(found.slope, slope, `slope of ${estimator}`);
    }
    for (const estimator of ['k1', 'k2', 'k3', 'abs'] as const) assert.equal(at(0, { estimator }).value, 0);
  });

  it("clamps k3 as verl's low_var_kl: −d to ±20, the value to ±10", () => {
    // e^3 − 3 − 1 = 16.09 > 10; e^2 − 2 − 1 = 4.389.
    assert.deepEqual(at(-3), { value: 10, slope: 0 });
    near(at(-2).value, Math.exp(2) - 3);
    near(at(-3, { limit: null }).value, Math.exp(3) - 4);
    near(at(-30, { limit: null }).value, Math.exp(20) - 21);
    assert.equal(at(-30, { limit: null }).slope, 0);
    // d = 30: e^−20 + 20 − 1, above 10.
    assert.equal(at(30).value, 10);
    near(at(30, { limit: null, log_ratio_limit: null }).value, Math.exp(-30) + 29);
    near(at(-30, { estimator: 'k2' }).value, 450); // only k3 is clamped
  });

  it('estimates without bias: the mean of k1 and of k3 over the policy is the KL, k2’s gradient is its gradient', () => {
    // Three tokens, policy p = softmax(z), reference q. Exact expectations instead of samples.
    const z = [0.3, -0.2, 0.9];
    const q = [0.5, 0.2, 0.3];
    const p = (logits: number[]) => {
      const total = logits.reduce((sum, x) => sum + Math.exp(x), 0);
      return logits.map((x) => Math.exp(x) / total);
    };
    const kl = (logits: number[]) => p(logits).reduce((sum, x, i) => sum + x * Math.log(x / q[i]!), 0);
    const expected = (given: Partial<KlOptions>) =>
      p(z).reduce(
        (sum, x, i) => sum + x * klTerm(Math.log(x), Math.log(q[i]!), klSchema.parse(given)).value,
        0,
      );
    near(expected({ estimator: 'k1' }), kl(z));
    near(expected({ estimator: 'k3' }), kl(z));
    // ∂/∂z_j: Σ_i p_i · slope_i · (δ_ij − p_j).
    const gradient = (j: number) =>
      p(z).reduce((sum, x, i) => {
        const { slope } = klTerm(Math.log(x), Math.log(q[i]!), klSchema.parse({ gradient: 'k2' }));
        return sum + x * slope * ((i === j ? 1 : 0) - p(z)[j]!);
      }, 0);
    for (let j = 0; j < 3; j++) {
      const moved = (by: number) => kl(z.map((x, i) => (i === j ? x + by : x)));
      const difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
      assert.ok(Math.abs(gradient(j) - difference) < 1e-9, `${j}: ${gradient(j)}, expected ${difference}`);
    }
  });

  it('adds up over a response for KL in the reward', () => {
    // d = ½ and −1 by k1: −½; by k2: 0.125 + 0.5.
    const sum = (estimator: 'k1' | 'k2') =>
      sequenceKl(floats(-1, -2), floats(-1.5, -1), klSchema.parse({ estimator }));
    assert.equal(sum('k1'), -0.5);
    assert.equal(sum('k2'), 0.625);
  });
});

describe('rl: aggregation', () => {
  // Responses of 2 and 3 tokens, the last token of the second and all of the third out of the loss.
  const masks = [floats(1, 1), floats(1, 0, 1), floats(0, 0)];
  const of = (...args: Parameters<typeof tokenWeights>) =>
    tokenWeights(...args).map((row) => Array.from(row));

  it('gives each token its weight', () => {
    assert.deepEqual(of(masks, 'token_mean'), [
      [1 / 4, 1 / 4],
      [1 / 4, 0, 1 / 4],
      [0, 0],
    ]);
    assert.deepEqual(of(masks, 'seq_mean_token_mean'), [
      [1 / 4, 1 / 4],
      [1 / 4, 0, 1 / 4],
      [0, 0],
    ]);
    assert.deepEqual(of(masks, 'seq_mean_token_sum'), [
      [1 / 2, 1 / 2],
      [1 / 2, 0, 1 / 2],
      [0, 0],
    ]);
    assert.deepEqual(of(masks, 'const_norm', 10), [
      [1 / 20, 1 / 20],
      [1 / 20, 0, 1 / 20],
      [0, 0],
    ]);
    // Unequal lengths tell the means apart: 1/4 each, or 1/2 · 1 and 1/2 · 1/3.
    const unequal = [floats(1), floats(1, 1, 1)];
    assert.deepEqual(of(unequal, 'token_mean'), [[1 / 4], [1 / 4, 1 / 4, 1 / 4]]);
    assert.deepEqual(of(unequal, 'seq_mean_token_mean'), [[1 / 2], [1 / 6, 1 / 6, 1 / 6]]);
  });

  it('gives no weight, and no NaN, when nothing bears loss', () => {
    for (const how of ['token_mean', 'seq_mean_token_mean', 'seq_mean_token_sum', 'const_norm'] as const) {
      assert.deepEqual(of([floats(0, 0)], how, 5), [[0, 0]]);
    }
  });

  it('needs a length for the constant', () => {
    assert.throws(() => tokenWeights(masks, 'const_norm'), /without a length/);
  });

  it('keeps the tokens of highest entropy', () => {
    const entropies = [floats(3, 1), floats(5, 9, 2)]; // 9 is out of the loss
    const ones = [floats(1, 1), floats(1, 0, 1)];
    const kept = (share: number) => topEntropyMasks(entropies, ones, share).map((row) => Array.from(row));
    assert.deepEqual(kept(1), [
      [1, 1],
      [1, 0, 1],
    ]);
    assert.deepEqual(kept(0.5), [
      [1, 0],
      [1, 0, 0],
    ]); // 2 of 4: 5 and 3
    assert.deepEqual(kept(0.2), [
      [0, 0],
      [1, 0, 0],
    ]); // ⌈0.8⌉ = 1
    assert.deepEqual(kept(0.51), [
      [1, 0],
      [1, 0, 1],
    ]); // ⌈2.04⌉ = 3
    const ties = topEntropyMasks([floats(1, 2, 2, 0)], [floats(1, 1, 1, 1)], 0.25);
    assert.deepEqual(Array.from(ties[0]!), [0, 1, 1, 0]);
  });
});

describe('rl: long responses', () => {
  it('punishes softly: the check values of METHODS §6.3', () => {
    const dapo = overlongSchema.parse({ mode: 'soft', l_max: 20480, l_cache: 4096 });
    const lengths = [100, 16384, 17408, 18432, 20480, 20481];
    assert.deepEqual(
      lengths.map((length) => overlongPenalty(length, false, dapo)),
      [0, 0, -0.25, -0.5, -1, -1],
    );
    assert.equal(overlongPenalty(18432, false, { ...dapo, factor: 2 }), -1);
    assert.equal(overlongPenalty(50, true, dapo), -1); // cut off: longer than allowed, wherever that was
  });

  it('masks what was cut off', () => {
    const penalty = (mode: 'none' | 'mask') => overlongPenalty(9, true, overlongSchema.parse({ mode }));
    assert.deepEqual([penalty('none'), penalty('mask')], [0, 0]);
    const mask = (mode: 'none' | 'mask' | 'soft', truncated: boolean) =>
      Array.from(lossMask(2, truncated, overlongSchema.parse({ mode })));
    assert.deepEqual(mask('mask', true), [0, 0]);
    assert.deepEqual(mask('mask', false), [1, 1]);
    assert.deepEqual(mask('soft', true), [1, 1]);
    assert.deepEqual(mask('none', true), [1, 1]);
  });
});

describe('rl: signal of a group', () => {
  it('is any difference of its values, by exact equality over the whole group', () => {
    assert.equal(hasSignal([1, 1, 1, 1]), false);
    assert.equal(hasSignal([0.1, 0.1, 0.1]), false); // though their floating deviation is not 0
    assert.equal(hasSignal([1, 1, 1, 0]), true); // from the last one's peers it would seem to have none
    assert.equal(hasSignal([0.5, 0.5 + Number.EPSILON]), true);
    assert.equal(hasSignal([1, Number.NaN, 1]), false);
    assert.equal(hasSignal([Number.NaN, 1, 0]), true);
    assert.equal(hasSignal([]), false);
  });

  it('tells all right, all wrong and mixed apart', () => {
    assert.equal(groupKind([true, true]), 'all_correct');
    assert.equal(groupKind([false, false]), 'all_wrong');
    assert.equal(groupKind([false, true]), 'mixed');
  });
});
