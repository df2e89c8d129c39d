/**
 * A response against its gold solution, step by step. What is right is decided by the verifier (verify/compare.ts);
 * here its findings are put in reading order, with the texts, and said in words.
 */
import { cellText } from '../../figures/plain.ts';
import type { ReferenceTask, TaskGraph } from '../../tasks/index.ts';
import {
  type Comparison,
  compare,
  type FirstErrorKind,
  type GoldGraph,
  goldGraph,
  indexGold,
  type NodeComparison,
  normalizeName,
  type PredictedGraph,
  parseSolution,
  splitGold,
  splitResponse,
} from '../../verify/index.ts';

/** `text`: something in the response that is no step. */
export type AlignedKind = 'right' | 'wrong' | 'missing' | 'extra' | 'text';

/** A gold step beside what the response makes of it, or something that only the response has. */
export interface AlignedStep {
  kind: AlignedKind;
  /** Place in the gold solution, from 1; absent for what only the response has. */
  number?: number;
  /** The quantity that the step defines. */
  name?: string;
  /** The gold step's text. */
  gold?: string;
  /** What the response writes: nothing, one step, or several that define the same quantity. */
  response: string[];
  /** Place of the (first) step in the response, from 1. */
  position?: number;
  /** Of a gold step that the response has. */
  valueRight?: boolean;
  parentsRight?: boolean;
  /** What is wrong, in words. */
  reasons: string[];
  /** Kind of the first failing step, at that step. */
  firstError?: FirstErrorKind;
}

export interface Alignment {
  /** Gold steps in gold order; what only the response has stands behind what it follows in the response. */
  steps: AlignedStep[];
  gold: GoldGraph;
  predicted: PredictedGraph;
  comparison: Comparison;
}

/** @throws userError GOLD_UNPARSEABLE, GOLD_GRAPH */
export function alignResponse(
  task: Pick<ReferenceTask, 'solution'> & { graph?: TaskGraph | undefined },
  response: string,
): Alignment {
  const { graph, solution } = task;
  const indexed = indexGold(goldGraph(graph === undefined ? { solution } : { solution, graph }));
  const predicted = parseSolution(response);
  const comparison = compare(indexed, predicted);
  const goldSteps = splitGold(solution).steps;
  const goldTexts = new Map(goldSteps.map(({ name, text }) => [normalizeName(name ?? ''), text]));
  const written = writtenSteps(response, predicted);
  const texts = new Map<string, string[]>();
  const places = new Map<string, number>();
  for (const { name, text, position } of written) {
    if (name === undefined) continue;
    texts.set(name, [...(texts.get(name) ?? []), text]);
    if (!places.has(name)) places.set(name, position);
  }
  const steps = comparison.nodes.map((node, i): AlignedStep => {
    const { name } = node;
    const gold = goldTexts.get(name);
    const position = places.get(name);
    const first = comparison.firstError?.step === i ? comparison.firstError.kind : undefined;
    return {
      ...judged(node, indexed.graph, indexed.parents[i]!),
      number: i + 1,
      name,
      ...(gold === undefined ? {} : { gold }),
      response: texts.get(name) ?? [],
      ...(position === undefined ? {} : { position }),
      ...(first === undefined ? {} : { firstError: first }),
    };
  });
  return {
    steps: withExtras(steps, written, texts, goldTexts.get('')),
    gold: indexed.graph,
    predicted,
    comparison,
  };
}

interface WrittenStep {
  /** As the verifier reads it; absent: it reads no step here. */
  name?: string;
  text: string;
  /** From 1. */
  position: number;
}

/** The response cut at each `Define`, with the names that the verifier found there. */
function writtenSteps(response: string, { steps }: PredictedGraph): WrittenStep[] {
  const written: WrittenStep[] = [];
  let next = 0;
  for (const { text } of splitResponse(response).steps) {
    const position = written.length + 1;
    const step = steps[next];
    // The verifier leaves out what has no letter; what it does read comes in the same order.
    if (step !== undefined && normalizeName(text.replace(/^define\s/i, '')).startsWith(step.name)) {
      written.push({ name: step.name, text, position });
      next++;
    } else written.push({ text, position });
  }
  return written;
}

/** Puts in what only the response has: each behind the aligned step that precedes it in the response. */
function withExtras(
  gold: readonly AlignedStep[],
  written: readonly WrittenStep[],
  texts: ReadonlyMap<string, string[]>,
  opening: string | undefined,
): AlignedStep[] {
  const names = new Set(gold.map(({ name }) => name));
  const behind = new Map<string | undefined, AlignedStep[]>();
  const seen = new Set<string>();
  let last: string | undefined;
  for (const { name, text, position } of written) {
    if (name !== undefined && names.has(name)) {
      last = name;
      continue;
    }
    if (name !== undefined && seen.has(name)) continue;
    if (name !== undefined) seen.add(name);
    const step: AlignedStep =
      name === undefined
        ? textStep(text, position, opening)
        : { kind: 'extra', name, response: texts.get(name)!, position, reasons: ['not in the gold graph'] };
    behind.set(last, [...(behind.get(last) ?? []), step]);
  }
  return [
    ...(behind.get(undefined) ?? []),
    ...gold.flatMap((step) => [step, ...(behind.get(step.name) ?? [])]),
  ];
}

/** Gold solutions of reverse problems open with a sentence, too. */
function textStep(text: string, position: number, opening: string | undefined): AlignedStep {
  if (text === opening) return { kind: 'text', gold: text, response: [text], position, reasons: [] };
  return { kind: 'text', response: [text], position, reasons: ['not a step: left out'] };
}

type Judged = Pick<AlignedStep, 'kind' | 'valueRight' | 'parentsRight' | 'reasons'>;

function judged(node: NodeComparison, gold: GoldGraph, parents: ReadonlySet<string>): Judged {
  const { name, predicted, parentsRight, valueRight } = node;
  if (predicted === null) return { kind: 'missing', reasons: ['not in the response'] };
  const value = gold.nodes.find((one) => one.name === name)!.value;
  return {
    kind: parentsRight && valueRight ? 'right' : 'wrong',
    valueRight,
    parentsRight,
    reasons: [...parentReasons(node, parents), ...valueReasons(node, value)],
  };
}

function parentReasons({ predicted, parentsRight }: NodeComparison, parents: ReadonlySet<string>): string[] {
  if (parentsRight || predicted === null) return [];
  const wrong = predicted.dependencies.filter((name) => !parents.has(name));
  const missing = [...parents].filter((name) => !predicted.dependencies.includes(name));
  const letters = predicted.undefinedLetters;
  const reasons = [
    wrong.length === 0 ? '' : `made from ${wrong.join(', ')}, which it does not depend on`,
    missing.length === 0 ? '' : `not made from ${missing.join(', ')}`,
    letters.length === 0
      ? ''
      : `${letters.join(', ')} ${letters.length === 1 ? 'stands' : 'stand'} for nothing`,
  ];
  return reasons.filter((reason) => reason !== '');
}

function valueReasons({ predicted, valueRight, sound, stated }: NodeComparison, gold: number): string[] {
  if (valueRight || predicted === null) return [];
  if (!stated) return [`not worked out to a number (gold ${cellText(gold)})`];
  const value = cellText(predicted.value);
  const said = value === cellText(gold) ? `says ${value}` : `says ${value}, gold ${cellText(gold)}`;
  if (sound) return [`${said}: well calculated, but not what the problem says`];
  return [predicted.contradicted ? `${said}: contradicts itself` : `${said}: an equation does not hold`];
}
