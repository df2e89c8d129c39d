/**
 * The dependency graph without labels and numbers: which quantities the answer needs, what each follows from,
 * and what else is told. Its op count is exact by construction: the size is chosen so that the wanted count
 * lies between what the quantities need at least and can take at most, and the difference is handed out.
 *
 * op = Σ in-degree over the gold nodes + number of gold nodes whose sentence has a literal constant + 1 for the
 * unknown of a reverse problem, which stands where a constant would. Every constant counts one. (The reference
 * counts 0 for the constant of some leaves, PAPER §1.6; in its samples this never shows: our definition gives their
 * recorded op for every one.)
 */
import type { RandomStream } from '../core/random.ts';
import { drawDistractors } from './distractors.ts';
import { chooseGold, type GoldChoice } from './gold.ts';
import { type Depth, Layout, type Quantity, quantity } from './quantity.ts';
import { drawStructure } from './structure.ts';
import type { Mode } from './types.ts';
import { findUnknown } from './unknown.ts';
import type { World } from './world.ts';

/** A problem without names: gold quantities in solution order (the last is the goal), then the distractors. */
export interface Skeleton {
  layout: Layout;
  /** All quantities by id; totals nobody uses are absent. */
  quantities: (Quantity | undefined)[];
  gold: number[];
  /** Instance quantities that are told but not needed, each after everything that it refers to. */
  distractors: number[];
  /** Reverse: the leaf that is asked for, while the last gold quantity's value is told. Forward: null. */
  unknown: number | null;
}

/**
 * Draws a skeleton with exactly `op` operations, 2 ≤ op ≤ opLimit(world, depth). A reverse problem of depth 3 that would
 * multiply the unknown by itself, whichever leaf is taken for it, is drawn again so that its last instance quantity is
 * a leaf, which only the totals behind it depend on; null in the rare case that it has to hold the graph together.
 */
export function drawSkeleton(
  random: RandomStream,
  world: World,
  op: number,
  mode: Mode = 'normalforward',
  depth: Depth = 2,
): Skeleton | null {
  const reverse = mode === 'forwardreverse';
  for (const lastIsLeaf of reverse && depth === 3 ? [false, true] : [false]) {
    const structure = drawStructure(random, world, op, mode, depth);
    const choice = chooseGold(random, world, op, structure, depth, lastIsLeaf);
    const layout = new Layout(structure, depth);
    const { order, link } = orderGold(random, layout, choice, reverse, lastIsLeaf);
    const quantities = wireGold(random, world, op, layout, order, link, lastIsLeaf);
    const unknown = reverse ? findUnknown(order, quantities) : null;
    if (reverse && unknown === null) continue;
    if (unknown !== null) {
      quantities[unknown]!.hasConstant = false;
      quantities[unknown]!.operation = 'unknown';
    }
    const distractors = drawDistractors(random, world, layout, quantities, order, unknown);
    return { layout, quantities, gold: order, distractors, unknown };
  }
  return null;
}

/** Position of the last instance quantity before the goal; −1: none. */
function lastInstance(order: readonly number[], layout: Layout): number {
  for (let at = order.length - 2; at >= 0; at--) if (!layout.isTotal(order[at]!)) return at;
  return -1;
}

/**
 * Solution order, built backwards from the goal (step 8): each quantity is placed after everything that needs
 * it. `link` holds for an instance the parent that keeps the graph connected (−1: none).
 */
