/**
 * Dependency graphs as SVG: one graph ({@link drawGraph}), or gold and predicted on one layout, so that the
 * same quantity stands at the same place in both ({@link drawGraphPair}).
 */
import { FONT, INK, SIZE } from '../style.ts';
import { type Attributes, element, escapeMarkup, group, px, svgDocument } from '../svg/markup.ts';
import { FONT_RESERVE, textWidth, wrapText } from '../text.ts';
import { GraphFigure } from './figure.ts';
import { labelNode, type NodeLabel, number } from './label.ts';
import { GAP, type Layout, layoutGraph, type Size } from './layout.ts';
import { drawLegend, type LegendEntry } from './legend.ts';
import { drawNode, EDGE, type EdgeLook, type NodeLook, RING } from './marks.ts';
import { summariseGraph, summarisePair } from './summary.ts';
import {
  type DrawableComparison,
  type DrawableGraph,
  type DrawableNode,
  edgeKey,
  edgesOf,
  type GraphOptions,
  type GraphPairOptions,
  VERDICTS,
} from './types.ts';
import { completeGraph, type UnionNode, uniteNodes } from './union.ts';

const PAGE_WIDTH = 1180;
/** Around everything; rings and badges reach out of the layout's boxes by less. */
const MARGIN = 18;
const PANEL_GAP = 44;
const INSET = 14;

/**
 * Draws one graph: boxes by what they are (given number, stated relation, total), the computation in each,
 * the asked-for node in a ring. Any graph is accepted, cycles and undefined parents included.
 */
