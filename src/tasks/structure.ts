/**
 * The structure graph (PAPER §1.6, steps 1–5): which categories exist in which places. Label-free: places and
 * categories are numbers here and get their names when the text is written.
 */
import { internalError } from '../core/errors.ts';
import type { RandomStream } from '../core/random.ts';
import type { Depth } from './quantity.ts';
import type { Mode } from './types.ts';
import { cellLimit, type World } from './world.ts';

/** What exists in the world of a problem: `category` in `place`. Its index in {@link Structure.cells} is its identity. */
export interface Cell {
  readonly place: number;
  readonly category: number;
}

/** Cells in the order of creation, and the same by place. Every place has at least one. */
export interface Structure {
  readonly cells: Cell[];
  /** Indices into `cells`. */
  readonly byPlace: number[][];
}

/**
 * The reference's size of a problem, by op (its op_max schedule halved, PAPER §1.5 and §1.6 step 1): totals and
 * instances are drawn within it. Beyond op 20 the schedule goes on at the ratio of its last entry.
 */
export function problemSize(op: number): number {
  if (op <= 4) return 2;
  if (op <= 6) return 3;
  if (op <= 9) return 5;
  if (op <= 11) return 8;
  if (op <= 15) return 10;
  if (op <= 18) return 13;
  return Math.max(15, Math.round(op * 0.75));
}

/** Instance quantities of the largest problem in the reference; it is the scale of the next function. */
const REFERENCE_CELLS = 20;

/** Weights of layer sizes 1…5 for a problem of size s: softmax of −(rel − c)² (step 3). */
const layerWeights: readonly (readonly number[])[] = Array.from({ length: 60 }, (_, s) => {
  const rel = (s - 1) / (REFERENCE_CELLS - 1);
  // exp by its series: Math.exp may differ in the last bit between machines, and streams must not.
  return [0.1, 0.3, 0.5, 0.7, 0.9].map((c) => series(-((Math.min(rel, 1.5) - c) ** 2)));
});

function series(x: number): number {
  let term = 1;
  let sum = 1;
  for (let n = 1; n < 30; n++) {
    term *= x / n;
    sum += term;
  }
  return sum;
}

/**
 * Draws a structure graph for a problem with `op` operations (steps 3–5; the third layer of depth 3 is one item that
 * belongs to every cell, so it needs no drawing). Where the reference starts again (a place without anything in it, a
 * loop that runs out) this drops the empty place; nothing is ever re-drawn.
 */
export function drawStructure(
  random: RandomStream,
  world: World,
  op: number,
  mode: Mode,
  depth: Depth,
): Structure {
  const size = problemSize(op);
  const weights = layerWeights[Math.min(size, layerWeights.length - 1)]!;
  let t0 = random.weighted(weights) + 1;
  let t1 = random.weighted(weights) + 1;
  if (size <= 5) {
    if (mode === 'forwardreverse') {
      // §1.9. At op 2 the reference's rejection keeps little beside one category in one place.
      const most = op === 2 && random.below(2) === 0 ? 1 : 3;
      t0 = Math.min(t0, most);
      t1 = Math.min(t1, most);
    } else if (depth === 2) {
      t0 = Math.max(t0, 2);
      t1 = Math.max(t1, 2);
    }
  }
  const low = Math.min(t0, t1);
  const high = Math.max(t0, t1);
  const fewest = Math.min((depth - 1) * low, world.cells);
  let wanted = depth === 2 ? high * high : high * high + high;
  for (let i = 0; i < cellDraws(op); i++) wanted = Math.min(wanted, random.integer(fewest, world.cells));
  let places = low;
  let categories = low;
  const grow = random.uniform();
  while (places < high || categories < high) {
    if (places * categories >= wanted) {
      if (categories === wanted || !random.chance(grow)) break;
    }
    if (places < high && (categories >= high || random.below(2) === 0)) places++;
    else categories++;
  }
  places = Math.min(places, world.places);
  categories = Math.min(categories, world.categories);

  const taken = new Uint8Array(places * categories);
  const filled = new Uint8Array(places);
  let count = 0;
  let empty = places;
  // Every category exists somewhere.
  for (let category = 0; category < categories && count < wanted; category++) {
    const place = random.below(places);
    taken[place * categories + category] = 1;
    count++;
    if (filled[place]!++ === 0) empty--;
  }
  const total = Math.min(wanted, places * categories);
  for (; count < total; count++) {
    // Places that have nothing yet come first; then any free pair.
    let pair: number;
    if (empty > 0) {
      const place = nthZero(filled, random.below(empty));
      pair = place * categories + random.below(categories);
    } else pair = nthZero(taken, random.below(places * categories - count));
    taken[pair] = 1;
    if (filled[Math.floor(pair / categories)]!++ === 0) empty--;
  }
  const cells: Cell[] = [];
  const byPlace: number[][] = [];
  for (let place = 0; place < places; place++) {
    if (filled[place] === 0) continue;
    const members: number[] = [];
    for (let category = 0; category < categories; category++) {
      if (taken[place * categories + category] === 0) continue;
      members.push(cells.length);
      cells.push({ place: byPlace.length, category });
    }
    byPlace.push(members);
  }
  return { cells, byPlace };
}

