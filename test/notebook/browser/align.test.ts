import assert from 'node:assert/strict';
import { type AlignedStep, alignResponse } from '../../../src/notebook/index.ts';
import { createTaskSource, responseText } from '../../../src/tasks/index.ts';
import { normalizeName, verify } from '../../../src/verify/index.ts';
import { spoiledResponse } from './evaluations.ts';

/**
 * cat = 2   dog = 3
 *    \     /
 *     sum = 5
 */
const task = {
  solution:
    'Define cat as a; so a = 2. Define dog as b; so b = 3. Define sum as c; so c = a + b = 2 + 3 = 5. Answer: 5.',
};
const end = ' </solution> <answer> 5 </answer>';
const rows = (response: string) => alignResponse(task, response + end).steps;
const brief = ({ kind, name, number, position }: AlignedStep) => [kind, name, number, position];

describe('a response against gold', () => {
  it('right, in another order and with other letters', () => {
    const steps = rows(
      'Define dog as q; so q = 3. Define cat as r; so r = 2. Define sum as s; so s = r + q = 5.',
    );
    assert.deepEqual(steps.map(brief), [
      ['right', 'cat', 1, 2],
      ['right', 'dog', 2, 1],
      ['right', 'sum', 3, 3],
    ]);
    assert.deepEqual(
      steps.map(({ gold, response }) => [gold, ...response]),
      [
        ['Define cat as a; so a = 2.', 'Define cat as r; so r = 2.'],
        ['Define dog as b; so b = 3.', 'Define dog as q; so q = 3.'],
        ['Define sum as c; so c = a + b = 2 + 3 = 5.', 'Define sum as s; so s = r + q = 5.'],
      ],
    );
  });

  it('extra steps and text stand behind what they follow', () => {
    const steps = rows(
      'Let us see. Define fox as f; so f = 9. Define dog as b; so b = 3. Define owl as o; so o = 1. Define sum as c; so c = b + f = 12.',
    );
    assert.deepEqual(steps.map(brief), [
      ['text', undefined, undefined, 1],
      ['extra', 'fox', undefined, 2],
      ['missing', 'cat', 1, undefined],
      ['right', 'dog', 2, 3],
      ['extra', 'owl', undefined, 4],
      ['wrong', 'sum', 3, 5],
    ]);
    assert.deepEqual(
      steps.map(({ firstError }) => firstError),
      [undefined, undefined, 'missing', undefined, undefined, undefined],
    );
    assert.deepEqual(steps[5]!.reasons, [
      'made from fox, which it does not depend on',
      'not made from cat',
      'says 12, gold 5: well calculated, but not what the problem says',
    ]);
  });

  it('says what is wrong with a value', () => {
    const reasons = (step: string) => {
      const found = rows(
        `Define cat as a; so a = 2. Define dog as b; so b = 3. Define sum as c; ${step}`,
      )[2]!;
      return [found.firstError, found.valueRight, found.parentsRight, ...found.reasons];
    };
    const cases: [string, ReturnType<typeof reasons>][] = [
      ['so c = a + b = 2 + 3 = 6.', ['arithmetic', false, true, 'says 6, gold 5: an equation does not hold']],
      ['so c = a + b = 2 + 4 = 5.', ['arithmetic', false, true, 'says 5: an equation does not hold']],
      [
        'so c = a * b = 6.',
        ['reading', false, true, 'says 6, gold 5: well calculated, but not what the problem says'],
      ],
      ['so c = a + b.', ['missing', false, true, 'not worked out to a number (gold 5)']],
      ['so c = a + z = 5.', ['dependency', true, false, 'not made from dog', 'z stands for nothing']],
    ];
    for (const [step, expected] of cases) assert.deepEqual(reasons(step), expected, step);
  });

  it('a quantity that is defined twice has both texts in its row', () => {
    const steps = rows('Define cat as a; so a = 2. Define dog as b; so b = 3. Define cat as d; so d = 7.');
    assert.deepEqual(steps[0]!.response, ['Define cat as a; so a = 2.', 'Define cat as d; so d = 7.']);
    assert.deepEqual(steps[0]!.reasons, ['says 2: contradicts itself']);
    assert.equal(steps[0]!.firstError, 'arithmetic');
  });

  it('nothing at all misses every step', () => {
    assert.deepEqual(
      alignResponse(task, '').steps.map(({ kind }) => kind),
      ['missing', 'missing', 'missing'],
    );
  });

  it('agrees with the verdict, and shows every written step once, for any task and way to go wrong', () => {
    const tasks = createTaskSource({ ops: '2-12', modes: ['forward', 'reverse'], seed: 8 }).take(30);
    for (const [t, one] of tasks.entries()) {
      for (let kind = 0; kind < 7; kind++) {
        const response = spoiledResponse(one, kind);
        const { report, first_error: first } = verify(one, response);
        const { steps } = alignResponse(one, response);
        const named = (accept: (step: AlignedStep) => boolean) =>
          steps.filter(accept).map(({ name }) => name);
        const where = `task ${t}, kind ${kind}`;
        assert.deepEqual(
          named((step) => step.kind === 'missing'),
          report.missing_nodes,
          where,
        );
        assert.deepEqual(
          named((step) => step.kind === 'extra'),
          report.extra_nodes,
          where,
        );
        assert.deepEqual(
          named((step) => step.valueRight === false),
          report.value_mismatch,
          where,
        );
        assert.deepEqual(
          named((step) => step.parentsRight === false),
          report.dependency_mismatch,
          where,
        );
        assert.deepEqual(
          named((step) => step.firstError !== undefined),
          first === null ? [] : [first.node],
          where,
        );
        const gold = steps.filter(({ number }) => number !== undefined);
        assert.deepEqual(
          gold.map(({ name }) => name),
          one.graph.nodes.map(({ name }) => normalizeName(name)),
          where,
        );
        for (const { name, gold: text } of gold)
          assert.ok(text?.includes(name!), `${where}: gold text of ${name}`);
        const shown = steps.flatMap((step) => step.response).sort();
        const cut = response
          .split('</solution>')[0]!
          .split(/(?=Define )/)
          .map((text) => text.trim());
        assert.deepEqual(shown, cut.filter((text) => text !== '').sort(), where);
        if (kind > 0) continue;
        for (const step of steps) assert.deepEqual(step.reasons, [], `${where}: ${responseText(one)}`);
      }
    }
  });
});
