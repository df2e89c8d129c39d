/** Every generated problem says what its record says: checked by readers that see only the text. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { InterplayError } from '../../src/core/errors.ts';
import {
  CONTEXTS,
  type Context,
  createTaskSource,
  type GraphNode,
  MICRO_WORLD,
  opLimit,
  PAPER_WORLD,
  type TaskSource,
  type TaskSourceOptions,
  type World,
} from '../../src/tasks/index.ts';
import { assertClaims, type Claims } from './claims.ts';
import { PRODUCT_TOTALS } from './solver.ts';

const GARDEN: Context = {
  name: 'gardens',
  alias: 'garden',
  places: [['North Bed', 'South Bed', 'Old Pot', 'Long Border', 'Rose Walk']],
  categories: [['red tulip', 'late rose', 'tall fern', 'sweet pea', 'white lily']],
  total: 'total number of plants',
  average: { item: 'average number of leaves', total: 'total number of leaves' },
};
const PRODUCTS = new Set([...PRODUCT_TOTALS, GARDEN.average.total]);

const KINDS = (['forward', 'reverse'] as const).flatMap((mode) =>
  ([2, 3] as const).map((depth) => ({ mode, depth })),
);

/** Checks the first tasks of a source, names one that fails, and counts them by context and op. */
function check(source: TaskSource, count: number): Map<string, number> {
  const seen = new Map<string, number>();
  for (let index = 0; index < count; index++) {
    const task = source.at(index);
    const { id, op, mode, d, template } = task;
    try {
      assertClaims(task, source.world, PRODUCTS);
    } catch (error) {
      throw new Error(`task ${id}, op ${op}, ${mode}, depth ${d}`, { cause: error });
    }
    seen.set(`${template} ${op}`, (seen.get(`${template} ${op}`) ?? 0) + 1);
  }
  return seen;
}

