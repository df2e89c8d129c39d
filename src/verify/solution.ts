/**
 * Solution text → predicted graph. The text may be anything: whatever is not understood is left out, nothing
 * throws, and the work is linear in the length.
 *
 * Grammar: steps `Define NAME as L; …` up to the next step; in a step, equations like
 * `I = P + Q = 2 + 3 = 5`. What an equation's target is made from is its first side with letters after the
 * target; later sides are its evaluation (in reverse solutions they hold the unknown as a symbol). A letter
 * means what it stood for when it was used: an intermediate result of the same step, else the latest step of
 * that letter.
 */
import { extractAnswer, parseNumber, stepsEnd } from './answer.ts';
import { findEquations, isWordCode } from './equations.ts';
import { bindingOf, evaluate, hasLetters } from './expression.ts';
import { type StepParents, StepReader } from './step.ts';
import { withoutThoughts } from './thoughts.ts';
import type { Binding, Equation, PredictedGraph, PredictedNode, PredictedStep } from './types.ts';

const DEFINE = /define\s/gi;
/** End of a step's head: `as L;`. One blank before the keyword, so that every match attempt is short. */
const HEAD_END = /\s(?:as|a)\s+([A-Za-z])\s*[;,.:]/gi;
/** As above with a few words in between: `as the letter L;`. */
const WORDY_HEAD_END = /\s(?:as|a)\s+(?:[A-Za-z]{1,20}\s+){1,4}([A-Za-z])\s*;/gi;

interface Head {
  start: number;
  bodyStart: number;
  name: string;
  letter: string;
}

/** Longer names stay as they are written: composing a long run of combining marks takes quadratic time. */
const LONGEST_COMPOSED = 1000;

/** Names are compared in this form: composed Unicode, single blanks, no stray punctuation at the ends. */
export function normalizeName(name: string): string {
  if (isFlat(name)) return name;
  const flat = name
    .replace(/\s+/g, ' ')
    .replace(/^[ .;,]+/, '')
    .trimEnd();
  let end = flat.length;
  while (end > 0 && ' .;,'.includes(flat[end - 1]!)) end--;
  const trimmed = flat.slice(0, end);
  return trimmed.length > LONGEST_COMPOSED ? trimmed : trimmed.normalize('NFC');
}

/** Whether a name is in normal form already, as nearly all are: no letters beyond Latin-1, single blanks. */
function isFlat(name: string): boolean {
  let blank = true;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code < 32 || (code > 126 && code < 192) || code > 255 || (code === 32 && blank)) return false;
    blank = code === 32;
  }
  return name !== '' && !' .;,'.includes(name[0]!) && !' .;,'.includes(name[name.length - 1]!);
}

function findHeads(text: string, end: number): Head[] {
  const starts: { at: number; after: number }[] = [];
  DEFINE.lastIndex = 0;
  for (let match = DEFINE.exec(text); match !== null && match.index < end; match = DEFINE.exec(text)) {
    if (match.index > 0 && isWordCode(text.charCodeAt(match.index - 1))) continue;
    starts.push({ at: match.index, after: DEFINE.lastIndex });
  }
  const heads: Head[] = [];
  for (let i = 0; i < starts.length; i++) {
    const start = starts[i]!;
    // A head never reaches into the next `Define`, so the searched stretches do not overlap.
    const stretch = text.slice(start.after - 1, i + 1 < starts.length ? starts[i + 1]!.at : end);
    HEAD_END.lastIndex = 0;
    let pattern = HEAD_END;
    let match = pattern.exec(stretch);
    if (match === null) {
      pattern = WORDY_HEAD_END;
      pattern.lastIndex = 0;
      match = pattern.exec(stretch);
    }
    if (match === null) continue;
    const name = normalizeName(stretch.slice(1, match.index));
    if (name === '') continue;
    heads.push({
      start: start.at,
      bodyStart: start.after - 1 + pattern.lastIndex,
      name,
      letter: match[1]!,
    });
  }
  return heads;
}

/**
 * The graph that a solution or response text states, thoughts left out. Never throws; linear in the text's length.
 */
