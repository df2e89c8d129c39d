import assert from 'node:assert/strict';
import { textEquivalents, tokenBudget, trainingEquivalents } from '../../src/train/compute.ts';
import { parsePretrainConfig } from '../../src/train/index.ts';
import { configHash } from '../../src/train/runFolder.ts';

describe('compute of text in token equivalents', () => {
  it('is FLOPs over those of a trained token', () => {
    const P = 1000;
    for (const [tokens, trained, read] of [
      [300, 1, 0],
      [300, 2, 1],
      [7, 0, 2],
      [0, 1, 1],
    ] as const) {
      const flops = tokens * (trained * 6 * P + read * 2 * P);
      assert.ok(Math.abs(textEquivalents(tokens, { trained, read }) - flops / (6 * P)) < 1e-9, `${flops}`);
    }
  });

  it('counts the frozen models of ReMiT', () => {
    const remit = (delta_source: 'current' | 'frozen_base') =>
      parsePretrainConfig({ init: 'M', remit: { reference: 'R', delta_source } });
    assert.equal(trainingEquivalents(parsePretrainConfig({}), 900), 900);
    assert.equal(trainingEquivalents(remit('current'), 900), 1200);
    assert.equal(trainingEquivalents(remit('frozen_base'), 900), 1500);
  });

  it('buys tokens that cost the budget', () => {
    const of = (more: object) => parsePretrainConfig({ budget: { token_equivalents: 1e6 }, ...more });
    assert.equal(tokenBudget(of({})), 1e6);
    assert.ok(Math.abs(tokenBudget(of({ init: 'M', remit: { reference: 'R' } })) - 750_000) < 1e-6, 'remit');
    assert.equal(of({}).tokens, undefined);
    assert.deepEqual(parsePretrainConfig(of({})), of({}));
  });

  it('refuses a budget beside tokens, and one below a step', () => {
    const refused: [object, RegExp][] = [
      [{ tokens: 5000, budget: { token_equivalents: 5000 } }, /tokens or budget/],
      [{ budget: { token_equivalents: 2000 } }, /a budget of 2000 tokens/],
      [{ budget: { token_equivalents: 0 } }, /budget\.token_equivalents/],
      [{ budget: {} }, /budget\.token_equivalents/],
      [{ budget: { token_equivalents: 5000, lengths: 'nominal' } }, /budget/],
    ];
    for (const [input, message] of refused) {
      assert.throws(() => parsePretrainConfig(input), { code: 'CONFIG', message }, JSON.stringify(input));
    }
  });

  it('leaves the hash of settings without a budget as it was, so that earlier runs can be resumed', () => {
    assert.equal(configHash(parsePretrainConfig({})), 'fae84ef5b9c90deb');
    assert.equal(configHash(parsePretrainConfig({ tokens: 5000, seed: 3 })), '1ec22a0086e8a9e1');
  });
});
