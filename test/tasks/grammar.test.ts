/** Our sentences and the reference's are words of one regular language, written here from PAPER §1.3 and §1.8. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { CONTEXTS, createTaskSource, type ReferenceTask, readTasks } from '../../src/tasks/index.ts';
import { readSolution } from './solver.ts';

const REFERENCE = new URL('../../../shared/reference/samples.jsonl', import.meta.url).pathname;

/** Regular expressions of one context and one choice of name groups. */
function grammar(template: string): { sentence: RegExp; question: RegExp; step: RegExp } {
  const { places, categories, total } = CONTEXTS.find(({ name }) => name === template)!;
  const quote = (text: string): string => text.replace(/[-.]/g, '\\$&');
  const any = (names: readonly string[]): string => `(?:${names.map(quote).join('|')})`;
  const P = any(places.flat());
  const C = any(categories.flat());
  const T = `${total} in ${P}`;
  const I = `${C} in ${P}`;
  const Q = `(?:the number of ${I}|the ${T})`;
  const K = '[1-4]';
  const combined = `(?:${Q}|the sum of ${Q} and ${Q}|the difference between ${Q} and ${Q}|the sum of ${Q}(?:, ${Q})+, and ${Q})`;
  const N = '[0-9]+';
  const L = '[A-Za-z]';
  const fold = `${L} = ${L} [+-] ${L} = ${N} [+-] ${N} = ${N}`;
  const last = `so ${L} = ${K} [+*] ${L} = ${K} [+*] ${N} = ${N}`;
  const chain = `(?:so ${L} = ${K}|so ${L} = ${L} = ${N}|${L} = ${L} = ${N}; ${last}|(?:${fold}; )*(?:so ${fold}|${fold}; ${last}))`;
  return {
    sentence: new RegExp(`^The number of ${I} equals (?:${K}|(?:${K} (?:plus|times) )?${combined})$`),
    question: new RegExp(`^(?:What is the ${T}\\?|How many ${C} does ${P} have\\?)$`),
    step: new RegExp(`^Define (?:${I}|${T}) as ${L}; ${chain}$`),
  };
}

function assertGrammar(task: ReferenceTask): void {
  const { sentence, question, step } = grammar(task.template);
  assert.ok(task.problem.endsWith('. '));
  for (const one of task.problem.slice(0, -2).split('. ')) assert.match(one, sentence);
  assert.match(task.question, question);
  const parts = task.solution.split('. ');
  assert.match(parts.pop()!, /^Answer: [0-9]+\.$/);
  for (const one of parts) assert.match(one, step);
}

describe('text grammar', () => {
  it('holds for ours', () => {
    for (const task of createTaskSource({ ops: '2-30', seed: 8 }).take(600)) assertGrammar(task);
  });

  it('holds for the reference’s forward problems, whose op count we recount the same', function () {
    if (!existsSync(REFERENCE)) this.skip();
    let count = 0;
    for (const task of readTasks(REFERENCE)) {
      if (task.mode !== 'normalforward') continue;
      assertGrammar(task);
      const { steps, answer } = readSolution(task.solution);
      assert.equal(
        steps.reduce((sum, { parents, literal }) => sum + parents.length + (literal ? 1 : 0), 0),
        task.op,
      );
      assert.ok(answer > 0);
      count++;
    }
    assert.ok(count > 70, `${count} forward problems`);
  });
});
