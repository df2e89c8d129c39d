/**
 * The quantities of a problem and how they are numbered. With n cells (a category in a place) over p places:
 * ids 0…n − 1 are the cells' counts ("adult wolf in Cedar Valley"); at depth 3, n…2n − 1 their averages ("average
 * number of newborn children per adult wolf in Cedar Valley"); then come the p totals of counts and, at depth 3, the
 * p totals of products ("total number of newborn animal children in Cedar Valley").
 */
import type { Structure } from './structure.ts';
import type { Operation } from './types.ts';

/** Depth of the structure graph: 2 is the reference's "medium", 3 its "hard" (PAPER §1.4). */
export type Depth = 2 | 3;

/** A quantity before it has a name. */
export interface Quantity {
  readonly id: number;
  readonly kind: 'instance' | 'abstract';
  /** Ids, in the order in which the sentence names them; a total: in the order of its place's cells. */
  parents: number[];
  hasConstant: boolean;
  /** Set by the value phase. */
  operation: Operation;
  constant: number;
  value: number;
  /** How much the value grows with the unknown of a reverse problem; 0 in forward problems. */
  slope: number;
}

/** A quantity whose numbers are still to be drawn. */
export function quantity(
  id: number,
  kind: 'instance' | 'abstract',
  parents: number[],
  hasConstant: boolean,
): Quantity {
  return { id, kind, parents, hasConstant, operation: 'constant', constant: 0, value: 0, slope: 0 };
}

/** Numbering of the quantities over a structure graph that no longer changes. */
export class Layout {
  /** Instance quantities have ids below this, totals from here on. */
  readonly instances: number;
  /** Number of ids. */
  readonly size: number;
  private readonly cells: number;
  private readonly places: number;

  constructor(
    readonly structure: Structure,
    readonly depth: Depth,
  ) {
    this.cells = structure.cells.length;
    this.places = structure.byPlace.length;
    this.instances = this.cells * (depth - 1);
    this.size = this.instances + this.places * (depth - 1);
  }

  isTotal(id: number): boolean {
    return id >= this.instances;
  }

  /** Whether the id is an average, or a total of products of counts and averages. */
  isDeep(id: number): boolean {
    return id < this.instances ? id >= this.cells : id >= this.instances + this.places;
  }

  average(cell: number): number {
    return this.cells + cell;
  }

  /** The cell of an instance quantity. */
  cell(id: number): number {
    return id % this.cells;
  }

  place(id: number): number {
    return id < this.instances
      ? this.structure.cells[this.cell(id)]!.place
      : (id - this.instances) % this.places;
  }

  total(place: number): number {
    return this.instances + place;
  }

  /** The total of products of a place; only at depth 3. */
  deepTotal(place: number): number {
    return this.instances + this.places + place;
  }

  /** Number of a total's parents. */
  memberCount(total: number): number {
    const count = this.structure.byPlace[this.place(total)]!.length;
    return this.isDeep(total) ? 2 * count : count;
  }

  /** Parents of a total: its place's counts, or count, average, count, average… */
  members(total: number): number[] {
    const cells = this.structure.byPlace[this.place(total)]!;
    return this.isDeep(total) ? cells.flatMap((cell) => [cell, this.average(cell)]) : cells.slice();
  }
}
