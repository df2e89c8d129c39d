import assert from 'node:assert/strict';
import { randomFamily } from '../../src/core/random.ts';
import {
  createTaskSource,
  DEFAULT_IDENTITY,
  fingerprint,
  type GraphNode,
  MICRO_WORLD,
  type TaskGraph,
  type World,
} from '../../src/tasks/index.ts';

const node = (name: string, operation: GraphNode['operation'], dependencies: string[], constant?: number) =>
  ({
    name,
    value: 1,
    kind: name.startsWith('T') ? 'abstract' : 'instance',
    operation,
    dependencies,
    ...(constant === undefined ? {} : { constant }),
  }) satisfies GraphNode;

const graph = (...nodes: GraphNode[]): TaskGraph => ({ nodes, query: nodes.at(-1)!.name, answer: 1 });

//   a   b
//    \ / \
//     c   d
//      \ /
//       T
const DIAMOND = graph(
  node('a', 'constant', [], 3),
  node('b', 'constant', [], 2),
  node('c', 'difference', ['a', 'b']),
  node('d', 'plus', ['b'], 4),
  node('T', 'sum', ['c', 'd']),
);

const change = (i: number, change: Partial<GraphNode>): TaskGraph =>
  graph(...DIAMOND.nodes.map((one, at) => (at === i ? { ...one, ...change } : one)));

describe('fingerprint', () => {
  it('stays under other names, another solution order and another order of a sum', () => {
    const same = graph(
      node('y', 'constant', [], 2),
      node('v', 'plus', ['y'], 4),
      node('x', 'constant', [], 3),
      node('u', 'difference', ['x', 'y']),
      node('T', 'sum', ['v', 'u']),
    );
    assert.equal(fingerprint(same), fingerprint(DIAMOND));
    assert.match(fingerprint(DIAMOND), /^[0-9a-f]{16}$/);
  });

  const different: [string, TaskGraph][] = [
    ['another constant in a leaf', change(0, { constant: 4 })],
    ['another constant in a step', change(3, { constant: 3 })],
    ['another operation', change(3, { operation: 'times' })],
    ['a difference the other way round', change(2, { dependencies: ['b', 'a'] })],
    ['another kind', change(4, { kind: 'instance' })],
    ['another parent', change(3, { dependencies: ['a'] })],
    ['another query', { ...DIAMOND, query: 'c' }],
    [
      'two equal leaves instead of a shared one',
      graph(
        node('a', 'constant', [], 3),
        node('b', 'constant', [], 2),
        node('e', 'constant', [], 2),
        node('c', 'difference', ['a', 'b']),
        node('d', 'plus', ['e'], 4),
        node('T', 'sum', ['c', 'd']),
      ),
    ],
  ];
  for (const [what, other] of different) {
    it(`changes with ${what}`, () => assert.notEqual(fingerprint(other), fingerprint(DIAMOND)));
  }

  it('sees whose child a quantity is, not only what it is made from', () => {
    const twice = (parent: string) =>
      graph(
        node('a', 'constant', [], 3),
        node('b', 'constant', [], 3),
        node('p', 'copy', ['a']),
        node('q', 'copy', [parent]),
        node('r', 'sum', ['p', 'q', 'b']),
      );
    assert.notEqual(fingerprint(twice('a')), fingerprint(twice('b')));
  });

  it('counts the context only when asked to', () => {
    const told = { ...DEFAULT_IDENTITY, context: true };
    const zoo = fingerprint(DIAMOND, 'crazy_zootopia', told);
    assert.notEqual(zoo, fingerprint(DIAMOND, 'teachers_in_school', told));
    assert.equal(fingerprint(DIAMOND, 'crazy_zootopia'), fingerprint(DIAMOND, 'teachers_in_school'));
  });

  it('is what the generator wrote, also after names and order of the nodes changed at random', () => {
    const family = randomFamily('fingerprint test');
    for (const [i, task] of createTaskSource({ ops: '2-25', seed: 3 }).take(500).entries()) {
      assert.equal(fingerprint(task.graph), task.fingerprint);
      const random = family.at(i);
      const renamed = new Map(
        random.shuffle(task.graph.nodes.map(({ name }) => name)).map((name, k) => [name, `q${k}`]),
      );
      const waiting = random.shuffle(task.graph.nodes.slice());
      const nodes: GraphNode[] = [];
      const placed = new Set<string>();
      while (waiting.length > 0) {
        const at = waiting.findIndex(({ dependencies }) => dependencies.every((one) => placed.has(one)));
        const [next] = waiting.splice(at, 1);
        placed.add(next!.name);
        const parents = next!.dependencies.map((one) => renamed.get(one)!);
        if (!next!.operation.endsWith('difference')) random.shuffle(parents);
        nodes.push({ ...next!, name: renamed.get(next!.name)!, dependencies: parents });
      }
      const other = { nodes, query: renamed.get(task.graph.query)!, answer: task.graph.answer };
      assert.equal(fingerprint(other), task.fingerprint);
    }
  });

  it('tells apart exactly what is not isomorphic, by exhaustive search', () => {
    // Few numbers, so that many graphs differ in their edges alone.
    const fewNumbers: World = { ...MICRO_WORLD, leaves: [1, 6], addends: [1, 4], maxValue: 30 };
    const modes = ['forward', 'reverse'];
    const seen = new Map<string, TaskGraph>();
    const likes = new Map<string, TaskGraph[]>();
    let compared = 0;
    for (const task of createTaskSource({ world: fewNumbers, ops: '2-7', modes, seed: 11 }).take(6000)) {
      const first = seen.get(task.fingerprint);
      if (first !== undefined) assert.ok(isomorphic(first, task.graph), task.id);
      else {
        seen.set(task.fingerprint, task.graph);
        const census = task.graph.nodes.map(label).sort().join(' ');
        const others = likes.get(census) ?? [];
        for (const other of others) assert.ok(!isomorphic(other, task.graph), task.id);
        compared += others.length;
        likes.set(census, [...others, task.graph]);
      }
    }
    assert.ok(seen.size > 500 && compared > 400, `${seen.size} graphs, ${compared} near pairs`);
  });
});

const label = ({ kind, operation, constant, value, dependencies }: GraphNode): string =>
  `${kind}:${operation}:${operation === 'unknown' ? value : (constant ?? '')}:${dependencies.length}`;

/** Backtracking search for a map between the nodes that keeps labels, edges, their order where it matters, and the query. */
function isomorphic(one: TaskGraph, other: TaskGraph): boolean {
  if (one.nodes.length !== other.nodes.length) return false;
  const image = new Map<string, string>();
  const used = new Set<string>();
  const extend = (i: number): boolean => {
    if (i === one.nodes.length) return image.get(one.query) === other.query;
    const from = one.nodes[i]!;
    for (const to of other.nodes) {
      if (used.has(to.name) || label(from) !== label(to)) continue;
      const mapped = from.dependencies.map((parent) => image.get(parent)!);
      const wanted = to.dependencies.slice();
      if (!from.operation.endsWith('difference')) {
        mapped.sort();
        wanted.sort();
      }
      if (mapped.join() !== wanted.join()) continue;
      image.set(from.name, to.name);
      used.add(to.name);
      if (extend(i + 1)) return true;
      image.delete(from.name);
      used.delete(to.name);
    }
    return false;
  };
  return extend(0);
}
