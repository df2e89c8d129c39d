/** Two graphs over one set of nodes: what the side-by-side drawing and its text summary are made from. */
import {
  type DrawableComparison,
  type DrawableGraph,
  type DrawableNode,
  edgesOf,
  type NodeVerdict,
} from './types.ts';

export interface UnionNode {
  name: string;
  gold?: DrawableNode;
  predicted?: DrawableNode;
  verdict: NodeVerdict;
}

/** Nodes of both graphs, gold's in their order first, then what only the prediction has. */
export function uniteNodes(
  gold: DrawableGraph,
  predicted: DrawableGraph,
  comparison?: DrawableComparison,
): UnionNode[] {
  const g = withReferenced(gold);
  const p = withReferenced(predicted);
  const reported = new Map(comparison?.nodes.map(({ name, verdict }) => [name, verdict]));
  const names = new Set([...g.keys(), ...p.keys()]);
  return [...names].map((name) => {
    const inGold = g.get(name);
    const inPredicted = p.get(name);
    const verdict = reported.get(name) ?? inPredicted?.verdict ?? compareNodes(inGold, inPredicted);
    return {
      name,
      ...(inGold === undefined ? {} : { gold: inGold }),
      ...(inPredicted === undefined ? {} : { predicted: inPredicted }),
      verdict,
    };
  });
}

/** By name; a parent that no node defines becomes a node without a value. A name defined twice keeps its last. */
function withReferenced(graph: DrawableGraph): Map<string, DrawableNode> {
  const nodes = new Map<string, DrawableNode>(graph.nodes.map((node) => [node.name, node]));
  for (const [parent] of edgesOf(graph)) {
    if (!nodes.has(parent)) nodes.set(parent, { name: parent, dependencies: [] });
  }
  return nodes;
}

/** A graph in which every parent is a node. */
export function completeGraph(graph: DrawableGraph): DrawableGraph {
  return { ...graph, nodes: [...withReferenced(graph).values()] };
}

/** Verdict by name, set of parents and value, in this order, for callers that bring no comparison. */
function compareNodes(gold?: DrawableNode, predicted?: DrawableNode): NodeVerdict {
  if (gold === undefined) return 'extra';
  if (predicted === undefined) return 'missing';
  const parents = new Set(gold.dependencies);
  const same =
    parents.size === new Set(predicted.dependencies).size &&
    predicted.dependencies.every((name) => parents.has(name));
  if (!same) return 'wrong_parents';
  return gold.value === predicted.value ? 'right' : 'wrong_value';
}
