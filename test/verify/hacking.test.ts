/** Responses that would be paid without the work done: each of them was, once. */
import assert from 'node:assert/strict';
import { createTaskSource, responseText } from '../../src/tasks/index.ts';
import { verify } from '../../src/verify/index.ts';

const STEPS = 'Define p q as p; so p = 2. Define r s as r; so r = 3. Define total t as t; ';
const GOLD = { solution: `${STEPS}so t = p + r = 2 + 3 = 5. Answer: 5.` };
const judge = (last: string, answer = 'Answer: 5.') => verify(GOLD, `${STEPS}${last} ${answer}`);

describe('a response is not verified that', () => {
  const last: [what: string, step: string, kind: string][] = [
    ['leaves the sum to the verifier', 'so t = p + r.', 'missing'],
    ['states another number in words', 'so t = p + r; so it is 11.', 'missing'],
    ['writes the sum without working it out', 'so t = p + r = 2 + 3.', 'missing'],
    ['puts an unread sign before a wrong number', 'so t = p + r ≈ 2 + 9 ≈ 77.', 'missing'],
    ['tries the parents one after the other', 't = p = 2. t = r = 3. t = 5.', 'arithmetic'],
    ['names each parent in an equation of its own', 't = p + 3 = 5. t = r + 2 = 5.', 'arithmetic'],
    ['counts through the values', 't = p + r = 2 + 3 = 4. t = p + r = 2 + 3 = 5.', 'arithmetic'],
    ['uses a letter that stands for nothing', 'so t = p + r + k = 5.', 'dependency'],
    ['adds another number behind', 'so t = p + r = 5 = 6.', 'arithmetic'],
    ['ends in a letter that stands for nothing', 'so t = p + r = 5 = q.', 'missing'],
    ['is nearly right', 'so t = p + r = 5.3.', 'arithmetic'],
    ['goes on with the number', 'so t = p + r = 5 000.', 'missing'],
    ['raises the number to a power', 'so t = p + r = 5^2.', 'missing'],
    ['leaves the number in doubt', 'so t = p + r = 5 ± 1.', 'missing'],
  ];
  for (const [what, step, kind] of last) {
    it(what, () => {
      const { verified, first_error, process_accuracy } = judge(step);
      assert.equal(verified, false);
      assert.deepEqual(first_error, { step: 2, node: 'total t', kind });
      assert.equal(process_accuracy, 2 / 3);
    });
  }

  it('has an answer that is nearly right', () => {
    assert.equal(judge('so t = p + r = 2 + 3 = 5.', 'Answer: 5.3.').answer_correct, false);
  });

  it('is cut inside its answer', () => {
    const cut = `${STEPS}so t = p + r = 2 + 3 = 5. Answer: 5`;
    assert.equal(verify(GOLD, cut, { truncated: true }).answer_correct, false);
    assert.equal(verify(GOLD, `${cut}.`, { truncated: true }).answer_correct, true);
    assert.equal(verify(GOLD, cut).answer_correct, true);
  });

  it('says something false in a second definition of a name', () => {
    const twice = GOLD.solution.replace('Define r s', 'Define p q as p; p = 2 + 999 = 2. Define r s');
    assert.deepEqual(verify(GOLD, twice).report.value_mismatch, ['p q']);
    const late = `${STEPS}so t = p + r = 2 + 3 = 5. Define total t as t; t = p + r = 999 = 5. Answer: 5.`;
    assert.deepEqual(verify(GOLD, late).report.value_mismatch, ['total t']);
  });

  it('states several values of a quantity in a step of no account', () => {
    const response = `Define p q as p; Define r s as r; so r = 3. Define junk as z; p = 9. p = 2. Define total t as t; so t = p + r = 2 + 3 = 5. Answer: 5.`;
    assert.ok(verify(GOLD, response).report.value_mismatch.includes('p q'));
  });

  const tasks = createTaskSource({ ops: '2-20', modes: ['forward', 'reverse'], depths: [2, 3] }).take(300);

  it('copies the symbols and leaves out all numbers that are worked out', () => {
    for (const task of tasks) {
      let left = false;
      // Everything behind the first side with letters: `so P = 4 * k = (4) * (x + 3) = 4*x + 12` ends at `4 * k`.
      const bare = responseText(task).replace(
        /( = [^=;.<]*[A-Za-z][^=;.<]*)((?: = [^=;.<]*)+)(?=[;.])/g,
        (_, kept: string, removed: string) => {
          left ||= /[+*-]/.test(removed); // copying x leaves nothing to work out
          return kept;
        },
      );
      if (!left) continue;
      assert.ok(!verify(task, bare).verified, task.id);
    }
  });

  it('moves a false solution of the equation into a step of no account', () => {
    for (const task of tasks.filter(({ mode }) => mode === 'forwardreverse')) {
      const false_ = responseText(task).replace(
        /We know (.) = .*?(?= <\/solution>)/,
        `Define junk as ${task.solution.includes(' as Z;') ? 'Y' : 'Z'}; x = 77. x = ${task.graph.answer}.`,
      );
      assert.notEqual(false_, responseText(task));
      assert.ok(!verify(task, false_).verified, task.id);
    }
  });
});

describe('a response is verified that', () => {
  for (const [what, step] of [
    ['breaks a line beside an equals sign', 'so t = p + r\n= 2 + 3 =\n5.'],
    ['goes on from a running value', 't = p = 2; so t = t + r = 2 + 3 = 5.'],
    ['writes a fraction', 'so t = p + r = 10/2.'],
    ['says the same twice', 'so t = p + r = 2 + 3 = 5. So t = p + r = 5.'],
  ] as const) {
    it(what, () => assert.deepEqual(judge(step).errors, []));
  }

  it('writes thousands with a comma', () => {
    const gold = { solution: 'Define a b as a; so a = 1200. Answer: 1200.' };
    assert.ok(verify(gold, 'Define a b as a; so a = 1,200. Answer: 1,200.').verified);
    assert.ok(
      !verify(
        { solution: 'Define a b as a; so a = 1. Answer: 1.' },
        'Define a b as a; so a = 1,200. Answer: 1.',
      ).verified,
    );
  });
});
