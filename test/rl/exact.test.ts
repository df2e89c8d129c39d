/** What must be exact: the ratio before the first update, and weights under rewards that are all equal. */
import assert from 'node:assert/strict';
import { useBackend } from '../../src/backend/index.ts';
import { randomFamily } from '../../src/core/random.ts';
import { createQwen2, disposeQwen2 } from '../../src/model/index.ts';
import { scoreTokens } from '../../src/rl/score.ts';
import { policyUpdates, updatePolicy } from '../../src/rl/update.ts';
import { AdamW } from '../../src/train/index.ts';
import { backendsHere, testedBackends } from '../backends.ts';
import { TINY, tinyModel, valuesOf } from '../train/tiny.ts';
import { ADAMW, madeUpRollouts, OPTIONS, objective, scored } from './tiny.ts';

for (const backend of testedBackends) {
  describe(`rl: ratio and flat rewards on ${backend}`, () => {
    before(async function () {
      if (!(await backendsHere()).includes(backend)) this.skip();
      await useBackend(backend);
    });

    it('has a ratio of exactly 1 for every token at the first update, however rollouts were scored', () => {
      // Sizes that are no multiples of what kernels work in.
      const config = { ...TINY, hidden_size: 24, intermediate_size: 50, initializer_range: 0.3 };
      const model = createQwen2(config, 3);
      const optimizer = new AdamW(model.parameters, ADAMW);
      const rollouts = madeUpRollouts(4, 3);
      const ready = scored(model, rollouts);
      for (const [microBatchTokens, ratio] of [
        [1, 'token'],
        [1000, 'token'],
        [30, 'sequence'],
      ] as const) {
        scoreTokens(model, rollouts, { temperature: 0.9, microBatchTokens }).forEach((scores, i) => {
          ready[i]!.oldLogProbabilities = scores.logProbabilities;
        });
        const [first, second] = updatePolicy(model, optimizer, ready, {
          ...OPTIONS,
          objective: objective({ ratio }),
          temperature: 0.9,
          microBatchTokens: 70,
          groupsPerMiniBatch: 2,
          order: randomFamily('ratio').at(0),
        }).updates;
        // Least and greatest: so it is every token's.
        assert.deepEqual([first!.ratio_min, first!.ratio_mean, first!.ratio_max], [1, 1, 1]);
        assert.deepEqual([first!.clip_fraction_low, first!.clip_fraction_high], [0, 0]);
        assert.ok(second!.ratio_min < 1 && second!.ratio_max > 1, 'the second update is off policy');
      }
      optimizer.dispose();
      disposeQwen2(model);
    });

    it('leaves the weights as they are when all rewards are equal, with KL to themselves, and decays them alone', () => {
      const model = tinyModel(5);
      const before = valuesOf(model.parameters);
      const rollouts = scored(model, madeUpRollouts(3, 2));
      for (const { advantages } of rollouts) advantages.fill(0);
      for (const kl of [{ beta: 0 }, { beta: 0.5 }]) {
        const optimizer = new AdamW(model.parameters, ADAMW);
        const { updates, mean } = updatePolicy(model, optimizer, rollouts, {
          ...OPTIONS,
          objective: objective({ kl }),
          epochs: 5,
        });
        assert.deepEqual(valuesOf(model.parameters), before);
        assert.equal(updates.length, 5);
        assert.deepEqual([mean.gradient_norm, mean.kl, mean.ratio_min, mean.ratio_max], [0, 0, 1, 1]);
        assert.ok(Object.values(mean).every(Number.isFinite), JSON.stringify(mean));
        optimizer.dispose();
      }
      const optimizer = new AdamW(model.parameters, { ...ADAMW, weightDecay: 0.5 });
      const options = { ...OPTIONS, objective: objective({ kl: { beta: 0 } }), epochs: 3 };
      for (const _each of policyUpdates(model, optimizer, rollouts, options));
      for (const [name, values] of valuesOf(model.parameters)) {
        const factor = model.parameters.get(name)!.rank === 2 ? (1 - 0.01 * 0.5) ** 3 : 1;
        values.forEach((x, i) => {
          const expected = before.get(name)![i]! * factor;
          assert.ok(
            Math.abs(x - expected) <= 1e-6 * Math.abs(expected),
            `${name}[${i}]: ${x}, expected ${expected}`,
          );
        });
      }
      optimizer.dispose();
      disposeQwen2(model);
    });
  });
}