/**
 * The number of cells is the least of so many draws: two in the reference, whose rejection then keeps the small
 * structure graphs at op 2 and 4, and the large ones at op 6, the last op of its problem size.
 */
function cellDraws(op: number): number {
  if (op === 6) return 1;
  return op === 2 || op === 4 ? 3 : 2;
}

/** Position of the zero that has n zeros before it. */
function nthZero(flags: Uint8Array, n: number): number {
  for (let i = 0; i < flags.length; i++) if (flags[i] === 0 && n-- === 0) return i;
  throw internalError('fewer zeros than asked for');
}

/**
 * Adds one cell and returns its index: in a new place if the world allows one, else where there is most room,
 * a place of `avoid` only when no other has any. Only called while the world has room ({@link cellLimit}).
 */
export function addCell(structure: Structure, world: World, avoid: ReadonlySet<number>): number {
  const { cells, byPlace } = structure;
  if (cells.length >= cellLimit(world)) throw internalError('no room for another cell');
  let place = byPlace.length;
  if (place < world.places) byPlace.push([]);
  else {
    let least = Number.POSITIVE_INFINITY;
    for (const [i, members] of byPlace.entries()) {
      const burden = members.length + (avoid.has(i) ? world.categories : 0);
      if (members.length === world.categories || burden >= least) continue;
      least = burden;
      place = i;
    }
  }
  const used = new Set(byPlace[place]!.map((cell) => cells[cell]!.category));
  let category = 0;
  while (used.has(category)) category++;
  byPlace[place]!.push(cells.length);
  cells.push({ place, category });
  return cells.length - 1;
}

/** Keeps only the first `count` ≥ 1 cells of a place, and so renumbers what comes behind. */
export function trimPlace(structure: Structure, place: number, count: number): void {
  const kept = new Set(structure.byPlace[place]!.slice(0, count));
  keepCells(structure, (cell) => structure.cells[cell]!.place !== place || kept.has(cell));
}

/**
 * Keeps the cells that are wanted and the places that still have one, numbered anew in the old order by place. Returns
 * the new numbers.
 */
export function keepCells(
  structure: Structure,
  wanted: (cell: number) => boolean,
): { cells: Map<number, number>; places: Map<number, number> } {
  const old = structure.cells.slice();
  const members = structure.byPlace.map((place) => place.filter(wanted));
  const cells = new Map<number, number>();
  const places = new Map<number, number>();
  structure.cells.length = 0;
  structure.byPlace.length = 0;
  for (const [was, kept] of members.entries()) {
    if (kept.length === 0) continue;
    const place = structure.byPlace.length;
    places.set(was, place);
    structure.byPlace.push(
      kept.map((cell) => {
        const number = structure.cells.push({ place, category: old[cell]!.category }) - 1;
        cells.set(cell, number);
        return number;
      }),
    );
  }
  return { cells, places };
}
