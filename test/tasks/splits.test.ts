import assert from 'node:assert/strict';
import { createTaskSource, DEFAULT_SPLITS } from '../../src/tasks/index.ts';
import { inSplit, splitInterval } from '../../src/tasks/splits.ts';

/** Different graphs of an op in a split, among the first `count` tasks. */
function graphs(world: string, op: number, split: string, count: number): number {
  return new Set(
    createTaskSource({ world, ops: [op], split })
      .take(count)
      .map(({ fingerprint }) => fingerprint),
  ).size;
}

describe('splits', () => {
  for (const world of ['micro', 'paper']) {
    it(`share no graph in the ${world} world, whatever the seed and the context`, () => {
      const owner = new Map<string, string>();
      for (const [seed, split] of ['train', 'val', 'test'].entries()) {
        for (const { fingerprint } of createTaskSource({ world, split, seed }).take(7000)) {
          assert.equal(owner.get(fingerprint) ?? split, split);
          owner.set(fingerprint, split);
        }
      }
      for (const split of ['train', 'val', 'test']) assert.ok([...owner.values()].includes(split));
    });
  }

  it('take 80, 10 and 10 % of the different graphs', () => {
    const all = createTaskSource({ ops: '8-12', splits: { all: 1 }, split: 'all' }).take(5000);
    const graphs = [...new Set(all.map(({ fingerprint }) => fingerprint))];
    for (const [split, share] of Object.entries(DEFAULT_SPLITS)) {
      const interval = splitInterval(DEFAULT_SPLITS, split);
      const inside = graphs.filter((text) =>
        inSplit(interval, [Number.parseInt(text.slice(0, 8), 16), Number.parseInt(text.slice(8), 16)]),
      );
      // Five standard deviations of a fair draw; the seed is fixed.
      const deviation = Math.sqrt(graphs.length * share * (1 - share));
      assert.ok(
        Math.abs(inside.length - share * graphs.length) < 5 * deviation,
        `${split}: ${inside.length}`,
      );
    }
  });

  it('have graphs of every op of the micro world, and of the smallest of the paper’s', () => {
    const table = ['  graphs    train  val  test'];
    for (const [world, ops] of [
      ['micro', [2, 3, 4, 5, 6, 7, 8]],
      ['paper', [2, 3]],
    ] as const) {
      for (const op of ops) {
        const [train, val, test] = ['train', 'val', 'test'].map((split) => graphs(world, op, split, 600));
        table.push(
          `  ${world} op ${op} ${String(train).padStart(5)} ${String(val).padStart(4)} ${String(test).padStart(5)}`,
        );
        const small = op === 2;
        assert.ok(train! >= (small ? 5 : 25), `train: ${train} graphs of op ${op} in ${world}`);
        for (const held of [val!, test!]) {
          const least = world === 'micro' ? (small ? 2 : 4) : small ? 1 : 3;
          assert.ok(held >= least, `${held} held-out graphs of op ${op} in ${world}`);
        }
      }
    }
    console.log(table.join('\n'));
  });
});
