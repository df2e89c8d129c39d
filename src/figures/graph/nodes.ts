/** What predicted nodes look like and say, beside their gold ones. */
import { labelNode, type NodeLabel, number } from './label.ts';
import type { NodeLook } from './marks.ts';
import type { DrawableGraph, DrawableNode } from './types.ts';
import type { UnionNode } from './union.ts';

/** Look of a node that is not judged. */
export function kindLook(node: DrawableNode): NodeLook {
  if (node.value === undefined || node.value === null) return 'undefined';
  if (node.operation === 'unknown') return 'unknown';
  if (node.kind === 'abstract') return 'total';
  return node.dependencies.length === 0 ? 'given' : 'derived';
}

/**
 * Name of the quantity whose value a reverse problem gives: where a node is the unknown, the last in solution
 * order (src/tasks/types.ts).
 */
export function toldNode(graph: DrawableGraph): string | undefined {
  const reverse = graph.nodes.some((node) => node.operation === 'unknown');
  return reverse ? graph.nodes.at(-1)!.name : undefined;
}

/** The values that a graph states. */
export function valuesOf(graph: DrawableGraph): Map<string, number> {
  const known = graph.nodes.filter((node) => node.value !== undefined && node.value !== null);
  return new Map(known.map((node) => [node.name, node.value as number]));
}

/** A predicted node says what it should have been; a missing one shows its name and the gold value. */
export function labelPredicted(node: UnionNode, values: ReadonlyMap<string, number>): NodeLabel {
  const { gold, predicted } = node;
  if (predicted === undefined) return labelNode({ ...gold!, value: null }, values, 'missing');
  if (predicted.value === undefined || predicted.value === null)
    return labelNode(predicted, values, 'not defined');
  const goldValue = gold?.value ?? undefined;
  let note = '';
  if (goldValue !== undefined && goldValue !== predicted.value) note = `, not ${number(goldValue)}`;
  else if (node.verdict === 'wrong_value') note = ' by a wrong step';
  return labelNode(predictedNode(node), values, note);
}

/**
 * A node of the predicted panel. What a response does not say of itself (kind, operation, constant) is gold's;
 * the operation is written only where it gives the predicted value from the predicted parents' values.
 */
export function predictedNode({ gold, predicted }: UnionNode): DrawableNode {
  if (predicted === undefined) return gold!;
  if (gold === undefined) return predicted;
  const { kind, operation, constant } = gold;
  // A response names its parents in the order of their definition; the operation takes them in gold's.
  const parents = new Set(gold.dependencies);
  const sameParents =
    parents.size === predicted.dependencies.length &&
    predicted.dependencies.every((name) => parents.has(name));
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(operation === undefined ? {} : { operation }),
    ...(constant === undefined ? {} : { constant }),
    ...predicted,
    dependencies: sameParents ? gold.dependencies : predicted.dependencies,
  };
}
