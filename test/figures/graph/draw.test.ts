import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareGraphs } from '../../../src/analysis/index.ts';
import {
  type DrawableGraph,
  drawGraph,
  drawGraphPair,
  type GraphFigure,
} from '../../../src/figures/graph/index.ts';
import { textWidth } from '../../../src/figures/text.ts';
import { createTaskSource } from '../../../src/tasks/index.ts';
import { parseSolution } from '../../../src/verify/index.ts';
import { matchesGallery } from '../gallery.ts';
import { type Box, boxOf, distanceToOutline, overlap, type Point, pointsOf } from '../geometry.ts';
import { byClass, numberOf, parseXml, select, type XmlNode } from '../xml.ts';
import { cyclic, faulty, gold, large } from './graphs.ts';

interface DrawnNode {
  name: string;
  look: string;
  box: Box;
  lines: string[];
  node: XmlNode;
}

interface DrawnPanel {
  shift: Point;
  nodes: DrawnNode[];
  edges: { name: string; look: string; line: Point[]; head: Point[] }[];
}

function shiftOf(node: XmlNode): Point {
  const match = /^translate\(([-\d.]+) ([-\d.]+)\)$/.exec(node.attributes.transform ?? '')!;
  return { x: Number(match[1]), y: Number(match[2]) };
}

/** Panels with everything in coordinates of the page. */
function panelsOf(svg: string): DrawnPanel[] {
  return byClass(parseXml(svg), 'panel').map((panel) => {
    const shift = shiftOf(panel);
    const move = (point: Point) => ({ x: point.x + shift.x, y: point.y + shift.y });
    return {
      shift,
      nodes: byClass(panel, 'node').map((node) => ({
        name: node.attributes['data-name']!,
        look: node.attributes.class!.split(' ')[1]!,
        box: boxOf(byClass(node, 'box')[0]!, shift),
        lines: select(node, ({ name }) => name === 'text').map(({ text }) => text),
        node,
      })),
      edges: byClass(panel, 'edge').map((edge) => ({
        name: edge.attributes['data-edge']!,
        look: edge.attributes.class!.split(' ')[1]!,
        line: pointsOf(edge.children[0]!.attributes.d!).map(move),
        head: pointsOf(edge.children[1]!.attributes.d!).map(move),
      })),
    };
  });
}

/** What must hold of every drawing. */
function checkDrawing(figure: GraphFigure): DrawnPanel[] {
  const root = parseXml(figure.svg);
  assert.equal(root.attributes.viewBox, `0 0 ${figure.width} ${figure.height}`);
  const background = byClass(root, 'background')[0]!;
  assert.equal(background.attributes.fill, '#ffffff');
  assert.deepEqual(
    [numberOf(background, 'width'), numberOf(background, 'height')],
    [figure.width, figure.height],
  );

  const panels = panelsOf(figure.svg);
  const page: Box = { left: 0, top: 0, right: figure.width, bottom: figure.height };
  const boxes = panels.flatMap((panel) => panel.nodes.map((node) => node.box));
  for (const [i, box] of boxes.entries()) {
    assert.ok(box.left >= 8 && box.right <= page.right - 8 && box.top >= 8 && box.bottom <= page.bottom - 8);
    for (const other of boxes.slice(i + 1)) assert.ok(!overlap(box, other), 'boxes overlap');
  }
  for (const panel of panels) {
    for (const { box, node, name } of panel.nodes) {
      for (const line of select(node, (child) => child.name === 'text')) {
        const size = numberOf(line, 'font-size');
        const weight = line.attributes['font-weight'] === 'bold' ? 'bold' : 'normal';
        const half = textWidth(line.text, size, weight) / 2;
        const x = numberOf(line, 'x') + panel.shift.x;
        const y = numberOf(line, 'y') + panel.shift.y;
        // 4 px of air on each side; ascent and descent of Helvetica are 0.72 and 0.21 em.
        assert.ok(x - half >= box.left + 4 && x + half <= box.right - 4, `${name}: ${line.text} is too wide`);
        assert.ok(
          y - 0.72 * size >= box.top + 2 && y + 0.21 * size <= box.bottom - 2,
          `${name}: ${line.text}`,
        );
      }
    }
    const byName = new Map(panel.nodes.map((node) => [node.name, node]));
    for (const edge of panel.edges) {
      const [parent, child] = edge.name.split(' → ');
      // The asked-for node's edges end at its ring, 5 px outside the box; others at the box.
      const reach = (name: string) =>
        byName.get(name)!.node.attributes.class!.includes('asked') ? 5.05 : 0.05;
      assert.ok(
        distanceToOutline(edge.line[0]!, byName.get(parent!)!.box) <= reach(parent!),
        `${edge.name} starts`,
      );
      assert.ok(
        distanceToOutline(edge.head[0]!, byName.get(child!)!.box) <= reach(child!),
        `${edge.name} ends`,
      );
      for (const point of [...edge.line, ...edge.head]) {
        assert.ok(point.x >= 0 && point.x <= page.right && point.y >= 0 && point.y <= page.bottom, edge.name);
      }
    }
  }
  // Every other text (titles, captions, legends) ends before the page does.
  for (const group of [root, ...select(root, (node) => node.attributes.class === 'legend')]) {
    const shift = group === root ? 0 : legendShift(root, group);
    for (const line of group.children.filter((child) => child.name === 'text')) {
      const weight = line.attributes['font-weight'] === 'bold' ? 'bold' : 'normal';
      const end = shift + numberOf(line, 'x') + textWidth(line.text, numberOf(line, 'font-size'), weight);
      assert.ok(end <= page.right, `${line.text} ends at ${end} of ${page.right}`);
    }
  }
  return panels;
}

