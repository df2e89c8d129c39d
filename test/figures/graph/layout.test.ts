import assert from 'node:assert/strict';
import fc from 'fast-check';
import { layoutGraph, type Size } from '../../../src/figures/graph/layout.ts';
import { edgeKey } from '../../../src/figures/graph/types.ts';
import { type Box, distanceToOutline, inside, overlap, pointsOf } from '../geometry.ts';

/** Names and random box sizes and edges, cycles and loops among them. */
const anyGraph = fc.integer({ min: 1, max: 14 }).chain((n) =>
  fc.record({
    sizes: fc.array(fc.tuple(fc.integer({ min: 60, max: 170 }), fc.integer({ min: 30, max: 80 })), {
      minLength: n,
      maxLength: n,
    }),
    edges: fc.uniqueArray(fc.tuple(fc.nat({ max: n - 1 }), fc.nat({ max: n - 1 })), {
      maxLength: 2 * n,
      selector: ([a, b]) => a * n + b,
    }),
    direction: fc.constantFrom('down' as const, 'right' as const),
  }),
);

function lay(sizes: [number, number][], pairs: [number, number][], direction: 'down' | 'right') {
  const named = new Map<string, Size>(sizes.map(([width, height], i) => [`n${i}`, { width, height }]));
  const edges = pairs.map(([a, b]): [string, string] => [`n${a}`, `n${b}`]);
  const layout = layoutGraph(named, edges, direction);
  const boxes = new Map<string, Box>(
    [...named].map(([name, { width, height }]) => {
      const { x, y } = layout.centres.get(name)!;
      return [
        name,
        { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 },
      ];
    }),
  );
  return { layout, boxes, edges };
}

describe('graph layout', () => {
  it('keeps boxes apart and inside, ends edges at their nodes and crosses no other node', () => {
    fc.assert(
      fc.property(anyGraph, ({ sizes, edges: pairs, direction }) => {
        const { layout, boxes, edges } = lay(sizes, pairs, direction);
        const list = [...boxes];
        for (const [i, [name, box]] of list.entries()) {
          // Rounding in the solver: a thousandth of a pixel.
          assert.ok(box.left > -1e-3 && box.right < layout.width + 1e-3, name);
          assert.ok(box.top > -1e-3 && box.bottom < layout.height + 1e-3, name);
          for (const [other, there] of list.slice(i + 1))
            assert.ok(!overlap(box, there), `${name} on ${other}`);
        }
        for (const [parent, child] of edges) {
          const route = layout.routes.get(edgeKey(parent, child))!;
          const points = pointsOf(route.line);
          // Coordinates are written with two decimals.
          assert.ok(distanceToOutline(points[0]!, boxes.get(parent)!) < 0.02, `start of ${parent}>${child}`);
          assert.ok(distanceToOutline(route.tip, boxes.get(child)!) < 0.02, `end of ${parent}>${child}`);
          for (const point of [...points, ...pointsOf(route.head)]) {
            const hit = list.find(([, box]) => inside(point, box, 0.02));
            assert.equal(hit?.[0], undefined, `${parent}>${child} runs through ${hit?.[0]}`);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('puts parents above or left of their children when there is no cycle', () => {
    //  0   1
    //   \ / \
    //    2   3
    //    |  /
    //    4
    const pairs: [number, number][] = [
      [0, 2],
      [1, 2],
      [1, 3],
      [2, 4],
      [3, 4],
    ];
    const sizes = Array.from({ length: 5 }, (): [number, number] => [100, 40]);
    const down = lay(sizes, pairs, 'down');
    const right = lay(sizes, pairs, 'right');
    for (const [a, b] of down.edges) {
      assert.ok(down.boxes.get(a)!.bottom < down.boxes.get(b)!.top, `${a} above ${b}`);
      assert.ok(right.boxes.get(a)!.right < right.boxes.get(b)!.left, `${a} left of ${b}`);
    }
    assert.equal(down.layout.layers, 3);
  });

  it('points arrow heads in the direction of arrival', () => {
    const { layout } = lay(
      [
        [80, 40],
        [80, 40],
      ],
      [[0, 1]],
      'down',
    );
    const { head, tip } = layout.routes.get(edgeKey('n0', 'n1'))!;
    const [first, left, right] = head
      .slice(1, -1)
      .split('L')
      .map((pair) => pair.split(' ').map(Number));
    assert.deepEqual(first, [Math.round(tip.x * 100) / 100, Math.round(tip.y * 100) / 100]);
    assert.ok(left![1]! < tip.y && right![1]! < tip.y, 'the base is above the tip');
    assert.ok(left![0]! < tip.x && right![0]! > tip.x);
  });

  it('gives the same routes again', () => {
    const sizes = Array.from({ length: 9 }, (_, i): [number, number] => [80 + 5 * i, 40]);
    const pairs = Array.from({ length: 8 }, (_, i): [number, number] => [Math.floor(i / 2), i + 1]);
    assert.deepEqual(lay(sizes, pairs, 'down').layout, lay(sizes, pairs, 'down').layout);
  });

  it('lays out nothing', () => {
    assert.deepEqual(layoutGraph(new Map(), [], 'down').width, 0);
  });
});
