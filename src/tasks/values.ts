/**
 * Numbers and operations for a skeleton (PAPER §1.6 step 14). Every quantity's value is a whole number within
 * 1…maxValue: differences put the larger parent first, and constants are drawn from what still fits, so that
 * nothing has to be thrown away afterwards (the reference rejects negative, zero and large values).
 */
import type { RandomStream } from '../core/random.ts';
import type { Skeleton } from './dependency.ts';
import type { Quantity } from './quantity.ts';
import type { Operation } from './types.ts';
import type { World } from './world.ts';

/**
 * Draws operations and constants of the gold quantities; false when a sum of several large quantities leaves
 * no operation that fits, which mostly worlds with a small maxValue meet, or when the unknown of a reverse problem
 * cancels out before the end.
 * @param mayCancel Whether a difference may be free of the unknown although both its parents depend on it. Without that
 *   the unknown never cancels out.
 */
export function drawGoldValues(
  random: RandomStream,
  world: World,
  { gold, quantities, unknown }: Skeleton,
  mayCancel = true,
): boolean {
  for (const id of gold) {
    if (!drawQuantity(random, world, quantities[id]!, quantities, mayCancel)) return false;
  }
  return unknown === null || quantities[gold[gold.length - 1]!]!.slope > 0;
}

/**
 * The same for the distractors, after the gold values. A distractor that no operation fits becomes a plain
 * constant; returns how many did.
 */
export function drawDistractorValues(random: RandomStream, world: World, skeleton: Skeleton): number {
  const { quantities, distractors } = skeleton;
  let simplified = 0;
  for (const id of distractors) {
    const quantity = quantities[id]!;
    let fits = true;
    for (const parent of quantity.parents) {
      const total = quantities[parent]!;
      if (total.kind === 'abstract' && total.value === 0) {
        fits &&= drawQuantity(random, world, total, quantities, true);
        if (!fits) total.value = 0; // too large; the next that refers to it must see so, too
      }
    }
    if (fits && drawQuantity(random, world, quantity, quantities, true)) continue;
    quantity.parents = [];
    quantity.hasConstant = true;
    drawQuantity(random, world, quantity, quantities, true);
    simplified++;
  }
  return simplified;
}

/** Sets operation, constant, value and slope (and may swap two parents); false when nothing fits. */
function drawQuantity(
  random: RandomStream,
  world: World,
  quantity: Quantity,
  quantities: readonly (Quantity | undefined)[],
  mayCancel: boolean,
): boolean {
  const { parents } = quantity;
  if (quantity.operation === 'sum_of_products') return multiply(world, quantity, quantities);
  if (parents.length === 0) {
    quantity.value = drawLeaf(random, world);
    if (quantity.operation === 'unknown') quantity.slope = 1;
    else {
      quantity.operation = 'constant';
      quantity.constant = quantity.value;
      quantity.slope = 0;
    }
    return true;
  }
  let base = 0;
  let slope = 0;
  for (const parent of parents) {
    base += quantities[parent]!.value;
    slope += quantities[parent]!.slope;
  }
  let name: 'copy' | 'sum' | 'difference' = parents.length === 1 ? 'copy' : 'sum';
  if (parents.length === 2 && quantity.kind === 'instance') {
    const first = quantities[parents[0]!]!;
    const second = quantities[parents[1]!]!;
    const [larger, smaller] = first.value < second.value ? [second, first] : [first, second];
    // The reference's solutions know no negative coefficient of x.
    const steeper = larger.slope - smaller.slope;
    const possible =
      larger.value > smaller.value && (steeper > 0 || (steeper === 0 && (mayCancel || slope === 0)));
    const most = world.maxValue - (quantity.hasConstant ? world.addends[0] : 0);
    // Two in three, because equal parents always add: then about half are differences, as in the reference.
    if (possible && (base > most || random.below(3) > 0)) {
      name = 'difference';
      base = larger.value - smaller.value;
      slope = steeper;
      if (larger === second) parents.reverse();
    }
  }
  if (!quantity.hasConstant) {
    quantity.operation = name;
    quantity.value = base;
    quantity.slope = slope;
    return base <= world.maxValue;
  }
  const addend = Math.min(world.addends[1], world.maxValue - base);
  const factor = Math.min(world.factors[1], Math.floor(world.maxValue / base));
  const canAdd = addend >= world.addends[0];
  const canMultiply = factor >= world.factors[0];
  if (!canAdd && !canMultiply) return false;
  const add = canAdd && (!canMultiply || random.below(2) === 0);
  quantity.constant = add
    ? random.integer(world.addends[0], addend)
    : random.integer(world.factors[0], factor);
  quantity.operation = withConstant(add ? 'plus' : 'times', name);
  quantity.value = add ? quantity.constant + base : quantity.constant * base;
  quantity.slope = add ? slope : quantity.constant * slope;
  return true;
}

/** Value and slope of Σ count · average. Of each pair at most one depends on the unknown. */
function multiply(world: World, quantity: Quantity, quantities: readonly (Quantity | undefined)[]): boolean {
  const { parents } = quantity;
  quantity.value = 0;
  quantity.slope = 0;
  for (let pair = 0; pair < parents.length; pair += 2) {
    const count = quantities[parents[pair]!]!;
    const average = quantities[parents[pair + 1]!]!;
    quantity.value += count.value * average.value;
    quantity.slope += count.slope * average.value + count.value * average.slope;
  }
  return quantity.value <= world.maxValue;
}

function withConstant(verb: 'plus' | 'times', name: 'copy' | 'sum' | 'difference'): Operation {
  return name === 'copy' ? verb : `${verb}_${name}`;
}

/** The constant of a sentence that has nothing else. */
function drawLeaf(random: RandomStream, world: World): number {
  const [low, high] = world.leaves ?? (random.below(2) === 0 ? world.addends : world.factors);
  return random.integer(low, Math.min(high, world.maxValue));
}
