/** A predicted graph against the gold one, node by node, for drawing. */
import { compare, type GoldGraph, indexGold, type PredictedGraph } from '../verify/index.ts';

export type NodeVerdict = 'right' | 'wrong_value' | 'wrong_parents' | 'missing' | 'extra';

export interface ComparedNode {
  name: string;
  /** A node whose parents are wrong is `wrong_parents`, whatever its value. */
  verdict: NodeVerdict;
  /** NaN: gold does not have the node. */
  goldValue: number;
  /** NaN: not predicted, or it says no number. */
  predictedValue: number;
  /** A `wrong_value` whose number is right: an equation in its step does not hold. */
  sound: boolean;
}

export interface GraphComparison {
  /** Gold nodes in gold order, then what only the prediction has in its order. */
  nodes: ComparedNode[];
  /** Share of gold nodes that are right. */
  processAccuracy: number;
}

/** Verdict on every node of either graph, by the rules of verification (docs/metrics.md). */
export function compareGraphs(gold: GoldGraph, predicted: PredictedGraph): GraphComparison {
  const indexed = indexGold(gold);
  const comparison = compare(indexed, predicted);
  const nodes = comparison.nodes.map(
    ({ name, predicted: node, parentsRight, valueRight, sound }, i): ComparedNode => ({
      name,
      verdict:
        node === null ? 'missing' : !parentsRight ? 'wrong_parents' : valueRight ? 'right' : 'wrong_value',
      goldValue: indexed.graph.nodes[i]!.value,
      predictedValue: node?.value ?? Number.NaN,
      sound,
    }),
  );
  const extra = new Set(comparison.extra);
  for (const node of predicted.nodes) {
    if (!extra.has(node.name)) continue;
    nodes.push({
      name: node.name,
      verdict: 'extra',
      goldValue: Number.NaN,
      predictedValue: node.value ?? Number.NaN,
      sound: !node.contradicted,
    });
  }
  return { nodes, processAccuracy: comparison.processAccuracy };
}
