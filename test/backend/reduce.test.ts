import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {
  bools,
  compareWithCpu,
  describeNative,
  exactly,
  float,
  given,
  ints,
  type Operation,
} from './op-test.ts';

const floatReductions: Record<string, (x: tf.Tensor, axis?: number[], keepDims?: boolean) => tf.Tensor> = {
  sum: tf.sum,
  mean: tf.mean,
  max: tf.max,
  min: tf.min,
  prod: tf.prod,
  logSumExp: tf.logSumExp,
};

describeNative('reductions', () => {
  for (const [name, reduce] of Object.entries(floatReductions)) {
    it(`${name}: any shape, any axes, kept or not`, async () => {
      const shape = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 0, maxLength: 4 });
      const cases = shape.chain((s) =>
        fc.tuple(
          fc.constant(s),
          fc.shuffledSubarray(
            s.map((_, d) => d),
            { minLength: 0 },
          ),
          fc.boolean(),
        ),
      );
      await fc.assert(
        fc.asyncProperty(cases, async ([s, axes, keep]) => {
          const run: Operation = (x) => reduce(x!, axes.length > 0 ? axes : undefined, keep);
          // Products of up to 600 numbers between 0.5 and 1.5, sums of as many: relative roundings add up.
          await compareWithCpu(name, run, [float(name, s, 0.5, 1.5)], {
            gradient: true,
            tolerance: { absolute: 1e-5, relative: 1e-5 },
          });
        }),
        { numRuns: 25, seed: 3 },
      );
    });
  }

  it('long sums keep the precision of float64', async () => {
    for (const [s, axis] of [
      [[70000], 0],
      [[2, 40000], 1],
      [[40000, 3], 0],
      [[3, 2000, 70], 1],
    ] as const) {
      // Both add in float64 and round once.
      const tolerance = { absolute: 1e-6, relative: 2e-7 };
      await compareWithCpu('sum', (x) => tf.sum(x!, axis), [float('x', [...s])], { tolerance });
      await compareWithCpu('mean', (x) => tf.mean(x!, axis), [float('x', [...s])], { tolerance });
    }
  });

  it('empty sums are 0, empty products 1; NaN propagates', async () => {
    await compareWithCpu('sum', (x) => tf.sum(x!, 1), [float('x', [2, 0])], { tolerance: exactly });
    await compareWithCpu('prod', (x) => tf.prod(x!, 1), [float('x', [2, 0])], { tolerance: exactly });
    await compareWithCpu('sum of nothing', (x) => tf.sum(x!, 0), [float('x', [3, 0])], {
      tolerance: exactly,
    });
    const x = given([1, Number.NaN, 2, 3, Infinity, -Infinity], 'float32', [3, 2]);
    for (const axis of [0, 1]) {
      for (const reduce of [tf.sum, tf.mean, tf.max, tf.min, tf.prod]) {
        await compareWithCpu(reduce.name, (t) => reduce(t!, axis), [x], { tolerance: exactly });
      }
    }
  });

  it('int32 and bool', async () => {
    const x = ints('x', [3, 4, 2], 50);
    for (const reduce of [tf.sum, tf.max, tf.min, tf.mean, tf.prod]) {
      for (const axis of [0, 1, 2]) {
        await compareWithCpu(reduce.name, (t) => reduce(t!, axis), [x], {
          tolerance: { absolute: 0, relative: 1e-6 },
        });
      }
    }
    const p = bools('p', [3, 4, 2]);
    for (const axis of [0, 1, 2]) {
      await compareWithCpu('any', (t) => tf.any(t!, axis), [p], { tolerance: exactly });
      await compareWithCpu('all', (t) => tf.all(t!, axis), [p], { tolerance: exactly });
      await compareWithCpu('sum of bool', (t) => tf.sum(t!, axis), [p], { tolerance: exactly });
    }
  });

  it('softmax and logSoftmax, also of extremes', async () => {
    for (const shape of [[1], [5], [3, 1], [4, 33], [2, 3, 7]]) {
      const inputs = [float('logits', shape, -6, 6)];
      await compareWithCpu('softmax', (x) => tf.softmax(x!), inputs, { gradient: true });
      await compareWithCpu('logSoftmax', (x) => tf.logSoftmax(x!), inputs, {
        gradient: true,
        tolerance: { absolute: 3e-6, relative: 2e-6 },
      });
    }
    const extremes = given([1e4, 0, -1e4, -Infinity, 3, 3, -1e30, 1, 2, Number.NaN, 0, 0], 'float32', [3, 4]);
    await compareWithCpu('softmax of extremes', (x) => tf.softmax(x!), [extremes]);
  });

  it('cumsum and cumprod along any axis, exclusive and reversed', async () => {
    for (const axis of [0, 1, 2]) {
      for (const exclusive of [false, true]) {
        for (const reverse of [false, true]) {
          const x = float('x', [2, 3, 4]);
          await compareWithCpu('cumsum', (t) => tf.cumsum(t!, axis, exclusive, reverse), [x], {
            gradient: axis === 2, // tfjs's gradient along other axes of three has the wrong shape
          });
          await compareWithCpu('cumprod', (t) => tf.cumprod(t!, axis, exclusive, reverse), [x]);
        }
      }
    }
    await compareWithCpu('cumsum of int32', (t) => tf.cumsum(t!, 0), [ints('i', [5], 9)], {
      tolerance: exactly,
    });
  });
});