describe('generated problems', () => {
  const perKind = 10_000;
  for (const { mode, depth } of KINDS) {
    it(`have the answer, the op count and the graph that they say: ${mode}, depth ${depth}`, () => {
      const contexts = [...CONTEXTS, GARDEN];
      const source = createTaskSource({ ops: '2-40', contexts, modes: [mode], depths: [depth], seed: 7 });
      const seen = check(source, perKind);
      // Every op of every context is among them, about as often as the others.
      assert.equal(source.cells.length, 39 * contexts.length);
      assert.equal(seen.size, source.cells.length);
      const mean = perKind / source.cells.length;
      for (const [kind, count] of seen) assert.ok(count > mean / 3 && count < mean * 3, `${kind}: ${count}`);
    });

    it(`and in the micro world: ${mode}, depth ${depth}`, () => {
      check(createTaskSource({ world: 'micro', ops: '2-8', modes: [mode], depths: [depth], seed: 7 }), 1500);
    });
  }

  it('are told from records that say something else', () => {
    const more = (text: string, number: RegExp): string =>
      text.replace(number, (all, digits: string) => all.replace(digits, String(Number(digits) + 1)));
    /** Spoils a record at a gold quantity that is a plain number. */
    const spoil: [what: string, spoilt: (task: Claims, leaf: GraphNode) => Claims][] = [
      ['a sentence less', (task, leaf) => ({ ...task, problem: task.problem.replace(told(leaf), '') })],
      ['a sentence twice', (task, leaf) => ({ ...task, problem: task.problem + told(leaf) })],
      [
        'a sentence’s number',
        (task, leaf) => ({ ...task, problem: task.problem.replace(told(leaf), more(told(leaf), /(\d+)/)) }),
      ],
      ['a step’s number', (task) => ({ ...task, solution: more(task.solution, / = (\d+)[.;] /) })],
      ['the answer', (task) => ({ ...task, solution: more(task.solution, /Answer: (\d+)/) })],
      ['the question', (task, leaf) => ({ ...task, question: `What is the total number of ${leaf.name}?` })],
      ['the op', (task) => ({ ...task, op: task.op + 1 })],
      [
        'the mode',
        (task) => ({ ...task, mode: task.mode === 'normalforward' ? 'forwardreverse' : 'normalforward' }),
      ],
      ['a value', (task, leaf) => replaceNode(task, leaf, { ...leaf, value: leaf.value + 1 })],
      ['a kind', (task, leaf) => replaceNode(task, leaf, { ...leaf, kind: 'abstract' })],
      ['an operation', (task, leaf) => replaceNode(task, leaf, { ...leaf, operation: 'copy' })],
      ['a constant', (task, leaf) => replaceNode(task, leaf, { ...leaf, constant: leaf.constant! + 1 })],
      ['parents', (task, leaf) => replaceNode(task, leaf, { ...leaf, dependencies: ['no such thing'] })],
      ['a name', (task, leaf) => replaceNode(task, leaf, { ...leaf, name: `${leaf.name} too` })],
    ];
    const told = ({ name, value }: GraphNode): string =>
      `The ${name.startsWith('average ') ? '' : 'number of '}${name} equals ${value}. `;
    const replaceNode = (task: Claims, old: GraphNode, node: GraphNode): Claims => {
      const nodes = task.graph.nodes.map((one) => (one === old ? node : one));
      return { ...task, graph: { ...task.graph, nodes } };
    };
    for (const { mode, depth } of KINDS) {
      let spoilt = 0;
      const source = createTaskSource({ ops: '7-12', modes: [mode], depths: [depth] });
      for (const task of source.take(120)) {
        assertClaims(task, source.world);
        const leaf = task.graph.nodes.find(({ operation }) => operation === 'constant');
        if (leaf === undefined) continue;
        for (const [what, change] of spoil) {
          assert.throws(() => assertClaims(change(task, leaf), source.world), `${what}: ${task.id}`);
        }
        spoilt++;
      }
      assert.ok(spoilt >= 10, `${spoilt} spoilt`);
    }
  });

  it('differ by seed, mode and depth', () => {
    const texts = new Set<string>();
    for (const { mode, depth } of KINDS) {
      for (const seed of [1, 2, 3]) {
        const source = createTaskSource({ ops: '6-12', modes: [mode], depths: [depth], seed });
        for (const { problem } of source.take(50)) texts.add(problem);
      }
    }
    assert.equal(texts.size, KINDS.length * 3 * 50);
  });

  it('and in any world that is not refused, with a context of one’s own', () => {
    const range = (low: number, high: number) =>
      fc
        .tuple(fc.integer({ min: low, max: high }), fc.integer({ min: low, max: high }))
        .map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);
    const worlds = fc
      .record({
        places: fc.integer({ min: 1, max: 4 }),
        categories: fc.integer({ min: 1, max: 4 }),
        cells: fc.integer({ min: 2, max: 12 }),
        terms: fc.integer({ min: 2, max: 6 }),
        leaves: fc.option(range(1, 9)),
        addends: range(1, 9),
        factors: range(2, 5),
        maxValue: fc.constantFrom(60, 1000, 100_000),
        distractors: fc.oneof(fc.constant('all' as const), range(0, 4)),
        seed: fc.integer(),
      })
      .filter(({ places, categories }) => places * categories >= 2);
    let refused = 0;
    fc.assert(
      fc.property(worlds, fc.constantFrom(...KINDS), ({ seed, ...settings }, { mode, depth }) => {
        const draft: World = { ...settings, name: 'any', ops: [2, 2] };
        const world: World = { ...draft, ops: [2, opLimit(draft)] };
        const options: TaskSourceOptions = {
          world,
          contexts: [GARDEN],
          ops: `2-${world.ops[1]}`,
          modes: [mode],
          depths: [depth],
          splits: { all: 1 },
          split: 'all',
          seed,
        };
        try {
          check(createTaskSource(options), 20);
        } catch (error) {
          // Sums over many terms need not stay below a small maxValue.
          if (!(error instanceof InterplayError) || error.code !== 'SPLIT_UNSERVED') throw error;
          refused++;
        }
      }),
      { numRuns: 200, seed: 20251210 },
    );
    assert.ok(refused < 20, `${refused} of 200 refused`);
  });

  it('reach the largest op that a world promises, and every smaller one', () => {
    assert.equal(opLimit(MICRO_WORLD), 1 + 2 + 4 * 3);
    for (const { mode, depth } of KINDS) {
      const world: World = { ...MICRO_WORLD, ops: [2, opLimit(MICRO_WORLD)], maxValue: 100_000 };
      for (let op = 2; op <= world.ops[1]; op++) {
        check(createTaskSource({ world, ops: [op], modes: [mode], depths: [depth] }), 20);
      }
      check(createTaskSource({ ops: [PAPER_WORLD.ops[1]], modes: [mode], depths: [depth] }), 50);
    }
  });

  it('are short in the micro world', () => {
    // About 4 characters a token after training a tokenizer on them: 60–130 tokens at ops 2–6.
    const lengths = createTaskSource({ world: 'micro', ops: '2-6' })
      .take(1000)
      .map(({ problem, question, solution }) => problem.length + question.length + solution.length);
    const mean = lengths.reduce((a, b) => a + b) / lengths.length;
    assert.ok(mean > 350 && mean < 600, `mean length ${mean}`);
    assert.ok(Math.max(...lengths) < 1500, `longest ${Math.max(...lengths)}`);
  });

  it('need hardly any second draw', () => {
    const all = { splits: { all: 1 }, split: 'all' };
    const paper = createTaskSource({ ops: '2-20', ...all });
    paper.take(2000);
    assert.equal(paper.counts.graphs, 2000);
    // Numbers are drawn again where a sum of three or more would pass 1000: one task in a few thousand.
    assert.ok(paper.counts.values <= 2010, `${paper.counts.values} draws of values for 2000 tasks`);
    // Numbers up to 30 do not fit every graph: a few are drawn again, and that is counted.
    const micro = createTaskSource({ world: 'micro', ops: '2-8', ...all });
    micro.take(2000);
    assert.ok(micro.counts.values < 2200, `${micro.counts.values} draws of values for 2000 tasks`);
  });
});
