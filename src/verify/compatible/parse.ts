/**
 * The reference's solution parser, rule by rule (PAPER §6.3), flaws included: every ASCII letter of a right-hand
 * side counts as a reference, also letters inside words, and an expression that cannot be evaluated is worth the
 * last number literal in it. Written without backtracking patterns, so any text takes linear time.
 */
import { evaluateAsReference } from './expression.ts';
import {
  collapse,
  foldLetter,
  isAsciiLetter,
  isLetterAnyCase,
  isSpace,
  lastNumber,
  numberOf,
  strip,
  stripOf,
  stripTags,
} from './text.ts';
import type { CompatibleNode, CompatibleSolution, CompatibleStep } from './types.ts';

/** What the reference's parser makes of a text. */
export function parseAsReference(text: string): CompatibleSolution {
  const answer = statedAnswer(text);
  const cleaned = strip(stripTags(text));
  const heads = findDefinitions(cleaned);
  if (heads.length === 0) {
    return { steps: [], preamble: cleaned, graph: { nodes: new Map(), answer } };
  }
  const letters: Letters = { names: new Map(), values: new Map() };
  const steps = heads.map((head, i) => {
    const end = i + 1 < heads.length ? heads[i + 1]!.start : cleaned.length;
    const body = cleaned.slice(head.end, end);
    const tail = body.indexOf('Answer:');
    const step: CompatibleStep = {
      parameter_name: normalizeName(head.name),
      variable: strip(head.letter),
      raw_body: strip(tail < 0 ? body : body.slice(0, tail)),
      expressions: [],
      value: null,
      dependencies: new Set(),
    };
    readStep(step, letters);
    return step;
  });
  fillMissingValues(steps, letters.values);
  const nodes = new Map<string, CompatibleNode>();
  for (const { parameter_name, variable, value, dependencies } of steps) {
    nodes.set(parameter_name, { name: parameter_name, variable, value, dependencies });
  }
  return { steps, preamble: strip(cleaned.slice(0, heads[0]!.start)), graph: { nodes, answer } };
}

/** A step's statements as the reference lists them. */
export function statementsOf(rawBody: string): string[] {
  return rawBody
    .split(';')
    .map(strip)
    .filter((statement) => statement !== '');
}

interface Letters {
  /** Name of the step that last had the letter. */
  names: Map<string, string>;
  /** Last number seen for the letter. */
  values: Map<string, number>;
}

interface Definition {
  start: number;
  /** Behind the semicolon. */
  end: number;
  name: string;
  letter: string;
}

/**
 * "Define", blanks, the shortest name, blanks, "as" or "a", blanks, any words, one letter, ";" — in any case.
 * Each semicolon is looked at from behind: the stretch of letters and blanks before it holds the places where
 * "as" may stand.
 */
function findDefinitions(text: string): Definition[] {
  const keywords: { at: number; width: number; semicolon: number }[] = [];
  for (let p = text.indexOf(';'); p >= 0; p = text.indexOf(';', p + 1)) {
    if (p < 2 || !isLetterAnyCase(text.charCodeAt(p - 1)) || !isSpace(text.charCodeAt(p - 2))) continue;
    let from = p - 2;
    while (from > 0 && wordOrSpace(text.charCodeAt(from - 1))) from--;
    collectKeywords(text, from, p, keywords);
  }
  const found: Definition[] = [];
  let keyword = 0;
  let searched = 0;
  for (;;) {
    const start = findDefine(text, searched);
    if (start < 0) return found;
    let nameStart = start + 6;
    while (nameStart < text.length && isSpace(text.charCodeAt(nameStart))) nameStart++;
    while (keyword < keywords.length && keywords[keyword]!.at < nameStart) keyword++;
    // A keyword where the name should begin is taken only if nothing better follows.
    const first = keywords[keyword];
    const immediate = first !== undefined && first.at === nameStart;
    const chosen = immediate && keyword + 1 < keywords.length ? keywords[keyword + 1]! : first;
    if (chosen === undefined) return found;
    if (chosen.at === nameStart && nameStart - start - 6 < 2) return found; // needs a second blank
    let nameEnd = chosen.at;
    while (nameEnd > nameStart && isSpace(text.charCodeAt(nameEnd - 1))) nameEnd--;
    found.push({
      start,
      end: chosen.semicolon + 1,
      name: text.slice(nameStart, nameEnd),
      letter: text[chosen.semicolon - 1]!,
    });
    searched = chosen.semicolon + 1;
  }
}

function wordOrSpace(code: number): boolean {
  return isLetterAnyCase(code) || isSpace(code);
}

/** Words "as" and "a" with white space on both sides in text[from, semicolon − 1), in reading order. */
function collectKeywords(
  text: string,
  from: number,
  semicolon: number,
  keywords: { at: number; width: number; semicolon: number }[],
): void {
  for (let i = from; i < semicolon - 1; ) {
    if (isSpace(text.charCodeAt(i))) {
      i++;
      continue;
    }
    let end = i + 1;
    while (end < semicolon && !isSpace(text.charCodeAt(end))) end++;
    const width = end - i;
    const isKeyword =
      (width === 1 || (width === 2 && foldLetter(text.charCodeAt(i + 1)) === 115)) &&
      foldLetter(text.charCodeAt(i)) === 97;
    if (isKeyword && i > 0 && end < semicolon && isSpace(text.charCodeAt(i - 1))) {
      keywords.push({ at: i, width, semicolon });
    }
    i = end;
  }
}

const DEFINE = /def[iİı]ne/gi;

