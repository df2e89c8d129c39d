/** Whether two topologies are the same but for the order of their nodes. */
import type { Topology } from './topology.ts';

/**
 * Exact test by search: nodes of `a` in solution order are mapped to nodes of `b` with the same colour whose parents are
 * the images of their parents. With colours from a refinement the search hardly ever turns back.
 * @param colours Of the nodes of each; nodes that correspond must have equal colours.
 */
export function isIsomorphic(
  a: Topology,
  b: Topology,
  colours: { a: readonly (number | string)[]; b: readonly (number | string)[] } = { a: a.roles, b: b.roles },
): boolean {
  const size = a.roles.length;
  if (size !== b.roles.length) return false;
  const parentsOfB = b.parents.map((list) => new Set(list));
  const image = new Int32Array(size).fill(-1);
  const taken = new Uint8Array(size);
  const fits = (i: number, j: number): boolean =>
    taken[j] === 0 &&
    colours.a[i] === colours.b[j] &&
    a.parents[i]!.length === parentsOfB[j]!.size &&
    a.parents[i]!.every((parent) => parentsOfB[j]!.has(image[parent]!));
  const place = (i: number): boolean => {
    if (i === size) return true;
    for (let j = 0; j < size; j++) {
      if (!fits(i, j)) continue;
      image[i] = j;
      taken[j] = 1;
      if (place(i + 1)) return true;
      taken[j] = 0;
    }
    return false;
  };
  return place(0);
}
