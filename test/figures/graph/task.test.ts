import assert from 'node:assert/strict';
import {
  type DrawableNode,
  drawGraph,
  drawGraphPair,
  drawResponse,
  drawTask,
} from '../../../src/figures/graph/index.ts';
import { distractorsOf, sentencesByName } from '../../../src/figures/graph/statements.ts';
import { createTaskSource, responseText } from '../../../src/tasks/index.ts';
import { matchesGallery } from '../gallery.ts';
import { byClass, parseXml } from '../xml.ts';
import { gold } from './graphs.ts';

const PROBLEM = [
  'The number of adult fox in Pine Ridge equals 2.',
  'The number of adult deer in Pine Ridge equals 3 times the difference between the number of adult fox in Pine Ridge and the number of adult owl in South Zoo.',
  'The number of adult owl in South Zoo equals 1.',
  'The number of adult bear in South Zoo equals 4 plus the total number of adult animals in Pine Ridge.',
  'The number of adult crow in Cedar Valley equals the sum of the number of adult fox in Pine Ridge, the number of adult owl in South Zoo, and the number of adult bear in South Zoo.',
  'The number of adult wolf in Cedar Valley equals the number of adult wolf in Cedar Valley.',
  'The number of adult eagle in Cedar Valley exists, and its number is greater than 0. ',
].join(' ');

describe('problems read back', () => {
  it('as quantities that the answer does not need, by hand', () => {
    const needed = { nodes: [{ name: 'adult fox in Pine Ridge', value: 2, dependencies: [] }] };
    const values = distractorsOf(PROBLEM, needed).map(({ name, value, operation }) => [
      name,
      operation,
      value,
    ]);
    // deer 3 × (2 − 1) = 3; total 2 + 3 = 5; bear 4 + 5 = 9; crow 2 + 1 + 9 = 12; wolf is circular, eagle not said.
    assert.deepEqual(Object.fromEntries(values.map(([name, ...rest]) => [name, rest])), {
      'adult owl in South Zoo': ['constant', 1],
      'adult deer in Pine Ridge': ['times_difference', 3],
      'total number of adult animals in Pine Ridge': ['sum', 5],
      'adult bear in South Zoo': ['plus', 9],
      'adult crow in Cedar Valley': ['sum', 12],
      'adult eagle in Cedar Valley': ['unknown', undefined],
      'adult wolf in Cedar Valley': ['copy', undefined],
    });
  });

  it('as the graph that they were written from', () => {
    for (const depth of [2, 3] as const) {
      for (const task of createTaskSource({ depths: [depth], modes: ['forward'], ops: '2-20', seed: 8 }).take(
        60,
      )) {
        // The totals, whose kind the text does not tell, are given; everything else is to be found.
        const totals = task.graph.nodes.filter((node) => node.kind === 'abstract');
        const read = new Map(distractorsOf(task.problem, { nodes: totals }).map((node) => [node.name, node]));
        for (const node of task.graph.nodes) {
          if (node.kind === 'abstract') continue;
          const { sentence, ...found } = read.get(node.name) as DrawableNode & { sentence: string };
          assert.deepEqual(found, node);
          assert.ok(task.problem.includes(sentence), sentence);
        }
        if (depth === 3) continue;
        const all = new Map(distractorsOf(task.problem, { nodes: [] }).map((node) => [node.name, node]));
        for (const { name, value } of totals) {
          assert.equal(all.get(name)?.value ?? value, value, name); // one that is only asked for is in no sentence
        }
      }
    }
  });

  it('as sentences; a quantity with a relation and a given value has both', () => {
    const sentences = sentencesByName(
      'The number of a b in C equals 2. The number of a b in C equals the number of d in C.',
    );
    assert.deepEqual(
      [...sentences],
      [['a b in C', 'The number of a b in C equals 2. The number of a b in C equals the number of d in C.']],
    );
  });
});

describe('records drawn', () => {
  const titles = (svg: string) =>
    byClass(parseXml(svg), 'node').map((node) => node.children.find(({ name }) => name === 'title')!.text);

  it('with sentence, gold step and response step of every quantity, in both modes and depths', () => {
    const source = createTaskSource({ depths: [2, 3], modes: ['forward', 'reverse'], ops: '4-12', seed: 3 });
    for (const task of source.take(20)) {
      for (const title of titles(drawTask(task).svg)) {
        const [, sentence, step, ...more] = title.split('\n');
        assert.match(sentence!, /^Problem: (?:The |not stated)/);
        assert.match(step!, /^Solution: Define /);
        assert.deepEqual(more, []);
      }
      const drawn = titles(drawResponse(task, responseText(task)).svg);
      assert.equal(drawn.length, 2 * task.graph.nodes.length);
      for (const title of drawn) assert.match(title, /\nResponse: Define /);
    }
  });

  it('with what the answer does not need, faintly and in the gold panel alone', () => {
    const task = createTaskSource({ ops: '8', seed: 3 })
      .take(20)
      .find(({ problem, graph }) => distractorsOf(problem, graph).length > 3)!;
    const others = distractorsOf(task.problem, task.graph).length;
    const faint = (svg: string) =>
      byClass(parseXml(svg), 'panel').map((panel) => {
        return byClass(panel, 'node').filter((node) => node.attributes.class!.includes('distractor')).length;
      });
    assert.deepEqual(faint(drawTask(task).svg), [0]);
    assert.deepEqual(faint(drawTask(task, { distractors: true }).svg), [others]);
    assert.deepEqual(faint(drawResponse(task, responseText(task), { distractors: true }).svg), [others, 0]);
    assert.match(drawTask(task, { distractors: true }).svg, />not needed</);
    matchesGallery('graph_distractors', drawTask(task, { distractors: true }).svg);
  });

  it('when a response computes a quantity that is not needed', () => {
    const spare: DrawableNode = {
      name: 'adult owl in South Zoo',
      value: 1,
      dependencies: [gold.nodes[0]!.name],
    };
    const predicted = { ...gold, nodes: [...gold.nodes, spare] };
    const { svg } = drawGraphPair(gold, predicted, undefined, { distractors: [spare] });
    const looks = byClass(parseXml(svg), 'panel').map(
      (panel) =>
        byClass(panel, 'node').find((node) => node.attributes['data-name'] === spare.name)!.attributes.class,
    );
    assert.deepEqual(looks, ['node distractor', 'node extra']);
  });

  it('of the public reference, which have no graph', () => {
    const { graph, ...task } = createTaskSource({ ops: '6', seed: 2 }).take(1)[0]!;
    const names = (figure: { svg: string }) =>
      byClass(parseXml(figure.svg), 'node').map((node) => node.attributes['data-name']);
    assert.deepEqual(names(drawTask(task)), names(drawGraph(graph)));
    assert.throws(() => drawTask({ ...task, solution: 'nothing' }), { code: 'GOLD_UNPARSEABLE' });
  });
});
