import assert from 'node:assert/strict';
import { randomFamily } from '../../src/core/random.ts';
import { createTaskSource, promptText, responseText } from '../../src/tasks/index.ts';
import { parsePretrainConfig } from '../../src/train/config.ts';
import { thinkingText } from '../../src/train/thinking.ts';
import { parseSolution, splitResponse, verify, withoutThoughts } from '../../src/verify/index.ts';

describe('thoughts inside a response', () => {
  it('are taken out with their budgets', () => {
    for (const [text, expected] of [
      ['a b', 'a b'],
      ['a<think> x</think> b', 'a b'],
      ['a<B16><think> x</think> b<B8><think></think>c', 'a bc'],
      ['a <B16> b<think>x</think>', 'a <B16> b'], // a budget without a thought is written text
      ['a<think>x<think>y</think>z', 'az'], // the first closing tag ends a thought
      ['a</think>b', 'a</think>b'],
      ['a<B64><think> never ends', 'a'],
    ] as const) {
      assert.equal(withoutThoughts(text), expected);
    }
  });

  it('leave the solution what it is, wherever they stand', () => {
    const { data } = parsePretrainConfig({ data: { thinking: { position: 'inside' } } });
    const thinking = 'thinking' in data ? data.thinking! : assert.fail('no thinking');
    const source = createTaskSource({ world: 'micro', ops: '2-6', split: 'train', seed: 3 });
    for (let i = 0; i < 60; i++) {
      const task = source.at(i);
      const text = thinkingText(task, thinking, randomFamily('test', i).at(0));
      const response = text.slice(promptText(task).length);
      assert.ok(response.includes('<think>'), response);
      assert.equal(withoutThoughts(response), responseText(task));
      const { verified, answer_correct } = verify(task, response);
      assert.deepEqual([verified, answer_correct], [true, true], response);
    }
  });

  it('are not judged: neither steps nor answers in them count', () => {
    const told = '<think> Define A as p; so p = 4. </solution> <answer> 4 </answer></think>';
    assert.deepEqual(parseSolution(told), parseSolution(''));
    const cut = 'Define A as p; so p = 4.<think> Define B as q; so q = 5. Answer: 5.';
    const { nodes, answer } = parseSolution(cut);
    assert.deepEqual([nodes.map(({ name }) => name), answer], [['A'], null]);
  });

  it('are read with the step that they stand in', () => {
    const response =
      'Define A<think> Define B as q; Answer: 5.</think> as p; so p = 4. Define C as r; so r = 1. Answer: 4.';
    const { steps, ending } = splitResponse(response);
    assert.deepEqual(
      steps.map(({ name }) => name),
      ['A', 'C'],
    );
    assert.equal(steps[0]!.text, response.slice(0, response.indexOf(' Define C')));
    assert.equal(ending, 'Answer: 4.');
  });

  it('are read as they are judged, also inside a word', () => {
    const said = ' De<B4><think> Define B as q; Answer: 5.</think>fine A as p; so p = 4. ';
    const response = `${said}<think> x</think>Define C as r; so r = 1. </solu<think>y</think>tion> 4`;
    const { steps, ending } = splitResponse(response);
    const judged = parseSolution(response).nodes.map(({ name }) => name);
    assert.deepEqual(judged, ['A', 'C']);
    assert.deepEqual(
      steps.map(({ name }) => name),
      judged,
    );
    assert.equal(steps[0]!.text, `${said}<think> x</think>`.trim());
    assert.equal(ending, '</solu<think>y</think>tion> 4');
    assert.equal(steps.map(({ text }) => text).join(''), response.slice(1, -ending.length - 1));
  });

  it('nested, not closed, or closed twice: the same steps for reader and judge', () => {
    const step = (name: string) => ` Define ${name} as ${name.toLowerCase()}; so ${name.toLowerCase()} = 2.`;
    for (const [response, names] of [
      [`<think>a<think>b</think>${step('A')}</think>${step('B')}`, ['A', 'B']],
      [`${step('A')}<think>${step('B')}`, ['A']],
      [`</think>${step('A')}<B8>${step('B')}`, ['A', 'B']],
      [`<think></think><B4><think></think>${step('A')}`, ['A']],
      [`<think>${step('A')}`, []],
      [`${step('A')}<think>`, ['A']],
      [`${step('A')}</think><think>${step('C')}</think><think></think>${step('B')}`, ['A', 'B']],
    ] as const) {
      const read = splitResponse(response).steps.flatMap(({ name }) => name ?? []);
      assert.deepEqual(read, names, response);
      const judged = parseSolution(response).nodes.map(({ name }) => name);
      assert.deepEqual(judged, names, response);
    }
  });

  it('takes time linear in the length', () => {
    const many = '<B8><think>'.repeat(200_000);
    assert.equal(withoutThoughts(many), '');
    assert.deepEqual(splitResponse(`a${many}`).steps.length, 1);
    assert.equal(withoutThoughts(`${'<think>x</think>'.repeat(100_000)}b`), 'b');
  });
});
