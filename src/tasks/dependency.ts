/**
 * The dependency graph without labels and numbers: which quantities the answer needs, what each follows from,
 * and what else is told. Its op count is exact by construction: the size is chosen so that the wanted count
 * lies between what the quantities need at least and can take at most, and the difference is handed out.
 *
 * op = Σ in-degree over the gold nodes + number of gold nodes whose sentence has a literal constant. Every
 * constant counts one. (The reference counts 0 for the constant of some leaves, PAPER §1.6; in its forward
 * samples this never shows: our definition gives their recorded op for every one.)
 */
import type { RandomStream } from '../core/random.ts';
import { drawDistractors } from './distractors.ts';
import { addCell, drawStructure, problemSize, type Structure, trimPlace } from './structure.ts';
import type { Operation } from './types.ts';
import type { World } from './world.ts';

/** A quantity before it has a name. `id` < number of cells: that cell; otherwise the total of place id − cells. */
export interface Quantity {
  readonly id: number;
  readonly kind: 'instance' | 'abstract';
  /** Ids, in the order in which the sentence names them (a total: in the order of its place's cells). */
  parents: number[];
  hasConstant: boolean;
  /** Set by the value phase. */
  operation: Operation;
  constant: number;
  value: number;
}

/** A problem without names: gold quantities in solution order (the last is asked for), then the distractors. */
export interface Skeleton {
  structure: Structure;
  /** All quantities by id; totals nobody uses are absent. */
  quantities: (Quantity | undefined)[];
  gold: number[];
  /** Cells that are told but not needed, each after everything that it refers to. */
  distractors: number[];
}

/** Draws a skeleton with exactly `op` operations. 2 ≤ op ≤ opLimit(world). */
export function drawSkeleton(random: RandomStream, world: World, op: number): Skeleton {
  const structure = drawStructure(random, world, op);
  const { totals, extras } = chooseGold(random, world, op, structure);
  const { order, link } = orderGold(random, structure, totals, extras);
  const gold = wireGold(random, world, op, structure, order, link);
  const distractors = drawDistractors(random, world, structure, gold.quantities, gold.order);
  return { structure, quantities: gold.quantities, gold: gold.order, distractors };
}

/**
 * Which totals and which further instances lead to the answer (PAPER §1.6 steps 2 and 7). With t totals over
 * M cells and x further instances the graph needs at least M (edges of totals) + M + x (one term for each
 * instance) operations, so both draws stop there; and instances are added until their terms can take `op`.
 */
function chooseGold(
  random: RandomStream,
  world: World,
  op: number,
  structure: Structure,
): { totals: number[]; extras: number[] } {
  const size = problemSize(op);
  const totalEdges = Math.max(random.integer(1, size), random.integer(1, size), random.integer(1, size));
  const members = Math.min(totalEdges, Math.floor(op / 2));
  const wanted = Math.min(random.integer(totalEdges, size), random.integer(totalEdges, size));
  let totals: number[] = [];
  let edges = 0;
  const sizes = structure.byPlace.map((cells) => cells.length);
  const smallest = sizes.indexOf(Math.min(...sizes));
  if (sizes[smallest]! > members && random.below(4) > 0) trimPlace(structure, smallest, members);
  for (const place of random.shuffle(structure.byPlace.map((_, i) => i))) {
    const count = structure.byPlace[place]!.length;
    if (edges + count > members) continue;
    totals.push(place);
    edges += count;
  }
  const free = random.shuffle(structure.cells.flatMap(({ place }, i) => (totals.includes(place) ? [] : [i])));
  const most = op - 2 * edges;
  const extraCount = Math.min(Math.max(wanted - edges - 1, edges === 0 ? 1 : 0), most, free.length);
  const extras = free.splice(0, extraCount);

  while (reach(world, edges, extras.length) < op) {
    const next = free.pop();
    if (next !== undefined) {
      extras.push(next);
      continue;
    }
    const added = addCell(structure, world, new Set(totals));
    const { place } = structure.cells[added]!;
    if (!totals.includes(place)) extras.push(added);
    else if (2 * (edges + 1) + extras.length <= op) edges++;
    else {
      // A world so small that one more member of the total is too many: tell its cells without the total.
      totals = totals.filter((other) => other !== place);
      extras.push(...structure.byPlace[place]!);
      edges -= structure.byPlace[place]!.length - 1;
    }
  }
  return { totals, extras };
}

