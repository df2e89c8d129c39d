import assert from 'node:assert/strict';
import {
  createTaskSource,
  loadMixture,
  mixturePresets,
  parseOps,
  resolveMixture,
} from '../../src/tasks/index.ts';

describe('mixtures', () => {
  it('multiply and normalise weights, and join equal cells', () => {
    const cells = resolveMixture({
      components: [
        { weight: 3, contexts: { zoo: 2, school: 6 }, ops: '2-3' },
        { weight: 1, contexts: ['zoo'], ops: { 2: 1, 5: 1 } },
      ],
    });
    const table = cells.map(({ context, op, weight }) => [context.alias, op, weight]);
    assert.deepEqual(table, [
      ['zoo', 2, 0.21875], // 3/4 · 1/4 · 1/2 + 1/4 · 1/2
      ['zoo', 3, 0.09375],
      ['zoo', 5, 0.125],
      ['school', 2, 0.28125],
      ['school', 3, 0.28125],
    ]);
  });

  it('by name are all valid, within ops 2–20 of the paper’s world', () => {
    const names = Object.keys(mixturePresets());
    assert.ok(names.length >= 50);
    for (const name of names) {
      const cells = resolveMixture(loadMixture(name));
      const total = cells.reduce((sum, { weight }) => sum + weight, 0);
      assert.ok(Math.abs(total - 1) <= 1e-12, `${name}: ${total}`); // rounding of a hundred additions
      assert.ok(
        cells.every(({ op }) => op >= 2 && op <= 20),
        name,
      );
    }
    assert.equal(createTaskSource({ mixture: loadMixture('paper-pretrain') }).cells.length, 54);
  });

  const refused: [string, unknown, string][] = [
    ['nothing', {}, 'MIXTURE_INVALID'],
    ['components that are no list', { components: 3 }, 'MIXTURE_INVALID'],
    ['a component that is null', { components: [null] }, 'MIXTURE_INVALID'],
    ['no components', { components: [] }, 'MIXTURE_INVALID'],
    ['a misspelt field', { components: [{ ops: '2', context: ['zoo'] }] }, 'MIXTURE_INVALID'],
    ['a negative weight', { components: [{ ops: { 2: -1 } }] }, 'MIXTURE_INVALID'],
    ['weights of zero', { components: [{ ops: { 2: 0 } }] }, 'MIXTURE_EMPTY'],
    ['components of zero', { components: [{ ops: '2', weight: 0 }] }, 'MIXTURE_EMPTY'],
    ['an unknown context', { components: [{ ops: '2', contexts: ['moon'] }] }, 'CONTEXT_UNKNOWN'],
    ['an op that is none', { components: [{ ops: { two: 1 } }] }, 'OPS_INVALID'],
    ['an op range as a key', { components: [{ ops: { '2-4': 1 } }] }, 'OPS_INVALID'],
    ['an unknown mode', { components: [{ ops: '2', modes: ['sideways'] }] }, 'MODE_UNKNOWN'],
    ['an unknown depth', { components: [{ ops: '2', depths: [4] }] }, 'DEPTH_UNKNOWN'],
  ];
  for (const [what, mixture, code] of refused) {
    it(`refuse ${what}`, () => {
      assert.throws(() => resolveMixture(mixture as never), { code });
      assert.throws(() => createTaskSource({ mixture: mixture as never }), { code });
    });
  }

  it('of an unknown name are refused with the nearest names', () => {
    assert.throws(() => loadMixture('op11-14'), { code: 'MIXTURE_UNKNOWN', message: /op11-14_uniform/ });
  });
});

describe('op counts', () => {
  it('are ranges and lists, sorted and without repeats', () => {
    assert.deepEqual(parseOps('2-5'), [2, 3, 4, 5]);
    assert.deepEqual(parseOps('6-8, 2,4,4'), [2, 4, 6, 7, 8]);
    assert.deepEqual(parseOps([9, 3]), [3, 9]);
  });
});