function legendShift(root: XmlNode, legend: XmlNode): number {
  return shiftOf(select(root, (node) => node.children.includes(legend))[0]!).x;
}

const looks = (panel: DrawnPanel) => Object.fromEntries(panel.nodes.map(({ name, look }) => [name, look]));

describe('graph drawings', () => {
  it('one graph: kinds, computations, the asked-for node', () => {
    const figure = drawGraph(gold);
    const [panel] = checkDrawing(figure);
    assert.deepEqual(looks(panel!), {
      'adult parrot in Maple Creek': 'given',
      'adult eagle in Cedar Valley': 'derived',
      'adult wolf in Cedar Valley': 'derived',
      'adult fox in Cedar Valley': 'derived',
      'total number of adult animals in Cedar Valley': 'total',
    });
    assert.deepEqual(
      panel!.nodes.map(({ lines }) => lines.at(-1)),
      ['= 2', '1 + 2 = 3', '2 + 3 = 5', '2 × 2 = 4', '3 + 5 + 4 = 12'],
    );
    assert.equal(panel!.edges.length, 7);
    assert.deepEqual(
      panel!.nodes.filter(({ node }) => byClass(node, 'ring').length > 0).map(({ name }) => name),
      [gold.query],
    );
    matchesGallery('graph', figure.svg);
  });

  it('a pair: verdicts, what is missing dashed, what is extra orange, the same places in both', () => {
    const figure = drawGraphPair(gold, faulty);
    const [left, right] = checkDrawing(figure);
    assert.deepEqual(looks(right!), {
      'adult parrot in Maple Creek': 'right',
      'adult eagle in Cedar Valley': 'right',
      'adult wolf in Cedar Valley': 'wrong_value',
      'adult fox in Cedar Valley': 'missing',
      'adult bear in Hamilton Farm': 'extra',
      'total number of adult animals in Cedar Valley': 'wrong_parents',
    });
    assert.deepEqual(
      right!.edges.filter(({ look }) => look !== 'plain').map(({ name, look }) => `${look}: ${name}`),
      [
        'missing: adult parrot in Maple Creek → adult fox in Cedar Valley',
        'missing: adult fox in Cedar Valley → total number of adult animals in Cedar Valley',
        'extra: adult bear in Hamilton Farm → total number of adult animals in Cedar Valley',
      ],
    );
    const text = new Map(right!.nodes.map(({ name, lines }) => [name, lines.at(-1)]));
    assert.equal(text.get('adult wolf in Cedar Valley'), '= 6, not 5');
    assert.equal(text.get('adult fox in Cedar Valley'), 'missing');
    assert.equal(text.get('adult eagle in Cedar Valley'), '1 + 2 = 3');
    assert.equal(text.get(gold.query!), '3 + 6 + 1 = 10, not 12');
    for (const { name, box } of left!.nodes) {
      const twin = right!.nodes.find((node) => node.name === name)!.box;
      assert.equal(box.top, twin.top);
      assert.equal(box.left - left!.shift.x, twin.left - right!.shift.x);
    }
    assert.ok(right!.shift.x > left!.shift.x && right!.shift.y === left!.shift.y, 'beside each other');
    const dashed = byClass(parseXml(figure.svg), 'missing').flatMap((node) =>
      select(node, ({ attributes }) => 'stroke-dasharray' in attributes),
    );
    assert.equal(dashed.length, 3, 'one box and two edges are dashed');
    matchesGallery('graph_pair', figure.svg);
  });

  it('takes the verifier’s comparison, from text to picture', () => {
    const response =
      'Define a in P as x; so x = 2. Define b in P as y; so y = 3 + x = 3 + 2 = 6. Define c in P as z; so z = x + y = 2 + 5 = 7.';
    const graph = {
      nodes: [
        { name: 'a in P', value: 2, dependencies: [] },
        { name: 'b in P', value: 5, dependencies: ['a in P'] },
        { name: 'c in P', value: 7, dependencies: ['a in P', 'b in P'] },
      ],
      query: 'c in P',
      answer: 7,
    };
    const predicted = parseSolution(`${response} </solution> <answer> 7 </answer>`);
    const figure = drawGraphPair(graph, predicted, compareGraphs(graph, predicted));
    assert.deepEqual(looks(checkDrawing(figure)[1]!), {
      'a in P': 'right',
      'b in P': 'wrong_value',
      'c in P': 'right',
    });
    assert.match(figure.summary, /answer 7 \(right\) · 2 of 3 gold steps right/);
    // The other form of a comparison, which the verifier itself gives.
    const nodes = [{ name: 'a in P', predicted: {}, parentsRight: false, valueRight: true }];
    assert.equal(
      looks(panelsOf(drawGraphPair(graph, predicted, { nodes }).svg)[1]!)['a in P'],
      'wrong_parents',
    );
  });

  it('shows the unknown and the given value of reverse problems, and sums of products, at any op', () => {
    const source = createTaskSource({ modes: ['reverse'], depths: [2, 3], ops: '2-20', seed: 4 });
    let products = 0;
    for (const { graph } of source.take(60)) {
      const figure = drawGraph(graph);
      const [panel] = checkDrawing(figure);
      const classes = (name: string) =>
        panel!.nodes.filter(({ node }) => node.attributes.class!.split(' ').includes(name));
      const [unknown, ...others] = classes('unknown');
      assert.equal(others.length, 0);
      assert.equal(unknown!.name, graph.query);
      assert.equal(unknown!.lines.at(-1), `x = ${graph.answer}`);
      const last = graph.nodes.at(-1)!;
      assert.deepEqual(
        classes('told').map(({ name }) => name),
        [last.name],
      );
      assert.equal(byClass(classes('told')[0]!.node, 'badge').length, 1);
      assert.match(figure.summary, new RegExp(`^= +${last.name}`, 'm'));
      assert.ok(figure.svg.includes(`answer ${graph.answer}, given ${last.value}`));
      for (const { name, lines } of panel!.nodes) {
        assert.ok(!lines.some((line) => line.endsWith('…')), `${name} is cut`);
        const { operation, dependencies } = graph.nodes.find((node) => node.name === name)!;
        if (operation !== 'sum_of_products') continue;
        products++;
        assert.equal(lines.join(' ').match(/×/g)!.length, dependencies.length / 2, `${name}: ${lines}`);
      }
    }
    assert.ok(products > 10, `${products} sums of products`);
  });

  it('marks the unknown and the given value in the gold panel of a pair; the other shows verdicts', () => {
    const graph: DrawableGraph = {
      nodes: [
        { name: 'a', value: 4, dependencies: [], operation: 'unknown' },
        { name: 'b', value: 6, dependencies: ['a'], operation: 'plus', constant: 2 },
      ],
      query: 'a',
      answer: 4,
    };
    const [left, right] = checkDrawing(drawGraphPair(graph, graph));
    assert.deepEqual(looks(left!), { a: 'unknown', b: 'derived' });
    assert.deepEqual(looks(right!), { a: 'right', b: 'right' });
    const told = ({ nodes }: DrawnPanel) =>
      nodes.filter(({ node }) => node.attributes.class!.includes('told')).map(({ name }) => name);
    assert.deepEqual([told(left!), told(right!)], [['b'], []]);
    assert.deepEqual(right!.nodes[0]!.lines, ['a', 'x = 4']);
  });

  it('draws cycles, loops and undefined parents', () => {
    const predicted = checkDrawing(drawGraphPair({ nodes: [] }, cyclic)).at(-1);
    assert.equal(predicted!.edges.length, 7);
    assert.ok(predicted!.edges.every(({ look }) => look === 'extra'));
    assert.deepEqual(predicted!.nodes.find(({ name }) => name === 'ghost')!.lines, ['ghost', 'not defined']);
    checkDrawing(drawGraph(cyclic));
    matchesGallery(
      'graph_cycle',
      drawGraph(cyclic, { title: 'A cycle, a loop and an undefined parent' }).svg,
    );
  });

  it('counts a gold node that is used but not defined as missing', () => {
    const graph: DrawableGraph = {
      nodes: [
        { name: 'a', value: 1, dependencies: [] },
        { name: 'b', value: 1, dependencies: ['a'] },
      ],
    };
    const figure = drawGraphPair(graph, { nodes: [{ name: 'b', value: 1, dependencies: ['a'] }] });
    assert.deepEqual(looks(panelsOf(figure.svg)[1]!), { a: 'missing', b: 'right' });
  });

  it('stays readable at 60 nodes, in either direction', () => {
    for (const direction of ['down', 'right'] as const) {
      const [panel] = checkDrawing(drawGraph(large(60), { direction }));
      assert.equal(panel!.nodes.length, 60);
    }
    matchesGallery('graph_60', drawGraph(large(60)).svg);
  });

  it('draws empty graphs and empty predictions', () => {
    checkDrawing(drawGraph({ nodes: [] }));
    const [, predicted] = checkDrawing(drawGraphPair(gold, { nodes: [] }));
    assert.ok(predicted!.nodes.every(({ look }) => look === 'missing'));
  });

  it('keeps hostile names as text', () => {
    const name = `<script>alert("1")</script> & 'x' in ]]> \u0000\ud800`;
    const figure = drawGraphPair({ nodes: [] }, { nodes: [{ name, value: 1, dependencies: [] }] });
    assert.ok(!figure.svg.includes('<script'));
    const panel = checkDrawing(figure).at(-1);
    assert.match(panel!.nodes[0]!.name, /^<script>alert\("1"\)<\/script> & 'x' in \]\]> \ufffd\ufffd$/);
  });

  it('fits titles and captions of any length', () => {
    const long = 'a long sentence that goes on '.repeat(12);
    checkDrawing(
      drawGraphPair(gold, faulty, undefined, {
        title: long,
        caption: long,
        goldTitle: 'Gold',
        arrangement: 'below',
      }),
    );
  });

  it('gives the same bytes, whatever was drawn before', () => {
    const first = drawGraphPair(gold, faulty).svg;
    drawGraph(large(20));
    assert.equal(drawGraphPair(gold, faulty).svg, first);
  });

  it('says the same in words', () => {
    assert.equal(
      drawGraphPair(gold, faulty).summary,
      [
        'Gold and predicted graph: answer 10 (wrong, should be 12) · 2 of 5 gold steps right',
        '   quantity                                               gold  predicted  verdict',
        '✓  adult parrot in Maple Creek                            2     2          right',
        '✓  adult eagle in Cedar Valley                            3     3          right',
        '✗  adult wolf in Cedar Valley                             5     6          wrong value',
        '-  adult fox in Cedar Valley                              4                missing',
        '✗  total number of adult animals in Cedar Valley (asked)  12    10         wrong parents',
        '+  adult bear in Hamilton Farm                                  1          extra',
      ].join('\n'),
    );
  });

  it('shows an image that no page cleans away, and the words', () => {
    const figure = drawGraph(gold);
    const show = (figure as unknown as Record<symbol, () => Record<string, string>>)[
      Symbol.for('Jupyter.display')
    ]!;
    const bundle = show.call(figure);
    assert.deepEqual(Object.keys(bundle), ['text/html', 'text/plain']);
    const data =
      /^<div id="[^"]+" class="interplay-graph"><img src="data:image\/svg\+xml;base64,([A-Za-z0-9+/=]+)"/.exec(
        bundle['text/html']!,
      )![1]!;
    assert.equal(Buffer.from(data, 'base64').toString('utf8'), figure.svg);
    assert.equal(bundle['text/plain'], figure.summary);
  });

  it('saves the SVG whole, and nothing else', () => {
    const folder = mkdtempSync(join(tmpdir(), 'interplay-graph-'));
    try {
      const figure = drawGraph(gold);
      figure.save(join(folder, 'sub', 'g.svg'));
      assert.equal(readFileSync(join(folder, 'sub', 'g.svg'), 'utf8'), figure.svg);
      assert.throws(() => figure.save(join(folder, 'g.txt')), { code: 'FIGURE_FORMAT' });
      assert.deepEqual(readdirSync(folder), ['sub']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