/** Start of the next "define" + white space in any case, or -1. */
function findDefine(text: string, from: number): number {
  DEFINE.lastIndex = from;
  for (let match = DEFINE.exec(text); match !== null; match = DEFINE.exec(text)) {
    if (isSpace(text.charCodeAt(match.index + 6))) return match.index;
  }
  return -1;
}

/** Undoes small damage in names; what follows the last "Define " inside a name is the name. */
function normalizeName(raw: string): string {
  if (isClean(raw)) return raw;
  let name = stripOf(collapse(raw).replaceAll('\ufffd', ''), ' .;');
  let searched = 0;
  let last = -1;
  for (let at = findDefine(name, 0); at >= 0; at = findDefine(name, searched)) {
    searched = at + 7;
    if (at === 0 || !isWordBefore(name, at)) last = searched;
  }
  if (last >= 0) {
    while (last < name.length && isSpace(name.charCodeAt(last))) last++;
    name = name.slice(last);
  }
  return stripOf(name, ' .;');
}

/** Whether normalization would change nothing: printable Latin-1, single blanks inside, no "ef" (of "Define") in any case. */
function isClean(name: string): boolean {
  let previous = 32;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code < 32 || (code > 126 && code < 192) || code > 255) return false;
    if (code === 32 && previous === 32) return false;
    if ((code | 32) === 102 && (previous | 32) === 101) return false; // "ef"
    previous = code;
  }
  return name !== '' && !' .;'.includes(name[0]!) && !' .;'.includes(name[name.length - 1]!);
}

const WORD_AT_END = /[\p{L}\p{N}_]$/u;

function isWordBefore(text: string, at: number): boolean {
  return WORD_AT_END.test(text.slice(Math.max(0, at - 2), at));
}

/** Assignments of a step: one letter, "=", everything up to "." or ";". */
function readStep(step: CompatibleStep, letters: Letters): void {
  const body = step.raw_body;
  const intermediates = new Map<string, Set<string>>();
  let value: number | null = null;
  for (let searched = 0; ; ) {
    const equals = body.indexOf('=', searched);
    if (equals < 0) break;
    let target = equals - 1;
    while (target >= searched && isSpace(body.charCodeAt(target))) target--;
    let end = equals + 1;
    while (end < body.length && body[end] !== '.' && body[end] !== ';') end++;
    if (target < searched || !isAsciiLetter(body.charCodeAt(target)) || end === equals + 1) {
      searched = equals + 1;
      continue;
    }
    searched = end;
    const letter = body[target]!;
    const right = body.slice(equals + 1, end);
    const last = strip(right.slice(right.lastIndexOf('=') + 1));
    const own = letter === step.variable;
    if (own) {
      addParents(step.dependencies, right, letters.names, intermediates);
      if (last !== '') step.expressions.push(last);
    } else {
      const known = intermediates.get(letter) ?? new Set<string>();
      addParents(known, right, letters.names, intermediates);
      intermediates.set(letter, known);
    }
    const number = evaluateAsReference(last, letters.values) ?? lastNumber(right);
    if (number !== null) {
      letters.values.set(letter, number);
      if (own) value = number;
    }
  }
  if (value === null) {
    value = lastNumber(body);
    if (value !== null) letters.values.set(step.variable, value);
  }
  step.value = value;
  letters.names.set(step.variable, step.parameter_name);
}

/** Adds what every letter of a right-hand side stands for. (A set that is added to itself stays the same.) */
function addParents(
  parents: Set<string>,
  right: string,
  names: ReadonlyMap<string, string>,
  intermediates: ReadonlyMap<string, ReadonlySet<string>>,
): void {
  for (let i = 0; i < right.length; i++) {
    if (!isAsciiLetter(right.charCodeAt(i))) continue;
    const letter = right[i]!;
    const name = names.get(letter);
    if (name !== undefined) parents.add(name);
    if (intermediates.size === 0) continue;
    const made = intermediates.get(letter);
    if (made !== undefined && made !== parents) for (const inner of made) parents.add(inner);
  }
}

/** Steps without a value are tried again with what the letters were worth in the end. */
function fillMissingValues(steps: CompatibleStep[], values: Map<string, number>): void {
  for (const step of steps) {
    for (let i = step.expressions.length - 1; i >= 0 && step.value === null; i--) {
      step.value = evaluateAsReference(step.expressions[i]!, values);
    }
    step.value ??= values.get(step.variable) ?? null;
    if (step.value !== null) values.set(step.variable, step.value);
  }
}

const TAG = /^<an[sſ]wer>$/i;
const NUMBER_HERE = /[-+]?\p{Nd}+(?:\.\p{Nd}+)?/uy;

/** The number behind the first `<answer>` that has one, else behind the first such "Answer:". */
function statedAnswer(text: string): number | null {
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at + 1)) {
    if (!TAG.test(text.slice(at, at + 8))) continue;
    const number = numberAt(text, at + 8);
    if (number !== null) return number;
  }
  for (let at = text.indexOf('Answer:'); at >= 0; at = text.indexOf('Answer:', at + 1)) {
    const number = numberAt(text, at + 7);
    if (number !== null) return number;
  }
  return null;
}

/** The number literal behind white space. */
function numberAt(text: string, from: number): number | null {
  let at = from;
  while (at < text.length && isSpace(text.charCodeAt(at))) at++;
  NUMBER_HERE.lastIndex = at;
  const number = NUMBER_HERE.exec(text);
  return number === null ? null : numberOf(number[0]);
}
