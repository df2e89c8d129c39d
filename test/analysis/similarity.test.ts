/** Weisfeiler–Lehman similarity against hand calculation and against dense histograms made independently. */
import assert from 'node:assert/strict';
import { isIsomorphic, type Topology, TopologyIndex } from '../../src/analysis/index.ts';
import { type RandomStream, randomFamily } from '../../src/core/index.ts';

const ROLES = ['constant', 'instance copy', 'instance sum', 'abstract sum'];

/** A graph of up to `size` nodes in solution order; few roles, so that equal graphs occur. */
function randomTopology(stream: RandomStream, size: number): Topology {
  const roles: string[] = [];
  const parents: number[][] = [];
  for (let i = stream.integer(1, size); i > 0; i--) {
    const own = roles.map((_, j) => j).filter(() => stream.chance(0.4));
    roles.push(own.length === 0 ? ROLES[0]! : stream.pick(ROLES.slice(1)));
    parents.push(own);
  }
  return { roles, parents };
}

/** The last node and what it is made from. */
function ofGoal({ roles, parents }: Topology): Topology {
  const needed = new Set([roles.length - 1]);
  for (let i = roles.length - 1; i >= 0; i--)
    if (needed.has(i)) for (const parent of parents[i]!) needed.add(parent);
  const kept = [...needed].sort((a, b) => a - b);
  return {
    roles: kept.map((i) => roles[i]!),
    parents: kept.map((i) => parents[i]!.map((parent) => kept.indexOf(parent))),
  };
}

/** The same graph with its nodes in another order in which parents still come first. */
function reordered({ roles, parents }: Topology, stream: RandomStream): Topology {
  const order: number[] = [];
  while (order.length < roles.length) {
    const ready = roles
      .map((_, i) => i)
      .filter((i) => !order.includes(i) && parents[i]!.every((parent) => order.includes(parent)));
    order.push(stream.pick(ready));
  }
  return {
    roles: order.map((i) => roles[i]!),
    parents: order.map((i) => stream.shuffle(parents[i]!.map((parent) => order.indexOf(parent)))),
  };
}

/** Counts of all labels of rounds 0–3, labels written out in full. */
function denseHistogram({ roles, parents }: Topology): Map<string, number> {
  const counts = new Map<string, number>();
  const count = (labels: readonly string[]): void => {
    for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  };
  let labels: string[] = [...roles];
  count(labels);
  for (let round = 1; round <= 3; round++) {
    labels = labels.map((label, i) => {
      const above = parents[i]!.map((parent) => labels[parent]!).sort();
      const below = labels.filter((_, child) => parents[child]!.includes(i)).sort();
      return JSON.stringify([label, above, below]);
    });
    count(labels);
  }
  return counts;
}

function cosine(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let product = 0;
  for (const [label, count] of a) product += count * (b.get(label) ?? 0);
  const square = (counts: ReadonlyMap<string, number>): number =>
    [...counts.values()].reduce((sum, count) => sum + count * count, 0);
  return product / Math.sqrt(square(a) * square(b));
}

/** Whether some permutation of the nodes turns one graph into the other. */
function bruteIsomorphic(a: Topology, b: Topology): boolean {
  const size = a.roles.length;
  if (b.roles.length !== size) return false;
  const edges = (topology: Topology): Set<string> =>
    new Set(topology.parents.flatMap((list, child) => list.map((parent) => `${parent}>${child}`)));
  const ofA = edges(a);
  const ofB = edges(b);
  if (ofA.size !== ofB.size) return false;
  const permute = (image: number[]): boolean => {
    if (image.length === size) {
      return [...ofA].every((edge) => {
        const [parent, child] = edge.split('>').map((i) => image[Number(i)]);
        return ofB.has(`${parent}>${child}`);
      });
    }
    for (let j = 0; j < size; j++) {
      if (image.includes(j) || a.roles[image.length] !== b.roles[j]) continue;
      if (permute([...image, j])) return true;
    }
    return false;
  };
  return permute([]);
}

const streams = randomFamily('similarity test', 1);

