/**
 * Shape of a problem, read from its text alone, so that the reference's records (which carry no graph) and ours
 * are measured by the same code.
 */
import type { ReferenceTask } from '../src/tasks/index.ts';

/** What is measured, and the decimals it is printed with. */
export const MEASURES = {
  'gold nodes': 2,
  chain: 2,
  totals: 2,
  leaves: 2,
  'terms/sentence': 2,
  'ends in a total': 2,
  distractors: 2,
  'no distractor': 2,
  'problem chars': 0,
  'solution chars': 0,
} as const;

export type Measure = keyof typeof MEASURES;
export type Measures = Record<Measure, number>;

/** A step of the solution: `Define NAME as L; BODY. `, the equation's own steps left out. */
const STEP = /Define (.+?) as ([A-Za-z]); (.+?)\. /g;

/**
 * Measures of one problem.
 *
 * `chain` counts the quantities of the longest way through the gold graph; `leaves` the stated quantities without
 * parents, the unknown of a reverse problem included; `terms/sentence` the parents and constants of a gold
 * sentence, the unknown's left out; `ends in a total` whether the last gold quantity (asked for, in reverse
 * given) is a total.
 */
export function measureTask(task: ReferenceTask): Measures {
  const names = new Map<string, string>();
  const depth = new Map<string, number>();
  let totals = 0;
  let leaves = 0;
  let terms = 0;
  let unknowns = 0;
  let last = '';
  for (const [, name, letter, body] of task.solution.matchAll(STEP)) {
    const unknown = body!.startsWith("we don't know");
    const { parents, literal } = unknown
      ? { parents: new Set<string>(), literal: false }
      : readBody(body!, names);
    names.set(letter!, name!);
    last = name!;
    depth.set(name!, 1 + Math.max(0, ...[...parents].map((parent) => depth.get(parent)!)));
    if (name!.startsWith('total')) totals++;
    else {
      terms += parents.size + (literal ? 1 : 0);
      if (parents.size === 0) leaves++;
      if (unknown) unknowns++;
    }
  }
  const told = [...statements(task.problem)].filter((name) => !name.startsWith('total'));
  const distractors = told.filter((name) => !depth.has(name)).length;
  const sentences = depth.size - totals - unknowns;
  return {
    'gold nodes': depth.size,
    chain: Math.max(...depth.values()),
    totals,
    leaves,
    // A reverse problem can ask for the one stated quantity there is.
    'terms/sentence': sentences === 0 ? 0 : terms / sentences,
    'ends in a total': last.startsWith('total') ? 1 : 0,
    distractors,
    'no distractor': distractors === 0 ? 1 : 0,
    'problem chars': task.problem.length + task.question.length,
    'solution chars': task.solution.length,
  };
}

/** Names that a step computes with and whether it has a literal number: of each clause the symbolic side. */
function readBody(
  body: string,
  names: ReadonlyMap<string, string>,
): { parents: Set<string>; literal: boolean } {
  const parents = new Set<string>();
  let literal = false;
  for (const clause of body.split('; ')) {
    const symbols = clause.split(' = ')[1] ?? '';
    for (const [symbol] of symbols.matchAll(/\b[A-Za-z]\b|\d+/g)) {
      if (/\d/.test(symbol)) literal = true;
      else if (names.has(symbol)) parents.add(names.get(symbol)!);
    }
  }
  return { parents, literal };
}

/** Names that the problem states something of. */
function statements(problem: string): Set<string> {
  const names = new Set<string>();
  for (const sentence of problem.slice(0, -2).split('. ')) {
    names.add(/^The (?:number of )?(.+?)(?: equals | exists, | is greater )/.exec(sentence)![1]!);
  }
  return names;
}

/** Choices that sentences show, as [how often the first, how often either]. */
export type Choices = Record<string, [first: number, either: number]>;

/** How the sentences of the problems are formed, distractors included. */
export function countChoices(tasks: readonly ReferenceTask[]): Choices {
  const count = { plus: 0, times: 0, difference: 0, sum: 0, one: 0, constant: 0 };
  for (const { problem } of tasks) {
    for (const sentence of problem.slice(0, -2).split('. ')) {
      if (/equals \d+ plus/.test(sentence)) count.plus++;
      if (/equals \d+ times/.test(sentence)) count.times++;
      if (sentence.includes('the difference between')) count.difference++;
      if (/the sum of [^,]+ and [^,]+$/.test(sentence)) count.sum++;
      // A total that is stated is the given end of a reverse problem, and so is a number beyond the constants'.
      if (/^The number of .+ equals [1-4]$/.test(sentence)) count.constant++;
      if (/^The number of .+ equals 1$/.test(sentence)) count.one++;
    }
  }
  return {
    '`plus` rather than `times`': [count.plus, count.plus + count.times],
    'difference rather than sum of two': [count.difference, count.difference + count.sum],
    'constant of 1 rather than 2–4, alone': [count.one, count.constant],
  };
}
