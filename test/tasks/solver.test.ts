/** The tests' own reader of problems and solutions: on the reference's samples, on faults, on depth 3. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readTasks, splitSolution } from '../../src/tasks/index.ts';
import { countOps, readSolution } from './solutions.ts';
import { solve } from './solver.ts';

const REFERENCE = new URL('../../../shared/reference/samples.jsonl', import.meta.url).pathname;

/** `A = 3` stands for a sentence about `A in P`. */
const plant = (text: string): string =>
  text.replaceAll(/\b([A-D])\b/g, (letter) => `${letter.toLowerCase().repeat(3)} tree in Park`);

describe('the independent solver', () => {
  it('finds the reference’s answers, and its two faults', function () {
    if (!existsSync(REFERENCE)) this.skip();
    const count = { normalforward: 0, forwardreverse: 0, circular: 0, missing: 0 };
    for (const { problem, question, solution, mode } of readTasks(REFERENCE)) {
      const { answer, faults, told } = solve(problem, question);
      const recorded = Number(splitSolution(solution).answer);
      count[mode]++;
      // A definition that the reference lost has become a second sentence about the unknown (PAPER §1.9).
      const missing = faults.includes(`${told.unknown} is told twice`);
      if (missing) {
        count.missing++;
        assert.equal(mode, 'forwardreverse');
        continue;
      }
      assert.equal(answer, recorded);
      // Its distractors may go round in a circle (§1.6 step 13), and nothing else is wrong with them.
      if (faults.length > 0) count.circular++;
      for (const fault of faults) assert.match(fault, /is defined by itself$/);
    }
    assert.ok(count.normalforward > 70 && count.forwardreverse > 60, JSON.stringify(count));
    assert.ok(count.missing > 0 && count.missing / count.forwardreverse < 0.2, JSON.stringify(count));
    assert.ok(count.circular > 0 && count.circular < 16, JSON.stringify(count));
  });

  it('reads the reference’s solutions to the letter and counts its ops', function () {
    if (!existsSync(REFERENCE)) this.skip();
    for (const { problem, question, solution, op, mode } of readTasks(REFERENCE)) {
      const read = readSolution(solution);
      assert.equal(read.reverse, mode === 'forwardreverse');
      assert.equal(countOps(read), op);
      if (!read.reverse) assert.equal(read.answer, solve(problem, question).answer);
    }
  });

  const ask = 'How many aaa tree does Park have?';
  const faulty: [fault: RegExp, problem: string][] = [
    [/ddd tree in Park is not told/, 'The number of A equals 2 plus the number of D. '],
    [
      /is defined by itself/,
      'The number of A equals the number of B. The number of B equals 2 times the number of A. ',
    ],
    [/aaa tree in Park is defined by itself/, 'The number of A equals the total number of trees in Park. '],
    [
      /total number of trees in Wood has no members/,
      'The number of A equals the total number of trees in Wood. ',
    ],
    [/aaa tree in Park is told twice/, 'The number of A equals 2. The number of A equals 2. '],
    [/nothing is given to find aaa/, 'The number of A exists, and its number is greater than 0. '],
    [
      /no solution for aaa/,
      'The number of A exists, and its number is greater than 0. The number of B equals the difference between the number of A and the number of A. The number of B equals 3. ',
    ],
    [
      /more than one solution for aaa/,
      'The number of A exists, and its number is greater than 0. The number of B equals 3. The number of C equals the number of B. The number of C equals 3. ',
    ],
    [
      /aaa tree in Park is no whole number: 3 \/ 2/,
      'The number of A exists, and its number is greater than 0. The number of B equals 2 times the number of A. The number of B equals 3. ',
    ],
    [
      /aaa tree in Park is not greater than 0: -1/,
      'The number of A exists, and its number is greater than 0. The number of B equals 4 plus the number of A. The number of B equals 3. ',
    ],
    [
      /bbb tree in Park is unknown, too/,
      'The number of A exists, and its number is greater than 0. The number of B exists, and its number is greater than 0. The total number of trees in Park equals 3. ',
    ],
    [
      /ccc tree in Park is told twice/,
      'The number of A exists, and its number is greater than 0. The number of B equals the number of A. The number of B equals 3. The number of C equals the number of B. The number of C equals 3. ',
    ],
    [
      /is not of the first order/,
      'The number of A exists, and its number is greater than 0. The average number of leaves per A equals the number of A. The total number of leaves in Park equals 4. ',
    ],
    [
      /total number of leaves in Park needs the average per bbb tree in Park/,
      'The number of B equals 1. The average number of leaves per A equals 2. The number of A equals the total number of leaves in Park. ',
    ],
    [
      /too large for exact arithmetic/,
      `${'BCD'
        .split('')
        .map(
          (one, i) =>
            `The number of ${one} equals ${i === 0 ? 9007199254740991 : `4 times the number of ${'BCD'[i - 1]}`}. `,
        )
        .join('')}The number of A equals 1. `,
    ],
  ];
  for (const [fault, problem] of faulty) {
    it(`refuses: ${fault.source}`, () => {
      const { faults, answer } = solve(plant(problem), ask, new Set(['total number of leaves']));
      assert.ok(
        faults.some((one) => fault.test(one)),
        `${faults.join('; ')} (answer ${answer})`,
      );
    });
  }

  it('refuses a text that is not of the grammar', () => {
    for (const text of [
      'The number of A equals 2.',
      'The number of A is 2. ',
      'The number of A equals 2 plus. ',
      'The number of A equals the sum of the number of B. ',
      'The number of A equals the sum of the number of B, the number of C and the number of D. ',
      'The number of A equals the difference between the number of B, the number of C, and the number of D. ',
      'The total number of trees in Park is greater than 0. ',
    ]) {
      assert.throws(() => solve(plant(text), ask), assert.AssertionError, text);
    }
  });

  const wolf = 'adult wolf in Cedar Valley';
  const deer = 'adult deer in Cedar Valley';
  const children = 'total number of newborn animal children in Cedar Valley';
  const per = 'average number of newborn children per';

  it('solves depth 3, forward', () => {
    const problem =
      `The number of ${wolf} equals 2. The ${per} ${wolf} equals 3. The number of ${deer} equals 4. ` +
      `The ${per} ${deer} equals the difference between the number of ${deer} and the number of ${wolf}. ` +
      `The number of adult fox in Maple Creek equals 1 plus the sum of the ${children}, the ${per} ${wolf}, and the total number of adult animals in Cedar Valley. `;
    const { answer, faults, values } = solve(problem, `What is the ${children}?`);
    assert.deepEqual(faults, []);
    assert.equal(answer, 14);
    assert.equal(values.get('adult fox in Maple Creek'), 1 + 14 + 3 + 6);
    const solution =
      `Define ${wolf} as a; so a = 2. Define ${per} ${wolf} as b; so b = 3. Define ${deer} as c; so c = 4. ` +
      `Define ${per} ${deer} as d; so d = c - a = 4 - 2 = 2. ` +
      `Define ${children} as Z; e = a * b = 2 * 3 = 6; f = c * d = 4 * 2 = 8; Z = e + f = 6 + 8 = 14. Answer: 14.`;
    const read = readSolution(solution);
    assert.equal(countOps(read), 1 + 1 + 1 + 2 + 4);
    assert.deepEqual(read.steps.at(-1), {
      name: children,
      value: { a: 0, b: 14 },
      parents: [wolf, `${per} ${wolf}`, deer, `${per} ${deer}`],
      literal: null,
      operation: 'sum_of_products',
    });
    assert.throws(() => readSolution(solution.replace('; Z = e', '; so Z = e')));
  });

  it('solves depth 3, reverse', () => {
    const problem =
      `The ${per} ${wolf} is greater than 0. The number of ${wolf} equals 4. ` +
      `The ${per} ${deer} equals 19 plus the ${per} ${wolf}. The number of ${deer} equals 2. ` +
      `The ${children} equals 56. `;
    const { answer, faults, values } = solve(problem, `What is the ${per} ${wolf}?`);
    assert.deepEqual(faults, []);
    assert.equal(answer, 3);
    assert.equal(values.get(`${per} ${deer}`), 22);
    const solution =
      'The question is difficult, so we use equations to solve it. ' +
      `Define ${wolf} as a; so a = 4. Define ${per} ${wolf} as x; we don't know its value yet but will find it out later. ` +
      `Define ${deer} as c; so c = 2. Define ${per} ${deer} as d; e = x = x; so d = 19 + e = 19 + x = x + 19. ` +
      `Define ${children} as Z; f = a * x = (4) * (x) = 4*x; g = c * d = (2) * (x + 19) = 2*x + 38; Z = f + g = 4*x + 2*x + 38 = 6*x + 38. ` +
      'We know Z = 56, so we have 6*x + 38 = 56 and we solve it through the following steps: Simplifying the equation: 6*x + 38 = 56. Move all terms to one side: 6*x - 18 = 0. Isolate the term with x: 6*x = 18. Divide both sides by 6: x = 18 / 6. Solution: x = 3. Answer: 3.';
    const read = readSolution(solution);
    assert.equal(countOps(read), 1 + 1 + 1 + 2 + 4);
    for (const [right, wrong] of [
      ['(4) * (x)', '4 * x'],
      ['= x + 19.', '= 19 + x.'],
      ['x = 18 / 6', 'x = 3'],
      ['as c; so c = 2', 'as a; so a = 2'],
      ['as c; so c = 2', 'as X; so X = 2'],
      ['e = x = x; so d = 19 + e = 19 + x', 'so d = 19 + x = 19 + x'],
      ['6*x = 18. Div', '6*x = 18 . Div'],
    ] as const) {
      assert.ok(solution.includes(right), right);
      assert.throws(() => readSolution(solution.replace(right, wrong)), assert.AssertionError, wrong);
    }
  });
});
