import assert from 'node:assert/strict';
import fc from 'fast-check';
import { addRollout, emptySums, rolloutWeights } from '../../src/rl/objective.ts';
import { AGGREGATIONS, type Objective, objectiveSchema } from '../../src/rl/options.ts';
import type { ScoredRollout } from '../../src/rl/types.ts';
import { type PlainBatch, plainLoss } from './reference.ts';

/** Every combination of options, with lengths as they come from a run. */
const options: fc.Arbitrary<Objective> = fc
  .record({
    ratio: fc.constantFrom('token' as const, 'sequence' as const),
    aggregation: fc.constantFrom(...AGGREGATIONS),
    const_norm_length: fc.constantFrom(4, 100),
    clip: fc.record({
      low: fc.constantFrom(0.2, 0.5, 1),
      high: fc.constantFrom(0.2, 0.28),
      dual: fc.constantFrom(null, 1.5, 3),
      log_ratio_limit: fc.constantFrom(null, 20, 1.01),
    }),
    kl: fc.record({
      beta: fc.constantFrom(0, 0.04, 1),
      estimator: fc.constantFrom('k1' as const, 'k2' as const, 'k3' as const, 'abs' as const),
      in: fc.constantFrom('loss' as const, 'reward' as const),
      log_ratio_limit: fc.constantFrom(null, 20, 1.01),
      limit: fc.constantFrom(null, 10, 0.5),
    }),
    entropy: fc.record({ bonus: fc.constantFrom(0, 0.01, -0.3), top_quantile: fc.constantFrom(1, 0.2, 0.7) }),
  })
  .map((given) => objectiveSchema.parse(given) as Objective);

/** Log-ratios on a grid that meets no kink (0, the clips and limits) exactly, far beyond all of them. */
const offGrid = fc.integer({ min: -30, max: 30 }).map((i) => i / 8 + 1 / 32);
const far = fc.oneof(
  { weight: 9, arbitrary: offGrid },
  { weight: 1, arbitrary: fc.constantFrom(-25.03125, 25.03125) },
);

const token = fc.record({
  current: fc.integer({ min: -64, max: -1 }).map((i) => i / 16),
  entropies: fc.integer({ min: 0, max: 40 }).map((i) => i / 16),
  ratio: far,
  referenceRatio: far,
  oldEntropies: fc.integer({ min: 0, max: 6 }).map((i) => i / 2), // ties
  advantages: fc.constantFrom(-2, -0.5, 0, 0.75, 1.5),
  mask: fc.constantFrom(0, 1, 1, 1),
});

const batches: fc.Arbitrary<PlainBatch> = fc
  .array(fc.array(token, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 })
  .filter((responses) => responses.some((tokens) => tokens.some(({ mask }) => mask === 1)))
  .map((responses) => {
    const each = (of: (t: (typeof responses)[number][number]) => number) =>
      responses.map((tokens) => tokens.map(of));
    return {
      current: each((t) => t.current),
      entropies: each((t) => t.entropies),
      old: each((t) => t.current - t.ratio),
      oldEntropies: each((t) => t.oldEntropies),
      reference: each((t) => t.current - t.referenceRatio),
      advantages: each((t) => t.advantages),
      mask: each((t) => t.mask),
    };
  });

const floats = (values: readonly number[]): Float32Array => Float32Array.from(values);

function rolloutsOf(batch: PlainBatch): ScoredRollout[] {
  return batch.old.map((old, i) => ({
    group: 0,
    prompt: [0],
    response: old.map(() => 0),
    truncated: false,
    reward: 0,
    oldLogProbabilities: floats(old),
    oldEntropies: floats(batch.oldEntropies[i]!),
    referenceLogProbabilities: floats(batch.reference[i]!),
    advantages: floats(batch.advantages[i]!),
    mask: floats(batch.mask[i]!),
  }));
}

/** Sums and slopes of the whole batch. */
function evaluate(batch: PlainBatch, objective: Objective) {
  const rollouts = rolloutsOf(batch);
  const weights = rolloutWeights(rollouts, objective);
  const sums = emptySums();
  const slopes = rollouts.map((rollout, i) => {
    const current = {
      logProbabilities: floats(batch.current[i]!),
      entropies: floats(batch.entropies[i]!),
    };
    return addRollout(rollout, weights[i]!, current, objective, sums);
  });
  return { sums, slopes };
}

/** Central difference of the naive loss by one number of the batch. */
function difference(
  batch: PlainBatch,
  objective: Objective,
  which: 'current' | 'entropies',
  i: number,
  t: number,
): number {
  const moved = (by: number) => {
    const values = batch[which].map((row) => row.slice());
    values[i]![t]! += by;
    return plainLoss({ ...batch, [which]: values }, objective);
  };
  return (moved(1e-6) - moved(-1e-6)) / 2e-6;
}

const paper = (given = {}): Objective => objectiveSchema.parse(given);