/** Most operations that totals over `edges` cells and `extras` further instances are sure to take. */
function reach(world: World, edges: number, extras: number): number {
  let ops = edges;
  for (let i = 0; i < edges + extras; i++) ops += Math.min(world.terms, i + 1);
  return ops;
}

/**
 * Solution order, built backwards from the query (step 8): each quantity is placed after everything that needs
 * it. `link` holds for an instance the parent that keeps the graph connected (−1: none).
 */
function orderGold(
  random: RandomStream,
  structure: Structure,
  totals: readonly number[],
  extras: readonly number[],
): { order: number[]; link: Int16Array } {
  const cellCount = structure.cells.length;
  // Quantities that nobody needs yet; one becomes the query, the others must be linked before it is too late.
  const heads = [...totals.map((place) => cellCount + place), ...extras];
  const available: number[] = [];
  const link = new Int16Array(cellCount).fill(-1);
  const order: number[] = [];
  let next = removeAt(heads, random.below(heads.length));
  for (;;) {
    order.push(next);
    if (next >= cellCount) {
      available.push(...structure.byPlace[next - cellCount]!);
    } else {
      // Links that are not needed for connection: rarer than the reference draws them, as often as it accepts them.
      const forced = available.length === 0 && heads.length > 0;
      if (forced || (heads.length + available.length > 0 && random.below(4) === 0)) {
        const weights: number[] = [];
        for (const one of heads) weights.push(LINK_WEIGHTS[one >= cellCount ? 1 : 0]);
        for (const one of available) weights.push(LINK_WEIGHTS[one >= cellCount ? 2 : 1]);
        const at = random.weighted(weights);
        if (at < heads.length) {
          link[next] = removeAt(heads, at);
          available.push(link[next]!);
        } else link[next] = available[at - heads.length]!;
      }
    }
    if (available.length === 0) return { order: order.reverse(), link };
    next = removeAt(available, random.below(available.length));
  }
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
  structure: Structure,
  order: number[],
  link: Int16Array,
): { quantities: (Quantity | undefined)[]; order: number[] } {
  const cellCount = structure.cells.length;
  const terms = new Uint8Array(order.length);
  const open: number[] = [];
  let rest = op;
  for (let i = 0; i < order.length; i++) {
    const id = order[i]!;
    if (id >= cellCount) rest -= structure.byPlace[id - cellCount]!.length;
    else {
      terms[i] = 1;
      rest--;
      if (i > 0) open.push(i);
    }
  }
  while (rest > 0) {
    const at = random.below(open.length);
    const i = open[at]!;
    terms[i]!++;
    rest--;
    if (terms[i] === Math.min(world.terms, i + 1)) removeAt(open, at);
  }
  const quantities = new Array<Quantity | undefined>(cellCount + structure.byPlace.length).fill(undefined);
  for (let i = 0; i < order.length; i++) {
    const id = order[i]!;
    if (id >= cellCount) {
      quantities[id] = quantity(id, 'abstract', structure.byPlace[id - cellCount]!.slice(), false);
      continue;
    }
    const linked = link[id]!;
    const wanted = terms[i]!;
    // With as many terms as there are earlier quantities and one more, everything is taken.
    const constant = wanted === i + 1 || ((linked < 0 || wanted > 1) && random.below(2) === 0);
    const parents = linked < 0 ? [] : [linked];
    const count = wanted - (constant ? 1 : 0);
    if (count > parents.length) {
      const pool = order.slice(0, i).filter((other) => other !== linked);
      parents.push(...random.sample(pool, count - parents.length));
    }
    quantities[id] = quantity(id, 'instance', parents, constant);
  }
  return { quantities, order };
}

/** A quantity whose numbers are still to be drawn. */
export function quantity(
  id: number,
  kind: 'instance' | 'abstract',
  parents: number[],
  hasConstant: boolean,
): Quantity {
  return { id, kind, parents, hasConstant, operation: 'constant', constant: 0, value: 0 };
}
