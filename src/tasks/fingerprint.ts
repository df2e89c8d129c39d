/**
 * Identity of a task's gold graph without its labels. Two tasks whose graphs differ only in names, order of
 * the solution or order of a sum's terms have the same fingerprint; distractors and wording do not enter.
 *
 * Colours are refined as by Weisfeiler and Lehman, in both directions along the edges: up (a quantity after
 * its parents), down (after its children), up again. Each step is a function of the isomorphism class, so
 * equal graphs always agree; different graphs differ but for 64-bit collisions and pairs that colour
 * refinement cannot tell apart. A collision only puts two graphs into the same split.
 */
import { internalError } from '../core/errors.ts';
import type { Operation, TaskGraph } from './types.ts';

/** What of a task counts as its identity beside the graph's shape and operations. */
export interface Identity {
  /** The numbers: literal constants, and the value of a reverse problem's unknown. Default true. */
  values: boolean;
  /** What is asked for. Without it a reverse problem is the same as the forward one over its graph. Default true. */
  query: boolean;
  /** The context it is told in. Default false. */
  context: boolean;
}

export const DEFAULT_IDENTITY: Identity = { values: true, query: true, context: false };

/** A node of a gold graph by positions: its parents stand before it. */
export interface LabelFreeNode {
  readonly kind: 'instance' | 'abstract';
  readonly operation: Operation;
  /** The literal number of its sentence; of an unknown, its value. */
  readonly constant: number | undefined;
  /** Positions of the parents. */
  readonly parents: readonly number[];
}

const OPERATIONS: readonly Operation[] = [
  'constant',
  'copy',
  'sum',
  'difference',
  'plus',
  'times',
  'plus_sum',
  'times_sum',
  'plus_difference',
  'times_difference',
  'sum_of_products',
  'unknown',
];
const CODE = new Map(OPERATIONS.map((operation, i) => [operation, i + 1]));
/** Any number would do; with this one every split has reverse problems of the smallest ops (compare CUT in splits.ts). */
CODE.set('unknown', 379);

/** 32-bit mixer (murmur3's finalizer over a running state). */
function mix(state: number, word: number): number {
  let h = Math.imul(state ^ word, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  h ^= h >>> 16;
  return (Math.imul(h, 0x9e3779b1) + state) | 0;
}

/**
 * The two words of the fingerprint.
 * @param query Position of the node that is asked for.
 * @param context Name of the context, which counts if the identity says so.
 */
export function fingerprintWords(
  nodes: readonly LabelFreeNode[],
  query: number,
  context: string,
  identity: Identity = DEFAULT_IDENTITY,
): [number, number] {
  const extra = identity.context ? Array.from(context, (letter) => letter.codePointAt(0)!) : [];
  return [lane(nodes, query, extra, identity, 0x243f6a88), lane(nodes, query, extra, identity, 0x13198a2e)];
}

function lane(
  nodes: readonly LabelFreeNode[],
  query: number,
  extra: readonly number[],
  identity: Identity,
  seed: number,
): number {
  const count = nodes.length;
  const own = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const { kind, operation, constant, parents } = nodes[i]!;
    let h = mix(seed, CODE.get(!identity.query && operation === 'unknown' ? 'constant' : operation)!);
    h = mix(h, kind === 'instance' ? 1 : 2);
    h = mix(h, (identity.values ? constant : undefined) ?? -1);
    h = mix(h, parents.length);
    own[i] = mix(h, identity.query && i === query ? 3 : 4);
  }
  const up = gatherParents(nodes, own);
  const down = gatherChildren(nodes, up);
  const final = gatherParents(nodes, down);
  let sum = mix(seed, count);
  for (let i = 0; i < count; i++) sum = (sum + mix(seed, final[i]!)) | 0;
  for (const word of extra) sum = mix(sum, word);
  return mix(sum, seed) >>> 0;
}

/** Role of parent `at` in its child: only a difference (and the pairs of a sum of products) has an order. */
function role(node: LabelFreeNode, at: number): number {
  return node.operation.endsWith('difference') ? at + 1 : 0;
}

function gatherParents(nodes: readonly LabelFreeNode[], colours: Int32Array): Int32Array {
  const result = new Int32Array(nodes.length);
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i]!;
    let sum = 0;
    if (node.operation === 'sum_of_products') {
      // Pairs are unordered among themselves and within themselves.
      for (let at = 0; at + 1 < node.parents.length; at += 2) {
        const pair = mix(13, result[node.parents[at]!]!) + mix(13, result[node.parents[at + 1]!]!);
        sum = (sum + mix(12, pair)) | 0;
      }
    } else {
      for (let at = 0; at < node.parents.length; at++) {
        sum = (sum + mix(mix(17, role(node, at)), result[node.parents[at]!]!)) | 0;
      }
    }
    result[i] = mix(colours[i]!, sum);
  }
  return result;
}

function gatherChildren(nodes: readonly LabelFreeNode[], colours: Int32Array): Int32Array {
  const sums = new Int32Array(nodes.length);
  const result = new Int32Array(nodes.length);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    result[i] = mix(colours[i]!, sums[i]!);
    for (let at = 0; at < node.parents.length; at++) {
      const parent = node.parents[at]!;
      sums[parent] = (sums[parent]! + mix(mix(19, role(node, at)), result[i]!)) | 0;
    }
  }
  return result;
}

/** Sixteen hexadecimal digits. */
export function fingerprintText([high, low]: readonly [number, number]): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

/**
 * Fingerprint of a task's graph. Nodes may come in any order in which parents precede children.
 * @param template The record's, needed when the context counts.
 */
export function fingerprint(graph: TaskGraph, template = '', identity: Identity = DEFAULT_IDENTITY): string {
  const position = new Map(graph.nodes.map(({ name }, i) => [name, i]));
  const nodes = graph.nodes.map((node, i): LabelFreeNode => {
    const parents = node.dependencies.map((name) => {
      const at = position.get(name);
      if (at === undefined || at >= i) throw internalError(`${name} does not precede ${node.name}`);
      return at;
    });
    const constant = node.operation === 'unknown' ? node.value : node.constant;
    return { kind: node.kind, operation: node.operation, constant, parents };
  });
  const query = position.get(graph.query);
  if (query === undefined) throw internalError(`query ${graph.query} is not a node`);
  return fingerprintText(fingerprintWords(nodes, query, template, identity));
}
