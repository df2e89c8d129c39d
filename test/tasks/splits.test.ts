import assert from 'node:assert/strict';
import {
  createTaskSource,
  DEFAULT_SPLITS,
  fingerprint,
  type Identity,
  type TaskSourceOptions,
} from '../../src/tasks/index.ts';
import { inSplit, splitInterval } from '../../src/tasks/splits.ts';

/** Different graphs in a split among the first `count` tasks of a kind. */
function graphs(options: TaskSourceOptions, count: number): number {
  return new Set(
    createTaskSource(options)
      .take(count)
      .map(({ fingerprint }) => fingerprint),
  ).size;
}

describe('splits', () => {
  for (const world of ['micro', 'paper']) {
    it(`share no graph in the ${world} world, whatever the seed, the context, the mode and the depth`, () => {
      const owner = new Map<string, string>();
      for (const [seed, split] of ['train', 'val', 'test'].entries()) {
        for (const depth of [2, 3]) {
          const kind = { world, split, seed, modes: ['forward', 'reverse'], depths: [depth] };
          for (const { fingerprint } of createTaskSource(kind).take(4000)) {
            assert.equal(owner.get(fingerprint) ?? split, split);
            owner.set(fingerprint, split);
          }
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

  it('have graphs of every op of the micro world, and of the smallest of the paper’s, in both modes and depths', () => {
    const table = ['  graphs                      train  val  test'];
    for (const [world, ops] of [
      ['micro', [2, 3, 4, 8]],
      ['paper', [2, 3, 4]],
    ] as const) {
      for (const op of ops) {
        for (const mode of ['forward', 'reverse']) {
          for (const depth of [2, 3]) {
            const kind = { world, ops: [op], modes: [mode], depths: [depth] };
            const [train, val, test] = ['train', 'val', 'test'].map((split) =>
              graphs({ ...kind, split }, 300),
            ) as [number, number, number];
            const name = `${world} ${mode} op ${op} depth ${depth}`;
            table.push(`  ${name.padEnd(28)} ${train} ${val} ${test}`);
            const small = op === 2;
            assert.ok(train >= (small ? 5 : 20), `${name}: ${train} graphs to train on`);
            const least = world === 'micro' ? (small ? 2 : 4) : small ? 1 : 2;
            assert.ok(Math.min(val, test) >= least, `${name}: ${val} and ${test} held-out graphs`);
          }
        }
      }
    }
    console.log(table.join('\n'));
  }).timeout(60_000);

  describe('by another identity', () => {
    const modes = ['forward', 'reverse'];
    /** Fingerprints by `seen` of tasks whose splits are cut by `identity`, by split. */
    const bySplit = (identity: Partial<Identity>, seen: Identity): Map<string, Set<string>> => {
      const owners = new Map<string, Set<string>>();
      for (const split of ['train', 'test']) {
        const source = createTaskSource({ ops: '6-9', modes, split, identity });
        for (const { graph, template } of source.take(1500)) {
          const name = fingerprint(graph, template, seen);
          owners.set(name, (owners.get(name) ?? new Set()).add(split));
        }
      }
      return owners;
    };
    const shared = (owners: Map<string, Set<string>>): number =>
      [...owners.values()].filter((splits) => splits.size > 1).length;

    for (const [what, identity] of [
      ['shape without numbers', { values: false, query: true, context: false }],
      ['numbers but not what is asked for', { values: true, query: false, context: false }],
      ['graph and context', { values: true, query: true, context: true }],
    ] as const) {
      it(`are disjoint by it: ${what}`, () => {
        assert.equal(shared(bySplit(identity, identity)), 0);
        for (const task of createTaskSource({ ops: '6-9', modes, identity }).take(200)) {
          assert.equal(task.fingerprint, fingerprint(task.graph, task.template, identity));
        }
      });
    }

    it('which usual splits are not: shapes recur with other numbers', () => {
      assert.ok(shared(bySplit({}, { values: false, query: true, context: false })) > 10);
    });
  });

  it('hold contexts and depths out: only the last split has them', () => {
    const heldOut = { contexts: ['festival'], depths: [3] };
    const kinds = (split: string): string[] => {
      const source = createTaskSource({ ops: '4-6', depths: [2, 3], heldOut, split });
      return [...new Set(source.take(400).map(({ template, d }) => `${template} ${d}`))].sort();
    };
    const seen = ['crazy_zootopia 2', 'teachers_in_school 2'];
    assert.deepEqual(kinds('train'), seen);
    assert.deepEqual(kinds('val'), seen);
    assert.equal(kinds('test').length, 6);
    const shares = createTaskSource({ ops: '4', depths: [2, 3], heldOut }).cells.map(({ weight }) => weight);
    assert.deepEqual(shares, [0.5, 0.5]);
  });
});
