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
  if (rest.length === 0) return rest;
  const told = new Told(layout, quantities, gold, unknown);
  const { defined } = told;
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
    defined.push(id);
    told.add(id);
  }
  return rest;
}

/** What can be referred to so far. */
class Told {
  /** Ids of instances and of totals that can be formed. */
  readonly defined: number[];
  /** By total: members that are not defined yet; at zero it can be formed. */
  private readonly missing: Uint8Array;
  /** By id: depends on the unknown of a reverse problem. */
  private readonly depends: Uint8Array;

  constructor(
    private readonly layout: Layout,
    private readonly quantities: readonly (Quantity | undefined)[],
    gold: readonly number[],
    unknown: number | null,
  ) {
    this.missing = new Uint8Array(layout.size);
    this.depends = new Uint8Array(layout.size);
    for (let id = layout.instances; id < layout.size; id++) this.missing[id] = layout.memberCount(id);
    if (unknown !== null) {
      this.depends[unknown] = 1;
      for (const id of gold) if (this.anyDepends(quantities[id]!.parents)) this.depends[id] = 1;
    }
    this.defined = gold.slice();
    const from = this.defined.length;
    for (const id of gold) if (!layout.isTotal(id)) this.add(id);
    // In the order of their numbers, whatever order the gold quantities have.
    if (this.defined.length > from + 1) {
      this.defined.push(...this.defined.splice(from).sort((a, b) => a - b));
    }
  }

  /** Takes an instance as told: it completes the totals that only waited for it. */
  add(id: number): void {
    const { layout } = this;
    if (this.anyDepends(this.quantities[id]!.parents)) this.depends[id] = 1;
    const place = layout.place(id);
    if (!layout.isDeep(id)) this.complete(layout.total(place));
    if (layout.depth === 3) this.complete(layout.deepTotal(place));
  }

  private complete(total: number): void {
    if (--this.missing[total]! > 0 || this.quantities[total] !== undefined) return;
    const { layout, depends } = this;
    const members = layout.members(total);
    if (this.anyDepends(members)) depends[total] = 1;
    // Nothing is told that multiplies the unknown by itself.
    if (layout.isDeep(total)) {
      for (let pair = 0; pair < members.length; pair += 2) {
        if (depends[members[pair]!] === 1 && depends[members[pair + 1]!] === 1) return;
      }
    }
    this.defined.push(total);
  }

  private anyDepends(ids: readonly number[]): boolean {
    for (const id of ids) if (this.depends[id] === 1) return true;
    return false;
  }
}
