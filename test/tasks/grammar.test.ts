/** Our texts and the reference's are words of one regular language, written here from PAPER §1.3, §1.8 and §1.9. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { CONTEXTS, createTaskSource, type ReferenceTask, readTasks } from '../../src/tasks/index.ts';

const REFERENCE = new URL('../../../shared/reference/samples.jsonl', import.meta.url).pathname;

/** Words of one context, mode and depth. */
interface Grammar {
  sentence: RegExp;
  question: RegExp;
  /** The step of one quantity. */
  step: RegExp;
  /** What stands before the steps. */
  opening: string;
  /** What stands behind them. */
  ending: RegExp;
}

function grammar(template: string, reverse: boolean, depth: number): Grammar {
  const { places, categories, total, average } = CONTEXTS.find(({ name }) => name === template)!;
  const quote = (text: string): string => text.replace(/[-.]/g, '\\$&');
  const any = (words: readonly string[]): string => `(?:${words.join('|')})`;
  const P = any(places.flat().map(quote));
  const C = any(categories.flat().map(quote));
  const I = `${C} in ${P}`;
  const A = depth === 3 ? [`${average.item} per ${I}`] : [];
  const T = `${any(depth === 3 ? [total, average.total] : [total])} in ${P}`;
  const Q = any([`the number of ${I}`, `the ${T}`, ...A.map((one) => `the ${one}`)]);
  const subject = any([`The number of ${I}`, ...A.map((one) => `The ${one}`)]);
  const K = '[1-4]';
  const N = '[0-9]+';
  const right = `(?:${Q}|the sum of ${Q} and ${Q}|the difference between ${Q} and ${Q}|the sum of ${Q}(?:, ${Q})+, and ${Q})`;
  const sentences = [`${subject} equals (?:${K}|(?:${K} (?:plus|times) )?${right})`];
  if (reverse) {
    sentences.push(
      `The number of ${I} exists, and its number is greater than 0`,
      ...A.map((one) => `The ${one} is greater than 0`),
      `(?:${subject}|The ${T}) equals ${N}`,
    );
  }

  const L = reverse ? '[a-wyzA-WYZ]' : '[a-zA-Z]';
  const R = reverse ? '[a-zA-WYZ]' : L; // where x can be read
  const V = reverse ? `(?:${N}|(?:${N}\\*)?x(?: [+-] ${N})?)` : N;
  const B = reverse ? `\\(${V}\\)` : V;
  const sum = `${L} = ${R} \\+ ${R} = ${V} \\+ ${V} = ${V}`;
  const difference = `${L} = ${R} - ${R} = ${B} - ${B} = ${V}`;
  const product = `${L} = ${R} \\* ${R} = ${B} \\* ${B} = ${V}`;
  const copy = `${L} = ${R} = ${V}`;
  const fold = `(?:(?:${sum}; )*so ${sum}|so ${difference})`;
  const inner = `(?:${copy}|${difference}|${sum}(?:; ${sum})*)`;
  const withConstant = `${inner}; so ${L} = ${K} (?:\\+ ${L} = ${K} \\+ ${V}|\\* ${L} = ${reverse ? `\\(${K}\\)` : K} \\* ${B}) = ${V}`;
  const chains = [`so ${L} = ${K}`, `so ${copy}`, fold, withConstant];
  if (depth === 3) chains.push(`so ${product}`, `${product}(?:; ${product})+(?:; ${sum})+`);
  const steps = [`Define ${any([I, T, ...A])} as ${L}; ${any(chains)}`];
  if (reverse) {
    steps.push(`Define ${any([I, ...A])} as x; we don't know its value yet but will find it out later`);
  }
  const answer = `Answer: ${N}\\.`;
  const solving =
    `We know ${L} = ${N}, so we have ${V} = ${N} and we solve it through the following steps: ` +
    `Simplifying the equation: ${V} = ${N}\\. Move all terms to one side: ${V} = 0\\. ` +
    `Isolate the term with x: ${N}\\*x = ${N}\\. Divide both sides by ${N}: x = ${N} / ${N}\\. Solution: x = ${N}\\. `;
  return {
    sentence: new RegExp(`^${any(sentences)}$`),
    question: new RegExp(`^(?:What is the ${any([T, ...A])}\\?|How many ${C} does ${P} have\\?)$`),
    step: new RegExp(`^${any(steps)}$`),
    opening: reverse ? 'The question is difficult, so we use equations to solve it. ' : '',
    ending: new RegExp(`${reverse ? solving : ''}${answer}$`),
  };
}

const grammars = new Map<string, Grammar>();

function assertGrammar({ template, mode, d, problem, question, solution }: ReferenceTask): void {
  const key = `${template} ${mode} ${d}`;
  const words = grammars.get(key) ?? grammar(template, mode === 'forwardreverse', d);
  grammars.set(key, words);
  assert.ok(problem.endsWith('. '));
  for (const one of problem.slice(0, -2).split('. ')) assert.match(one, words.sentence);
  assert.match(question, words.question);
  assert.ok(solution.startsWith(words.opening));
  const end = words.ending.exec(solution);
  assert.ok(end, solution);
  const steps = solution.slice(words.opening.length, end.index);
  assert.ok(steps.endsWith('. '));
  for (const one of steps.slice(0, -2).split('. ')) assert.match(one, words.step);
}

describe('text grammar', () => {
  it('holds for ours', () => {
    const source = createTaskSource({
      ops: '2-30',
      modes: ['forward', 'reverse'],
      depths: [2, 3],
      seed: 8,
    });
    for (const task of source.take(2400)) assertGrammar(task);
    assert.equal(grammars.size, CONTEXTS.length * 4);
  });

  it('holds for the reference’s', function () {
    if (!existsSync(REFERENCE)) this.skip();
    const count = { normalforward: 0, forwardreverse: 0 };
    for (const task of readTasks(REFERENCE)) {
      assertGrammar(task);
      count[task.mode]++;
    }
    assert.ok(count.normalforward > 70 && count.forwardreverse > 60, JSON.stringify(count));
  });
});
