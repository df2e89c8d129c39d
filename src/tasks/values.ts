/**
 * Numbers and operations for a skeleton (PAPER §1.6 step 14). Every quantity's value is a whole number within
 * 1…maxValue: differences put the larger parent first, and constants are drawn from what still fits, so that
 * nothing has to be thrown away afterwards (the reference rejects negative, zero and large values).
 */
import type { RandomStream } from '../core/random.ts';
import type { Quantity, Skeleton } from './dependency.ts';
import type { Operation } from './types.ts';
import type { World } from './world.ts';

/**
 * Draws operations and constants of the gold quantities; false when a sum of several large quantities leaves
 * no operation that fits, which only worlds with a small maxValue meet.
 */
export function drawGoldValues(random: RandomStream, world: World, skeleton: Skeleton): boolean {
  for (const id of skeleton.gold) {
    if (!drawQuantity(random, world, skeleton.quantities[id]!, skeleton.quantities)) return false;
  }
  return true;
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
        fits &&= drawQuantity(random, world, total, quantities);
      }
    }
    if (fits && drawQuantity(random, world, quantity, quantities)) continue;
    quantity.parents = [];
    quantity.hasConstant = true;
    drawQuantity(random, world, quantity, quantities);
    simplified++;
  }
  return simplified;
}

/** Sets operation, constant and value (and may swap two parents); false when nothing fits. */
function drawQuantity(
  random: RandomStream,
  world: World,
  quantity: Quantity,
  quantities: readonly (Quantity | undefined)[],
): boolean {
  const { parents } = quantity;
  if (parents.length === 0) {
    quantity.operation = 'constant';
    quantity.constant = drawLeaf(random, world);
    quantity.value = quantity.constant;
    return true;
  }
  let sum = 0;
  for (const parent of parents) sum += quantities[parent]!.value;
  let base = sum;
  let name: 'copy' | 'sum' | 'difference' = parents.length === 1 ? 'copy' : 'sum';
  if (parents.length === 2 && quantity.kind === 'instance') {
    const first = quantities[parents[0]!]!.value;
    const second = quantities[parents[1]!]!.value;
    const differs = first !== second;
    const most = world.maxValue - (quantity.hasConstant ? world.addends[0] : 0);
    if (differs && (sum > most || random.below(2) === 0)) {
      name = 'difference';
      base = Math.abs(first - second);
      if (first < second) parents.reverse();
    }
  }
  if (!quantity.hasConstant) {
    quantity.operation = name;
    quantity.value = base;
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
  return true;
}

function withConstant(verb: 'plus' | 'times', name: 'copy' | 'sum' | 'difference'): Operation {
  return name === 'copy' ? verb : `${verb}_${name}`;
}

/** The constant of a sentence that has nothing else. */
function drawLeaf(random: RandomStream, world: World): number {
  const [low, high] = world.leaves ?? (random.below(2) === 0 ? world.addends : world.factors);
  return random.integer(low, Math.min(high, world.maxValue));
}
