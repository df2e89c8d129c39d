/** Changes to solution texts, made with patterns and without the parser that they test. */
import type { RandomStream } from '../../src/core/index.ts';

/** A letter that stands alone (not in a word, not the t of "don't"). */
const LETTER = /(?<![\p{L}\p{N}'])[A-Za-z](?![\p{L}\p{N}'])/gu;

/** The steps with their trailing blanks, what stands before them and the answer. */
export function cut(solution: string): { preamble: string; steps: string[]; answer: string } {
  const at = solution.lastIndexOf('Answer:');
  const [preamble, ...steps] = solution.slice(0, at).split(/(?=Define )/);
  if (preamble!.startsWith('Define '))
    return { preamble: '', steps: [preamble!, ...steps], answer: solution.slice(at) };
  return { preamble: preamble!, steps, answer: solution.slice(at) };
}

/** Stretches with names, which may hold single letters of their own; with one group, for `split`. */
const NAMES = /(Define .*? as (?=[A-Za-z];))/;

const LETTERS = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** Letters that the generator gives to quantities; the unknown of a reverse problem is always x. */
export function letterPool(mode: string): readonly string[] {
  return mode === 'reverse' ? LETTERS.filter((letter) => letter !== 'x' && letter !== 'X') : LETTERS;
}

/** Letters of the pool (all 52 unless told otherwise) replaced by a random permutation of it. */
export function renameLetters(solution: string, stream: RandomStream, pool = letterPool('forward')): string {
  const others = stream.shuffle([...pool]);
  const renamed = (text: string): string =>
    text.replace(LETTER, (letter) => others[pool.indexOf(letter)] ?? letter);
  return solution
    .split(NAMES)
    .map((part, i) => (i % 2 === 1 ? part : renamed(part)))
    .join('');
}

/** One to three blanks wherever there is one. */
export function stretchBlanks(solution: string, stream: RandomStream): string {
  return solution.replace(/ /g, () => ' '.repeat(stream.integer(1, 3)));
}

const letterOf = (step: string): string => /(?: as )(.);/.exec(step)![1]!;

/** Steps in another order in which every letter is still defined before it is used; the last stays last. */
export function reorderSteps(solution: string, stream: RandomStream): string {
  const { preamble, steps, answer } = cut(solution);
  const own: string[] = steps.map(letterOf);
  const last = steps.length - 1;
  const waitsFor = steps.map((step, i) => {
    const body = step.slice(step.indexOf(';'));
    const used: string[] = body.match(LETTER) ?? [];
    return own.filter((letter, j) => j !== i && used.includes(letter));
  });
  const done: string[] = [];
  const order: number[] = [];
  while (order.length < last) {
    const ready = steps
      .map((_, i) => i)
      .filter((i) => i < last && !order.includes(i) && waitsFor[i]!.every((letter) => done.includes(letter)));
    const next = stream.pick(ready);
    order.push(next);
    done.push(own[next]!);
  }
  return preamble + [...order, last].map((i) => steps[i]!).join('') + answer;
}

/** The solution once for every number in it, with that number changed. "Divide both sides by 2" is prose. */
export function changedNumbers(solution: string): string[] {
  const at = solution.lastIndexOf('Answer:');
  const changed: string[] = [];
  for (const match of solution.slice(0, at).matchAll(/(?<!by )\b\d+\b/g)) {
    const { index } = match;
    changed.push(
      solution.slice(0, index) + String(Number(match[0]) + 1) + solution.slice(index + match[0].length),
    );
  }
  return changed;
}

/** The solution once for every place where a step's letter is used once in a step, with another step's letter. */
export function changedParents(solution: string, stream: RandomStream): string[] {
  const { preamble, steps, answer } = cut(solution);
  const own = steps.map(letterOf);
  const changed: string[] = [];
  steps.forEach((step, i) => {
    // What a quantity is made from stands between the first two equals signs of an equation.
    for (const match of step.matchAll(/[A-Za-z] = ([^=;.]*[A-Za-z][^=;.]*) = /g)) {
      const from = match.index + 4;
      for (const letter of new Set(match[1]!.match(LETTER) ?? [])) {
        const uses = (step.match(LETTER) ?? []).filter((one) => one === letter).length;
        const others = own.slice(0, i).filter((other) => other !== letter);
        if (!own.slice(0, i).includes(letter) || uses !== 1 || others.length === 0) continue;
        const at = from + match[1]!.search(new RegExp(`(?<![A-Za-z])${letter}(?![A-Za-z])`));
        const broken = step.slice(0, at) + stream.pick(others) + step.slice(at + 1);
        changed.push(preamble + steps.map((one, j) => (j === i ? broken : one)).join('') + answer);
      }
    }
  });
  return changed;
}

/** The solution once for every step, without it. */
export function withoutSteps(solution: string): string[] {
  const { preamble, steps, answer } = cut(solution);
  return steps.map((_, i) => preamble + steps.filter((_step, j) => j !== i).join('') + answer);
}
