import assert from 'node:assert/strict';
import { labelNode, number, wrapName } from '../../../src/figures/graph/label.ts';
import type { DrawableNode } from '../../../src/figures/graph/types.ts';
import type { Operation } from '../../../src/tasks/types.ts';

const values = new Map([
  ['a', 7],
  ['b', 3],
  ['c', 2],
  ['d', 5],
]);

function value(node: Partial<DrawableNode>): string {
  return labelNode({ name: 'x', dependencies: [], ...node }, values).value.join(' ');
}

describe('node labels', () => {
  // Every operation of the record, with the result computed by hand.
  const cases: Record<Operation, [Partial<DrawableNode>, string]> = {
    constant: [{ value: 4, constant: 4 }, '= 4'],
    copy: [{ value: 7, dependencies: ['a'] }, '= 7'],
    sum: [{ value: 12, dependencies: ['a', 'b', 'c'] }, '7 + 3 + 2 = 12'],
    difference: [{ value: 4, dependencies: ['a', 'b'] }, '7 − 3 = 4'],
    plus: [{ value: 10, dependencies: ['a'], constant: 3 }, '3 + 7 = 10'],
    times: [{ value: 14, dependencies: ['a'], constant: 2 }, '2 × 7 = 14'],
    plus_sum: [{ value: 11, dependencies: ['a', 'b'], constant: 1 }, '1 + 7 + 3 = 11'],
    times_sum: [{ value: 20, dependencies: ['a', 'b'], constant: 2 }, '2 × (7 + 3) = 20'],
    plus_difference: [{ value: 5, dependencies: ['a', 'b'], constant: 1 }, '1 + (7 − 3) = 5'],
    times_difference: [{ value: 12, dependencies: ['a', 'b'], constant: 3 }, '3 × (7 − 3) = 12'],
    sum_of_products: [{ value: 31, dependencies: ['a', 'b', 'c', 'd'] }, '7×3 + 2×5 = 31'],
    unknown: [{ value: 4 }, 'x = 4'],
  };
  for (const [operation, [node, expected]] of Object.entries(cases)) {
    it(`write ${operation}`, () => assert.equal(value({ operation, ...node }), expected));
  }

  it('write no operation that does not give the value', () => {
    assert.equal(value({ operation: 'sum', value: 11, dependencies: ['a', 'b'] }), '= 11');
    assert.equal(value({ operation: 'plus', value: 9, dependencies: ['a', 'b'], constant: 2 }), '= 9');
    assert.equal(value({ operation: 'sum', value: 10, dependencies: ['a', 'nowhere'] }), '= 10');
  });

  it('write a given formula as it is', () => {
    assert.equal(value({ formula: '2 + 9', value: 5 }), '2 + 9 = 5');
  });

  it('bracket negative parents and use a true minus', () => {
    const negative = new Map([
      ['a', -2],
      ['b', 3],
    ]);
    const node = { name: 'x', value: 1, dependencies: ['b', 'a'], operation: 'sum' };
    assert.deepEqual(labelNode(node, negative).value, ['3 + (−2) = 1']);
    assert.equal(number(-0.12345), '−0.123');
  });

  it('break a long computation before its operators, and leave out one of more than four lines', () => {
    const terms = (count: number) => ({
      name: 'x',
      value: 21 * count,
      dependencies: Array.from({ length: count }, () => ['a', 'b']).flat(),
      operation: 'sum_of_products',
    });
    assert.deepEqual(labelNode(terms(6), values).value, ['7×3 + 7×3 + 7×3 + 7×3 + 7×3', '+ 7×3 = 126']);
    assert.deepEqual(labelNode(terms(30), values).value, ['= 630']);
  });

  it('stand with the place on a line of its own, lines about equally long', () => {
    assert.deepEqual(wrapName('adult wolf in Cedar Valley'), ['adult wolf', 'in Cedar Valley']);
    assert.deepEqual(wrapName('total number of adult animals in Hamilton Farm'), [
      'total number of',
      'adult animals',
      'in Hamilton Farm',
    ]);
    assert.deepEqual(wrapName('average number of newborn children per adult wolf in Cedar Valley'), [
      'average number of',
      'newborn children',
      'per adult wolf',
      'in Cedar Valley',
    ]);
    const long = wrapName('a very long name '.repeat(12));
    assert.equal(long.length, 5);
    assert.ok(long.at(-1)!.endsWith('…'));
  });
});
