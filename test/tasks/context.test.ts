import assert from 'node:assert/strict';
import {
  type Context,
  createTaskSource,
  resolveContext,
  resolveMixture,
  responseText,
} from '../../src/tasks/index.ts';
import { verify } from '../../src/verify/index.ts';

const GARDEN: Context = {
  name: 'gardens',
  alias: 'garden',
  places: [['North Bed', 'South Bed', 'Old Pot']],
  categories: [['red tulip', 'late rose', 'tall fern']],
  total: 'total number of plants',
  average: { item: 'average number of leaves', total: 'total number of all leaves' },
};

describe('a context of one’s own', () => {
  it('is generated and verified like the paper’s, in every mode and depth', () => {
    const source = createTaskSource({
      contexts: ['zoo', GARDEN],
      ops: '2-16',
      modes: ['forward', 'reverse'],
      depths: [2, 3],
    });
    const tasks = source.take(600).filter(({ template }) => template === 'gardens');
    assert.ok(tasks.length > 200);
    for (const task of tasks) assert.ok(verify(task, responseText(task)).verified, task.id);
  });

  it('can come with a mixture', () => {
    const mixture = { define: [GARDEN], components: [{ ops: '4', contexts: { garden: 1, zoo: 3 } }] };
    assert.deepEqual(
      resolveMixture(mixture).map(({ context, weight }) => [context.name, weight]),
      [
        ['crazy_zootopia', 0.75],
        ['gardens', 0.25],
      ],
    );
  });

  const refused: [string, Partial<Context>][] = [
    ['totals of one name', { average: { ...GARDEN.average, total: GARDEN.total } }],
    ['a colon in a name', { categories: [['Answer: 3', 'rose']] }],
    ['a word that starts a step', { categories: [['define rose', 'fern']] }],
    ['the word before a letter', { places: [['as is', 'South Bed']] }],
    ['names that differ in how an accent is stored', { categories: [['\u00e9cole', 'e\u0301cole']] }],
    ['a tab', { categories: [['red\ttulip', 'rose']] }],
    ['a blank that does not break', { categories: [['red\u00a0tulip', 'rose']] }],
    ['a blank at the end', { total: 'total number of plants ' }],
    ['a total that ends in "in"', { total: 'total number of plants in' }],
    ['half a character', { categories: [['\ud800', 'rose']] }],
    ['a name twice', { places: [['North Bed', 'North Bed']] }],
    ['the name of a context of the paper', { name: 'crazy_zootopia' }],
    ['the alias of one', { alias: 'zoo' }],
  ];
  for (const [what, change] of refused) {
    it(`is refused with ${what}`, () => {
      const context = { ...GARDEN, ...change };
      assert.throws(() => resolveContext(context), { code: 'CONTEXT_INVALID' });
      const components = [{ ops: '4', contexts: [context.name] }];
      assert.throws(() => resolveMixture({ define: [context], components }), /CONTEXT_INVALID|expected/);
    });
  }

  it('does not share its name with another one', () => {
    const other = { ...GARDEN, places: [['Roof', 'Yard']] };
    assert.throws(() => createTaskSource({ contexts: [GARDEN, other] }), { code: 'CONTEXT_INVALID' });
    assert.throws(() => resolveMixture({ define: [GARDEN, other], components: [{ ops: '4' }] }), {
      code: 'CONTEXT_INVALID',
    });
    assert.equal(createTaskSource({ contexts: [GARDEN, { ...GARDEN }], ops: '4' }).cells.length, 1);
  });
});
