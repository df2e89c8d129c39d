/**
 * Many graphs on one page, each small: boxes hold values alone, names are read where the pointer rests. Cells with the
 * same gold graph share one layout, so that a quantity stands at the same place in all of them.
 */
import { FONT, INK, SIZE } from '../style.ts';
import { element, escapeMarkup, group, px, svgDocument } from '../svg/markup.ts';
import { FONT_RESERVE, textWidth, wrapText } from '../text.ts';
import { GraphFigure } from './figure.ts';
import { number } from './label.ts';
import { type Layout, layoutGraph } from './layout.ts';
import { drawLegend, type LegendEntry } from './legend.ts';
import { drawBadge, drawEdge, EDGE, type EdgeLook, LOOKS, type NodeLook } from './marks.ts';
import { kindLook, predictedNode, toldNode } from './nodes.ts';
import { MARGIN, tooltip } from './page.ts';
import { summarisePair } from './summary.ts';
import {
  type DrawableComparison,
  type DrawableGraph,
  type DrawableNode,
  edgeKey,
  edgesOf,
  type NodeDetail,
} from './types.ts';
import { completeGraph, uniteNodes, unitePairEdges } from './union.ts';

/** One small drawing: a gold graph, or a prediction judged by one. */
export interface GraphCell {
  gold: DrawableGraph;
  predicted?: DrawableGraph;
  comparison?: DrawableComparison;
  /** What the cell is called; a line on how it went is added. */
  title?: string;
  details?: ReadonlyMap<string, NodeDetail>;
}

export interface GraphGridOptions {
  title?: string;
  caption?: string;
  /** Cells in a row; by default as many as keep the values readable, four at most. */
  columns?: number;
  /** Width of the page in px (default 720). */
  width?: number;
}

const PAGE_WIDTH = 720;
const GAP = { x: 22, y: 26 };
const HEAD = 36;
/** Boxes and values before they are shrunk to their cell. */
const BOX = { width: 62, height: 38, text: 21 };
const LARGEST_SCALE = 0.5;
/** Below this the values would be smaller than 6.5 px; they are left to the pointer. */
const LEAST_SCALE_WITH_TEXT = 0.31;

interface CellNode {
  node: DrawableNode;
  text: string;
  look: NodeLook;
  asked: boolean;
  told: boolean;
}

interface Judged {
  title: string;
  note: string;
  nodes: CellNode[];
  edges: { key: string; look: EdgeLook }[];
  pairs: [string, string][];
  summary: string;
  /** Cells of one group have one layout. */
  group: string;
  details: ReadonlyMap<string, NodeDetail> | undefined;
}

/** Draws graphs in rows of small panels. Cycles, loops and undefined parents are drawn as in the large drawings. */
export function drawGraphGrid(cells: readonly GraphCell[], options: GraphGridOptions = {}): GraphFigure {
  const judged = cells.map(judge);
  const layouts = layoutGroups(judged);
  const width = options.width ?? PAGE_WIDTH;
  const inner = width - 2 * MARGIN;
  const widest = Math.max(1, ...[...layouts.values()].map((layout) => layout.width));
  const columns = options.columns ?? chooseColumns(widest, inner, cells.length);
  const cellWidth = (inner - (columns - 1) * GAP.x) / columns;
  const scale = Math.min(LARGEST_SCALE, cellWidth / (widest + 16));

  const parts: string[] = [];
  let y = MARGIN;
  const write = (text: string, x: number, size: number, bold: boolean, fill: string) => {
    const weight = bold ? 'bold' : undefined;
    const attributes = { x, y: y + size, 'font-size': size, 'font-weight': weight, fill };
    parts.push(element('text', attributes, escapeMarkup(text)));
  };
  const title = options.title ?? 'Graphs';
  for (const [text, size, bold, fill] of [
    [options.title, SIZE.title, true, INK.text],
    [options.caption, SIZE.caption, false, INK.soft],
  ] as const) {
    for (const line of text === undefined
      ? []
      : wrapText(text, inner * FONT_RESERVE, size, bold ? 'bold' : 'normal')) {
      write(line, MARGIN, size, bold, fill);
      y += size + 5;
    }
  }
  if (y > MARGIN) y += 8;

  for (let row = 0; row * columns < judged.length; row++) {
    const inRow = judged.slice(row * columns, (row + 1) * columns);
    const height = Math.max(...inRow.map((cell) => layouts.get(cell.group)!.height)) * scale;
    for (const [column, cell] of inRow.entries()) {
      const x = MARGIN + column * (cellWidth + GAP.x);
      const layout = layouts.get(cell.group)!;
      write(shorten(cell.title, cellWidth, SIZE.caption, 'bold'), x, SIZE.caption, true, INK.text);
      y += SIZE.caption + 3;
      write(shorten(cell.note, cellWidth, SIZE.small, 'normal'), x, SIZE.small, false, INK.soft);
      y -= SIZE.caption + 3;
      const left = x + (cellWidth - layout.width * scale) / 2;
      parts.push(drawCell(cell, layout, left, y + HEAD, scale));
    }
    y += HEAD + height + GAP.y;
  }
  const legend = drawLegend(legendOf(judged), inner);
  if (legend.markup !== '') {
    parts.push(group({ transform: `translate(${MARGIN} ${px(y - 8)})` }, [legend.markup]));
  }
  const size = { width: Math.ceil(width), height: Math.ceil(y + legend.height + MARGIN - 10) };
  const summary = [title, ...judged.map((cell) => cell.summary)].join('\n\n');
  return new GraphFigure(svgDocument(size.width, size.height, FONT, title, parts), size, summary);
}

