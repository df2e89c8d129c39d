/** Which leaf a reverse problem asks for (PAPER §1.9). */
import type { Quantity } from './quantity.ts';

/**
 * The last leaf of the solution order from which everything stays linear: no total of products multiplies two quantities
 * that both depend on it (at depth 2 that is simply the last leaf). Null when there is none.
 * @param order Gold ids, parents before children; the last is the one whose value will be told.
 */
export function findUnknown(
  order: readonly number[],
  quantities: readonly (Quantity | undefined)[],
): number | null {
  for (let at = order.length - 2; at >= 0; at--) {
    const leaf = order[at]!;
    if (quantities[leaf]!.parents.length === 0 && staysLinear(leaf, at, order, quantities)) return leaf;
  }
  return null;
}

function staysLinear(
  leaf: number,
  at: number,
  order: readonly number[],
  quantities: readonly (Quantity | undefined)[],
): boolean {
  const depends = new Uint8Array(quantities.length);
  depends[leaf] = 1;
  for (let i = at + 1; i < order.length; i++) {
    const { id, parents, operation } = quantities[order[i]!]!;
    if (operation === 'sum_of_products') {
      for (let pair = 0; pair < parents.length; pair += 2) {
        if (depends[parents[pair]!] === 1 && depends[parents[pair + 1]!] === 1) return false;
      }
    }
    for (const parent of parents) if (depends[parent] === 1) depends[id] = 1;
  }
  return true;
}
