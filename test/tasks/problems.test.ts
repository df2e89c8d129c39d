/** Every generated problem says what its record says: checked by a solver that reads only the text. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type Context,
  createTaskSource,
  MICRO_WORLD,
  opLimit,
  type Task,
  type World,
} from '../../src/tasks/index.ts';
import { readProblem, readQuestion, readSolution, solve } from './solver.ts';

const GARDEN: Context = {
  name: 'gardens',
  alias: 'garden',
  places: [['North Bed', 'South Bed', 'Old Pot']],
  categories: [['red tulip', 'late rose', 'tall fern']],
  total: 'total number of plants',
  average: { item: 'average number of leaves', total: 'total number of leaves' },
};

/** All that must hold of any task. */
function check(task: Task, world: World): void {
  const { values, answer } = solve(task.problem, task.question);
  assert.equal(answer, task.graph.answer);
  for (const [name, value] of values) {
    assert.ok(value > 0 && Number.isInteger(value) && value <= world.maxValue, `${name} = ${value}`);
  }
  const { steps, answer: written } = readSolution(task.solution);
  assert.equal(written, answer);
  assert.equal(readQuestion(task.question), task.graph.query);
  assert.equal(steps.at(-1)!.name, task.graph.query);

  // The graph in the record is what the sentences and the solution say.
  const told = readProblem(task.problem);
  let op = 0;
  assert.equal(steps.length, task.graph.nodes.length);
  for (const [i, step] of steps.entries()) {
    const node = task.graph.nodes[i]!;
    op += step.parents.length + (step.literal ? 1 : 0);
    assert.deepEqual(
      { name: step.name, value: step.value, dependencies: step.parents, kind: node.kind },
      {
        name: node.name,
        value: values.get(node.name),
        dependencies: node.dependencies,
        kind: step.name.startsWith('total ') ? 'abstract' : 'instance',
      },
    );
    const sentence = told.get(step.name);
    assert.equal(sentence === undefined, node.kind === 'abstract');
    if (sentence === undefined) {
      assert.equal(node.operation, step.parents.length === 1 ? 'copy' : 'sum');
      continue;
    }
    assert.deepEqual(sentence.parents, node.dependencies);
    assert.equal(sentence.constant ?? undefined, node.constant);
    const expected = sentence.form === 'none' ? 'constant' : (sentence.verb ?? sentence.form);
    const combined = sentence.verb !== null && sentence.form !== 'copy' && sentence.form !== 'none';
    assert.equal(node.operation, combined ? `${sentence.verb}_${sentence.form}` : expected);
    assert.ok(sentence.parents.length + (sentence.constant === null ? 0 : 1) <= world.terms);
  }
  assert.equal(op, task.op, 'edges and constants of the solution');

  // Nothing in the solution is beside the point.
  const needed = new Set([task.graph.query]);
  for (const node of task.graph.nodes.toReversed()) {
    assert.ok(needed.has(node.name), `${node.name} is not needed`);
    for (const parent of node.dependencies) needed.add(parent);
  }
  const distractors = told.size - task.graph.nodes.filter(({ kind }) => kind === 'instance').length;
  if (world.distractors !== 'all') assert.ok(distractors <= world.distractors[1]);
}

describe('generated problems', () => {
  it('have the answer, the op count and the graph that they say, for all ops and contexts of the paper', () => {
    const source = createTaskSource({ ops: '2-40', seed: 7 });
    for (let i = 0; i < 4000; i++) check(source.at(i), source.world);
  });

  it('and in the micro world', () => {
    const source = createTaskSource({ world: 'micro', ops: '2-8', seed: 7 });
    for (let i = 0; i < 4000; i++) check(source.at(i), source.world);
  });

  it('and in any world that is not refused, with a context of one’s own', () => {
    const range = (low: number, high: number) =>
      fc
        .tuple(fc.integer({ min: low, max: high }), fc.integer({ min: low, max: high }))
        .map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);
    const worlds = fc
      .record({
        places: fc.integer({ min: 1, max: 3 }),
        categories: fc.integer({ min: 1, max: 3 }),
        cells: fc.integer({ min: 2, max: 9 }),
        terms: fc.integer({ min: 2, max: 5 }),
        leaves: fc.option(range(1, 9)),
        addends: range(1, 9),
        factors: range(2, 5),
        distractors: fc.oneof(fc.constant('all' as const), range(0, 4)),
        seed: fc.integer(),
      })
      .filter(({ places, categories }) => places * categories >= 2);
    fc.assert(
      fc.property(worlds, ({ seed, ...settings }) => {
        const draft: World = { ...settings, name: 'any', ops: [2, 2], maxValue: 100_000 };
        const world: World = { ...draft, ops: [2, opLimit(draft)] };
        const source = createTaskSource({
          world,
          contexts: [GARDEN],
          ops: `2-${world.ops[1]}`,
          splits: { all: 1 },
          split: 'all',
          seed,
        });
        for (const task of source.take(20)) check(task, world);
      }),
      { numRuns: 150, seed: 20251210 },
    );
  });

  it('reach the largest op that a world promises, and every smaller one', () => {
    const world: World = { ...MICRO_WORLD, ops: [2, opLimit(MICRO_WORLD)], maxValue: 100_000 };
    assert.equal(opLimit(MICRO_WORLD), 1 + 2 + 4 * 3);
    for (let op = 2; op <= world.ops[1]; op++) {
      for (const task of createTaskSource({ world, ops: [op] }).take(20)) check(task, world);
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