describe('rl: the objective', () => {
  it('has the value and the derivatives of the formulas, for every combination of options', () => {
    fc.assert(
      fc.property(options, batches, (objective, batch) => {
        const { sums, slopes } = evaluate(batch, objective);
        const expected = plainLoss(batch, objective);
        const size = 1 + Math.abs(expected);
        // Sums of the same float64 terms in another order; terms may be far larger than their sum.
        assert.ok(Math.abs(sums.loss - expected) <= 1e-9 * size, `loss ${sums.loss}, expected ${expected}`);
        for (const [i, row] of batch.current.entries()) {
          for (const t of row.keys()) {
            for (const [which, found] of [
              ['current', slopes[i]!.logProbabilities[t]!],
              ['entropies', slopes[i]!.entropies[t]!],
            ] as const) {
              const slope = difference(batch, objective, which, i, t);
              // Of a difference of step 1e-6: 1e-10 of the loss by rounding, 1e-12 of the slope by curvature.
              const allowed = 1e-8 * (1 + Math.abs(slope)) + 1e-9 * size;
              assert.ok(
                Math.abs(found - slope) <= allowed,
                `${which} ${i} ${t}: ${found}, expected ${slope}`,
              );
            }
          }
        }
      }),
      { numRuns: 200, seed: 8 },
    );
  });

  it("has k2's gradient where asked for, with the value of the estimator", () => {
    fc.assert(
      fc.property(options, batches, (given, batch) => {
        const plain: Objective = { ...given, kl: { ...given.kl, gradient: 'own' } };
        const mixed: Objective = { ...given, kl: { ...given.kl, gradient: 'k2' } };
        const k2: Objective = { ...given, kl: { ...given.kl, estimator: 'k2' } };
        assert.equal(evaluate(batch, mixed).sums.loss, evaluate(batch, plain).sums.loss);
        assert.deepEqual(evaluate(batch, mixed).slopes, evaluate(batch, k2).slopes);
      }),
      { numRuns: 100, seed: 8 },
    );
  });

  it('computes the paper’s loss by hand', () => {
    // Two responses, three tokens; ratios 2, 1, 1/2; advantages 1, 1, −1; the reference as likely, twice and twice.
    const batch: PlainBatch = {
      current: [[-1, -2], [-1]],
      entropies: [[0.5, 1], [1.5]],
      old: [[-1 - Math.log(2), -2], [-1 + Math.log(2)]],
      oldEntropies: [[0, 0], [0]],
      reference: [[-1, -2 + Math.log(2)], [-1 + Math.log(2)]],
      advantages: [[1, 1], [-1]],
      mask: [[1, 1], [1]],
    };
    const { sums, slopes } = evaluate(batch, paper());
    // Policy: −1.2 (clipped above), −1, +0.8 (clipped below): −1.4 / 3. k3 of e^x = 2: 2 − ln 2 − 1 = 0.30685.
    const k3 = 1 - Math.log(2);
    const close = (x: number, y: number, what: string) =>
      assert.ok(Math.abs(x - y) < 1e-7, `${what}: ${x}, expected ${y}`); // inputs are float32
    close(sums.policyLoss, -1.4 / 3, 'policy loss');
    close(sums.loss, -1.4 / 3 + (0.001 * 2 * k3) / 3, 'loss');
    close(sums.kl, 2 * k3, 'kl');
    close(sums.entropy, 3, 'entropy');
    close(sums.ratio, 3.5, 'ratio');
    close(sums.ratioMin, 0.5, 'ratio min');
    close(sums.ratioMax, 2, 'ratio max');
    assert.deepEqual(sums.clipped, { low: 1, high: 1, dual: 0 });
    assert.equal(sums.tokens, 3);
    // Slopes: clipped tokens have KL's alone, 0.001 · (1 − 2)/3; the first has none (ratio to the reference 1).
    close(slopes[0]!.logProbabilities[0]!, 0, 'slope 0');
    close(slopes[0]!.logProbabilities[1]!, -1 / 3 - 0.001 / 3, 'slope 1');
    close(slopes[1]!.logProbabilities[0]!, -0.001 / 3, 'slope 2');
  });

  it('keeps masked tokens out of the loss, its divisors and the statistics', () => {
    fc.assert(
      fc.property(options, batches, batches, (objective, batch, other) => {
        const out = { ...other, mask: other.mask.map((row) => row.map(() => 0)) };
        const both = Object.fromEntries(
          Object.keys(batch).map((key) => [key, [...batch[key as 'old'], ...out[key as 'old']]]),
        ) as unknown as PlainBatch;
        assert.deepEqual(evaluate(both, objective).sums, evaluate(batch, objective).sums);
        const { slopes } = evaluate(both, objective);
        for (const { logProbabilities: a, entropies: b } of slopes.slice(batch.old.length)) {
          assert.ok(
            [...a, ...b].every((slope) => slope === 0),
            'a masked token has a slope',
          );
        }
      }),
      { numRuns: 100, seed: 8 },
    );
  });

  it('says NaN of the KL when nothing was scored by a reference, and refuses KL in the loss', () => {
    const [rollout] = rolloutsOf({
      current: [[-1]],
      entropies: [[1]],
      old: [[-1]],
      oldEntropies: [[1]],
      reference: [[-1]],
      advantages: [[1]],
      mask: [[1]],
    });
    const { referenceLogProbabilities: _none, ...without } = rollout!;
    const current = { logProbabilities: floats([-1]), entropies: floats([1]) };
    const run = (objective: Objective) => {
      const sums = emptySums();
      addRollout(without, rolloutWeights([without], objective)[0]!, current, objective, sums);
      return sums;
    };
    assert.ok(Number.isNaN(run(paper({ preset: 'dapo' })).kl), 'kl is a number');
    assert.throws(() => run(paper()), /not scored by a reference/);
  });
});
