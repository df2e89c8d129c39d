import assert from 'node:assert/strict';
import { countChoices, measureTask } from '../../bench/task-measures.ts';
import type { ReferenceTask } from '../../src/tasks/index.ts';

const record = (
  fields: Pick<ReferenceTask, 'problem' | 'question' | 'solution' | 'op' | 'mode'>,
): ReferenceTask => ({ ...fields, id: '', template: 'crazy_zootopia', length: 'zero_context', d: 2 });

const FORWARD = record({
  problem:
    'The number of adult wolf in Pine Ridge equals 2 plus the number of adult bear in Pine Ridge. The number of adult fox in Maple Creek equals 1. The number of adult bear in Pine Ridge equals 4. ',
  question: 'What is the total number of adult animals in Pine Ridge?',
  solution:
    'Define adult bear in Pine Ridge as p; so p = 4. Define adult wolf in Pine Ridge as q; I = p = 4; so q = 2 + I = 2 + 4 = 6. Define total number of adult animals in Pine Ridge as N; so N = q + p = 6 + 4 = 10. Answer: 10.',
  op: 5,
  mode: 'normalforward',
});

const REVERSE = record({
  problem:
    'The number of adult deer in Cedar Valley equals 3. The number of adult bear in Maple Creek equals 2 times the number of adult bear in Cedar Valley. The number of adult racoon in Maple Creek equals 32. The number of adult racoon in Maple Creek equals 4 times the difference between the number of adult bear in Maple Creek and the number of adult bear in Cedar Valley. The number of adult bear in Cedar Valley exists, and its number is greater than 0. ',
  question: 'How many adult bear does Cedar Valley have?',
  solution:
    "The question is difficult, so we use equations to solve it. Define adult bear in Cedar Valley as x; we don't know its value yet but will find it out later. Define adult bear in Maple Creek as l; o = x = x; so l = 2 * o = (2) * (x) = 2*x. Define adult racoon in Maple Creek as R; b = l - x = (2*x) - (x) = x; so R = 4 * b = (4) * (x) = 4*x. We know R = 32, so we have 4*x = 32 and we solve it through the following steps: Simplifying the equation: 4*x = 32. Move all terms to one side: 4*x - 32 = 0. Isolate the term with x: 4*x = 32. Divide both sides by 4: x = 32 / 4. Solution: x = 8. Answer: 8.",
  op: 6,
  mode: 'forwardreverse',
});

describe('measures of a problem’s text', () => {
  it('of a forward problem', () => {
    assert.deepEqual(measureTask(FORWARD), {
      'gold nodes': 3,
      chain: 3, // bear, wolf, total
      totals: 1,
      leaves: 1,
      'terms/sentence': 1.5, // 4; 2 and bear
      'ends in a total': 1,
      distractors: 1,
      'no distractor': 0,
      'problem chars': FORWARD.problem.length + FORWARD.question.length,
      'solution chars': FORWARD.solution.length,
    });
  });

  it('of a reverse problem, whose last quantity is told twice and whose values are full of x', () => {
    assert.deepEqual(measureTask(REVERSE), {
      'gold nodes': 3,
      chain: 3,
      totals: 0,
      leaves: 1, // the unknown
      'terms/sentence': 2.5, // 2 and bear; 4 and two bears
      'ends in a total': 0,
      distractors: 1,
      'no distractor': 0,
      'problem chars': REVERSE.problem.length + REVERSE.question.length,
      'solution chars': REVERSE.solution.length,
    });
  });

  it('counts how sentences are formed', () => {
    assert.deepEqual(Object.values(countChoices([FORWARD, REVERSE])), [
      [1, 3], // plus among plus and times
      [1, 1], // difference among difference and sum of two
      [1, 3], // of the constants 1, 4 and 3; 32 is the given end
    ]);
  });
});
