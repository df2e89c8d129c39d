/**
 * The shape of a solution without names and numbers: what kind of quantity follows from how many others, and how.
 * Gold graphs and responses give the same kind of object, so that they can be compared (DESIGN §7).
 */
import type { TaskGraph } from '../tasks/types.ts';
import type { Equation, PredictedGraph } from '../verify/index.ts';
import { bindingOf, MINUS, parseSolution, TIMES } from '../verify/index.ts';

/** Nodes in solution order; the last is what the steps lead to. */
export interface Topology {
  /**
   * `constant` (a quantity that follows from no other; a reverse problem's unknown is one), else kind and operation:
   * `instance plus_sum`, `abstract sum`.
   */
  roles: string[];
  /** Positions of each node's parents, all smaller than its own. */
  parents: number[][];
}

/** Topology of a task: of its graph, or where the record has none, of what its gold solution says. */
export function taskTopology(task: { solution: string; graph?: TaskGraph | null }): Topology {
  if (task.graph === undefined || task.graph === null) {
    return responseTopology(parseSolution(task.solution)) ?? { roles: [], parents: [] };
  }
  const { nodes } = task.graph;
  const position = new Map(nodes.map(({ name }, i) => [name, i]));
  return {
    roles: nodes.map(({ kind, operation, dependencies }) =>
      dependencies.length === 0 ? 'constant' : `${kind} ${operation}`,
    ),
    parents: nodes.map(({ dependencies }) => [...new Set(dependencies.map((name) => position.get(name)!))]),
  };
}

/**
 * Topology of what a response's last step is made from, its ancestors only; null when the response has no step.
 * Operations are read from the equations: how parents are combined, and whether a literal number takes part.
 */
export function responseTopology(predicted: PredictedGraph): Topology | null {
  const { nodes, steps } = predicted;
  const goal = nodes.findLastIndex(() => true);
  if (goal < 0) return null;
  const position = new Map(nodes.map(({ name }, i) => [name, i]));
  const needed = new Set([goal]);
  for (let i = goal; i >= 0; i--) {
    if (needed.has(i)) for (const name of nodes[i]!.dependencies) needed.add(position.get(name)!);
  }
  const kept = [...needed].sort((a, b) => a - b);
  const place = new Map(kept.map((i, at) => [i, at]));
  return {
    roles: kept.map((i) => {
      const { name, dependencies, step } = nodes[i]!;
      if (dependencies.length === 0) return 'constant';
      const kind = /^total\b/i.test(name) ? 'abstract' : 'instance';
      return `${kind} ${operationOf(steps[step]!.equations, dependencies.length)}`;
    }),
    parents: kept.map((i) => nodes[i]!.dependencies.map((name) => place.get(position.get(name)!)!)),
  };
}

/** How a step combines its parents, named as in a task's graph. */
function operationOf(equations: readonly Equation[], parents: number): string {
  let minus = false;
  let products = false;
  let verb: 'plus' | 'times' | null = null;
  for (const { sides, source } of equations) {
    const made = source < 0 ? null : sides[source]!;
    if (made === null) continue;
    const literal = made.some((code) => code >= 0);
    const references = made.filter((code) => bindingOf(code) >= 0).length;
    const times = made.includes(TIMES);
    if (literal) verb = times ? 'times' : 'plus';
    else if (times && references > 1) products = true;
    if (made.includes(MINUS)) minus = true;
  }
  if (products) return 'sum_of_products';
  const base = minus ? 'difference' : parents === 1 ? 'copy' : 'sum';
  if (verb === null) return base;
  return base === 'copy' ? verb : `${verb}_${base}`;
}
