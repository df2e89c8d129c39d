/**
 * What the text of a problem says, sentence by sentence (PAPER §1.8, §1.9), and which quantity its question asks
 * for. Written from the grammar, not from the generator; a text outside the grammar throws.
 */
import assert from 'node:assert/strict';

/** The right side of `… equals …`. */
export interface Equation {
  constant: number | null;
  verb: 'plus' | 'times' | null;
  form: 'none' | 'copy' | 'sum' | 'difference';
  /** In the order of the sentence. */
  parents: string[];
}

/** One sentence; `equation` is null where it only says that the quantity exists and is greater than 0. */
export interface Sentence {
  /** `adult wolf in Cedar Valley`, `total number of schools in Ruby Bay`, `average number of … per … in …`. */
  name: string;
  equation: Equation | null;
}

const NUMBER_OF = 'The number of ';
const EQUALS = ' equals ';
const EXISTS = ' exists, and its number is greater than 0';
const POSITIVE = ' is greater than 0';

/** The sentences of a problem in their order. */
export function readProblem(problem: string): Sentence[] {
  assert.ok(problem.endsWith('. '), `every sentence ends in ". ", the last too: ${problem.slice(-40)}`);
  return problem.slice(0, -2).split('. ').map(readSentence);
}

function readSentence(text: string): Sentence {
  const counted = text.startsWith(NUMBER_OF);
  const start = counted ? NUMBER_OF.length : 'The '.length;
  assert.ok(counted || /^The (?:average|total) /.test(text), text);
  const equals = text.indexOf(EQUALS);
  if (equals >= 0) {
    return { name: text.slice(start, equals), equation: readRight(text.slice(equals + EQUALS.length)) };
  }
  const ending = counted ? EXISTS : POSITIVE;
  assert.ok(text.endsWith(ending) && !text.startsWith('The total '), text);
  return { name: text.slice(start, -ending.length), equation: null };
}

function readRight(text: string): Equation {
  const literal = /^(\d+)(?: (plus|times) (?=the ))?/.exec(text);
  const constant = literal ? Number(literal[1]) : null;
  const verb = (literal?.[2] ?? null) as Equation['verb'];
  const rest = text.slice(literal?.[0].length ?? 0);
  if (rest === '') {
    assert.ok(literal && verb === null, text);
    return { constant, verb, form: 'none', parents: [] };
  }
  assert.ok(literal === null || verb !== null, text);
  if (rest.startsWith(SUM)) {
    return { constant, verb, form: 'sum', parents: readList(rest.slice(SUM.length)) };
  }
  if (rest.startsWith(DIFFERENCE)) {
    const parents = readList(rest.slice(DIFFERENCE.length));
    assert.equal(parents.length, 2, text);
    return { constant, verb, form: 'difference', parents };
  }
  return { constant, verb, form: 'copy', parents: [quantityName(rest)] };
}

const SUM = 'the sum of ';
const DIFFERENCE = 'the difference between ';

/** `A and B` or `A, B, and C`. */
function readList(text: string): string[] {
  const separators = text.includes(', ') ? /, (?:and )?(?=the )/ : / and (?=the )/;
  const names = text.split(separators).map(quantityName);
  assert.ok(names.length >= 2 && text.includes(', ') === names.length > 2, text);
  assert.ok(names.length === 2 || text.lastIndexOf(', and the ') === text.lastIndexOf(', '), text);
  return names;
}

/** `the number of X` is X; totals and averages keep their own names. */
function quantityName(phrase: string): string {
  if (phrase.startsWith('the number of ')) return phrase.slice('the number of '.length);
  assert.match(phrase, /^the (?:total|average) /);
  return phrase.slice('the '.length);
}

/** The quantity that the question asks for. */
export function readQuestion(question: string): string {
  const named = /^What is the ((?:total|average) .+)\?$/.exec(question);
  if (named) return named[1]!;
  const instance = /^How many (.+) does (.+) have\?$/.exec(question);
  assert.ok(instance, question);
  return `${instance[1]} in ${instance[2]}`;
}