function orderGold(
  random: RandomStream,
  layout: Layout,
  { totals, instances }: GoldChoice,
  reverse: boolean,
  lastIsLeaf: boolean,
): { order: number[]; link: Int16Array } {
  // Quantities that nobody needs yet; one becomes the goal, the others must be linked before it is too late.
  const heads = [
    ...totals.map(({ place, deep }) => (deep ? layout.deepTotal(place) : layout.total(place))),
    ...instances.map(({ cell, average }) => (average ? layout.average(cell) : cell)),
  ];
  const available: number[] = [];
  const link = new Int16Array(layout.instances).fill(-1);
  const order: number[] = [];
  let mayLink = !lastIsLeaf;
  // A total at the end comes more often than by chance where the reference's rejection has had its say.
  const any = reverse ? isAttached(layout, heads) : random.below(3) > 0;
  let next = removeAt(heads, any ? random.below(heads.length) : totalOf(random, layout, heads));
  for (;;) {
    order.push(next);
    if (layout.isTotal(next)) {
      available.push(...layout.members(next));
    } else {
      // Links that are not needed for connection: rarer than the reference draws them, as often as it accepts them.
      const forced = available.length === 0 && heads.length > 0;
      if (forced || (mayLink && heads.length + available.length > 0 && random.below(4) === 0)) {
        const weights: number[] = [];
        for (const one of heads) weights.push(LINK_WEIGHTS[layout.isTotal(one) ? 1 : 0]);
        for (const one of available) weights.push(LINK_WEIGHTS[layout.isTotal(one) ? 2 : 1]);
        const at = random.weighted(weights);
        if (at < heads.length) {
          link[next] = removeAt(heads, at);
          available.push(link[next]!);
        } else link[next] = available[at - heads.length]!;
      }
      if (order.length > 1) mayLink = true;
    }
    if (available.length === 0) return { order: order.reverse(), link };
    next = removeAt(available, random.below(available.length));
  }
}

/** A total of one quantity and one more instance, which the reference attaches at either end (step 9). */
function isAttached(layout: Layout, heads: readonly number[]): boolean {
  const total = heads.find((id) => layout.isTotal(id));
  return heads.length === 2 && total !== undefined && layout.members(total).length === 1;
}

/** The position of a total of products, else of a total, else of anything (for reverse problems PAPER §1.9). */
function totalOf(random: RandomStream, layout: Layout, heads: readonly number[]): number {
  const positions = (fits: (id: number) => boolean): number[] =>
    heads.flatMap((id, at) => (fits(id) ? [at] : []));
  const deep = positions((id) => layout.isTotal(id) && layout.isDeep(id));
  const totals = deep.length > 0 ? deep : positions((id) => layout.isTotal(id));
  return totals.length > 0 ? random.pick(totals) : random.below(heads.length);
}

/**
 * Weight of a quantity as a linked parent by how many hold: it is a total, it is already needed. The reference
 * draws exp(|N(0,1)|·count); these are the expectations, so that no transcendental function enters a stream.
 */
const LINK_WEIGHTS = [1, 2.774, 14.442] as const;

function removeAt(items: number[], at: number): number {
  const item = items[at]!;
  items[at] = items[items.length - 1]!;
  items.pop();
  return item;
}

/** Hands out the terms (step 11) and draws every gold quantity's parents. */
function wireGold(
  random: RandomStream,
  world: World,
  op: number,
  layout: Layout,
  order: readonly number[],
  link: Int16Array,
  lastIsLeaf: boolean,
): (Quantity | undefined)[] {
  const leaf = lastIsLeaf ? lastInstance(order, layout) : -1;
  const terms = new Uint8Array(order.length);
  const open: number[] = [];
  const quantities = new Array<Quantity | undefined>(layout.size).fill(undefined);
  let rest = op;
  for (let i = 0; i < order.length; i++) {
    const id = order[i]!;
    if (layout.isTotal(id)) {
      const total = quantity(id, 'abstract', layout.members(id), false);
      if (layout.isDeep(id)) total.operation = 'sum_of_products';
      quantities[id] = total;
      rest -= total.parents.length;
    } else {
      terms[i] = 1;
      rest--;
      if (i > 0 && i !== leaf) open.push(i);
    }
  }
  while (rest > 0) {
    const at = random.below(open.length);
    const i = open[at]!;
    terms[i]!++;
    rest--;
    if (terms[i] === Math.min(world.terms, i + 1)) removeAt(open, at);
  }
  for (let i = 0; i < order.length; i++) {
    const id = order[i]!;
    if (layout.isTotal(id)) continue;
    const linked = link[id]!;
    const wanted = terms[i]!;
    // With as many terms as there are earlier quantities and one more, everything is taken.
    const constant =
      wanted === i + 1 || (i === leaf && linked < 0) || ((linked < 0 || wanted > 1) && random.below(2) === 0);
    const parents = linked < 0 ? [] : [linked];
    const count = wanted - (constant ? 1 : 0);
    if (count > parents.length) {
      const pool = order.slice(0, i).filter((other) => other !== linked);
      parents.push(...random.sample(pool, count - parents.length));
    }
    quantities[id] = quantity(id, 'instance', parents, constant);
  }
  return quantities;
}
