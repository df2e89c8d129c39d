/** What a graph must have to be drawn. Tasks' gold graphs and parsed responses both fit; nothing is imported. */

/** How a predicted node compares with the gold node of the same name. */
export const VERDICTS = ['right', 'wrong_value', 'wrong_parents', 'missing', 'extra'] as const;
export type NodeVerdict = (typeof VERDICTS)[number];

export interface DrawableNode {
  name: string;
  /** What the node was computed to; absent when the response never says. */
  value?: number | null;
  /** Names of the parents, in the order in which they are used. A name that no node has is drawn as undefined. */
  dependencies: readonly string[];
  /** One of the operations of src/tasks/types.ts; used to write the computation into the box. */
  operation?: string;
  constant?: number;
  kind?: string;
  verdict?: NodeVerdict;
  /** The computation as it was written (`3 + 4`), when the caller has it. */
  formula?: string;
}

export interface DrawableGraph {
  nodes: readonly DrawableNode[];
  /** Name of the node that is asked for. */
  query?: string;
  answer?: number | null;
}

/** One node's part of a comparison: its verdict, or what the verifier found (whose result fits as it is). */
export type ComparedNode =
  | { name: string; verdict: NodeVerdict }
  | { name: string; predicted: unknown; parentsRight: boolean; valueRight: boolean };

/** What a comparison of two graphs reports: gold nodes, and the names that only the prediction has. */
export interface DrawableComparison {
  nodes: readonly ComparedNode[];
  extra?: readonly string[];
}

/** Verdict of a compared node; of two faults the parents are named, since the value follows from them. */
export function verdictOf(node: ComparedNode): NodeVerdict {
  if ('verdict' in node) return node.verdict;
  if (node.predicted === null || node.predicted === undefined) return 'missing';
  if (!node.parentsRight) return 'wrong_parents';
  return node.valueRight ? 'right' : 'wrong_value';
}

/** Light background and short label of one quantity. */
export interface QuantityMark {
  fill: string;
  label: string;
}

/** What is shown of a quantity beside the drawing, where a pointer rests on its node. */
export interface NodeDetail {
  /** The problem's sentence about it. */
  sentence?: string;
  /** The gold solution's step. */
  gold?: string;
  /** The response's step. */
  response?: string;
}

/** Options of both drawings; text that is not given is made from the graphs. */
export interface GraphOptions {
  title?: string;
  /** A line under the title. */
  caption?: string;
  /**
   * Whether parents stand above (`down`) or left of (`right`) their children; by default whichever needs the
   * less shrinking on a page of {@link GraphOptions.width}.
   */
  direction?: 'down' | 'right' | 'auto';
  /** How texts beside the drawing mark quantities, by name: boxes get the same colour and number. */
  quantities?: ReadonlyMap<string, QuantityMark>;
  /** Texts by node name, shown while the pointer rests on the node. */
  details?: ReadonlyMap<string, NodeDetail>;
  /** Quantities that the problem states but the answer does not need, drawn faintly with the gold graph. */
  distractors?: readonly DrawableNode[];
  /** Page width in px that the automatic choices aim at (default 1180). The drawing itself keeps its size. */
  width?: number;
}

export interface GraphPairOptions extends GraphOptions {
  goldTitle?: string;
  predictedTitle?: string;
  /** Where the predicted graph goes; by default beside the gold one unless that is far too wide. */
  arrangement?: 'beside' | 'below' | 'auto';
}

/** Name of an edge in sets and maps: names never contain NUL. */
export function edgeKey(parent: string, child: string): string {
  return `${parent}\0${child}`;
}

/** The edges of a graph without repetition, as [parent, child]. */
export function edgesOf(graph: DrawableGraph): [string, string][] {
  const seen = new Map<string, [string, string]>();
  for (const node of graph.nodes) {
    for (const parent of node.dependencies) seen.set(edgeKey(parent, node.name), [parent, node.name]);
  }
  return [...seen.values()];
}
