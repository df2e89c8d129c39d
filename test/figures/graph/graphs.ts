/** Graphs that the drawing tests and the gallery share. */
import type { DrawableGraph, DrawableNode } from '../../../src/figures/graph/index.ts';

/**
 *        parrot = 2
 *       /   |    \
 *    fox  eagle   |
 *     |    |  \   |
 *     |    |   wolf
 *      \   |   /
 *        total           (asked)
 */
export const gold: DrawableGraph = {
  nodes: [
    {
      name: 'adult parrot in Maple Creek',
      value: 2,
      dependencies: [],
      kind: 'instance',
      constant: 2,
      operation: 'constant',
    },
    {
      name: 'adult eagle in Cedar Valley',
      value: 3,
      dependencies: ['adult parrot in Maple Creek'],
      kind: 'instance',
      constant: 1,
      operation: 'plus',
    },
    {
      name: 'adult wolf in Cedar Valley',
      value: 5,
      dependencies: ['adult parrot in Maple Creek', 'adult eagle in Cedar Valley'],
      kind: 'instance',
      operation: 'sum',
    },
    {
      name: 'adult fox in Cedar Valley',
      value: 4,
      dependencies: ['adult parrot in Maple Creek'],
      kind: 'instance',
      constant: 2,
      operation: 'times',
    },
    {
      name: 'total number of adult animals in Cedar Valley',
      value: 12,
      dependencies: [
        'adult eagle in Cedar Valley',
        'adult wolf in Cedar Valley',
        'adult fox in Cedar Valley',
      ],
      kind: 'abstract',
      operation: 'sum',
    },
  ],
  query: 'total number of adult animals in Cedar Valley',
  answer: 12,
};

/** The same with each kind of fault: wolf's value, fox missing, bear extra, and so the total's parents. */
export const faulty: DrawableGraph = {
  nodes: [
    { name: 'adult parrot in Maple Creek', value: 2, dependencies: [] },
    { name: 'adult eagle in Cedar Valley', value: 3, dependencies: ['adult parrot in Maple Creek'] },
    {
      name: 'adult wolf in Cedar Valley',
      value: 6,
      dependencies: ['adult parrot in Maple Creek', 'adult eagle in Cedar Valley'],
    },
    { name: 'adult bear in Hamilton Farm', value: 1, dependencies: [] },
    {
      name: 'total number of adult animals in Cedar Valley',
      value: 10,
      dependencies: [
        'adult eagle in Cedar Valley',
        'adult wolf in Cedar Valley',
        'adult bear in Hamilton Farm',
      ],
    },
  ],
  answer: 10,
};

/** a → b → c → a, d → d, and e that uses a name nobody defines. */
export const cyclic: DrawableGraph = {
  nodes: [
    { name: 'a', value: 1, dependencies: ['c'] },
    { name: 'b', value: 2, dependencies: ['a'] },
    { name: 'c', value: 3, dependencies: ['b'] },
    { name: 'd', value: 4, dependencies: ['d', 'c'] },
    { name: 'e', value: null, dependencies: ['ghost', 'd'] },
  ],
  query: 'e',
};

/** A graph of `count` nodes in which each takes one or two of the seventeen before it; always the same. */
export function large(count: number): DrawableGraph {
  const animals = ['wolf', 'parrot', 'bear', 'fox', 'eagle', 'deer', 'racoon'];
  const places = [
    'Cedar Valley',
    'Maple Creek',
    'Hamilton Farm',
    'Bundle Ranch',
    'Golden Banana Movie Festival',
    'Ruby Bay',
    'South Zoo',
    'Oak Hill',
    'Pine Ridge',
  ];
  const nodes: DrawableNode[] = [];
  for (let i = 0; i < count; i++) {
    const parents =
      i < 3
        ? []
        : [
            ...new Set(
              [1 + ((i * 7) % 17), 1 + ((i * 11) % 13)]
                .slice(0, 1 + (i % 2))
                .map((back) => Math.max(0, i - back)),
            ),
          ];
    nodes.push({
      name: `adult ${animals[i % 7]} in ${places[Math.floor(i / 7) % 9]}`,
      value: i % 13,
      dependencies: parents.map((at) => nodes[at]!.name),
      kind: 'instance',
    });
  }
  return { nodes, query: nodes.at(-1)!.name, answer: nodes.at(-1)!.value ?? 0 };
}
