import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {
  bools,
  closely,
  compareWithCpu,
  count,
  describeNative,
  exactly,
  float,
  given,
  ints,
  type Operation,
} from './op-test.ts';

const special = [Number.NaN, Infinity, -Infinity, 0, -0, 1, -1, 0.5, -2.5, 3.5, 100, -100];

const unary: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  abs: tf.abs,
  neg: tf.neg,
  exp: tf.exp,
  expm1: tf.expm1,
  square: tf.square,
  sin: tf.sin,
  cos: tf.cos,
  tanh: tf.tanh,
  sigmoid: tf.sigmoid,
  relu: tf.relu,
  relu6: tf.relu6,
  elu: tf.elu,
  selu: tf.selu,
  softplus: tf.softplus,
  erf: tf.erf,
  sign: tf.sign,
  floor: tf.floor,
  ceil: tf.ceil,
  round: tf.round,
  reciprocal: tf.reciprocal,
  atan: tf.atan,
  sinh: tf.sinh,
  cosh: tf.cosh,
  asinh: tf.asinh,
  step: (x) => tf.step(x, 0.25),
  clipByValue: (x) => tf.clipByValue(x, -0.5, 0.75),
  leakyRelu: (x) => tf.leakyRelu(x, 0.1),
};
const positive: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  log: tf.log,
  log1p: tf.log1p,
  sqrt: tf.sqrt,
  rsqrt: tf.rsqrt,
};
const unit: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  asin: tf.asin,
  acos: tf.acos,
  atanh: tf.atanh,
  tan: tf.tan,
};
// No gradient in tfjs, or none where it matters.
const flat = ['sign', 'floor', 'ceil', 'round', 'step'];

const binary: Record<string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor> = {
  add: tf.add,
  sub: tf.sub,
  mul: tf.mul,
  div: tf.div,
  maximum: tf.maximum,
  minimum: tf.minimum,
  squaredDifference: tf.squaredDifference,
  atan2: tf.atan2,
  mod: tf.mod,
  prelu: tf.prelu,
};
// tfjs's own gradients of the others do not reduce to a broadcast operand's shape, and none does for empty ones.
const broadcastGradient = ['add', 'sub', 'mul', 'div', 'mod', 'atan2'];
const comparisons: Record<string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor> = {
  equal: tf.equal,
  notEqual: tf.notEqual,
  less: tf.less,
  lessEqual: tf.lessEqual,
  greater: tf.greater,
  greaterEqual: tf.greaterEqual,
};