describe('topology similarity', () => {
  //  c   d        c
  //   \ /         |
  //   sum        copy
  const sum: Topology = { roles: ['constant', 'constant', 'instance sum'], parents: [[], [], [0, 1]] };
  const copy: Topology = { roles: ['constant', 'instance copy'], parents: [[], [0]] };

  it('equals a calculation by hand', () => {
    // Round 0: sum has {constant: 2, sum: 1}, copy {constant: 1, copy: 1}; they share 2·1. In rounds 1–3 the constants'
    // children differ, so nothing is shared. Norms: sum 4 rounds of 2² + 1² = 20, copy 4 rounds of 1² + 1² = 8.
    const { similarity, isomorphic, nearest } = new TopologyIndex([copy]).similarity(sum);
    assert.ok(Math.abs(similarity - 2 / Math.sqrt(20 * 8)) < 1e-15);
    assert.deepEqual([isomorphic, nearest], [false, 0]);
    const lone: Topology = { roles: ['constant'], parents: [[]] };
    // A lone constant has 1 label a round, norm 2; it shares round 0 with copy: 1 / (2·√8).
    assert.ok(
      Math.abs(new TopologyIndex([lone]).similarity(copy).similarity - 1 / (2 * Math.sqrt(8))) < 1e-15,
    );
  });

  it('is the greatest cosine over the training graphs, and names the first that has it', () => {
    const training = Array.from({ length: 200 }, (_, i) => randomTopology(streams.at(i), 7));
    const index = new TopologyIndex(training);
    const histograms = training.map(denseHistogram);
    assert.equal(index.size, 200);
    const texts = histograms.map((one) => JSON.stringify([...one].sort(([a], [b]) => (a < b ? -1 : 1))));
    assert.equal(index.different, new Set(texts).size);
    for (let i = 0; i < 300; i++) {
      const asked = randomTopology(streams.at(i, 1), 8);
      const own = denseHistogram(asked);
      const all = histograms.map((one) => cosine(own, one));
      const best = Math.max(...all);
      const { similarity, nearest } = index.similarity(asked);
      // 1e-12: sums of up to a few dozen rounded products.
      assert.ok(Math.abs(similarity - best) < 1e-12, `${similarity} ${best}`);
      assert.ok(Math.abs(all[nearest]! - best) < 1e-12);
      assert.deepEqual(index.similarity(asked), index.similarity(asked));
    }
  });

  it('of graphs with one goal is 1 for equal histograms and only for them', () => {
    let ones = 0;
    for (let i = 0; i < 600; i++) {
      const a = ofGoal(randomTopology(streams.at(i, 2), 5));
      const b = ofGoal(randomTopology(streams.at(i, 3), 5));
      const { similarity } = new TopologyIndex([a]).similarity(b);
      const texts = [a, b].map((one) => [...denseHistogram(one)].map(String).sort().join());
      assert.equal(similarity === 1, texts[0] === texts[1], JSON.stringify([a, b]));
      // Graphs this small are the same when their histograms are.
      assert.equal(similarity === 1, bruteIsomorphic(a, b), JSON.stringify([a, b]));
      if (similarity === 1) ones++;
    }
    assert.ok(ones > 30 && ones < 500, `${ones}`);
    // Not so without the one goal: of two copies of a graph every count is twice as large.
    const twice: Topology = { roles: ['constant', 'constant'], parents: [[], []] };
    const once: Topology = { roles: ['constant'], parents: [[]] };
    assert.deepEqual(new TopologyIndex([once]).similarity(twice), {
      similarity: 1,
      isomorphic: false,
      nearest: 0,
    });
  });

  it('does not see the order of nodes', () => {
    const others = Array.from({ length: 50 }, (_, i) => randomTopology(streams.at(i, 4), 8));
    for (let i = 0; i < 200; i++) {
      const topology = randomTopology(streams.at(i, 5), 9);
      const shuffled = reordered(topology, streams.at(i, 6));
      assert.deepEqual(new TopologyIndex([topology]).similarity(shuffled), {
        similarity: 1,
        isomorphic: true,
        nearest: 0,
      });
      const index = new TopologyIndex(others);
      const { similarity, isomorphic } = index.similarity(topology);
      assert.deepEqual(index.similarity(shuffled).similarity, similarity);
      assert.equal(index.similarity(shuffled).isomorphic, isomorphic);
    }
  });

  it('tells graphs apart that have the same histogram', () => {
    // Sums of two constants: each constant in two sums. One ring of 12 nodes, or two rings of 6: every node sees the
    // same neighbourhood in both up to any distance that three rounds reach.
    const ring = (length: number, from: number): [number, number][] =>
      Array.from({ length }, (_, i) => [from + i, from + ((i + 1) % length)]);
    const made = (sums: [number, number][]): Topology => ({
      roles: [...new Array(6).fill('constant'), ...new Array(6).fill('instance sum')],
      parents: [...Array.from({ length: 6 }, () => []), ...sums],
    });
    const one = made(ring(6, 0));
    const two = made([...ring(3, 0), ...ring(3, 3)]);
    const index = new TopologyIndex([one]);
    assert.deepEqual(index.similarity(two), { similarity: 1, isomorphic: false, nearest: 0 });
    assert.ok(index.similarity(one).isomorphic);
    const both = new TopologyIndex([one, two]);
    assert.deepEqual([both.different, both.similarity(two).isomorphic], [1, true]);
  });

  it('knows nothing about topologies that share no role with training', () => {
    const strange: Topology = { roles: ['another'], parents: [[]] };
    assert.deepEqual(new TopologyIndex([sum, copy]).similarity(strange), {
      similarity: 0,
      isomorphic: false,
      nearest: 0,
    });
    assert.throws(() => new TopologyIndex([]), { code: 'SIMILARITY_TRAINING' });
  });
});

describe('isIsomorphic', () => {
  it('agrees with a search over all permutations', () => {
    let equal = 0;
    for (let i = 0; i < 1500; i++) {
      const a = randomTopology(streams.at(i, 7), 5);
      const b =
        i % 3 === 0 ? reordered(a, streams.at(i, 8)) : randomTopology(streams.at(i, 9), a.roles.length + 1);
      const expected = bruteIsomorphic(a, b);
      if (expected) equal++;
      assert.equal(isIsomorphic(a, b), expected, JSON.stringify([a, b]));
    }
    assert.ok(equal > 500 && equal < 1400, `${equal}`);
  });
});
