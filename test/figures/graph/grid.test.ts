import assert from 'node:assert/strict';
import {
  drawGraphGrid,
  drawResponses,
  drawTasks,
  type GraphFigure,
} from '../../../src/figures/graph/index.ts';
import { textWidth } from '../../../src/figures/text.ts';
import { createTaskSource, responseText, type Task } from '../../../src/tasks/index.ts';
import { matchesGallery } from '../gallery.ts';
import { type Box, boxOf, overlap } from '../geometry.ts';
import { byClass, numberOf, parseXml, select } from '../xml.ts';
import { cyclic, faulty, gold, large } from './graphs.ts';

interface Cell {
  boxes: Map<string, Box>;
  looks: Map<string, string>;
  texts: string[];
}

/** Cells in coordinates of the page, once everything is known to lie on it. */
function cellsOf(figure: GraphFigure): Cell[] {
  const root = parseXml(figure.svg);
  const cells = byClass(root, 'panel').map((panel): Cell => {
    const [x, y, scale] = /^translate\(([-\d.]+) ([-\d.]+)\) scale\(([\d.]+)\)$/
      .exec(panel.attributes.transform!)!
      .slice(1)
      .map(Number) as [number, number, number];
    const nodes = byClass(panel, 'node');
    const boxes = nodes.map((node): [string, Box] => {
      const box = boxOf(byClass(node, 'box')[0]!);
      return [
        node.attributes['data-name']!,
        {
          left: x + scale * box.left,
          right: x + scale * box.right,
          top: y + scale * box.top,
          bottom: y + scale * box.bottom,
        },
      ];
    });
    return {
      boxes: new Map(boxes),
      looks: new Map(
        nodes.map((node) => [node.attributes['data-name']!, node.attributes.class!.split(' ')[1]!]),
      ),
      texts: nodes.flatMap((node) => select(node, ({ name }) => name === 'text').map(({ text }) => text)),
    };
  });
  const all = cells.flatMap(({ boxes }) => [...boxes.values()]);
  for (const [i, box] of all.entries()) {
    assert.ok(box.left >= 8 && box.right <= figure.width - 8, `${box.left}–${box.right} of ${figure.width}`);
    assert.ok(
      box.top >= 8 && box.bottom <= figure.height - 8,
      `${box.top}–${box.bottom} of ${figure.height}`,
    );
    for (const other of all.slice(i + 1)) assert.ok(!overlap(box, other), 'boxes overlap');
  }
  for (const line of root.children.filter(({ name }) => name === 'text')) {
    const weight = line.attributes['font-weight'] === 'bold' ? 'bold' : 'normal';
    const end = numberOf(line, 'x') + textWidth(line.text, numberOf(line, 'font-size'), weight);
    assert.ok(end <= figure.width, `${line.text} ends at ${end}`);
  }
  return cells;
}

/** Twelve ways to answer: right, a step left out, another number, a made-up parent, another answer. */
function responsesTo(task: Task, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const steps = responseText(task).split(/(?=Define )/);
    if (i % 4 === 1) steps.splice(1 + (i % 3), 1);
    let text = steps.join('');
    if (i % 3 === 2) text = text.replace(/= (\d+)[.;]/, (_all, n: string) => `= ${Number(n) + i}.`);
    if (i % 5 === 3) {
      text = `Define adult bear in Nowhere as q; so q = 3. ${text.replace(/so (\w) = \w \+/, 'so $1 = q +')}`;
    }
    return i % 6 === 5 ? text.replace(/<answer> \d+/, '<answer> 999') : text;
  });
}

describe('grids of graphs', () => {
  it('shows twelve responses to one problem, a quantity at the same place in all', () => {
    const task = createTaskSource({ contexts: ['zoo'], ops: '12', modes: ['forward'], seed: 6 }).take(1)[0]!;
    const figure = drawResponses(task, responsesTo(task, 12), { title: 'Twelve responses to one problem' });
    const cells = cellsOf(figure);
    assert.equal(cells.length, 12);
    const [first, ...others] = cells;
    assert.deepEqual([...new Set(first!.looks.values())], ['right']);
    const columns = cells.filter(
      ({ boxes }) => boxes.get(task.graph.query)!.top === first!.boxes.get(task.graph.query)!.top,
    );
    assert.equal(columns.length, 4);
    for (const [i, cell] of others.entries()) {
      const shifts = task.graph.nodes.map(({ name }) => {
        const [a, b] = [first!.boxes.get(name)!, cell.boxes.get(name)!];
        return `${(b.left - a.left).toFixed(1)} ${(b.top - a.top).toFixed(1)}`;
      });
      assert.equal(new Set(shifts).size, 1, `response ${i + 2}`);
    }
    const looks = new Set(cells.flatMap((cell) => [...cell.looks.values()]));
    for (const look of ['right', 'wrong_value', 'wrong_parents', 'missing', 'extra']) {
      assert.ok(looks.has(look), look);
    }
    matchesGallery('graph_responses', figure.svg);
  });

  it('shows twelve problems of both modes and depths', () => {
    const tasks = [2, 3].flatMap((depth) =>
      ['forward', 'reverse'].flatMap((mode) =>
        [4, 9, 15].map(
          (op) =>
            createTaskSource({ depths: [depth as 2 | 3], modes: [mode], ops: String(op), seed: 2 }).take(
              1,
            )[0]!,
        ),
      ),
    );
    const figure = drawTasks(tasks, { title: 'Twelve problems' });
    const cells = cellsOf(figure);
    assert.deepEqual(
      cells.map(({ texts }) => texts.map(Number).sort()),
      tasks.map(({ graph }) => graph.nodes.map(({ value }) => value).sort()),
    );
    matchesGallery('graph_tasks', figure.svg);
  });

  it('draws cycles, loops, undefined parents, empty predictions and graphs of 60 quantities', () => {
    const figure = drawGraphGrid([
      { gold: { nodes: [] }, predicted: cyclic },
      { gold, predicted: { nodes: [] } },
      { gold, predicted: faulty },
      { gold: large(60) },
      { gold: { nodes: [] } },
    ]);
    const cells = cellsOf(figure);
    assert.equal(cells[0]!.looks.get('ghost'), 'extra');
    assert.ok([...cells[1]!.looks.values()].every((look) => look === 'missing'));
    assert.equal(cells[3]!.boxes.size, 60);
    assert.match(figure.summary, /2 +2 +right/);
    cellsOf(drawGraphGrid([]));
  });

  it('takes columns and width, and cuts long titles to their cells', () => {
    const cell = { gold, title: 'a long title of a cell that has no room for it '.repeat(4) };
    const figure = drawGraphGrid([cell, cell, cell], { columns: 2, width: 400 });
    assert.equal(figure.width, 400);
    const tops = cellsOf(figure).map(({ boxes }) => boxes.get(gold.query!)!.top);
    assert.ok(tops[0] === tops[1] && tops[2]! > tops[0]!, String(tops));
  });
});
