/** What must hold of every generated record: its problem, its solution and its graph say one and the same thing. */
import assert from 'node:assert/strict';
import type { GraphNode, Task, World } from '../../src/tasks/index.ts';
import { type Equation, readQuestion } from './equations.ts';
import { countOps, readSolution, type Step } from './solutions.ts';
import { PRODUCT_TOTALS, type ProductTotals, phraseOf, type Solved, solve } from './solver.ts';

/** The parts of a record that say something about its problem. */
export type Claims = Pick<Task, 'problem' | 'question' | 'solution' | 'op' | 'mode' | 'd' | 'graph'>;

/**
 * Holds a record against what the independent readers find in its texts.
 * @param world Its bounds hold for every quantity; absent where it is not known.
 */
export function assertClaims(task: Claims, world: World | null, products = PRODUCT_TOTALS): void {
  const { graph } = task;
  const solved = solve(task.problem, task.question, products);
  assert.deepEqual(solved.faults, []);
  assert.equal(solved.answer, graph.answer, 'answer of the problem');
  const solution = readSolution(task.solution);
  assert.equal(solution.answer, graph.answer, 'answer of the solution');
  assert.equal(countOps(solution), task.op, 'edges and constants of the solution, and the unknown');
  assertMode(task, solved, solution.reverse);
  assertNodes(graph.nodes, solution.steps, solved, products);
  assertNeeded(graph.nodes);
  for (const [name, value] of solved.values) {
    const fits = value >= 1 && value <= (world?.maxValue ?? Number.MAX_SAFE_INTEGER);
    if (!fits || (task.d === 2 && name.startsWith('average '))) {
      assert.fail(`${name} = ${value} at depth ${task.d}`);
    }
  }
  if (world !== null) assertSize(task, solved, world);
}

/** Forward: the last quantity is asked for. Reverse: its value is given and the unknown is asked for. */
function assertMode({ mode, question, graph }: Claims, { told }: Solved, reverse: boolean): void {
  assert.equal(reverse, mode === 'forwardreverse');
  assert.equal(readQuestion(question), graph.query);
  const last = graph.nodes.at(-1)!;
  assert.equal(told.unknown, reverse ? graph.query : null);
  assert.deepEqual(told.given, reverse ? { name: last.name, value: last.value } : null);
  if (!reverse) assert.equal(last.name, graph.query);
}

/** The graph's nodes are the solution's steps and the problem's sentences, one for one. */
function assertNodes(
  nodes: readonly GraphNode[],
  steps: readonly Step[],
  { values, told, answer }: Solved,
  products: ProductTotals,
): void {
  assert.equal(steps.length, nodes.length);
  for (const [i, step] of steps.entries()) {
    const node = nodes[i]!;
    const { name, operation } = node;
    const value = step.value.a * answer! + step.value.b;
    const abstract = name.startsWith('total ');
    assert.equal(step.name, name);
    assert.equal(node.value, value, name);
    assert.equal(value, values.get(name), name);
    assert.equal(node.kind, abstract ? 'abstract' : 'instance', name);
    assert.equal(node.constant ?? null, step.literal, name);
    assert.equal(operation, step.operation, name);
    assert.equal(node.dependencies.join('; '), step.parents.join('; '), name);
    if (abstract) {
      // The text's order of a total's members is free, within a product it is count × average.
      const sum = (members: readonly string[]) => terms(name, members, products).sort().join('; ');
      assert.equal(sum(node.dependencies), sum(told.members(name)), name);
    } else if (operation === 'unknown') assert.equal(name, told.unknown);
    else {
      const equation = told.equations.get(name)!;
      assert.equal(operationOf(equation), operation, name);
      assert.equal(equation.constant, step.literal, name);
      assert.equal(equation.parents.join('; '), step.parents.join('; '), name);
    }
  }
}

/** What a total adds up: members, or products of two. */
function terms(total: string, members: readonly string[], products: ProductTotals): string[] {
  if (!products.has(phraseOf(total))) return [...members];
  return members.flatMap((one, i) => (i % 2 === 0 ? [`${one} * ${members[i + 1]}`] : []));
}

/** A sentence's operation in a node's words. */
function operationOf({ form, verb }: Equation): string {
  if (form === 'none') return 'constant';
  if (verb === null) return form;
  return form === 'copy' ? verb : `${verb}_${form}`;
}

/** Every node leads to the last one. */
function assertNeeded(nodes: readonly GraphNode[]): void {
  const needed = new Set([nodes.at(-1)!.name]);
  for (const { name, dependencies } of nodes.toReversed()) {
    if (!needed.has(name)) assert.fail(`${name} is not needed`);
    for (const parent of dependencies) needed.add(parent);
  }
}

/** Sentences are as long, and distractors as many, as the world allows. */
function assertSize({ graph }: Claims, { told }: Solved, world: World): void {
  for (const [name, { parents, constant }] of told.equations) {
    assert.ok(parents.length + (constant === null ? 0 : 1) <= world.terms, name);
  }
  const gold = graph.nodes.filter(({ kind }) => kind === 'instance').length;
  const distractors = told.equations.size + (told.unknown === null ? 0 : 1) - gold;
  if (world.distractors !== 'all')
    assert.ok(distractors <= world.distractors[1], `${distractors} distractors`);
}
