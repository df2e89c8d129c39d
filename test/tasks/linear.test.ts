/** Linear expressions and the closing steps of reverse problems, as sympy prints them (fixtures/sympy.py). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { linearText, solvingText } from '../../src/tasks/linear.ts';
import { apply, closing, type Linear, print } from './expressions.ts';

interface Fixture {
  printed: { expression: [number, number]; text: string }[];
  operations: { p: [number, number]; verb: string; q: [number, number]; text: string }[];
  closings: { letter: string; expression: [number, number]; value: number; text: string }[];
}

const fixture = JSON.parse(readFileSync(new URL('fixtures/sympy.json', import.meta.url), 'utf8')) as Fixture;
const linear = ([a, b]: [number, number]): Linear => ({ a, b });

describe('linear expressions', () => {
  it('are printed as sympy prints them', () => {
    let ours = 0;
    for (const { expression, text } of fixture.printed) {
      const [slope, intercept] = expression;
      assert.equal(print(linear(expression)), text);
      // The generator's never have a negative slope.
      if (slope < 0) continue;
      assert.equal(linearText(slope, intercept), text);
      ours++;
    }
    assert.ok(ours >= 20, `${ours} cases for ours`);
  });

  it('are combined as sympy combines them', () => {
    for (const { p, verb, q, text } of fixture.operations) {
      const [operands, result] = text.split(' = ') as [string, string];
      const [left, right] = [print(linear(p)), print(linear(q))];
      assert.equal(operands, verb === '+' ? `${left} + ${right}` : `(${left}) ${verb} (${right})`);
      assert.equal(result, print(apply(verb, linear(p), linear(q))));
    }
  });

  it('are solved in sympy’s steps', () => {
    let ours = 0;
    for (const { letter, expression, value, text } of fixture.closings) {
      const [slope, intercept] = expression;
      assert.equal(closing(letter, linear(expression), value), text);
      if (slope < 0) continue;
      assert.equal(solvingText(letter, { slope, intercept }, value), text);
      ours++;
    }
    assert.ok(ours >= 20, `${ours} cases for ours`);
  });
});
