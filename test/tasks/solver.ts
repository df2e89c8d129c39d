/**
 * A solver that reads only the text of a problem: it makes an equation of every sentence and a sum of every
 * total, and solves for what the question asks. Written from the grammar, not from the generator.
 */
import assert from 'node:assert/strict';

interface Equation {
  constant: number | null;
  verb: 'plus' | 'times' | null;
  form: 'none' | 'copy' | 'sum' | 'difference';
  parents: string[];
}

/** What the text says, by quantity. */
export function readProblem(problem: string): Map<string, Equation> {
  assert.ok(problem.endsWith('. '), 'every sentence ends in ". ", the last too');
  const equations = new Map<string, Equation>();
  for (const sentence of problem.slice(0, -2).split('. ')) {
    const match = /^The number of (.+?) equals (.+)$/.exec(sentence);
    assert.ok(match, sentence);
    const [, name, right] = match;
    assert.ok(!equations.has(name!), `${name} is told twice`);
    equations.set(name!, readRight(right!));
  }
  return equations;
}

function readRight(text: string): Equation {
  const literal = /^(\d+)(?: (plus|times) (.+))?$/.exec(text);
  const constant = literal ? Number(literal[1]) : null;
  const verb = (literal?.[2] ?? null) as Equation['verb'];
  const rest = literal ? literal[3] : text;
  if (rest === undefined) return { constant, verb, form: 'none', parents: [] };
  const difference = /^the difference between (.+) and (the .+)$/.exec(rest);
  if (difference)
    return { constant, verb, form: 'difference', parents: difference.slice(1).map(quantityName) };
  const sum = /^the sum of (.+)$/.exec(rest);
  if (!sum) return { constant, verb, form: 'copy', parents: [quantityName(rest)] };
  const parts = sum[1]!.includes(', and ')
    ? sum[1]!.replace(', and ', ', ').split(', ')
    : sum[1]!.split(' and ');
  return { constant, verb, form: 'sum', parents: parts.map(quantityName) };
}

/** `the number of X` is X; `the total number of … in P` keeps its own name. */
function quantityName(phrase: string): string {
  const match = /^the (?:number of (.+)|(total number of .+))$/.exec(phrase);
  assert.ok(match, phrase);
  return match[1] ?? match[2]!;
}

const placeOf = (name: string): string => name.slice(name.lastIndexOf(' in ') + 4);

/** The quantity that the question asks for. */
export function readQuestion(question: string): string {
  const total = /^What is the (total number of .+)\?$/.exec(question);
  if (total) return total[1]!;
  const instance = /^How many (.+) does (.+) have\?$/.exec(question);
  assert.ok(instance, question);
  return `${instance[1]} in ${instance[2]}`;
}

/** The answer, and the value of every quantity told; fails when something is undefined or circular. */
export function solve(problem: string, question: string): { answer: number; values: Map<string, number> } {
  const equations = readProblem(problem);
  const values = new Map<string, number>();
  const open = new Set<string>();
  const value = (name: string): number => {
    const known = values.get(name);
    if (known !== undefined) return known;
    assert.ok(!open.has(name), `${name} is defined by itself`);
    open.add(name);
    const found = name.startsWith('total ') ? total(name) : instance(name);
    open.delete(name);
    values.set(name, found);
    return found;
  };
  const total = (name: string): number => {
    const members = [...equations.keys()].filter((member) => placeOf(member) === placeOf(name));
    assert.ok(members.length > 0, `${name} has no members`);
    return members.reduce((sum, member) => sum + value(member), 0);
  };
  const instance = (name: string): number => {
    const equation = equations.get(name);
    assert.ok(equation, `${name} is not told`);
    const { form, constant, verb } = equation;
    const parents = equation.parents.map(value);
    assert.equal(new Set(equation.parents).size, parents.length, `${name} names a quantity twice`);
    if (form === 'none') return constant!;
    const base = form === 'difference' ? parents[0]! - parents[1]! : parents.reduce((a, b) => a + b);
    return verb === 'plus' ? constant! + base : verb === 'times' ? constant! * base : base;
  };
  for (const name of equations.keys()) value(name);
  return { answer: value(readQuestion(question)), values };
}

/** One defined quantity of a solution, as its text shows it. */
export interface Step {
  name: string;
  value: number;
  /** Earlier quantities in the order in which they first appear. */
  parents: string[];
  /** A literal number takes part. */
  literal: boolean;
}

/** Reads a forward solution, checking every equality in it on the way. */
export function readSolution(solution: string): { steps: Step[]; answer: number } {
  const end = /^(.*)Answer: (\d+)\.$/.exec(solution);
  assert.ok(end, solution);
  const names = new Map<string, string>();
  const numbers = new Map<string, number>();
  const steps: Step[] = [];
  const text = end[1]!;
  assert.ok(text.startsWith('Define '));
  for (const piece of text.split('Define ').slice(1)) {
    const head = /^(.+) as ([A-Za-z]); (.+)\. $/.exec(piece);
    assert.ok(head, piece);
    const [, name, letter, body] = head;
    assert.ok(!names.has(letter!), `letter ${letter} is used twice`);
    const parents: string[] = [];
    let literal = false;
    const statements = body!.split('; ');
    for (const [i, statement] of statements.entries()) {
      const last = i === statements.length - 1;
      assert.equal(statement.startsWith('so '), last, statement);
      const [target, ...sides] = statement.replace(/^so /, '').split(' = ');
      assert.match(target!, /^[A-Za-z]$/);
      assert.equal(target === letter, last, `${name}: its own letter comes last, and only then`);
      assert.ok(!numbers.has(target!), `letter ${target} is set twice`);
      const results = sides.map((side) => evaluate(side, numbers));
      for (const result of results) assert.equal(result, results[0], statement);
      for (const used of sides[0]!.match(/[A-Za-z]/g) ?? []) {
        const parent = names.get(used);
        if (parent !== undefined && !parents.includes(parent)) parents.push(parent);
      }
      if (/^\d/.test(sides[0]!)) literal = true;
      numbers.set(target!, results[0]!);
    }
    names.set(letter!, name!);
    steps.push({ name: name!, value: numbers.get(letter!)!, parents, literal });
  }
  return { steps, answer: Number(end[2]) };
}

/** `a`, `a + b`, `a - b` or `a * b` of letters and numbers. */
function evaluate(side: string, numbers: ReadonlyMap<string, number>): number {
  const [left, verb, right, ...more] = side.split(' ');
  assert.equal(more.length, 0, side);
  const term = (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : numbers.get(text);
    assert.ok(value !== undefined, `${text} in "${side}" is not defined yet`);
    return value;
  };
  if (verb === undefined) return term(left!);
  if (verb === '+') return term(left!) + term(right!);
  if (verb === '-') return term(left!) - term(right!);
  assert.equal(verb, '*', side);
  return term(left!) * term(right!);
}
