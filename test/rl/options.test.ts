import assert from 'node:assert/strict';
import { objectiveSchema, PRESET_NAMES, resolveLengths } from '../../src/rl/options.ts';
import { parseSettings } from '../../src/train/index.ts';

const parse = (given: unknown) => parseSettings(objectiveSchema, given, 'the test');

describe('rl: options of the objective', () => {
  it("defaults to the paper's (PAPER §5.2)", () => {
    const paper = parse({});
    assert.equal(paper.preset, 'paper');
    assert.deepEqual(paper.advantage, {
      baseline: 'mean',
      scale: 'group',
      std: 'sample',
      epsilon: 1e-6,
      single: 'reward',
    });
    assert.deepEqual(paper.clip, { low: 0.2, high: 0.2, dual: 3, log_ratio_limit: 20 });
    const { beta, estimator, in: where, limit } = paper.kl;
    assert.deepEqual(
      { beta, estimator, where, limit },
      { beta: 0.001, estimator: 'k3', where: 'loss', limit: 10 },
    );
    assert.equal(paper.aggregation, 'token_mean');
    assert.equal(paper.entropy.bonus, 0);
    assert.equal(paper.dynamic_sampling, null);
  });

  it('has presets that parse, and parse to themselves again', () => {
    for (const preset of PRESET_NAMES) {
      const once = parse({ preset });
      assert.deepEqual(parse(JSON.parse(JSON.stringify(once))), once);
    }
  });

  it('lays what is given over the preset', () => {
    const dapo = parse({ preset: 'dapo', clip: { low: 0.1 }, dynamic_sampling: { max_batches: 3 } });
    assert.deepEqual(dapo.clip, { low: 0.1, high: 0.28, dual: null, log_ratio_limit: 20 });
    assert.deepEqual(dapo.dynamic_sampling, {
      metric: 'outcome',
      max_batches: 3,
      on_exhausted: 'train_short',
    });
    assert.equal(parse({ preset: 'dapo', dynamic_sampling: null }).dynamic_sampling, null);
  });

  it('refuses unknown names, and KL without a reference', () => {
    assert.throws(() => parse({ preset: 'ppo' }), /preset/);
    assert.throws(() => parse({ clip: { upper: 1 } }), /upper/);
    assert.throws(() => parse({ preset: 'dapo', kl: { beta: 0.1 } }), /kl\.beta: needs a reference/);
    assert.throws(() => parse({ reference: { kind: 'refreshed' } }), /every belongs to kind refreshed/);
    assert.throws(() => parse({ reference: { every: 5 } }), /every belongs to kind refreshed/);
    assert.throws(() => parse([]), /settings/);
  });

  it('takes lengths from the run where none are given', () => {
    const soft = resolveLengths(parse({ preset: 'dapo' }), 128).overlong;
    assert.deepEqual([soft.l_max, soft.l_cache], [128, 26]); // a fifth
    const given = resolveLengths(parse({ preset: 'dapo', overlong: { l_max: 100, l_cache: 10 } }), 128);
    assert.deepEqual([given.overlong.l_max, given.overlong.l_cache], [100, 10]);
    assert.equal(resolveLengths(parse({ preset: 'dr_grpo' }), 128).const_norm_length, 128);
    assert.equal(resolveLengths(parse({}), 128).const_norm_length, undefined);
    assert.throws(
      () => resolveLengths(parse({ preset: 'dapo', overlong: { l_cache: 200 } }), 128),
      /l_cache at most l_max \(128\), got 200/,
    );
  });
});