/** As many columns as leave the values readable; a row is filled where that can be. */
function chooseColumns(widest: number, inner: number, cells: number): number {
  for (let columns = Math.min(4, Math.max(1, cells)); columns > 1; columns--) {
    const room = (inner - (columns - 1) * GAP.x) / columns;
    if (room / (widest + 16) >= 1.2 * LEAST_SCALE_WITH_TEXT) return columns;
  }
  return 1;
}

function judge(cell: GraphCell, index: number): Judged {
  const title = cell.title ?? String(index + 1);
  const gold = completeGraph(cell.gold);
  const told = toldNode(cell.gold);
  const signature = JSON.stringify([gold.nodes.map(({ name }) => name), edgesOf(gold)]);
  if (cell.predicted === undefined) {
    const pairs = edgesOf(gold);
    const { query } = cell.gold;
    const answer = cell.gold.answer ?? gold.nodes.find(({ name }) => name === query)?.value;
    const note = `${answer === undefined || answer === null ? '' : `answer ${number(answer)} · `}${gold.nodes.length} quantities`;
    return {
      title,
      note,
      nodes: gold.nodes.map((node) => ({
        node,
        text: valueText(node.value),
        look: kindLook(node),
        asked: node.name === query,
        told: node.name === told,
      })),
      edges: pairs.map((edge) => ({ key: edgeKey(...edge), look: 'plain' })),
      pairs,
      summary: `${title}: ${note}`,
      group: signature,
      details: cell.details,
    };
  }
  const nodes = uniteNodes(cell.gold, cell.predicted, cell.comparison);
  const edges = unitePairEdges(cell.gold, cell.predicted);
  const query = cell.gold.query ?? cell.predicted.query;
  const inGold = nodes.filter((node) => node.gold !== undefined);
  const right = inGold.filter((node) => node.verdict === 'right').length;
  const note = `${answerNote(cell.gold, cell.predicted)} · ${right}/${inGold.length} right`;
  return {
    title,
    note,
    nodes: nodes.map((node) => ({
      node: predictedNode(node),
      text: node.verdict === 'missing' ? '' : valueText(node.predicted?.value),
      look: node.verdict,
      asked: node.name === query,
      told: false,
    })),
    edges: edges.predicted,
    pairs: edges.all,
    summary: summarisePair(`${title}: ${note}`, nodes, query),
    group: signature,
    details: cell.details,
  };
}

function answerNote(gold: DrawableGraph, predicted: DrawableGraph): string {
  const { answer } = predicted;
  if (answer === undefined || answer === null) return '✗ no answer';
  if (gold.answer === undefined || gold.answer === null) return number(answer);
  return answer === gold.answer ? `✓ ${number(answer)}` : `✗ ${number(answer)}, not ${number(gold.answer)}`;
}

function valueText(value: number | null | undefined): string {
  return value === undefined || value === null ? '?' : number(value);
}

