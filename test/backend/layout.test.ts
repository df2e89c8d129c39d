import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {
  bools,
  compareWithCpu,
  count,
  describeNative,
  exactly,
  float,
  given,
  type Input,
  ints,
  type Operation,
} from './op-test.ts';

// Moving data changes no bit, and neither do its gradients, except where several are added.
const moved = { gradient: true, tolerance: exactly, gradientTolerance: { absolute: 2e-6, relative: 1e-6 } };

const shape = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 });
const check = (property: fc.IAsyncPropertyWithHooks<never> | ReturnType<typeof fc.asyncProperty>) =>
  fc.assert(property as never, { numRuns: 30, seed: 5 });

describeNative('layout', () => {
  it('transpose: any order', async () => {
    await check(
      fc.asyncProperty(
        shape.chain((s) =>
          fc.tuple(
            fc.constant(s),
            fc.shuffledSubarray(
              s.map((_, d) => d),
              { minLength: s.length },
            ),
          ),
        ),
        async ([s, order]) => {
          const run: Operation = (x) => tf.transpose(x!, order);
          await compareWithCpu('transpose', run, [float('x', s)], moved);
          await compareWithCpu('transpose of bool', run, [bools('x', s)], { tolerance: exactly });
        },
      ),
    );
    for (const [s, order] of [
      [
        [70, 33],
        [1, 0],
      ],
      [
        [3, 40, 50],
        [0, 2, 1],
      ],
      [
        [20, 4, 30],
        [1, 0, 2],
      ],
      [
        [64, 8, 4, 3],
        [2, 3, 1, 0],
      ],
    ] as const) {
      await compareWithCpu(
        'large transpose',
        (x) => tf.transpose(x!, [...order]),
        [float('x', [...s])],
        moved,
      );
    }
  });

  it('slice, reverse, tile, pad, concat, stack, unstack, split: any shapes', async () => {
    const cut = shape.chain((s) =>
      fc.tuple(
        ...s.map((n) =>
          fc.tuple(fc.constant(n), fc.nat(n), fc.nat(n), fc.integer({ min: 0, max: 3 }), fc.boolean()),
        ),
      ),
    );
    await check(
      fc.asyncProperty(cut, async (dimensions) => {
        const s = dimensions.map(([n]) => n);
        const x = float('x', s);
        const begin = dimensions.map(([, a, b]) => Math.min(a, b));
        const size = dimensions.map(([, a, b]) => Math.abs(a - b));
        const axes = dimensions.flatMap(([, , , , flip], d) => (flip ? [d] : []));
        await compareWithCpu('slice', (t) => tf.slice(t!, begin, size), [x], moved);
        await compareWithCpu('reverse', (t) => tf.reverse(t!, axes), [x], { ...moved, gradient: false });
        await compareWithCpu(
          'tile',
          (t) =>
            tf.tile(
              t!,
              dimensions.map(([, , , r]) => r),
            ),
          [x],
          { tolerance: exactly },
        );
        await compareWithCpu(
          'pad',
          (t) =>
            tf.pad(
              t!,
              dimensions.map(([, a, , r]) => [a, r] as [number, number]),
              1.5,
            ),
          [x],
          moved,
        );
        const axis = axes[0] ?? 0;
        const other = float(
          'y',
          s.map((n, d) => (d === axis ? 2 : n)),
        );
        await compareWithCpu('concat', (a, b) => tf.concat([a!, b!, a!], axis), [x, other], moved);
        await compareWithCpu('stack', (a, b) => tf.stack([a!, b!], axis), [x, float('z', s)], {
          ...moved,
          gradient: count(s) > 0, // tfjs cannot unstack nothing
        });
        // tfjs's gradient of unstack fails for a single part
        if (count(s) > 0 && s[axis]! > 1)
          await compareWithCpu('unstack', (t) => tf.unstack(t!, axis), [x], moved);
        const parts = [begin[axis]!, s[axis]! - begin[axis]!];
        await compareWithCpu('split', (t) => tf.split(t!, parts, axis), [x], { ...moved, gradient: false });
      }),
    );
  });

  it('tile with its gradient', async () => {
    for (const [s, reps] of [
      [[3], [2]],
      [
        [2, 3],
        [2, 3],
      ],
      [
        [2, 1, 3],
        [1, 4, 2],
      ],
    ] as const) {
      await compareWithCpu('tile', (x) => tf.tile(x!, [...reps]), [float('x', [...s])], moved);
    }
  });

  it('stridedSlice with masks and negative strides', async () => {
    const x = float('x', [5, 6, 4]);
    const cases: Operation[] = [
      (t) => tf.stridedSlice(t!, [0, 1, 0], [5, 6, 4], [2, 2, 3]),
      (t) => tf.stridedSlice(t!, [4, 5, 3], [0, 0, 0], [-1, -2, -1]),
      (t) => tf.stridedSlice(t!, [1, 1, 1], [4, 4, 3], [1, 1, 1], 1, 2),
      (t) => tf.stridedSlice(t!, [2], [3], [1], 0, 0, 0, 0, 1),
      (t) => tf.stridedSlice(t!, [0, 1], [2, 3], [1, 1], 0, 0, 0, 1, 0),
    ];
    for (const run of cases) await compareWithCpu('stridedSlice', run, [x], { tolerance: exactly });
  });

  it('reshape, expandDims, squeeze share their data; clones outlive the original', async () => {
    await compareWithCpu('reshape', (x) => tf.reshape(x!, [3, -1]), [float('x', [2, 3, 4])], moved);
    await compareWithCpu('expandDims', (x) => tf.expandDims(x!, 1), [float('x', [2, 3])], moved);
    await compareWithCpu('squeeze', (x) => tf.squeeze(x!), [float('x', [1, 3, 1])], moved);
    await compareWithCpu(
      'clone',
      (x) => {
        const copy = tf.clone(tf.mul(x!, 2));
        return copy;
      },
      [float('x', [4])],
      moved,
    );
  });

  it('gather along any axis, with batches, with repeated ids', async () => {
    const ids = ints('ids', [2, 3], 4);
    for (const axis of [0, 1, 2]) {
      await compareWithCpu('gather', (x, i) => tf.gather(x!, i!, axis), [float('x', [4, 4, 4]), ids], moved);
    }
    await compareWithCpu('batched gather', (x, i) => tf.gather(x!, i!, 1, 1), [float('x', [2, 4, 3]), ids], {
      tolerance: exactly,
    });
    await compareWithCpu(
      'inner batched gather',
      (x, i) => tf.gather(x!, i!, 2, 1),
      [float('x', [2, 3, 4, 2]), ids],
      { tolerance: exactly },
    );
    await compareWithCpu(
      'gather nothing',
      (x, i) => tf.gather(x!, i!),
      [float('x', [4, 2]), ints('none', [0], 4)],
      { tolerance: exactly },
    );
    await compareWithCpu('gather of int32', (x, i) => tf.gather(x!, i!), [ints('x', [4, 2], 9), ids], {
      tolerance: exactly,
    });
  });

  it('unsortedSegmentSum, oneHot, gatherND, scatterND, topk, where indices', async () => {
    const ids = given([2, 0, 2, 1, 0], 'int32');
    for (const rest of [[], [3], [2, 2], [0], [70]]) {
      const sum: Operation = (x, i) => tf.unsortedSegmentSum(x!, i as tf.Tensor1D, 4);
      await compareWithCpu('unsortedSegmentSum', sum, [float('x', [5, ...rest]), ids], {
        gradient: count(rest) > 0,
      });
    }
    await compareWithCpu(
      'int segment sum',
      (x, i) => tf.unsortedSegmentSum(x!, i as tf.Tensor1D, 3),
      [ints('x', [5, 2], 9), ids],
      { tolerance: exactly },
    );
    await compareWithCpu('oneHot', (i) => tf.oneHot(i!, 3, 2, -1), [given([0, 2, -1, 3, 1], 'int32')], {
      tolerance: exactly,
    });
    await compareWithCpu(
      'gatherND',
      (x, i) => tf.gatherND(x!, i!),
      [float('x', [3, 4]), ints('i', [5, 2], 3)],
      { tolerance: exactly },
    );
    await compareWithCpu('scatterND', (i, x) => tf.scatterND(i!, x!, [4, 2]), [
      given([0, 3, 0], 'int32', [3, 1]),
      float('x', [3, 2]),
    ]);
    await compareWithCpu(
      'topk',
      (x) => {
        const { values, indices } = tf.topk(x!, 3);
        return [values, indices];
      },
      [float('x', [2, 7])],
      { tolerance: exactly },
    );
  });

  it('argMax and argMin along any axis, first of equals', async () => {
    const x: Input = given([1, 3, 3, 0, 0, 2, 5, 5, 5, -1, -1, 4], 'float32', [3, 4]);
    for (const axis of [0, 1]) {
      await compareWithCpu('argMax', (t) => tf.argMax(t!, axis), [x], { tolerance: exactly });
      await compareWithCpu('argMin', (t) => tf.argMin(t!, axis), [x], { tolerance: exactly });
    }
  });
});
