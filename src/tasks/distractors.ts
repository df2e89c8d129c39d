/**
 * Quantities that are told although the answer does not need them (PAPER §1.6 step 13). Each refers only to
 * what is already defined, so the text never goes round in a circle and leaves nothing undefined; the
 * reference does not ensure that (up to 6 % of its problems have a circular distractor).
 */
import type { RandomStream } from '../core/random.ts';
import { type Layout, type Quantity, quantity } from './quantity.ts';
import type { World } from './world.ts';

/**
 * Adds the distractors to `quantities` (the totals that they use too) and returns their ids, each after
 * everything that it refers to.
 */
export function drawDistractors(
  random: RandomStream,
  world: World,
  layout: Layout,
  quantities: (Quantity | undefined)[],
  gold: readonly number[],
  unknown: number | null,
): number[] {
  const rest: number[] = [];
  for (let id = 0; id < layout.instances; id++) if (quantities[id] === undefined) rest.push(id);
  random.shuffle(rest);
  if (world.distractors !== 'all') {
    const [low, high] = world.distractors;
    rest.length = Math.min(rest.length, random.integer(low, high));
  }
  // Members of a total that are not defined yet; at zero the total can be formed.
  const missing = new Map<number, number>();
  for (let id = layout.instances; id < layout.size; id++) missing.set(id, layout.members(id).length);
  /** Ids that depend on the unknown of a reverse problem. */
  const depends = new Set(unknown === null ? [] : [unknown]);
  const define = (id: number): number[] => {
    if (quantities[id]!.parents.some((parent) => depends.has(parent))) depends.add(id);
    return totalsOver(layout, id).filter((total) => {
      const left = missing.get(total)! - 1;
      missing.set(total, left);
      if (left > 0 || quantities[total] !== undefined) return false;
      const members = layout.members(total);
      if (members.some((member) => depends.has(member))) depends.add(total);
      // Nothing is told that multiplies the unknown by itself.
      return !(layout.isDeep(total) && hasSquare(members, depends));
    });
  };
  for (const id of gold) if (quantities[id]!.parents.some((parent) => depends.has(parent))) depends.add(id);
  const defined = gold.slice();
  const formed = gold.flatMap((id) => (layout.isTotal(id) ? [] : define(id)));
  defined.push(...formed.sort((a, b) => a - b));
  const independent: number[] = [];
  for (const id of rest) {
    const alone = random.below(2) === 0;
    const pool = alone ? independent : defined;
    const size = pool.length + 1; // with the literal constant
    const most = Math.min(world.terms, size);
    let wanted = 1;
    while (wanted < most && random.below(2) === 0) wanted++;
    const constant = wanted === size || random.below(2) === 0;
    const parents = random.sample(pool, wanted - (constant ? 1 : 0));
    for (const parent of parents) {
      if (!layout.isTotal(parent) || quantities[parent] !== undefined) continue;
      const total = quantity(parent, 'abstract', layout.members(parent), false);
      if (layout.isDeep(parent)) total.operation = 'sum_of_products';
      quantities[parent] = total;
    }
    quantities[id] = quantity(id, 'instance', parents, constant);
    if (alone) independent.push(id);
    defined.push(id, ...define(id));
  }
  return rest;
}

/** Whether both quantities of some pair count, average depend on the unknown. */
function hasSquare(members: readonly number[], depends: ReadonlySet<number>): boolean {
  return members.some((count, i) => i % 2 === 0 && depends.has(count) && depends.has(members[i + 1]!));
}

/** The totals that an instance quantity is a member of. */
function totalsOver(layout: Layout, id: number): number[] {
  const place = layout.place(id);
  if (layout.depth === 2) return [layout.total(place)];
  return layout.isDeep(id) ? [layout.deepTotal(place)] : [layout.total(place), layout.deepTotal(place)];
}
