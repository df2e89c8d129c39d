/**
 * Dependency graphs as SVG: one graph ({@link drawGraph}), or gold and predicted on one layout, so that the
 * same quantity stands at the same place in both ({@link drawGraphPair}).
 */
import { chooseLayout, withRing } from './arrange.ts';
import type { GraphFigure } from './figure.ts';
import { labelNode, type NodeLabel, number } from './label.ts';
import type { Size } from './layout.ts';
import { kindLook, labelPredicted, predictedNode, toldNode, valuesOf } from './nodes.ts';
import { assemble, type Heading, type Panel } from './page.ts';
import { summariseGraph, summarisePair } from './summary.ts';
import {
  type DrawableComparison,
  type DrawableGraph,
  type DrawableNode,
  edgeKey,
  edgesOf,
  type GraphOptions,
  type GraphPairOptions,
} from './types.ts';
import { completeGraph, type UnionNode, uniteNodes, unitePairEdges } from './union.ts';

/**
 * Draws one graph: boxes by what they are (given number, stated relation, total, unknown), the computation in
 * each, the asked-for node in a ring, the one whose value a reverse problem gives with a badge. Any graph is accepted, cycles and undefined parents included.
 */
export function drawGraph(graph: DrawableGraph, options: GraphOptions = {}): GraphFigure {
  const whole = completeGraph(graph);
  const values = valuesOf(whole);
  const around = distractorPart(options.distractors, whole, values);
  const labels = new Map(whole.nodes.map((node) => [node.name, labelNode(node, values)]));
  for (const { node, label } of around.nodes) labels.set(node.name, label);
  const edges = [...edgesOf(whole), ...around.pairs];
  const { layout } = chooseLayout(withRing(labels, graph.query), edges, options, 1);
  const told = toldNode(graph);
  const panel: Panel = {
    title: options.title ?? 'Dependency graph',
    caption: options.caption ?? graphCaption(whole),
    nodes: [
      ...whole.nodes.map((node) => ({
        node,
        label: labels.get(node.name)!,
        look: kindLook(node),
        asked: node.name === graph.query,
        told: node.name === told,
      })),
      ...around.nodes,
    ],
    edges: [
      ...edgesOf(whole).map((edge) => ({ key: edgeKey(...edge), look: 'plain' as const })),
      ...around.edges,
    ],
    quantities: options.quantities,
    details: options.details,
  };
  return assemble([panel], layout, 'beside', {}, summariseGraph(panel.title, whole));
}

/**
 * Draws gold and predicted graph on the layout of their union. Predicted nodes are coloured by their verdict
 * (from `comparison`, else from the nodes themselves, else by comparing name, parents and value); what the
 * prediction misses is dashed grey, what it adds orange, edges included.
 */
