/**
 * The sentences of a problem, read back as quantities. Names of contexts hold no full stop, ` in `, ` per ` or ` and `,
 * so the reference's sentences (PAPER §1.6.14, §1.9) can be read without knowing the context.
 */
import { resultOf } from './label.ts';
import type { DrawableGraph, DrawableNode } from './types.ts';

/** What one sentence says of one quantity. */
interface Statement extends DrawableNode {
  sentence: string;
  operation: string;
}

const SENTENCE =
  /^The (?:number of )?(.+?) (?:equals (.+)|exists, and its number is greater than 0|is greater than 0)$/;

/** Sentences by the quantity they are about; of a quantity with two (its relation and a given value) both. */
export function sentencesByName(problem: string): Map<string, string> {
  const sentences = new Map<string, string>();
  for (const sentence of sentencesOf(problem)) {
    const name = SENTENCE.exec(sentence)?.[1];
    if (name === undefined) continue;
    const earlier = sentences.get(name);
    sentences.set(name, earlier === undefined ? `${sentence}.` : `${earlier} ${sentence}.`);
  }
  return sentences;
}

/**
 * The quantities that a problem states and its gold graph does not need, each before those that use it as far as there
 * is such an order, with the totals that they use. A value that does not follow is absent.
 */
export function distractorsOf(problem: string, gold: DrawableGraph): DrawableNode[] {
  const needed = new Map(gold.nodes.map((node) => [node.name, node]));
  const statements = new Map(statementsOf(problem).map((statement) => [statement.name, statement]));
  const found = new Map<string, DrawableNode>();
  for (const statement of statements.values()) {
    if (needed.has(statement.name)) continue;
    found.set(statement.name, statement);
    for (const name of statement.dependencies) {
      if (needed.has(name) || statements.has(name) || found.has(name)) continue;
      const total = totalOf(name, [...statements.keys()], gold);
      found.set(name, total);
    }
  }
  // The members of a total that is not needed may be needed ones, never the other way round.
  return settle(found, new Map(gold.nodes.map(({ name, value }) => [name, value])));
}

/** Puts the quantities in an order in which each follows from earlier ones, and computes them. */
function settle(
  found: ReadonlyMap<string, DrawableNode>,
  known: Map<string, number | null | undefined>,
): DrawableNode[] {
  const settled: DrawableNode[] = [];
  const waiting = new Set(found.values());
  for (let before = -1; settled.length !== before; ) {
    before = settled.length;
    for (const node of waiting) {
      if (!node.dependencies.every((name) => known.has(name))) continue;
      waiting.delete(node);
      const value = resultOf(node, known);
      known.set(node.name, value);
      settled.push({ ...node, ...(value === undefined ? {} : { value }) });
    }
  }
  return [...settled, ...waiting]; // what is left is circular, or uses what nothing states
}

function sentencesOf(problem: string): string[] {
  return problem
    .split(/\.(?:\s+|$)/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');
}

function statementsOf(problem: string): Statement[] {
  return sentencesOf(problem).flatMap((sentence) => {
    const [, name, said] = SENTENCE.exec(sentence) ?? [];
    if (name === undefined) return [];
    const base = { name, sentence: `${sentence}.`, kind: 'instance' };
    if (said === undefined) return [{ ...base, dependencies: [], operation: 'unknown' }];
    return [{ ...base, ...relationOf(said) }];
  });
}

/** `3 plus the sum of the number of A and the number of B` as constant, operation and parents. */
function relationOf(said: string): Pick<Statement, 'operation' | 'dependencies' | 'constant'> {
  const [, number, sign, rest = number === undefined ? said : ''] =
    /^(?:(\d+)(?: (plus|times) (.+))?$)?/.exec(said)!;
  const constant = number === undefined ? {} : { constant: Number(number) };
  if (rest === '') return { ...constant, operation: 'constant', dependencies: [] };
  const [, form, terms = rest] = /^(?:the (sum of|difference between) (.+))?/.exec(rest)!;
  const dependencies = terms
    .split(/,? and (?=the )|, (?=the )/)
    .map((term) => term.replace(/^the (?:number of )?/, ''));
  const what = form === undefined ? '' : form.startsWith('sum') ? 'sum' : 'difference';
  const operation = [sign, what].filter((part) => part !== undefined && part !== '').join('_') || 'copy';
  return { ...constant, operation, dependencies };
}

/** A total that no sentence defines: the sum over its place, or of products where the gold graph has such a total. */
function totalOf(name: string, stated: readonly string[], gold: DrawableGraph): DrawableNode {
  const [label, place] = splitPlace(name);
  const counts = stated.filter((other) => {
    return !/^(?:total|average) /.test(other) && splitPlace(other)[1] === place;
  });
  const averages = counts.map((count) => stated.find((other) => other.endsWith(` per ${count}`)));
  const nothing: DrawableNode = { name, dependencies: [], kind: 'abstract' };
  if (place === '' || counts.length === 0) return nothing;
  const deep = isDeep(label, gold);
  const deepWorld = stated.some((other) => other.startsWith('average '));
  if (deep === undefined && deepWorld) return nothing; // its name does not tell what is summed
  if (!deep) {
    return { ...nothing, operation: counts.length === 1 ? 'copy' : 'sum', dependencies: counts };
  }
  if (averages.includes(undefined)) return nothing;
  const dependencies = counts.flatMap((count, i) => [count, averages[i]!]);
  return { ...nothing, operation: 'sum_of_products', dependencies };
}

/** Whether totals of this label are of products; undefined when no total of the gold graph says. */
function isDeep(label: string, gold: DrawableGraph): boolean | undefined {
  const totals = gold.nodes.filter(({ kind, name }) => kind === 'abstract' && name.startsWith('total '));
  const same = totals.find(({ name }) => splitPlace(name)[0] === label);
  if (same !== undefined) return same.operation === 'sum_of_products';
  const deep = totals.find(({ operation }) => operation === 'sum_of_products');
  if (deep !== undefined) return false;
  return totals.length > 0 ? true : undefined;
}

function splitPlace(name: string): [string, string] {
  const at = name.lastIndexOf(' in ');
  return at < 0 ? [name, ''] : [name.slice(0, at), name.slice(at + 4)];
}
