/**
 * Quantities that are told although the answer does not need them (PAPER §1.6 step 13). Each refers only to
 * what is already defined, so the text never goes round in a circle and leaves nothing undefined; the
 * reference does not ensure that (up to 6 % of its problems have a circular distractor).
 */
import type { RandomStream } from '../core/random.ts';
import { type Quantity, quantity } from './dependency.ts';
import type { Structure } from './structure.ts';
import type { World } from './world.ts';

/**
 * Adds the distractors to `quantities` (the totals that they use too) and returns their cells, each after
 * everything that it refers to.
 */
export function drawDistractors(
  random: RandomStream,
  world: World,
  structure: Structure,
  quantities: (Quantity | undefined)[],
  gold: readonly number[],
): number[] {
  const cellCount = structure.cells.length;
  const rest: number[] = [];
  for (let cell = 0; cell < cellCount; cell++) if (quantities[cell] === undefined) rest.push(cell);
  random.shuffle(rest);
  if (world.distractors !== 'all') {
    const [low, high] = world.distractors;
    rest.length = Math.min(rest.length, random.integer(low, high));
  }
  // Cells of a place that are defined so far; at zero its total can be formed.
  const missing = structure.byPlace.map((members) => members.length);
  const defined = gold.slice();
  for (const id of gold) if (id < cellCount) missing[structure.cells[id]!.place]!--;
  for (let place = 0; place < missing.length; place++) {
    const total = cellCount + place;
    if (missing[place] === 0 && quantities[total] === undefined) defined.push(total);
  }
  const independent: number[] = [];
  for (const cell of rest) {
    const alone = random.below(2) === 0;
    const pool = alone ? independent : defined;
    const size = pool.length + 1; // with the literal constant
    const most = Math.min(world.terms, size);
    let wanted = 1;
    while (wanted < most && random.below(2) === 0) wanted++;
    const constant = wanted === size || random.below(2) === 0;
    const parents = random.sample(pool, wanted - (constant ? 1 : 0));
    for (const id of parents) {
      if (id >= cellCount && quantities[id] === undefined) {
        quantities[id] = quantity(id, 'abstract', structure.byPlace[id - cellCount]!.slice(), false);
      }
    }
    quantities[cell] = quantity(cell, 'instance', parents, constant);
    if (alone) independent.push(cell);
    defined.push(cell);
    const { place } = structure.cells[cell]!;
    if (--missing[place]! === 0) defined.push(cellCount + place);
  }
  return rest;
}
