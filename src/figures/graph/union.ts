/** Two graphs over one set of nodes: what the side-by-side drawing and its text summary are made from. */
import type { EdgeLook } from './marks.ts';
import {
  type DrawableComparison,
  type DrawableGraph,
  type DrawableNode,
  edgeKey,
  edgesOf,
  type NodeVerdict,
  verdictOf,
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
  const g = new Map<string, DrawableNode>(gold.nodes.map((node) => [node.name, node]));
  const p = new Map<string, DrawableNode>(predicted.nodes.map((node) => [node.name, node]));
  for (const name of referenced(gold)) if (!g.has(name)) g.set(name, { name, dependencies: [] });
  // A gold node that the prediction uses without defining it is missing; a name that nobody defines is extra.
  for (const name of referenced(predicted))
    if (!p.has(name) && !g.has(name)) p.set(name, { name, dependencies: [] });
  const reported = new Map(comparison?.nodes.map((node) => [node.name, verdictOf(node)]));
  for (const name of comparison?.extra ?? []) reported.set(name, 'extra');
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

/** Edges of both graphs, and how they look in the gold panel and in the predicted one. */
export function unitePairEdges(gold: DrawableGraph, predicted: DrawableGraph): PairEdges {
  const goldEdges = edgesOf(gold);
  const predictedEdges = edgesOf(predicted);
  const inGold = new Set(goldEdges.map((edge) => edgeKey(...edge)));
  const inPredicted = new Set(predictedEdges.map((edge) => edgeKey(...edge)));
  const extra = predictedEdges.filter((edge) => !inGold.has(edgeKey(...edge)));
  return {
    all: [...goldEdges, ...extra],
    gold: goldEdges.map((edge) => ({ key: edgeKey(...edge), look: 'plain' })),
    predicted: [
      ...goldEdges.map((edge) => {
        const key = edgeKey(...edge);
        return { key, look: inPredicted.has(key) ? ('plain' as const) : ('missing' as const) };
      }),
      ...extra.map((edge) => ({ key: edgeKey(...edge), look: 'extra' as const })),
    ],
  };
}

interface PairEdges {
  all: [string, string][];
  gold: { key: string; look: EdgeLook }[];
  predicted: { key: string; look: EdgeLook }[];
}

/** Names that nodes have as parents. */
function referenced(graph: DrawableGraph): string[] {
  return edgesOf(graph).map(([parent]) => parent);
}

/** A graph in which every parent is a node; one that nothing defines has no value. A repeated name keeps its last. */
export function completeGraph(graph: DrawableGraph): DrawableGraph {
  const nodes = new Map<string, DrawableNode>(graph.nodes.map((node) => [node.name, node]));
  for (const name of referenced(graph)) if (!nodes.has(name)) nodes.set(name, { name, dependencies: [] });
  return { ...graph, nodes: [...nodes.values()] };
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
