import assert from 'node:assert/strict';
import { showResponse, showTask } from '../../src/notebook/index.ts';
import { createTaskSource, responseText } from '../../src/tasks/index.ts';
import { verify } from '../../src/verify/index.ts';
import { parseXml, select, type XmlNode } from '../figures/xml.ts';
import { shown } from './views.ts';

/**
 * wolf = 2   bear = 3      (bear’s name begins with that of a shorter one: "wolf in Bay" / "wolf in Bay Area")
 *      \     /
 *       total
 */
const task = {
  problem: 'The number of wolf in Bay equals 2. The number of wolf in Bay Area equals 3. ',
  question: 'What is the total number of animals in Bay?',
  solution:
    'Define wolf in Bay as a; so a = 2. Define wolf in Bay Area as b; so b = 3. Define total number of animals in Bay as c; so c = a + b = 2 + 3 = 5. Answer: 5.',
  op: 4,
  template: 'crazy_zootopia',
  graph: {
    nodes: [
      {
        name: 'wolf in Bay',
        value: 2,
        dependencies: [],
        kind: 'instance' as const,
        constant: 2,
        operation: 'constant' as const,
      },
      {
        name: 'wolf in Bay Area',
        value: 3,
        dependencies: [],
        kind: 'instance' as const,
        constant: 3,
        operation: 'constant' as const,
      },
      {
        name: 'total number of animals in Bay',
        value: 5,
        dependencies: ['wolf in Bay', 'wolf in Bay Area'],
        kind: 'abstract' as const,
        operation: 'sum' as const,
      },
    ],
    query: 'total number of animals in Bay',
    answer: 5,
  },
};

const marks = (root: XmlNode) => select(root, ({ name }) => name === 'mark');
const tint = (mark: XmlNode) => /background:(#\w+)/.exec(mark.attributes.style!)![1]!;
const rows = (html: string) =>
  select(parseXml(html), ({ name }) => name === 'tr').map((row) => row.children.map((cell) => textOf(cell)));

function textOf(node: XmlNode): string {
  return node.text + node.children.map(textOf).join(' ');
}

describe('tasks in a notebook', () => {
  it('mark each quantity by its node, the longer of two names first', () => {
    const { html } = shown(showTask(task));
    const found = marks(parseXml(html));
    assert.deepEqual(
      found.map(({ text }) => text),
      [
        'wolf in Bay',
        'wolf in Bay Area',
        'total number of animals in Bay',
        'wolf in Bay',
        'wolf in Bay Area',
        'total number of animals in Bay',
      ],
    );
    assert.equal(new Set(found.map(tint)).size, 3, 'a colour per node');
    for (const i of [0, 1, 2])
      assert.equal(tint(found[i]!), tint(found[i + 3]!), 'the same colour everywhere');
    assert.equal(found[1]!.attributes.title, 'wolf in Bay Area = 3');
  });

  it('read as text', () => {
    assert.equal(
      shown(showTask(task)).text,
      [
        'Problem: The number of wolf in Bay equals 2. The number of wolf in Bay Area equals 3.',
        'Question: What is the total number of animals in Bay?',
        'Solution:',
        '  1. Define wolf in Bay as a; so a = 2.',
        '  2. Define wolf in Bay Area as b; so b = 3.',
        '  3. Define total number of animals in Bay as c; so c = a + b = 2 + 3 = 5.',
        'Answer: 5',
      ].join('\n'),
    );
  });

  it('are well-formed HTML whatever they are called', () => {
    const evil = '<img src=x onerror=alert(1)> & "q" \'s';
    const hostile = {
      ...task,
      problem: `The number of ${evil} equals 2. </div><script>`,
      solution: `Define ${evil} as a; so a = 2. Answer: <b>2</b>.`,
      graph: { nodes: [{ name: evil, value: 2 }], query: evil },
    };
    const { html } = shown(showTask(hostile));
    assert.ok(!/<(script|img|b)\b/.test(html));
    assert.deepEqual(
      marks(parseXml(html)).map(({ text }) => text),
      [evil, evil],
    );
    const response = `Define ${evil} as a; so a = 3. </solution> <answer> <i>3</i> </answer>`;
    const verdict = {
      extracted_answer: '<i>3</i>',
      answer_correct: false,
      process_accuracy: 0,
      verified: false,
      report: { missing_nodes: ['<u>'], extra_nodes: [], value_mismatch: [evil], dependency_mismatch: [] },
    };
    const shownResponse = shown(showResponse(hostile, response, verdict)).html;
    assert.ok(!/<(script|img|i|u)\b/.test(shownResponse));
    parseXml(shownResponse);
  });

  it('of any kind are shown: generated ones and records without a graph', () => {
    const generated = createTaskSource({ world: 'micro', ops: '6', seed: 5 }).take(5);
    for (const one of generated) {
      const root = parseXml(shown(showTask(one)).html);
      const names = new Set(marks(root).map(({ text }) => text));
      for (const node of one.graph.nodes) assert.ok(names.has(node.name), node.name);
      const { graph: _graph, ...plain } = one;
      assert.equal(marks(parseXml(shown(showTask(plain)).html)).length, marks(root).length);
    }
  });
});

describe('responses in a notebook', () => {
  it('right: every step ticked', () => {
    const response = responseText(task);
    const view = shown(showResponse(task, response, verify(task, response)));
    assert.deepEqual(
      rows(view.html).map(([mark]) => mark),
      ['✓', '✓', '✓', '✓'],
    );
    assert.match(view.text, /^verified · process accuracy 1\.00\n/);
  });

  it('wrong: each fault at its step, what is missing with its gold text, the right answer', () => {
    const response =
      'Define wolf in Bay as a; so a = 4. Define fox in Bay as f; so f = 1. Define total number of animals in Bay as c; so c = a + f = 4 + 1 = 5. </solution> <answer> 9 </answer>';
    const verdict = verify(task, response);
    const view = shown(showResponse(task, response, verdict));
    const table = rows(view.html);
    assert.deepEqual(
      table.map(([mark]) => mark),
      ['✗', '+', '✗', '−', '✗'],
    );
    assert.match(table[0]![1]!, /wrong value.*gold: Define wolf in Bay as a; so a = 2\./);
    assert.match(table[1]![1]!, /not in the gold graph/);
    assert.match(table[2]![1]!, /wrong parents/);
    assert.match(table[3]![1]!, /missing.*gold: Define wolf in Bay Area as b/);
    assert.match(table[4]![1]!, /Answer: 9.*should be 5/);
    assert.match(
      view.text,
      /^not verified · process accuracy 0\.00 · first error: reading in wolf in Bay\n✗ Define wolf in Bay/,
    );
  });

  it('cut short or empty: says that there is no answer', () => {
    for (const response of ['Define wolf in Bay as a; so a =', '']) {
      const view = shown(showResponse(task, response, verify(task, response, { truncated: true })));
      assert.match(view.html, /ends without an answer/);
      assert.match(view.text, /✗ Answer: none {2}\[should be 5\]$/);
    }
  });
});