/** One layout for each group of cells, of the union of all that its cells draw; the narrower direction. */
function layoutGroups(cells: readonly Judged[]): Map<string, Layout> {
  const groups = new Map<string, Judged[]>();
  for (const cell of cells) groups.set(cell.group, [...(groups.get(cell.group) ?? []), cell]);
  const layouts = new Map<string, Layout>();
  for (const [key, members] of groups) {
    const sizes = new Map<string, { width: number; height: number }>();
    const edges = new Map<string, [string, string]>();
    for (const { nodes, pairs } of members) {
      for (const { node, text } of nodes) {
        const room = Math.max(BOX.width, textWidth(text, BOX.text, 'bold') + 20);
        const width = Math.max(room, sizes.get(node.name)?.width ?? 0);
        sizes.set(node.name, { width, height: BOX.height });
      }
      for (const pair of pairs) edges.set(edgeKey(...pair), pair);
    }
    layouts.set(key, layoutGraph(sizes, [...edges.values()], 'down'));
  }
  return layouts;
}

function drawCell(cell: Judged, layout: Layout, left: number, top: number, scale: number): string {
  const order: EdgeLook[] = ['missing', 'plain', 'extra'];
  const edges = [...cell.edges].sort((a, b) => order.indexOf(a.look) - order.indexOf(b.look));
  const parts = edges.map(({ key, look }) => drawEdge(key, layout.routes.get(key)!, look));
  for (const node of cell.nodes) {
    parts.push(drawSmallNode(node, layout, scale, cell.details?.get(node.node.name)));
  }
  const place = `translate(${px(left)} ${px(top)}) scale(${Math.round(scale * 1e4) / 1e4})`;
  return group({ class: 'panel', transform: place }, parts);
}

function drawSmallNode(
  cell: CellNode,
  layout: Layout,
  scale: number,
  detail: NodeDetail | undefined,
): string {
  const { node, text, look, asked, told } = cell;
  const { x, y } = layout.centres.get(node.name)!;
  const style = LOOKS[look];
  const width = Math.max(BOX.width, textWidth(text, BOX.text, 'bold') + 20);
  const box = (grow: number, attributes: Record<string, string | number | undefined>) =>
    element('rect', {
      x: x - width / 2 - grow,
      y: y - BOX.height / 2 - grow,
      width: width + 2 * grow,
      height: BOX.height + 2 * grow,
      rx: (node.kind === 'abstract' ? BOX.height / 2 : 6) + grow,
      ...attributes,
    });
  const parts = [element('title', {}, escapeMarkup(tooltip(node, look, told, detail)))];
  if (asked) parts.push(box(6, { class: 'ring', fill: '#ffffff', stroke: INK.text, 'stroke-width': 2.6 }));
  parts.push(
    box(0, {
      class: 'box',
      fill: style.fill,
      stroke: style.stroke,
      'stroke-width': 2.6,
      'stroke-dasharray': style.dash,
    }),
  );
  if (scale >= LEAST_SCALE_WITH_TEXT && text !== '') {
    const attributes = {
      x,
      y: y + BOX.text * 0.35,
      'font-size': BOX.text,
      'font-weight': 'bold',
      'text-anchor': 'middle',
      textLength: textWidth(text, BOX.text, 'bold'),
      lengthAdjust: 'spacingAndGlyphs',
      fill: style.text ?? INK.text,
    };
    parts.push(element('text', attributes, escapeMarkup(text)));
  }
  // What is right needs no badge: with many small graphs, faults are what is looked for.
  if (look !== 'right' && style.sign !== undefined) {
    const place = `translate(${px(x + width / 2 - 4)} ${px(y - BOX.height / 2 + 2)}) scale(1.5)`;
    parts.push(group({ transform: place }, [drawBadge(0, 0, style)]));
  }
  const classes = `node ${look}${asked ? ' asked' : ''}${told ? ' told' : ''}`;
  return element('g', { class: classes, 'data-name': node.name }, `\n${parts.join('\n')}\n`);
}

/** One legend for all cells. */
function legendOf(cells: readonly Judged[]): LegendEntry[] {
  const nodes = cells.flatMap((cell) => cell.nodes);
  const looks = Object.keys(LOOKS) as NodeLook[];
  const edges = cells.flatMap((cell) => cell.edges);
  return [
    ...looks
      .filter((look) => nodes.some((node) => node.look === look))
      .map((look): LegendEntry => ({ mark: 'node', look, total: look === 'total' })),
    ...(Object.keys(EDGE) as EdgeLook[])
      .filter((look) => look !== 'plain' && edges.some((edge) => edge.look === look))
      .map((look): LegendEntry => ({ mark: 'edge', look })),
    ...(nodes.some(({ asked }) => asked) ? [{ mark: 'asked' } as const] : []),
  ];
}

/** The line, shortened to its room. */
function shorten(text: string, width: number, size: number, weight: 'normal' | 'bold'): string {
  return wrapText(text, width * FONT_RESERVE, size, weight, 1)[0] ?? '';
}