describeNative('element-wise', () => {
  it('isNaN, isInf, isFinite', async () => {
    const inputs = [given([0, -0, 1, -3, NaN, Infinity, -Infinity, 3e38, 1e-45])];
    for (const operation of [tf.isNaN, tf.isInf, tf.isFinite]) {
      await compareWithCpu(operation.name, operation as Operation, inputs);
      await compareWithCpu(`${operation.name} of nothing`, operation as Operation, [
        given([], 'float32', [0, 2]),
      ]);
    }
  });

  for (const [name, operation] of Object.entries({ ...unary, ...positive, ...unit })) {
    it(`${name}: odd sizes, empty, NaN and infinities`, async () => {
      const low = name in positive ? 0.1 : name in unit ? -0.9 : -3;
      const high = name in unit ? 0.9 : 3;
      // exp, sinh, cosh of 3 have derivatives of 20: a few units in the last place of that.
      for (const shape of [[0], [1], [7], [3, 0, 2], [2, 3, 5], [131]]) {
        await compareWithCpu(name, operation as Operation, [float(name, shape, low, high)], {
          gradient: !flat.includes(name),
          tolerance: { absolute: 3e-6, relative: 3e-6 },
        });
      }
      // erf: tfjs approximates it with an absolute error of 1.5e-7.
      await compareWithCpu(name, operation as Operation, [given(special)], {
        tolerance: { absolute: 3e-6, relative: 3e-6 },
      });
    });
  }

  for (const [name, operation] of Object.entries({ ...binary, ...comparisons })) {
    it(`${name}: every way to broadcast`, async () => {
      const pairs: [number[], number[]][] = [
        [[5], [5]],
        [[], [4]],
        [[3, 4], []],
        [[3, 4], [4]],
        [
          [3, 1],
          [1, 4],
        ],
        [
          [2, 3, 4],
          [3, 1],
        ],
        [
          [2, 1, 4],
          [3, 1],
        ],
        [[1], [2, 3, 5]],
        [
          [0, 3],
          [1, 3],
        ],
        [
          [2, 1, 2, 1, 3],
          [1, 4, 1, 2, 1],
        ],
        [[1, 1], [1]],
      ];
      for (const [a, b] of pairs) {
        const inputs = [float(`${name} a`, a, -3, 3), float(`${name} b`, b, 0.5, 3)];
        const empty = count(a) * count(b) === 0;
        const same = a.join() === b.join();
        await compareWithCpu(name, operation as Operation, inputs, {
          gradient: name in binary && (same || broadcastGradient.includes(name)) && !empty,
        });
      }
      const grid = special.flatMap((x) => special.map((y) => [x, y] as const));
      const xs = given(grid.map(([x]) => x));
      const ys = given(grid.map(([, y]) => y));
      await compareWithCpu(`${name} of special values`, operation as Operation, [xs, ys]);
    });
  }

  it('arithmetic and comparison of int32 wrap and round as tfjs does', async () => {
    const a = given([7, -7, 2147483647, 0, -3, 100000], 'int32');
    const b = given([2, 2, 1, 5, -3, 100000], 'int32');
    for (const operation of [
      tf.add,
      tf.sub,
      tf.mul,
      tf.maximum,
      tf.minimum,
      tf.mod,
      tf.squaredDifference,
      tf.floorDiv,
      tf.div,
      tf.pow,
    ]) {
      await compareWithCpu(operation.name, operation as Operation, [a, b], { tolerance: exactly });
    }
    for (const operation of Object.values(comparisons)) {
      await compareWithCpu(operation.name, operation as Operation, [a, b], { tolerance: exactly });
    }
  });

  it('pow with its gradient for positive bases', async () => {
    const inputs = [float('base', [3, 4], 0.5, 2), float('exponent', [4], -1, 2)];
    await compareWithCpu('pow', tf.pow as Operation, inputs, { gradient: true });
  });

  it('logical operations, where and casts', async () => {
    const [p, q] = [bools('p', [2, 3]), bools('q', [3])];
    await compareWithCpu('and', tf.logicalAnd as Operation, [p, q]);
    await compareWithCpu('or', tf.logicalOr as Operation, [p, q]);
    await compareWithCpu('not', tf.logicalNot as Operation, [p]);
    await compareWithCpu('where', tf.where as Operation, [p, float('t', [2, 3]), float('e', [2, 3])], {
      gradient: true,
    });
    const numbers = given([0, 1, -1.5, 2.9, Number.NaN, 3e9, -3e9, Infinity]);
    for (const dtype of ['float32', 'int32', 'bool'] as const) {
      await compareWithCpu(`cast to ${dtype}`, (x) => tf.cast(x!, dtype), [numbers], { tolerance: exactly });
      await compareWithCpu(`cast int to ${dtype}`, (x) => tf.cast(x!, dtype), [ints('i', [5], 3)], {
        tolerance: exactly,
      });
      await compareWithCpu(`cast bool to ${dtype}`, (x) => tf.cast(x!, dtype), [p], { tolerance: exactly });
    }
  });

  it('addN and fill, zerosLike, onesLike, range', async () => {
    const inputs = ['a', 'b', 'c'].map((name) => float(name, [3, 2]));
    await compareWithCpu('addN', (...xs) => tf.addN(xs), inputs, { gradient: true });
    await compareWithCpu('addN of one', (x) => tf.addN([x!]), [inputs[0]!]);
    await compareWithCpu(
      'constants',
      (x) => [tf.zerosLike(x!), tf.onesLike(x!), tf.fill([2, 0], 3), tf.fill([2, 2], 3)],
      [ints('x', [4], 9)],
    );
    for (const [start, stop, step] of [
      [0, 5, 1],
      [5, 0, 1],
      [5, 0, -2],
      [0, 1, 0.3],
      [2, 2, 1],
      [0, 5, -1],
    ] as const) {
      // tfjs adds the step again and again; we multiply, which rounds less.
      await compareWithCpu('range', () => tf.range(start, stop, step), [], { tolerance: closely });
    }
  });

  it('broadcasts any two compatible shapes as cpu does', async () => {
    const dimension = fc.tuple(fc.integer({ min: 0, max: 4 }), fc.constantFrom('both', 'left', 'right'));
    await fc.assert(
      fc.asyncProperty(fc.array(dimension, { maxLength: 5 }), fc.boolean(), async (dimensions, drop) => {
        const side = (who: string) => {
          const shape = dimensions.map(([n, kept]) => (kept === 'both' || kept === who ? n : 1));
          // Leading ones may also be absent.
          const first = shape.findIndex((n) => n !== 1);
          return drop ? shape.slice(first < 0 ? shape.length : first) : shape;
        };
        const inputs = [float('left', side('left')), float('right', side('right'))];
        const empty = inputs.some(({ shape }) => count(shape) === 0);
        await compareWithCpu('sub', tf.sub as Operation, inputs, { gradient: !empty, tolerance: closely });
      }),
      { numRuns: 40, seed: 7 },
    );
  });
});
