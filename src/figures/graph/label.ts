/** What is written in a node's box, and how large the box must be. */
import { SIZE } from '../style.ts';
import { textWidth, wrapText } from '../text.ts';
import type { DrawableNode } from './types.ts';

const NAME_WIDTH = 122;
/** `average number of … / per … / in …` needs five. */
const MOST_NAME_LINES = 5;
/** A computation that needs more lines is left out. */
const MOST_VALUE_LINES = 4;
export const LINE_HEIGHT = 13;
const PADDING_X = 12;
const PADDING_Y = 8;
const LEAST_WIDTH = 72;

export interface NodeLabel {
  /** The name in one to five lines. */
  name: string[];
  /** The computation and its result in lines, `3 + 4 = 7`; empty for a node that has none. */
  value: string[];
  /** Size of the box in px. */
  width: number;
  height: number;
}

/**
 * Label of a node. `values` gives the parents' values (of the same graph), which the computation is written
 * with; `note` is added behind the value (`, not 7`).
 */
export function labelNode(node: DrawableNode, values: ReadonlyMap<string, number>, note = ''): NodeLabel {
  const name = wrapName(node.name);
  const value = wrapValue(valueText(node, values, note), `= ${resultText(node, note)}`);
  const widest = Math.max(
    ...name.map((line) => textWidth(line, SIZE.node)),
    ...value.map((line) => textWidth(line, SIZE.node, 'bold')),
  );
  const lines = name.length + value.length;
  return {
    name,
    value,
    width: Math.max(LEAST_WIDTH, Math.ceil(widest + 2 * PADDING_X)),
    height: lines * LINE_HEIGHT + 2 * PADDING_Y,
  };
}

/** `adult wolf in Cedar Valley` as `adult wolf` / `in Cedar Valley`; what is too long wraps further. */
export function wrapName(name: string): string[] {
  const at = name.lastIndexOf(' in ');
  if (at > 0) {
    const what = balance(name.slice(0, at), MOST_NAME_LINES - 1);
    const where = balance(name.slice(at + 1), MOST_NAME_LINES - 1);
    if (what.length + where.length <= MOST_NAME_LINES) return [...what, ...where];
  }
  return balance(name, MOST_NAME_LINES);
}

/** Wraps to as few lines as possible and makes these about equally long. */
function balance(text: string, most: number): string[] {
  const wrap = (width: number) => wrapText(text, width, SIZE.node, 'normal', most);
  const widest = wrap(NAME_WIDTH);
  if (widest.length === 1 || widest.at(-1)!.endsWith('…')) return widest;
  for (let width = NAME_WIDTH / 2; width < NAME_WIDTH; width += 4) {
    const lines = wrap(width);
    const kept = lines.join(' ') === text && lines.length === widest.length;
    if (kept) return lines;
  }
  return widest;
}

/** The computation and its result; the note alone for a node without a value. */
function valueText(node: DrawableNode, values: ReadonlyMap<string, number>, note: string): string {
  const result = resultText(node, note);
  if (node.value === undefined || node.value === null) return result;
  if (node.operation === 'unknown') return `x = ${result}`;
  const formula = node.formula ?? writeOperation(node, values);
  return formula === undefined ? `= ${result}` : `${formula} = ${result}`;
}

function resultText({ value }: DrawableNode, note: string): string {
  return value === undefined || value === null ? note : `${number(value)}${note}`;
}

/** Breaks a long computation before its operators; one that is too long for a box is written as `short`. */
function wrapValue(text: string, short: string): string[] {
  if (text === '') return [];
  const bound = text.replace(/ ([+−×=]) /g, ' $1\u00a0');
  const lines = wrapText(bound, 1.35 * NAME_WIDTH, SIZE.node, 'bold').map((line) =>
    line.replaceAll('\u00a0', ' '),
  );
  return lines.length <= MOST_VALUE_LINES ? lines : [short];
}

/**
 * The node's operation with numbers put in; undefined when the operation is unknown, a parent has no value,
 * or the result is not the node's value (then the operation is not what was computed).
 */
export function writeOperation(node: DrawableNode, values: ReadonlyMap<string, number>): string | undefined {
  const written = compute(node, values);
  return written === undefined || written.result !== node.value ? undefined : written.text;
}

/** What the node's operation gives with its parents' values; undefined when that is not known. */
export function resultOf(
  node: DrawableNode,
  values: ReadonlyMap<string, number | null | undefined>,
): number | undefined {
  if (node.operation === 'constant') return node.constant;
  if (node.operation === 'copy') return values.get(node.dependencies[0] ?? '') ?? undefined;
  return compute(node, values)?.result;
}

function compute(
  node: DrawableNode,
  values: ReadonlyMap<string, number | null | undefined>,
): Written | undefined {
  const parents = node.dependencies.map((name) => values.get(name));
  if (!parents.every((value) => value !== undefined && value !== null)) return undefined;
  return OPERATIONS[node.operation ?? '']?.(parents, node.constant);
}

interface Written {
  text: string;
  result: number;
}

const sum = (terms: readonly number[]) => terms.reduce((total, term) => total + term, 0);
const sumText = (terms: readonly number[]) => terms.map((term) => bracketed(term)).join(' + ');

/** Operations of src/tasks/types.ts with parents' values `p` and the constant `c`. */
const OPERATIONS: Record<string, (p: number[], c?: number) => Written | undefined> = {
  sum: (p) => (p.length < 2 ? undefined : { text: sumText(p), result: sum(p) }),
  difference: (p) => (p.length === 2 ? difference(p) : undefined),
  plus: (p, c) => withConstant(p, c, 1, '+'),
  times: (p, c) => withConstant(p, c, 1, '×'),
  plus_sum: (p, c) =>
    c === undefined ? undefined : { text: `${number(c)} + ${sumText(p)}`, result: c + sum(p) },
  times_sum: (p, c) =>
    c === undefined ? undefined : { text: `${number(c)} × (${sumText(p)})`, result: c * sum(p) },
  plus_difference: (p, c) => {
    if (c === undefined || p.length !== 2) return undefined;
    const d = difference(p);
    return { text: `${number(c)} + (${d.text})`, result: c + d.result };
  },
  times_difference: (p, c) => {
    if (c === undefined || p.length !== 2) return undefined;
    const d = difference(p);
    return { text: `${number(c)} × (${d.text})`, result: c * d.result };
  },
  sum_of_products: (p) => {
    const pairs = p.flatMap((left, i) => (i % 2 === 0 ? [[left, p[i + 1] ?? Number.NaN] as const] : []));
    return {
      text: pairs.map(([left, right]) => `${bracketed(left)}×${bracketed(right)}`).join(' + '),
      result: sum(pairs.map(([left, right]) => left * right)),
    };
  },
};

function difference(p: readonly number[]): Written {
  return { text: `${number(p[0]!)} − ${bracketed(p[1]!)}`, result: p[0]! - p[1]! };
}

function withConstant(
  p: readonly number[],
  c: number | undefined,
  parents: number,
  sign: '+' | '×',
): Written | undefined {
  if (c === undefined || p.length !== parents) return undefined;
  const text = `${number(c)} ${sign} ${bracketed(p[0]!)}`;
  return { text, result: sign === '+' ? c + p[0]! : c * p[0]! };
}

function bracketed(value: number): string {
  return value < 0 ? `(${number(value)})` : number(value);
}

/** A value as it is written in a box: a true minus sign, at most three decimals. */
export function number(value: number): string {
  const text = Number.isInteger(value) ? String(value) : String(Math.round(value * 1000) / 1000);
  return text.replace('-', '−');
}