export function drawGraph(graph: DrawableGraph, options: GraphOptions = {}): GraphFigure {
  const whole = completeGraph(graph);
  const values = valuesOf(whole);
  const labels = new Map(whole.nodes.map((node) => [node.name, labelNode(node, values)]));
  const edges = edgesOf(whole);
  const { layout } = chooseLayout(withRing(labels, graph.query), edges, options, 1);
  const panel: Panel = {
    title: options.title ?? 'Dependency graph',
    caption: options.caption ?? graphCaption(whole),
    nodes: whole.nodes.map((node) => ({
      node,
      label: labels.get(node.name)!,
      look: kindLook(node),
      asked: node.name === graph.query,
    })),
    edges: edges.map(([parent, child]) => ({ key: edgeKey(parent, child), look: 'plain' })),
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
  const goldEdges = edgesOf(gold);
  const predictedEdges = edgesOf(predicted);
  const inGold = new Set(goldEdges.map((edge) => edgeKey(...edge)));
  const inPredicted = new Set(predictedEdges.map((edge) => edgeKey(...edge)));
  const extra = predictedEdges.filter((edge) => !inGold.has(edgeKey(...edge)));
  const { layout, beside } = chooseLayout(withRing(sizes, query), [...goldEdges, ...extra], options, 2);

  const goldPanel: Panel = {
    title: options.goldTitle ?? 'Gold graph',
    caption: graphCaption(completeGraph(gold)),
    nodes: nodes
      .filter((node) => node.gold !== undefined)
      .map((node) => ({
        node: node.gold!,
        label: { ...goldLabels.get(node.name)!, ...sizes.get(node.name)! },
        look: kindLook(node.gold!),
        asked: node.name === query,
      })),
    edges: goldEdges.map((edge) => ({ key: edgeKey(...edge), look: 'plain' })),
  };
  const predictedPanel: Panel = {
    title: options.predictedTitle ?? 'Predicted graph',
    caption: predictedCaption(nodes, gold, predicted),
    nodes: nodes.map((node) => ({
      node: predictedNode(node),
      label: { ...predictedLabels.get(node.name)!, ...sizes.get(node.name)! },
      look: node.verdict,
      asked: node.name === query,
    })),
    edges: [
      ...goldEdges.map((edge) => {
        const key = edgeKey(...edge);
        return { key, look: inPredicted.has(key) ? ('plain' as const) : ('missing' as const) };
      }),
      ...extra.map((edge) => ({ key: edgeKey(...edge), look: 'extra' as const })),
    ],
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

interface Panel {
  title: string;
  caption: string;
  nodes: { node: DrawableNode; label: NodeLabel; look: NodeLook; asked: boolean }[];
  edges: { key: string; look: EdgeLook }[];
}

interface Heading {
  title?: string;
  caption?: string;
}

/** An entry for each mark that occurs in the panel. */
function legendOf(panel: Panel): LegendEntry[] {
  const count = (look: NodeLook) => panel.nodes.filter((node) => node.look === look).length;
  const legend: LegendEntry[] = [];
  for (const look of VERDICTS) {
    if (count(look) > 0) legend.push({ mark: 'node', look, count: count(look) });
  }
  for (const look of ['given', 'derived', 'total', 'undefined'] as const) {
    if (count(look) > 0) legend.push({ mark: 'node', look, total: look === 'total' });
  }
  for (const look of ['missing', 'extra'] as const) {
    if (panel.edges.some((edge) => edge.look === look)) legend.push({ mark: 'edge', look });
  }
  if (panel.nodes.some((node) => node.asked)) legend.push({ mark: 'asked' });
  return legend;
}

/** Puts heading and panels, each with its legend under it, on one page. */
function assemble(
  panels: readonly Panel[],
  layout: Layout,
  arrangement: 'beside' | 'below',
  heading: Heading,
  summary: string,
): GraphFigure {
  const headings = panels.map((panel) => textWidth(panel.title, SIZE.title, 'bold') / FONT_RESERVE);
  const panelWidth = Math.max(layout.width + 2 * INSET, 250, ...headings);
  const columns = arrangement === 'beside' ? panels.length : 1;
  const width = 2 * MARGIN + columns * panelWidth + (columns - 1) * PANEL_GAP;
  const inner = width - 2 * MARGIN;
  const parts: string[] = [];

  let top = MARGIN;
  const write = (text: string, x: number, size: number, weight: 'normal' | 'bold', fill: string) => {
    top += size;
    parts.push(textAt(text, x, top, { 'font-size': size, 'font-weight': weight, fill }));
    top += 6;
  };
  if (heading.title !== undefined) {
    for (const line of wrapText(heading.title, inner * FONT_RESERVE, SIZE.title + 1, 'bold')) {
      write(line, MARGIN, SIZE.title + 1, 'bold', INK.text);
    }
  }
  if (heading.caption !== undefined) {
    for (const line of wrapText(heading.caption, inner * FONT_RESERVE, SIZE.caption)) {
      write(line, MARGIN, SIZE.caption, 'normal', INK.soft);
    }
  }
  if (top > MARGIN) top += 8;

  const captions = panels.map((panel) => wrapText(panel.caption, panelWidth * FONT_RESERVE, SIZE.caption));
  const captionRows = Math.max(...captions.map((lines) => lines.length));
  const head = SIZE.title + 6 + captionRows * (SIZE.caption + 4) + 12;
  const legends = panels.map((panel) => drawLegend(legendOf(panel), panelWidth));
  const foot = Math.max(...legends.map((legend) => legend.height)) + 6;
  const panelHeight = head + layout.height + 2 * INSET + foot;
  for (const [i, panel] of panels.entries()) {
    const x = MARGIN + (arrangement === 'beside' ? i * (panelWidth + PANEL_GAP) : 0);
    const y = top + (arrangement === 'below' ? i * (panelHeight + PANEL_GAP / 2) : 0);
    const captionTop = y + SIZE.title + 6 + SIZE.caption;
    parts.push(
      textAt(panel.title, x, y + SIZE.title, {
        'font-size': SIZE.title,
        'font-weight': 'bold',
        fill: INK.text,
      }),
      ...captions[i]!.map((line, row) =>
        textAt(line, x, captionTop + row * (SIZE.caption + 4), { 'font-size': SIZE.caption, fill: INK.soft }),
      ),
      drawPanel(panel, layout, x + (panelWidth - layout.width) / 2, y + head + INSET),
      at(x, y + panelHeight - foot + 6, legends[i]!.markup),
    );
  }
  const rows = arrangement === 'below' ? panels.length : 1;
  const height = top + rows * panelHeight + (rows - 1) * (PANEL_GAP / 2) + MARGIN - 4;
  const size = { width: Math.ceil(width), height: Math.ceil(height) };
  return new GraphFigure(
    svgDocument(size.width, size.height, FONT, summary.split('\n')[0]!, parts),
    size,
    summary,
  );
}

function textAt(text: string, x: number, y: number, attributes: Attributes): string {
  return element('text', { x, y, ...attributes }, escapeMarkup(text));
}

/** Markup drawn around the origin, moved to (x, y). */
function at(x: number, y: number, markup: string): string {
  return group({ transform: `translate(${px(x)} ${px(y)})` }, markup === '' ? [] : [markup]);
}

/** Sizes with room for the asked-for node's ring, so that edges end at the ring. */
function withRing(sizes: ReadonlyMap<string, Size>, query: string | undefined): Map<string, Size> {
  return new Map(
    [...sizes].map(([name, { width, height }]) => {
      const ring = name === query ? 2 * RING : 0;
      return [name, { width: width + ring, height: height + ring }];
    }),
  );
}

function drawPanel(panel: Panel, layout: Layout, x: number, y: number): string {
  // Missing edges first and extra ones last, so that what was predicted lies over what was not.
  const order: EdgeLook[] = ['missing', 'plain', 'extra'];
  const edges = [...panel.edges].sort((a, b) => order.indexOf(a.look) - order.indexOf(b.look));
  const parts = edges.map(({ key, look }) => {
    const route = layout.routes.get(key)!;
    const style = EDGE[look];
    return element(
      'g',
      { class: `edge ${look}`, 'data-edge': key.replace('\0', ' → ') },
      element('path', {
        d: route.line,
        fill: 'none',
        stroke: style.stroke,
        'stroke-width': style.width,
        'stroke-dasharray': 'dash' in style ? style.dash : undefined,
      }),
      element('path', { class: 'head', d: route.head, fill: style.stroke }),
    );
  });
  for (const { node, label, look, asked } of panel.nodes) {
    const centre = layout.centres.get(node.name)!;
    parts.push(
      drawNode(centre.x, centre.y, node.name, label, look, {
        asked,
        total: node.kind === 'abstract',
        tooltip: tooltip(node, look),
      }),
    );
  }
  return group({ class: 'panel', transform: `translate(${Math.round(x)} ${Math.round(y)})` }, parts);
}

function tooltip(node: DrawableNode, look: NodeLook): string {
  const value = node.value === undefined || node.value === null ? 'no value' : number(node.value);
  const parents = node.dependencies.length === 0 ? '' : `; from ${node.dependencies.join(', ')}`;
  return `${node.name}: ${value}${parents} (${look.replaceAll('_', ' ')})`;
}

/** Standing beside each other makes two graphs easy to compare: worth being shrunk to this. */
const SHRINK_FOR_BESIDE = 0.72;

/**
 * The layout that is shrunk least when the page is `width` px wide; of equals the lower one. With two panels
 * also whether they stand beside each other.
 */
function chooseLayout(
  sizes: ReadonlyMap<string, Size>,
  edges: readonly [string, string][],
  options: GraphPairOptions,
  panels: 1 | 2,
): { layout: Layout; beside: boolean } {
  const page = options.width ?? PAGE_WIDTH;
  const arrangement = panels === 1 ? 'beside' : (options.arrangement ?? 'auto');
  const arrangements = arrangement === 'auto' ? [true, false] : [arrangement === 'beside'];
  const candidates = layoutsToTry(sizes, edges, options.direction ?? 'auto', page / panels).flatMap(
    (layout) =>
      arrangements.map((beside) => {
        const columns = beside ? panels : 1;
        const width = columns * (layout.width + 2 * INSET) + (columns - 1) * PANEL_GAP + 2 * MARGIN;
        const scale = Math.min(1, page / width);
        const height = (beside ? 1 : panels) * layout.height * scale;
        return { layout, beside, score: beside ? scale / SHRINK_FOR_BESIDE : scale, height };
      }),
  );
  const best = Math.max(...candidates.map(({ score }) => score));
  const good = candidates.filter(({ score }) => score > best - 0.05);
  return good.reduce((a, b) => (b.height < a.height * 0.8 ? b : a));
}

/** Downward always; sideways too where that may be narrower (its width is about its layers' widest boxes). */
function layoutsToTry(
  sizes: ReadonlyMap<string, Size>,
  edges: readonly [string, string][],
  direction: 'down' | 'right' | 'auto',
  room: number,
): Layout[] {
  if (direction !== 'auto') return [layoutGraph(sizes, edges, direction)];
  const down = layoutGraph(sizes, edges, 'down');
  const widest = [...sizes.values()].reduce((most, { width }) => Math.max(most, width), 0);
  const sideways = down.layers * (0.85 * widest + GAP.along);
  if (down.width <= room || sideways > 0.9 * down.width) return [down];
  return [down, layoutGraph(sizes, edges, 'right')];
}

function kindLook(node: DrawableNode): NodeLook {
  if (node.value === undefined || node.value === null) return 'undefined';
  if (node.kind === 'abstract') return 'total';
  return node.dependencies.length === 0 ? 'given' : 'derived';
}

function valuesOf(graph: DrawableGraph): Map<string, number> {
  const known = graph.nodes.filter((node) => node.value !== undefined && node.value !== null);
  return new Map(known.map((node) => [node.name, node.value as number]));
}

/** A predicted node says what it should have been; a missing one shows its name and the gold value. */
function labelPredicted(node: UnionNode, values: ReadonlyMap<string, number>): NodeLabel {
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
function predictedNode({ gold, predicted }: UnionNode): DrawableNode {
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

function largest(a: Size | undefined, b: Size): Size {
  return { width: Math.max(a?.width ?? 0, b.width), height: Math.max(a?.height ?? 0, b.height) };
}

function graphCaption(graph: DrawableGraph): string {
  const edges = edgesOf(graph).length;
  const size = `${plural(graph.nodes.length, 'quantity', 'quantities')}, ${plural(edges, 'edge', 'edges')}`;
  const answer = answerOf(graph);
  return answer === undefined ? size : `answer ${number(answer)} · ${size}`;
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
