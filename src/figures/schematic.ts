/**
 * What the whole is about, on a real task (the paper's Figure 2): (a) a graph rendered by a template, (b) the two axes of
 * generalisation, (c) a response parsed and compared with gold, node by node.
 */
import { compareGraphs } from '../analysis/index.ts';
import type { TaskGraph } from '../tasks/index.ts';
import { goldGraph, parseSolution } from '../verify/index.ts';
import { GraphFigure } from './graph/index.ts';
import { layoutGraph } from './graph/layout.ts';
import { LOOKS, type NodeLook } from './graph/marks.ts';
import { edgeKey } from './graph/types.ts';
import { FONT, INK, mix, PALETTE, SIZE } from './style.ts';
import { drawLabel } from './svg/label.ts';
import { element, escapeMarkup, group, px, svgDocument } from './svg/markup.ts';
import { textWidth, wrapText } from './text.ts';

export interface SchematicOptions {
  title?: string;
  /** The response that (c) shows (default the gold solution with its last value one too high). */
  response?: string;
}

/** A task as records have it. */
interface SchematicTask {
  problem: string;
  question: string;
  solution: string;
  op: number;
  template: string;
  graph?: TaskGraph;
}

interface SmallNode {
  name: string;
  text: string;
  look: NodeLook;
  dependencies: readonly string[];
}

const WIDTH = 1080;
const COLUMN = 340;
const LEFT = [14, 370, 726] as const;
const TOP = 52;
const LINE = SIZE.small * 1.35;

/**
 * Figure 2 for a task: small graphs whose nodes are the letters of its solution. A graph that is deep or wide is scaled
 * into its panel; tasks of op 4 to 10 read best.
 */
export function figure2(task: SchematicTask, options: SchematicOptions = {}): GraphFigure {
  const gold = task.graph ?? goldGraph(task);
  const letters = lettersOf(task.solution);
  const response = options.response ?? wrongLast(task.solution);
  const predicted = parseSolution(response);
  const theirs = lettersOf(response);
  const goldNodes = gold.nodes.map(
    ({ name, value, dependencies }): SmallNode => ({
      name,
      text: `${letters.get(name) ?? '?'} = ${value}`,
      look: dependencies.length === 0 ? 'given' : 'derived',
      dependencies,
    }),
  );
  const known = new Map(predicted.nodes.map((node) => [node.name, node]));
  const ofGold = new Map(gold.nodes.map((node) => [node.name, node]));
  const compared = compareGraphs(goldGraph(task), predicted);
  const judged = compared.nodes.map(({ name, verdict, predictedValue }): SmallNode => {
    const letter = theirs.get(name) ?? letters.get(name) ?? '?';
    return {
      name,
      text:
        verdict === 'missing'
          ? letter
          : `${letter} = ${Number.isFinite(predictedValue) ? predictedValue : '?'}`,
      look: verdict,
      dependencies: known.get(name)?.dependencies ?? ofGold.get(name)?.dependencies ?? [],
    };
  });
  const titles = [
    '(a) Graph and template make a problem',
    '(b) Two axes of generalisation',
    '(c) A parser judges every step',
  ];
  const a = graphAndText(goldNodes, `${task.problem.trim()} ${task.question}`, task.template);
  const b = axes(task.op, task.template);
  const c = parsed(response, goldNodes, judged, compared.processAccuracy);
  const height = Math.ceil(TOP + Math.max(a.height, b.height, c.height) + 16);
  const title = options.title ?? 'Problems from graphs, judged by graphs';
  const svg = svgDocument(WIDTH, height, FONT, title, [
    drawLabel(`<b>${escapeMarkup(title)}</b>`, LEFT[0], 6, SIZE.title, INK.text),
    ...titles.map((text, i) => drawLabel(`<b>${text}</b>`, LEFT[i]!, 30, SIZE.axis, INK.text)),
    ...[a, b, c].map((panel, i) =>
      group({ transform: `translate(${px(LEFT[i]!)} ${px(TOP)})` }, panel.parts),
    ),
  ]);
  const summary = `${title}: op ${task.op}, ${gold.nodes.length} quantities; process accuracy of the response ${compared.processAccuracy.toFixed(2)}`;
  return new GraphFigure(svg, { width: WIDTH, height }, summary);
}

interface Part {
  parts: string[];
  height: number;
}