export function parseSolution(written: string): PredictedGraph {
  const text = withoutThoughts(written);
  const end = stepsEnd(text);
  const heads = findHeads(text, end);
  const bindings: Binding[] = [];
  const steps: PredictedStep[] = [];
  const parents: StepParents[] = [];
  const contradicted: boolean[] = [];
  const nodeOfLetter = new Map<number, number>(); // char code → binding of the latest step of that letter
  for (let i = 0; i < heads.length; i++) {
    const head = heads[i]!;
    const bodyEnd = i + 1 < heads.length ? heads[i + 1]!.start : end;
    const reader = new StepReader(head, bindings, nodeOfLetter);
    const equations: Equation[] = [];
    for (const sides of findEquations(text, head.bodyStart, bodyEnd)) equations.push(reader.bind(sides));
    steps.push({ name: head.name, letter: head.letter, binding: reader.own, equations });
    parents.push(reader.parents());
    contradicted.push(reader.contradicted);
    nodeOfLetter.set(head.letter.charCodeAt(0), reader.own);
  }
  const found = extractAnswer(text);
  return {
    nodes: nodesOf(steps, bindings, parents, contradicted),
    steps,
    bindings,
    answerText: found === null ? null : found.text,
    answer: found === null ? null : parseNumber(found.text),
    answerUnclosed: found?.unclosed ?? false,
  };
}

/**
 * The number that every binding stands for in the end (NaN: none), equation by equation in reading order. The
 * value of an equation is its last side. A step whose letter gets no value in it is an unknown; its value is
 * what a later `x = 4 / 2 = 2` says last. `given` fixes the value of named nodes instead (NaN: not given).
 * `onEquation` sees each equation with the values that hold there; `disputed` takes the names of which two different
 * values are stated.
 */
export function bindingValues(
  graph: Pick<PredictedGraph, 'steps' | 'bindings'>,
  given?: (name: string) => number,
  onEquation?: (equation: Equation, step: number, values: Float64Array) => void,
  disputed?: Set<string>,
): Float64Array {
  const values = solvedUnknowns(graph, disputed);
  graph.steps.forEach((step, index) => {
    for (const equation of step.equations) {
      onEquation?.(equation, index, values);
      if (equation.target >= 0) values[equation.target] = evaluate(equation.sides.at(-1)!, values);
    }
    const fixed = given?.(step.name);
    if (fixed !== undefined && !Number.isNaN(fixed)) values[step.binding] = fixed;
  });
  return values;
}

/**
 * Values that are stated away from the step that introduced the quantity, as in `x = 4 / 2 = 2`; a name that is repeated
 * shares them.
 * @param disputed Takes the names of which two different values are stated.
 */
function solvedUnknowns(
  { steps, bindings }: Pick<PredictedGraph, 'steps' | 'bindings'>,
  disputed?: Set<string>,
): Float64Array {
  const values = new Float64Array(bindings.length).fill(Number.NaN);
  let solved: Map<string, number> | null = null;
  for (const step of steps) {
    for (const { sides, target } of step.equations) {
      if (target >= 0 || sides[0] === null || sides[0]!.length !== 1) continue;
      const stated = bindingOf(sides[0]![0]!);
      const last = sides[sides.length - 1]!;
      if (stated < 0 || hasLetters(last)) continue;
      const value = evaluate(last, values);
      values[stated] = value;
      const name = bindings[stated]!.name;
      if (name === null) continue;
      solved ??= new Map();
      const earlier = solved.get(name);
      if (earlier !== undefined && Math.abs(earlier - value) > 1e-6) disputed?.add(name);
      solved.set(name, value);
    }
  }
  if (solved !== null) {
    for (const { name, binding } of steps) {
      if (Number.isNaN(values[binding]!)) values[binding] = solved.get(name) ?? Number.NaN;
    }
  }
  return values;
}

function nodesOf(
  steps: PredictedStep[],
  bindings: Binding[],
  parents: StepParents[],
  contradicted: boolean[],
): PredictedNode[] {
  const disputed = new Set<string>();
  const values = bindingValues({ steps, bindings }, undefined, undefined, disputed);
  const byName = new Map<string, PredictedNode>();
  steps.forEach((step, index) => {
    const { names, undefinedLetters } = parents[index]!;
    const number = values[step.binding]!;
    const value = Number.isFinite(number) ? number : null;
    const earlier = byName.get(step.name);
    if (earlier === undefined) {
      byName.set(step.name, {
        name: step.name,
        letter: step.letter,
        value,
        dependencies: names,
        undefinedLetters,
        step: index,
        contradicted: contradicted[index]! || disputed.has(step.name),
      });
    } else {
      const sameValue = earlier.value === null || value === null || earlier.value === value;
      const same = sameValue && sameNames(earlier.dependencies, names) && !contradicted[index];
      if (!same) earlier.contradicted = true;
      earlier.value ??= value;
    }
  });
  return [...byName.values()];
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}
