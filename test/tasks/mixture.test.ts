import assert from 'node:assert/strict';
import {
  createTaskSource,
  loadMixture,
  type MixtureCell,
  mixturePresets,
  parseOps,
  resolveMixture,
} from '../../src/tasks/index.ts';

/** Total weight of the cells that satisfy the condition. */
const share = (cells: readonly MixtureCell[], test: (cell: MixtureCell) => boolean): number =>
  cells.filter(test).reduce((sum, { weight }) => sum + weight, 0);

/** Rounding of at most a hundred additions of numbers below 1. */
const close = (a: number, b: number, tolerance = 1e-12): void =>
  assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);

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

  it('by name are all valid, forward, within ops 2–20 of the paper’s world', () => {
    const names = Object.keys(mixturePresets());
    assert.ok(names.length >= 50);
    for (const name of names) {
      const cells = resolveMixture(loadMixture(name));
      close(
        share(cells, () => true),
        1,
      );
      assert.ok(
        cells.every(({ op }) => op >= 2 && op <= 20),
        name,
      );
    }
    assert.equal(createTaskSource({ mixture: loadMixture('paper-pretrain') }).cells.length, 27);
  });

  it('hold the paper’s shares: 20 % op 2–4, 30 % op 5–7, 50 % op 8–10, contexts alike', () => {
    for (const name of ['paper-pretrain', 'id2-10_0.2easy_0.3medium_0.5hard']) {
      const cells = resolveMixture(loadMixture(name));
      close(
        share(cells, ({ op }) => op <= 4),
        0.2,
      );
      close(
        share(cells, ({ op }) => op >= 5 && op <= 7),
        0.3,
      );
      close(
        share(cells, ({ op }) => op >= 8 && op <= 10),
        0.5,
      );
      close(
        share(cells, ({ context }) => context.alias === 'zoo'),
        1 / 3,
      );
    }
  });

  it('keep the released typo only under its own name', () => {
    const released = resolveMixture(loadMixture('id2-10_0.2easy_0.3medium_0.5hard@as-released'));
    close(
      share(released, ({ op }) => op === 3),
      0.86 / 1.8,
    ); // the file's sum is 1.80
  });

  it('give the rare context its share', () => {
    const cells = resolveMixture(loadMixture('0.99zoo_op2-20+0.01teacher_op2'));
    close(
      share(cells, ({ context }) => context.alias === 'school'),
      0.01,
    );
    assert.deepEqual(
      cells.filter(({ context }) => context.alias === 'school').map(({ op }) => op),
      [2],
    );
  });

  const refused: [string, unknown, string][] = [
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
    it(`refuse ${what}`, () => assert.throws(() => resolveMixture(mixture as never), { code }));
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