/** The letter of each quantity, from `Define NAME as L;`. */
function lettersOf(solution: string): Map<string, string> {
  const found = solution.matchAll(/Define (.+?) as ([A-Za-z]);/g);
  return new Map([...found].map(([, name, letter]) => [name!, letter!]));
}

/** A response with a slip in its last step: the last value of the last equation, and the answer, one too high. */
function wrongLast(solution: string): string {
  const answer = solution.lastIndexOf('Answer:');
  const up = (text: string) =>
    text.replace(/(\d+)(\D*)$/, (_, digits: string, rest: string) => `${Number(digits) + 1}${rest}`);
  return `${up(solution.slice(0, answer).trimEnd())} ${up(solution.slice(answer))}`;
}

/** A small graph within `width` × `most` px. */
function smallGraph(nodes: readonly SmallNode[], width: number, most: number): Part {
  const sizes = new Map(
    nodes.map(({ name, text }) => [name, { width: Math.ceil(textWidth(text, SIZE.small)) + 14, height: 22 }]),
  );
  const edges = nodes.flatMap(({ name, dependencies }) =>
    dependencies.filter((parent) => sizes.has(parent)).map((parent): [string, string] => [parent, name]),
  );
  const layout = layoutGraph(sizes, edges, 'down');
  const scale = Math.min(1, width / layout.width, most / layout.height);
  const drawn = [
    ...edges.flatMap(([parent, child]) => {
      const route = layout.routes.get(edgeKey(parent, child));
      if (route === undefined) return [];
      return [
        element('path', { d: route.line, fill: 'none', stroke: '#5b6168', 'stroke-width': 1.3 }),
        element('path', { d: route.head, fill: '#5b6168' }),
      ];
    }),
    ...nodes.flatMap(({ name, text, look }) => {
      const { x, y } = layout.centres.get(name)!;
      const size = sizes.get(name)!;
      const { stroke, fill, dash } = LOOKS[look];
      const box = { x: x - size.width / 2, y: y - 11, width: size.width, height: 22, rx: 5 };
      return [
        element('rect', {
          class: 'node',
          ...box,
          fill,
          stroke,
          'stroke-width': 1.5,
          'stroke-dasharray': dash,
        }),
        drawLabel(escapeMarkup(text), x, y - 7.2, SIZE.small, INK.text, 'middle'),
      ];
    }),
  ];
  const left = (width - layout.width * scale) / 2;
  const transform = `translate(${px(left)} 0) scale(${Math.round(scale * 1e4) / 1e4})`;
  return { parts: [group({ transform }, drawn)], height: layout.height * scale };
}

function graphAndText(nodes: readonly SmallNode[], text: string, template: string): Part {
  const graph = smallGraph(nodes, COLUMN, 190);
  const arrow = graph.height + 8;
  const box = textBox(text, arrow + 34, 13);
  return {
    parts: [...graph.parts, downArrow(COLUMN / 2, arrow, `template ${template}`), ...box.parts],
    height: arrow + 34 + box.height,
  };
}

function textBox(text: string, top: number, most: number): Part {
  const lines = wrapText(text, (COLUMN - 20) * 0.95, SIZE.small, 'normal', most);
  const height = lines.length * LINE + 12;
  return {
    parts: [
      element('rect', { x: 0, y: top, width: COLUMN, height, rx: 5, fill: '#f7f7f7', stroke: INK.grid }),
      drawLabel(lines.map(escapeMarkup).join('<br>'), 10, top + 5, SIZE.small, INK.text),
    ],
    height,
  };
}

function downArrow(x: number, top: number, label: string): string {
  return group({}, [
    element('path', {
      d: `M${px(x)} ${px(top)}L${px(x)} ${px(top + 20)}`,
      stroke: INK.axis,
      'stroke-width': 1.5,
    }),
    element('path', {
      d: `M${px(x)} ${px(top + 27)}L${px(x - 4.5)} ${px(top + 18)}L${px(x + 4.5)} ${px(top + 18)}Z`,
      fill: INK.axis,
    }),
    drawLabel(escapeMarkup(label), x + 10, top + 5, SIZE.small, INK.soft),
  ]);
}

const OPS = Array.from({ length: 19 }, (_, i) => i + 2);
const ZONES = [
  { name: 'ID', from: 2, to: 10, colour: PALETTE[0] },
  { name: 'edge', from: 11, to: 14, colour: PALETTE[4] },
  { name: 'hard', from: 15, to: 20, colour: PALETTE[1] },
] as const;