export function drawGraphPair(
  gold: DrawableGraph,
  predicted: DrawableGraph,
  comparison?: DrawableComparison,
  options: GraphPairOptions = {},
): GraphFigure {
  const nodes = uniteNodes(gold, predicted, comparison);
  const query = gold.query ?? predicted.query;
  const goldValues = valuesOf(completeGraph(gold));
  const predictedValues = valuesOf(completeGraph(predicted));
  const goldLabels = new Map<string, NodeLabel>();
  const predictedLabels = new Map<string, NodeLabel>();
  const sizes = new Map<string, Size>();
  for (const node of nodes) {
    if (node.gold !== undefined) goldLabels.set(node.name, labelNode(node.gold, goldValues));
    predictedLabels.set(node.name, labelPredicted(node, predictedValues));
    sizes.set(node.name, largest(goldLabels.get(node.name), predictedLabels.get(node.name)!));
  }
  const edges = unitePairEdges(gold, predicted);
  const around = distractorPart(options.distractors, completeGraph(gold), goldValues);
  for (const { node, label } of around.nodes) {
    goldLabels.set(node.name, label);
    sizes.set(node.name, largest(sizes.get(node.name), label));
  }
  const all = [...new Map([...edges.all, ...around.pairs].map((edge) => [edgeKey(...edge), edge])).values()];
  const { layout, beside } = chooseLayout(withRing(sizes, query), all, options, 2);

  const told = toldNode(gold);
  const goldPanel: Panel = {
    title: options.goldTitle ?? 'Gold graph',
    caption: graphCaption(completeGraph(gold)),
    nodes: [
      ...nodes
        .filter((node) => node.gold !== undefined)
        .map((node) => ({
          node: node.gold!,
          label: { ...goldLabels.get(node.name)!, ...sizes.get(node.name)! },
          look: kindLook(node.gold!),
          asked: node.name === query,
          told: node.name === told,
        })),
      ...around.nodes.map((part) => ({ ...part, label: { ...part.label, ...sizes.get(part.node.name)! } })),
    ],
    edges: [...edges.gold, ...around.edges],
    quantities: options.quantities,
    details: options.details,
  };
  const predictedPanel: Panel = {
    title: options.predictedTitle ?? 'Predicted graph',
    caption: predictedCaption(nodes, gold, predicted),
    nodes: nodes.map((node) => ({
      node: predictedNode(node),
      label: { ...predictedLabels.get(node.name)!, ...sizes.get(node.name)! },
      look: node.verdict,
      asked: node.name === query,
      told: false, // its corner shows the verdict
    })),
    edges: edges.predicted,
    quantities: options.quantities,
    details: options.details,
  };

  const title = options.title ?? `Gold and predicted graph: ${predictedPanel.caption}`;
  const heading: Heading = {};
  if (options.title !== undefined) heading.title = options.title;
  if (options.caption !== undefined) heading.caption = options.caption;
  const arrangement = beside ? 'beside' : 'below';
  return assemble(
    [goldPanel, predictedPanel],
    layout,
    arrangement,
    heading,
    summarisePair(title, nodes, query),
  );
}

/** Quantities that are not needed, as far as the graph does not have them itself, with their edges. */
function distractorPart(
  distractors: readonly DrawableNode[] = [],
  graph: DrawableGraph,
  values: ReadonlyMap<string, number>,
) {
  const own = new Set(graph.nodes.map(({ name }) => name));
  const others = completeGraph({ nodes: distractors }).nodes.filter(({ name }) => !own.has(name));
  const known = new Map([...valuesOf({ nodes: others }), ...values]);
  const pairs = edgesOf({ nodes: others });
  return {
    nodes: others.map((node) => ({
      node,
      label: labelNode(node, known),
      look: 'distractor' as const,
      asked: false,
      told: false,
    })),
    pairs,
    edges: pairs.map((edge) => ({ key: edgeKey(...edge), look: 'distractor' as const })),
  };
}

function largest(a: Size | undefined, b: Size): Size {
  return { width: Math.max(a?.width ?? 0, b.width), height: Math.max(a?.height ?? 0, b.height) };
}

function graphCaption(graph: DrawableGraph): string {
  const edges = edgesOf(graph).length;
  const size = `${plural(graph.nodes.length, 'quantity', 'quantities')}, ${plural(edges, 'edge', 'edges')}`;
  const answer = answerOf(graph);
  if (answer === undefined) return size;
  const told = graph.nodes.find(({ name }) => name === toldNode(graph));
  const from = told?.value === undefined || told.value === null ? '' : `, given ${number(told.value)}`;
  return `answer ${number(answer)}${from} · ${size}`;
}

function predictedCaption(
  nodes: readonly UnionNode[],
  gold: DrawableGraph,
  predicted: DrawableGraph,
): string {
  const inGold = nodes.filter((node) => node.gold !== undefined);
  const right = inGold.filter((node) => node.verdict === 'right').length;
  const steps = `${right} of ${inGold.length} gold steps right`;
  const answer = answerOf(predicted);
  const expected = answerOf(gold);
  if (answer === undefined) return `no answer · ${steps}`;
  if (expected === undefined) return `answer ${number(answer)} · ${steps}`;
  const judged = answer === expected ? 'right' : `wrong, should be ${number(expected)}`;
  return `answer ${number(answer)} (${judged}) · ${steps}`;
}

/** The stated answer, else the value of the asked-for node. */
function answerOf(graph: DrawableGraph): number | undefined {
  return graph.answer ?? graph.nodes.find((node) => node.name === graph.query)?.value ?? undefined;
}

function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
