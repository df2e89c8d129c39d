/**
 * A reader of solutions, forward and reverse (PAPER §1.8, §1.9). It evaluates every statement from the letters alone
 * and writes it again; what was written must be that, letter by letter. Any difference throws.
 */
import assert from 'node:assert/strict';
import { apply, closing, constant, type Linear, print } from './expressions.ts';

/** One defined quantity of a solution, as its text shows it. */
export interface Step {
  name: string;
  /** In x; a number where x does not take part. */
  value: Linear;
  /** Earlier quantities in the order in which they take part. */
  parents: string[];
  /** The literal number that takes part. */
  literal: number | null;
  /** In a record's words (PAPER §1.8): `constant`, `plus_sum`, `sum_of_products`, `unknown`, … */
  operation: string;
}

export interface Solution {
  reverse: boolean;
  steps: Step[];
  answer: number;
}

/** `target = left verb right = … = value`; without a verb there is only the left. */
interface Statement {
  target: string;
  left: string;
  verb: string;
  right: string;
  value: Linear;
}

const LETTER = /^[a-zA-Z]$/;
const REVERSE_LETTER = /^[a-zA-WYZ]$/;
const PREFIX = 'The question is difficult, so we use equations to solve it. ';
const UNKNOWN = " as x; we don't know its value yet but will find it out later";

/** Reads a solution, checking all of it on the way. */
export function readSolution(solution: string): Solution {
  const reverse = solution.startsWith(PREFIX);
  const end = /Answer: (\d+)\.$/.exec(solution);
  assert.ok(end, solution);
  const closingAt = reverse ? solution.indexOf('We know ') : end.index;
  assert.ok(closingAt >= 0, 'the closing steps are missing');
  const body = solution.slice(reverse ? PREFIX.length : 0, closingAt);
  assert.ok(body.endsWith('. '), body.slice(-40));
  const reader = new Reader(reverse);
  for (const sentence of body.slice(0, -2).split('. ')) reader.define(sentence);
  const { steps } = reader;
  const last = steps.at(-1)!.value;
  const answer = Number(end[1]);
  if (!reverse) assert.equal(answer, last.b, 'the answer is the last value');
  else {
    assert.equal(steps.filter(({ operation }) => operation === 'unknown').length, 1, 'one unknown');
    const given = last.a * answer + last.b;
    assert.ok(last.a !== 0, 'the given quantity does not depend on x');
    assert.equal(solution.slice(closingAt, end.index), closing(reader.lastLetter, last, given));
  }
  return { reverse, steps, answer };
}

/** Operations by the reference's definition (PAPER §1.6): edges, literal numbers, and one for an unknown. */
export function countOps({ steps, reverse }: Solution): number {
  let op = reverse ? 1 : 0;
  for (const { parents, literal } of steps) op += parents.length + (literal === null ? 0 : 1);
  return op;
}

class Reader {
  readonly steps: Step[] = [];
  lastLetter = '';
  /** Quantities by letter, and the values of all letters set so far, intermediate results included. */
  private readonly names = new Map<string, string>();
  private readonly letters = new Map<string, Linear>();

  constructor(private readonly reverse: boolean) {}

  /** `Define <name> as <letter>; <statements>`. */
  define(sentence: string): void {
    assert.ok(sentence.startsWith('Define '), sentence);
    if (this.reverse && sentence.endsWith(UNKNOWN)) {
      const name = sentence.slice('Define '.length, -UNKNOWN.length);
      this.set('x', { a: 1, b: 0 });
      this.finish(name, 'x', { parents: [], literal: null, operation: 'unknown' });
      return;
    }
    const [head, ...texts] = sentence.split('; ');
    const letter = head!.slice(-1);
    assert.ok(head!.slice(0, -1).endsWith(' as ') && texts.length > 0, sentence);
    const statements = texts.map((text, i) => {
      const so = text.startsWith('so ');
      const statement = this.read(so ? text.slice(3) : text);
      const last = i === texts.length - 1;
      assert.equal(statement.target === letter, last, text);
      // Several products are summed up without the word.
      const products = texts.length > 1 && texts[0]!.includes(' * ');
      assert.equal(so, last && !products, text);
      return statement;
    });
    const name = head!.slice('Define '.length, -' as L'.length);
    this.finish(name, letter, this.shape(statements, sentence));
  }