/** Depth (op) against breadth (context); the place of the task is ringed. */
function axes(op: number, template: string): Part {
  const rows = ['A (zoo)', 'B (school)', 'C (festival)'];
  const left = 74;
  const cell = (COLUMN - left) / OPS.length;
  const high = 44;
  const top = 24;
  const parts = ZONES.flatMap(({ name, from, to, colour }) => {
    const x = left + (from - 2) * cell;
    const width = (to - from + 1) * cell;
    return [
      drawLabel(`<b>${name}</b>`, x + width / 2, 4, SIZE.small, INK.text, 'middle'),
      ...rows.map((_, row) =>
        element('rect', {
          x: x + 1,
          y: top + row * (high + 3),
          width: width - 2,
          height: high,
          fill: mix('#ffffff', colour, row === 0 ? 0.42 : 0.2),
        }),
      ),
    ];
  });
  const bottom = top + rows.length * (high + 3);
  for (const [row, name] of rows.entries()) {
    parts.push(drawLabel(name, left - 6, top + row * (high + 3) + high / 2 - 7, SIZE.small, INK.text, 'end'));
  }
  for (const value of [2, 5, 8, 11, 14, 17, 20]) {
    parts.push(
      drawLabel(String(value), left + (value - 1.5) * cell, bottom + 2, SIZE.small, INK.axis, 'middle'),
    );
  }
  if (op >= 2 && op <= 20) {
    const row = Math.max(
      0,
      ['crazy_zootopia', 'teachers_in_school', 'movie_festival_awards'].indexOf(template),
    );
    const at = { cx: left + (op - 1.5) * cell, cy: top + row * (high + 3) + high / 2, r: 6 };
    parts.push(element('circle', { ...at, fill: INK.paper, stroke: INK.text, 'stroke-width': 2 }));
  }
  const words = [
    `Depth: more operations than in training (op of the task in (a): ${op}).`,
    'Breadth: the same graphs told by another template.',
    'ID: op 2–10; edge of competence: op 11–14; hard: op 15–20.',
  ].flatMap((text) => wrapText(text, COLUMN * 0.92, SIZE.small));
  parts.push(
    drawLabel(
      'operations (op): depth →',
      left + (COLUMN - left) / 2,
      bottom + 20,
      SIZE.axis,
      INK.text,
      'middle',
    ),
  );
  parts.push(drawLabel(words.map(escapeMarkup).join('<br>'), 0, bottom + 48, SIZE.small, INK.soft));
  return { parts, height: bottom + 48 + words.length * LINE };
}

function parsed(
  response: string,
  gold: readonly SmallNode[],
  judged: readonly SmallNode[],
  accuracy: number,
): Part {
  const box = textBox(response, 0, 11);
  const arrow = box.height + 8;
  const top = arrow + 34;
  const half = (COLUMN - 14) / 2;
  const left = smallGraph(gold, half, 200);
  const right = smallGraph(judged, half, 200);
  const height = Math.max(left.height, right.height);
  const used = [...new Set(judged.map(({ look }) => look))];
  const legend = used.map((look) => LOOKS[look].label).join(', ');
  let x = 0;
  const marks = used.flatMap((look) => {
    const { fill, stroke, label, dash } = LOOKS[look];
    const at = x;
    x += 26 + textWidth(label, SIZE.small);
    return [
      element('rect', {
        x: at,
        y: top + 26 + height,
        width: 12,
        height: 12,
        rx: 3,
        fill,
        stroke,
        'stroke-dasharray': dash,
      }),
      drawLabel(label, at + 16, top + 24.5 + height, SIZE.small, INK.text),
    ];
  });
  return {
    parts: [
      ...box.parts,
      downArrow(COLUMN / 2, arrow, 'parser'),
      drawLabel('<b>gold</b>', half / 2, top - 4, SIZE.small, INK.text, 'middle'),
      drawLabel('<b>predicted</b>', half + 14 + half / 2, top - 4, SIZE.small, INK.text, 'middle'),
      group({ transform: `translate(0 ${px(top + 14)})` }, left.parts),
      group({ transform: `translate(${px(half + 14)} ${px(top + 14)})` }, right.parts),
      group({ 'aria-label': legend }, marks),
      drawLabel(
        `process accuracy ${accuracy.toFixed(2)}`,
        COLUMN,
        top + 24.5 + height,
        SIZE.small,
        INK.text,
        'end',
      ),
    ],
    height: top + height + 42,
  };
}
