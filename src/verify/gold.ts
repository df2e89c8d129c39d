/**
 * The gold side of a comparison: the record's own graph when it has one, else the graph that its gold solution
 * states. A gold that cannot be read is the user's error and never a reward.
 */
import { userError } from '../core/errors.ts';
import type { TaskGraph } from '../tasks/types.ts';
import { parseNumber } from './answer.ts';
import type { CompatibleGold } from './compatible/verdict.ts';
import { goldOfReference } from './compatible/verdict.ts';
import { normalizeName, parseSolution } from './solution.ts';
import type { GoldGraph, GoldNode, PredictedGraph, VerifiableTask } from './types.ts';

/** A gold graph made ready for comparison. */
export interface IndexedGold {
  graph: GoldGraph;
  /** Parent names of each node, in graph order. */
  parents: ReadonlySet<string>[];
  /** Index of each node by name. */
  index: ReadonlyMap<string, number>;
}

/** A task made ready for verification of many responses. */
export interface Gold extends IndexedGold {
  compatible: CompatibleGold;
}

/**
 * Gold graph of a task, in solution order.
 * @throws userError GOLD_UNPARSEABLE, GOLD_GRAPH
 */
export function goldGraph(task: VerifiableTask): GoldGraph {
  if (task.graph !== undefined && task.graph !== null) return checkedGraph(task.graph);
  const parsed = parseSolution(task.solution);
  const problem = defectOf(parsed);
  if (problem !== null) throw unparseable(problem, task.solution);
  return { nodes: goldNodes(parsed), query: queryOf(parsed), answer: parsed.answer! };
}

/** {@link goldGraph} and what else verification needs, computed once per task. */
export function prepareGold(task: VerifiableTask): Gold {
  const graph = goldGraph(task);
  const compatible = goldOfReference(task.solution);
  const stated = parseNumber(compatible.answer.replace(/\.+$/, ''));
  if (stated === null || Math.abs(stated - graph.answer) > 1e-6) {
    throw unparseable(
      `the answer ${JSON.stringify(compatible.answer)} beside a graph that says ${graph.answer}`,
      task.solution,
    );
  }
  return { ...indexGold(graph), compatible };
}

/** A gold graph with what comparison looks up; names in the form in which predicted names are compared. */
export function indexGold(given: GoldGraph): IndexedGold {
  const nodes = given.nodes.map(({ name, value, dependencies }) => ({
    name: normalizeName(name),
    value,
    dependencies: dependencies.map(normalizeName),
  }));
  return {
    graph: { nodes, query: normalizeName(given.query), answer: given.answer },
    parents: nodes.map((node) => new Set(node.dependencies)),
    index: new Map(nodes.map((node, i) => [node.name, i])),
  };
}

function goldNodes(parsed: PredictedGraph): GoldNode[] {
  return parsed.nodes.map(({ name, value, dependencies }) => ({ name, value: value!, dependencies }));
}

function defectOf(parsed: PredictedGraph): string | null {
  if (parsed.steps.length === 0) return 'no step';
  if (parsed.answer === null) return 'no numeric answer';
  for (const node of parsed.nodes) {
    if (node.value === null) return `no value for ${node.name}`;
    if (node.contradicted) return `two definitions of ${node.name}`;
    if (node.undefinedLetters.length > 0)
      return `undefined ${node.undefinedLetters.join(', ')} in ${node.name}`;
  }
  return null;
}

/** What is asked for: the unknown of a reverse problem, else the last node. */
function queryOf(parsed: PredictedGraph): string {
  const unknown = parsed.steps.find((step) => step.equations.every(({ target }) => target !== step.binding));
  return (unknown ?? parsed.steps.at(-1)!).name;
}

function unparseable(got: string, solution: string): Error {
  return userError(
    'GOLD_UNPARSEABLE',
    'a gold solution of the form "Define NAME as L; so L = …. Answer: N."',
    `${got} in ${JSON.stringify(solution.slice(0, 80))}`,
    'repair or remove that record',
  );
}

function checkedGraph(graph: TaskGraph): GoldGraph {
  const fail = (field: string, expected: string): Error =>
    userError(
      'GOLD_GRAPH',
      `${expected} in graph.${field}`,
      'something else',
      'repair or remove that record',
    );
  if (!Array.isArray(graph.nodes) || graph.nodes.length === 0) throw fail('nodes', 'a list of nodes');
  const names = new Set<string>();
  graph.nodes.forEach((node, i) => {
    if (typeof node?.name !== 'string') throw fail(`nodes[${i}].name`, 'a name');
    if (!Number.isFinite(node.value)) throw fail(`nodes[${i}].value`, 'a number');
    if (!Array.isArray(node.dependencies)) throw fail(`nodes[${i}].dependencies`, 'a list of names');
    if (names.has(node.name)) throw fail(`nodes[${i}].name`, 'a name that no other node has');
    for (const parent of node.dependencies) {
      if (!names.has(parent)) throw fail(`nodes[${i}].dependencies`, 'names of earlier nodes');
    }
    names.add(node.name);
  });
  if (!names.has(graph.query)) throw fail('query', 'the name of a node');
  if (!Number.isFinite(graph.answer)) throw fail('answer', 'a number');
  return graph;
}
