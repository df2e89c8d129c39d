/** The page of one or two drawn graphs: heading, panels side by side or stacked, a legend under each. */
import { FONT, INK, SIZE } from '../style.ts';
import { type Attributes, element, escapeMarkup, group, px, svgDocument } from '../svg/markup.ts';
import { FONT_RESERVE, textWidth, wrapText } from '../text.ts';
import { GraphFigure } from './figure.ts';
import { type NodeLabel, number } from './label.ts';
import type { Layout } from './layout.ts';
import { drawLegend, type LegendEntry } from './legend.ts';
import { drawEdge, drawNode, type EdgeLook, LOOKS, type NodeLook } from './marks.ts';
import { type DrawableNode, type NodeDetail, type QuantityMark, VERDICTS } from './types.ts';

/** Around everything; rings and badges reach out of the layout's boxes by less. */
export const MARGIN = 18;
export const PANEL_GAP = 44;
export const INSET = 14;

export interface Panel {
  title: string;
  caption: string;
  nodes: { node: DrawableNode; label: NodeLabel; look: NodeLook; asked: boolean; told: boolean }[];
  quantities?: ReadonlyMap<string, QuantityMark> | undefined;
  details?: ReadonlyMap<string, NodeDetail> | undefined;
  edges: { key: string; look: EdgeLook }[];
}

export interface Heading {
  title?: string;
  caption?: string;
}

/** An entry for each mark that occurs in the panel. */
function legendOf(panel: Panel): LegendEntry[] {
  const count = (look: NodeLook) => panel.nodes.filter((node) => node.look === look).length;
  const legend: LegendEntry[] = [];
  // Where boxes have the colours of their quantities, only the outline says what a node is.
  const paper = panel.quantities === undefined ? {} : { fill: INK.paper };
  for (const look of VERDICTS) {
    if (count(look) > 0) legend.push({ mark: 'node', look, count: count(look) });
  }
  for (const look of ['unknown', 'given', 'derived', 'total', 'undefined', 'distractor'] as const) {
    if (count(look) > 0) legend.push({ mark: 'node', look, total: look === 'total', ...paper });
  }
  for (const look of ['missing', 'extra'] as const) {
    if (panel.edges.some((edge) => edge.look === look)) legend.push({ mark: 'edge', look });
  }
  if (panel.nodes.some((node) => node.told)) legend.push({ mark: 'told' });
  if (panel.nodes.some((node) => node.asked)) legend.push({ mark: 'asked' });
  return legend;
}

/** Puts heading and panels, each with its legend under it, on one page. */
export function assemble(
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

function drawPanel(panel: Panel, layout: Layout, x: number, y: number): string {
  // Missing edges first and extra ones last, so that what was predicted lies over what was not.
  const order: EdgeLook[] = ['distractor', 'missing', 'plain', 'extra'];
  const edges = [...panel.edges].sort((a, b) => order.indexOf(a.look) - order.indexOf(b.look));
  const parts = edges.map(({ key, look }) => drawEdge(key, layout.routes.get(key)!, look));
  for (const { node, label, look, asked, told } of panel.nodes) {
    const centre = layout.centres.get(node.name)!;
    parts.push(
      drawNode(centre.x, centre.y, node.name, label, look, {
        asked,
        told,
        total: node.kind === 'abstract',
        tooltip: tooltip(node, look, told, panel.details?.get(node.name)),
        quantity: panel.quantities?.get(node.name),
      }),
    );
  }
  return group({ class: 'panel', transform: `translate(${Math.round(x)} ${Math.round(y)})` }, parts);
}

/** What is shown while the pointer rests on a node: what it is, and what the texts say of it, a line each. */
export function tooltip(node: DrawableNode, look: NodeLook, told: boolean, detail?: NodeDetail): string {
  const value = node.value === undefined || node.value === null ? 'no value' : number(node.value);
  const parents = node.dependencies.length === 0 ? '' : `; from ${node.dependencies.join(', ')}`;
  const what = look === 'distractor' ? LOOKS.distractor.label : look.replaceAll('_', ' ');
  return [
    `${node.name}: ${value}${parents} (${what}${told ? ', value given' : ''})`,
    ...(detail?.sentence === undefined ? [] : [`Problem: ${detail.sentence}`]),
    ...(detail?.gold === undefined ? [] : [`Solution: ${detail.gold}`]),
    ...(detail?.response === undefined ? [] : [`Response: ${detail.response}`]),
  ].join('\n');
}
