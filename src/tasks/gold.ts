/**
 * Which totals and which further instance quantities lead to the answer (PAPER §1.6 steps 2 and 7), chosen so that the
 * wanted op count can be reached exactly.
 */
import type { RandomStream } from '../core/random.ts';
import type { Depth } from './quantity.ts';
import { addCell, keepCells, problemSize, type Structure, trimPlace } from './structure.ts';
import type { World } from './world.ts';

/** The total of a place: of its counts, or (`deep`, depth 3) of its counts times their averages. */
export interface ChosenTotal {
  place: number;
  deep: boolean;
}

/** A cell's count, or (depth 3) its average. */
export interface ChosenInstance {
  cell: number;
  average: boolean;
}

export interface GoldChoice {
  totals: ChosenTotal[];
  /** Instances beside the members of the totals. */
  instances: ChosenInstance[];
}

/**
 * The choice; may trim or extend the structure graph. Totals with E edges over M member quantities (at depth 2 E = M)
 * and x further instances need at least E + M + x operations, one term for each instance, so the draws stop there; and
 * instances are added until their terms can take `op`. A place has at most one total in the gold graph.
 * @param lastIsLeaf The last instance of the solution order will take one term only.
 */
export function chooseGold(
  random: RandomStream,
  world: World,
  op: number,
  structure: Structure,
  depth: Depth,
  lastIsLeaf: boolean,
): GoldChoice {
  const size = problemSize(op);
  const totalEdges = Math.max(random.integer(1, size), random.integer(1, size), random.integer(1, size));
  const most = Math.min(totalEdges, Math.floor(op / 2));
  const wanted = Math.min(random.integer(totalEdges, size), random.integer(totalEdges, size));
  makeRoom(random, structure, depth === 3 && most >= 2 ? Math.floor(most / 2) : most);

  const chosen = new Totals(structure, most);
  // As in the reference, a total of products comes first wherever one fits.
  if (depth === 3) chosen.take(random.shuffle(structure.byPlace.map((_, i) => i)), true);
  chosen.take(random.shuffle(structure.byPlace.map((_, i) => i)), false);
  let { list: totals, edges } = chosen;

  const free = freeInstances(structure, chosen.level, depth);
  random.shuffle(free);
  const least = edges === 0 ? 1 : 0;
  const extraCount = Math.min(Math.max(wanted - edges - 1, least), op - 2 * edges, free.length);
  const instances = free.splice(0, extraCount);

  while (reach(world, edges, instances.length, lastIsLeaf) < op) {
    const next = free.pop();
    if (next !== undefined) {
      instances.push(next);
      continue;
    }
    const cell = addCell(structure, world, new Set(totals.map(({ place }) => place)));
    const { place } = structure.cells[cell]!;
    const total = totals.find((one) => one.place === place);
    if (depth === 3 && !total?.deep) free.push({ cell, average: true });
    if (total === undefined) {
      instances.push({ cell, average: false });
      continue;
    }
    const more = total.deep ? 2 : 1;
    if (2 * (edges + more) + instances.length <= op) edges += more;
    else {
      // A world so small that one more member of the total is too many: tell its cells without the total.
      totals = totals.filter((other) => other !== total);
      const members = structure.byPlace[place]!;
      instances.push(...members.map((member) => ({ cell: member, average: false })));
      if (total.deep) free.push(...members.map((member) => ({ cell: member, average: true })));
      edges -= more * (members.length - 1);
    }
  }
  if (world.distractors === 'all' && random.chance(compactness(op))) {
    dropUnused(structure, totals, instances);
  }
  return { totals, instances };
}

/**
 * How often a problem has nothing left over. The reference's rejection keeps compact structure graphs where an op is
 * small for its problem size (10, 12, 16, 19 are the first ops of their sizes), and large ones where it is large.
 */
function compactness(op: number): number {
  return op < 10 ? 0 : Math.min(0.6, Math.max(0, 2.7 * (1.42 - op / problemSize(op))));
}

/** Takes away the cells that neither a total nor an instance of the choice needs. */
function dropUnused(structure: Structure, totals: ChosenTotal[], instances: ChosenInstance[]): void {
  const used = new Set(instances.map(({ cell }) => cell));
  for (const { place } of totals) for (const cell of structure.byPlace[place]!) used.add(cell);
  const { cells, places } = keepCells(structure, (cell) => used.has(cell));
  for (const instance of instances) instance.cell = cells.get(instance.cell)!;
  for (const total of totals) total.place = places.get(total.place)!;
}

/** Trims the smallest place so that a total over it fits, mostly: else small ops would hardly have totals. */
function makeRoom(random: RandomStream, structure: Structure, most: number): void {
  const sizes = structure.byPlace.map((cells) => cells.length);
  const smallest = sizes.indexOf(Math.min(...sizes));
  if (sizes[smallest]! > most && random.below(4) > 0) trimPlace(structure, smallest, most);
}

/** The totals chosen so far, at most one for a place. */
class Totals {
  readonly list: ChosenTotal[] = [];
  edges = 0;
  /** By place: 0 no total, 1 of counts, 2 of products. */
  readonly level: Uint8Array;

  constructor(
    private readonly structure: Structure,
    private readonly most: number,
  ) {
    this.level = new Uint8Array(structure.byPlace.length);
  }

  /** Takes the totals of the places, as far as their edges fit. */
  take(places: readonly number[], deep: boolean): void {
    for (const place of places) {
      const count = this.structure.byPlace[place]!.length * (deep ? 2 : 1);
      if (this.edges + count > this.most || this.level[place] !== 0) continue;
      this.level[place] = deep ? 2 : 1;
      this.list.push({ place, deep });
      this.edges += count;
    }
  }
}

/** Instance quantities that no chosen total brings along. */
function freeInstances({ cells }: Structure, level: Uint8Array, depth: Depth): ChosenInstance[] {
  const free: ChosenInstance[] = [];
  for (let cell = 0; cell < cells.length; cell++) {
    const brought = level[cells[cell]!.place]!;
    if (brought === 0) free.push({ cell, average: false });
    if (depth === 3 && brought < 2) free.push({ cell, average: true });
  }
  return free;
}

/** Most operations that totals with `edges` edges (and as many members) and further instances are sure to take. */
function reach(world: World, edges: number, instances: number, lastIsLeaf: boolean): number {
  const count = edges + instances;
  let ops = edges;
  for (let i = 0; i < count; i++) ops += Math.min(world.terms, i + 1);
  // The leaf is the last instance or the one before it.
  return lastIsLeaf ? ops - Math.min(world.terms, count) + 1 : ops;
}