  private finish(name: string, letter: string, shape: Omit<Step, 'name' | 'value'>): void {
    if (this.steps.some((step) => step.name === name)) assert.fail(`${name} is defined twice`);
    this.names.set(letter, name);
    this.lastLetter = letter;
    this.steps.push({ name, value: this.letters.get(letter)!, ...shape });
  }

  private set(letter: string, value: Linear): void {
    assert.ok((this.reverse ? REVERSE_LETTER : LETTER).test(letter), letter);
    if (this.letters.has(letter)) assert.fail(`letter ${letter} is set twice`);
    this.letters.set(letter, value);
  }

  /** Reads and rewrites one statement and sets its letter. */
  private read(text: string): Statement {
    const [target, side] = text.split(' = ', 2);
    const [left, verb = '', right = '', ...more] = (side ?? '').split(' ');
    assert.ok(target !== undefined && left && more.length === 0, text);
    assert.ok(!this.reverse || target !== 'x', 'x is the unknown');
    const p = this.term(left, text);
    let value = p;
    let expected = `${target} = ${side}`;
    if (verb !== '') {
      const q = this.term(right, text);
      value = apply(verb, p, q);
      const brackets = this.reverse && verb !== '+';
      expected += brackets ? ` = (${print(p)}) ${verb} (${print(q)})` : ` = ${print(p)} ${verb} ${print(q)}`;
    }
    if (verb !== '' || !isNumber(left)) expected += ` = ${print(value)}`;
    assert.equal(text, expected);
    assert.ok(!isNumber(right), text);
    this.set(target, value);
    return { target, left, verb, right, value };
  }

  private term(text: string, statement: string): Linear {
    if (isNumber(text)) return constant(Number(text));
    const value = this.letters.get(text);
    return value ?? assert.fail(`${text} in "${statement}" is not defined yet`);
  }

  /** Which of the chains of PAPER §1.8 the statements are. */
  private shape(statements: readonly Statement[], sentence: string): Omit<Step, 'name' | 'value'> {
    const last = statements.at(-1)!;
    if (!isNumber(last.left)) {
      const { parents, operation } = this.fold(statements, sentence);
      return { parents, literal: null, operation };
    }
    const literal = Number(last.left);
    if (statements.length === 1) {
      assert.equal(last.verb, '', sentence);
      return { parents: [], literal, operation: 'constant' };
    }
    assert.ok((last.verb === '+' || last.verb === '*') && last.right === statements.at(-2)!.target, sentence);
    const { parents, operation } = this.fold(statements.slice(0, -1), sentence);
    assert.notEqual(operation, 'sum_of_products', sentence);
    const verb = last.verb === '+' ? 'plus' : 'times';
    return { parents, literal, operation: operation === 'copy' ? verb : `${verb}_${operation}` };
  }

  /** A copy, a difference, a sum folded from the left, or products and then their sum. */
  private fold(statements: readonly Statement[], sentence: string): { parents: string[]; operation: string } {
    const first = statements[0]!;
    const parents = [this.named(first.left, sentence)];
    if (first.verb === '') {
      assert.equal(statements.length, 1, sentence);
      return { parents, operation: 'copy' };
    }
    parents.push(this.named(first.right, sentence));
    let left = first.target;
    if (first.verb !== '*') {
      for (const statement of statements.slice(1)) {
        assert.ok(statement.left === left && statement.verb === '+' && first.verb === '+', sentence);
        parents.push(this.named(statement.right, sentence));
        left = statement.target;
      }
      return { parents, operation: first.verb === '+' ? 'sum' : 'difference' };
    }
    const products = statements.filter(({ verb }) => verb === '*').length;
    assert.equal(statements.length, 2 * products - 1, sentence);
    for (let i = 1; i < statements.length; i++) {
      const statement = statements[i]!;
      if (i < products) {
        assert.equal(statement.verb, '*', sentence);
        parents.push(this.named(statement.left, sentence), this.named(statement.right, sentence));
      } else {
        const right = statements[i - products + 1]!.target;
        assert.ok(statement.left === left && statement.verb === '+' && statement.right === right, sentence);
        left = statement.target;
      }
    }
    return { parents, operation: 'sum_of_products' };
  }

  private named(letter: string, sentence: string): string {
    const name = this.names.get(letter);
    return name ?? assert.fail(`${letter} names no quantity: ${sentence}`);
  }
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}
