/**
 * One list of kernels for all backends: every kernel that our engines have, and every operation of models, with its
 * gradient, against tfjs's cpu backend. (The engines' own suites go further: special values, all shapes, equal bits.)
 */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import {
  attention,
  embedding,
  gatedFeedForward,
  linear,
  linearCrossEntropy,
  qkvProjection,
  rmsNorm,
  rotary,
  swiglu,
  tokenLogProbabilities,
} from '../../src/backend/index.ts';
import { nativeKernels } from '../../src/backend/native/register.ts';
import { describeBackends } from '../backends.ts';
import { shaped } from './differences.ts';
import {
  bools,
  compareWithCpu,
  float,
  given,
  type Input,
  ints,
  type Operation,
  type Tolerance,
} from './op-test.ts';

/** An operation, its inputs, and whether it has a gradient to compare. */
type Row = [Operation, Input[], 'gradient'?];

const any = [float('x', [5, 7]), float('y', [5, 7])];
const positive = [float('x', [5, 7], 0.2, 3)];
const small = [float('x', [5, 7], -0.9, 0.9)];
const large = [float('x', [5, 7], 1.1, 4)];
const row = float('row', [7], 0.5, 2);
/** Away from 0, where a step jumps or a quotient explodes. */
const nonzero = float('nonzero', [5, 7], 0.5, 2);
const booleans = [bools('a', [5, 7]), bools('b', [5, 7])];
const pair = [ints('i', [5, 7], 3), ints('j', [5, 7], 3)];
const cube = [float('cube', [2, 3, 5])];
const x = any.slice(0, 1);

const unary = (operation: (x: tf.Tensor) => tf.Tensor, inputs = x): Row => [
  (t) => operation(t!),
  inputs,
  'gradient',
];
const binary = (operation: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, second: Input = row): Row => [
  (a, b) => operation(a!, b!),
  [any[0]!, second],
  'gradient',
];
const compare = (operation: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, inputs = pair): Row => [
  (a, b) => operation(a!, b!),
  inputs,
];

/** By tfjs's name. */
const kernels: Readonly<Record<string, Row | Row[]>> = {
  Abs: unary(tf.abs),
  Acos: unary(tf.acos, small),
  Acosh: unary(tf.acosh, large),
  Add: binary(tf.add),
  AddN: [(a, b) => tf.addN([a!, b!, a!]), any, 'gradient'],
  All: [(a) => tf.all(a!, 1), booleans.slice(0, 1)],
  Any: [(a) => tf.any(a!, 0), booleans.slice(0, 1)],
  ArgMax: [(a) => tf.argMax(a!, 1), x],
  ArgMin: [(a) => tf.argMin(a!, 0), x],
  Asin: unary(tf.asin, small),
  Asinh: unary(tf.asinh),
  Atan: unary(tf.atan),
  Atan2: binary(tf.atan2, nonzero),
  Atanh: unary(tf.atanh, small),
  BatchMatMul: [false, true].flatMap((a) =>
    [false, true].map(
      (b): Row => [
        (p, q) => tf.matMul(p!, q!, a, b),
        [float('p', a ? [3, 11, 6] : [3, 6, 11]), float('q', b ? [3, 9, 11] : [3, 11, 9])],
        'gradient',
      ],
    ),
  ),
  Cast: [
    [(a) => tf.cast(a!, 'int32'), [float('cast', [9], -5, 5)]],
    [(a) => tf.cast(a!, 'float32'), pair.slice(0, 1)],
    [(a) => tf.mul(tf.cast(a!, 'float32'), 1.5), booleans.slice(0, 1)],
  ],
  Ceil: [(a) => tf.ceil(a!), x],
  ClipByValue: unary((a) => tf.clipByValue(a, -1, 0.5)),
  Concat: [
    [(a, b) => tf.concat([a!, b!], 1), any, 'gradient'],
    [(a, b) => tf.concat([a!, b!], 0), any, 'gradient'],
  ],
  Cos: unary(tf.cos),
  Cosh: unary(tf.cosh),
  Cumprod: [true, false].map((reverse): Row => [(a) => tf.cumprod(a!, 1, false, reverse), x]),
  Cumsum: [true, false].map((reverse): Row => [(a) => tf.cumsum(a!, 1, true, reverse), x]),
  Elu: unary(tf.elu),
  EluGrad: unary(tf.elu, small),
  Equal: compare(tf.equal),
  Erf: unary(tf.erf),
  Exp: unary(tf.exp),
  ExpandDims: unary((a) => tf.expandDims(a, 1)),
  Expm1: unary(tf.expm1),
  Fill: [() => tf.fill([3, 4], 2.5), []],
  Floor: [(a) => tf.floor(a!), x],
  FloorDiv: [
    (a, b) => tf.floorDiv(a!, b!),
    [ints('i', [9], 50), given([1, 2, 3, 4, 5, 6, 7, 8, 9], 'int32')],
  ],
  GatherV2: [
    [(a, i) => tf.gather(a!, i!), [float('table', [6, 5]), ints('ids', [11], 6)], 'gradient'],
    [(a, i) => tf.gather(a!, i!, 1), [float('table', [4, 6]), ints('ids', [3], 6)], 'gradient'],
  ],
  Greater: compare(tf.greater),
  GreaterEqual: compare(tf.greaterEqual),
  Identity: unary((a) => tf.mul(tf.clone(a), a)),
  IsFinite: [(a) => tf.isFinite(a!), x],
  IsInf: [(a) => tf.isInf(a!), x],
  IsNan: [(a) => tf.isNaN(a!), x],
  LeakyRelu: unary((a) => tf.leakyRelu(a, 0.1)),
  Less: compare(tf.less),
  LessEqual: compare(tf.lessEqual),
  Log: unary(tf.log, positive),
  Log1p: unary(tf.log1p, positive),
  LogSoftmax: unary((a) => tf.logSoftmax(a)),
  LogicalAnd: compare(tf.logicalAnd, booleans),
  LogicalNot: [(a) => tf.logicalNot(a!), booleans.slice(0, 1)],
  LogicalOr: compare(tf.logicalOr, booleans),
  Max: unary((a) => tf.max(a, 1)),
  Maximum: binary(tf.maximum, any[1]!),
  Mean: unary((a) => tf.mean(a, 0)),
  Min: unary((a) => tf.min(a, 0)),
  Minimum: binary(tf.minimum, any[1]!),
  Mod: [(a, b) => tf.mod(a!, b!), [any[0]!, row]],
  Multiply: binary(tf.mul),
  Neg: unary(tf.neg),
  NotEqual: compare(tf.notEqual),
  OneHot: [(i) => tf.oneHot(i! as tf.Tensor1D, 6), [ints('ids', [11], 6)]],
  OnesLike: [(a) => tf.onesLike(a!), x],
  Pack: [(a, b) => tf.stack([a!, b!], 1), any, 'gradient'],
  PadV2: unary((a) =>
    tf.pad(
      a,
      [
        [1, 2],
        [0, 3],
      ],
      0.5,
    ),
  ),
  Pow: [(a, b) => tf.pow(a!, b!), [nonzero, float('power', [5, 7])], 'gradient'],
  Prelu: binary((a, b) => tf.prelu(a, b), float('slope', [5, 7])),
  Prod: unary((a) => tf.prod(a, 1)),
  Range: [() => tf.range(2, 11, 3), []],
  RealDiv: binary(tf.div, nonzero),
  Reciprocal: unary(tf.reciprocal, [nonzero]),
  Relu: unary(tf.relu),
  Relu6: unary(tf.relu6),
  Reshape: unary((a) => tf.reshape(a, [7, -1])),
  Reverse: unary((a) => tf.reverse(a, 1)),
  Round: [(a) => tf.round(a!), x],
  Rsqrt: unary(tf.rsqrt, positive),
  Select: [(c, a, b) => tf.where(c!, a!, b!), [booleans[0]!, ...any], 'gradient'],
  Selu: unary(tf.selu),
  Sigmoid: unary(tf.sigmoid),
  Sign: [(a) => tf.sign(a!), x],
  Sin: unary(tf.sin),
  Sinh: unary(tf.sinh),
  Slice: unary((a) => tf.slice(a, [1, 2], [3, 4])),
  Softmax: unary((a) => tf.softmax(a)),
  Softplus: unary(tf.softplus),
  SplitV: [(a) => tf.split(a!, [2, 1, 4], 1), x, 'gradient'],
  Sqrt: unary(tf.sqrt, positive),
  Square: unary(tf.square),
  SquaredDifference: binary(tf.squaredDifference, any[1]!),
  Step: [(a) => tf.step(a!), x],
  StridedSlice: [(a) => tf.stridedSlice(a!, [4, 1], [0, 7], [-2, 3]), x],
  Sub: binary(tf.sub),
  Sum: [
    unary((a) => tf.sum(a, 1, true), cube),
    unary((a) => tf.sum(a, [0, 2]), cube),
    unary((a) => tf.sum(a), [float('long', [40, 70])]),
  ],
  Tan: unary(tf.tan, small),
  Tanh: unary(tf.tanh),
  Tile: unary((a) => tf.tile(a, [2, 3])),
  Transpose: unary((a) => tf.transpose(a, [2, 0, 1]), cube),
  Unpack: [(a) => tf.unstack(a!, 1), x, 'gradient'],
  UnsortedSegmentSum: [
    (a, i) => tf.unsortedSegmentSum(a!, i! as tf.Tensor1D, 4),
    [float('rows', [9, 3]), ints('segment', [9], 4)],
    'gradient',
  ],
  ZerosLike: [(a) => tf.zerosLike(a!), x],
  _FusedMatMul: [
    (a, b, c) => tf.fused.matMul({ a: shaped(a), b: shaped(b), bias: c!, activation: 'relu' }),
    [float('a', [6, 5]), float('b', [5, 8]), float('bias', [8])],
    'gradient',
  ],
};

const segments = Int32Array.of(0, 4, 4, 13);
const positions = given([0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 8], 'int32');

/** The operations of models, src/backend/ops. */
const operations: Readonly<Record<string, Row>> = {
  attention: [
    (q, k, v) => attention(shaped(q), shaped(k), shaped(v), segments),
    [float('q', [13, 4, 6]), float('k', [13, 2, 6]), float('v', [13, 2, 6])],
    'gradient',
  ],
  embedding: [
    (table, ids) => embedding(shaped(table), shaped(ids)),
    [float('table', [7, 5]), ints('ids', [13], 7)],
    'gradient',
  ],
  gatedFeedForward: [
    (h, g, u, d, r) => gatedFeedForward(shaped(h), shaped(g), shaped(u), shaped(d), shaped<tf.Tensor2D>(r)),
    [
      float('h', [13, 6]),
      float('gate', [9, 6], -1, 1),
      float('up', [9, 6], -1, 1),
      float('down', [6, 9], -1, 1),
      float('residual', [13, 6]),
    ],
    'gradient',
  ],
  linear: [
    (h, w, b, r) => linear(shaped(h), shaped(w), shaped<tf.Tensor1D>(b), shaped<tf.Tensor2D>(r)),
    [float('h', [13, 6]), float('w', [9, 6]), float('b', [9]), float('r', [13, 9])],
    'gradient',
  ],
  linearCrossEntropy: [
    (h, w, t) => linearCrossEntropy(shaped(h), shaped(w), shaped(t), { zLoss: 0.01 }),
    [float('h', [13, 6]), float('head', [11, 6]), ints('targets', [13], 11)],
    'gradient',
  ],
  qkvProjection: [
    (h, q, bq, k, bk, v, bv, p) =>
      qkvProjection(
        shaped(h),
        { weight: shaped(q), bias: shaped(bq) },
        { weight: shaped(k), bias: shaped(bk) },
        { weight: shaped(v), bias: shaped(bv) },
        shaped(p),
        { heads: 4, kvHeads: 2, base: 10_000 },
      ),
    [
      float('h', [13, 8]),
      float('wq', [16, 8], -1, 1),
      float('bq', [16]),
      float('wk', [8, 8], -1, 1),
      float('bk', [8]),
      float('wv', [8, 8], -1, 1),
      float('bv', [8]),
      positions,
    ],
    'gradient',
  ],
  rmsNorm: [
    (h, w) => rmsNorm(shaped(h), shaped(w), 1e-6),
    [float('h', [13, 6]), float('w', [6])],
    'gradient',
  ],
  rotary: [(h, p) => rotary(shaped(h), shaped(p), 10_000), [float('h', [13, 2, 6]), positions], 'gradient'],
  swiglu: [(g, u) => swiglu(shaped(g), shaped(u)), any, 'gradient'],
  tokenLogProbabilities: [
    (h, w, t) => {
      const options = { temperature: 0.7, entropy: true };
      const { logProbabilities, entropies } = tokenLogProbabilities(shaped(h), shaped(w), shaped(t), options);
      return [logProbabilities, entropies!];
    },
    [float('h', [13, 6]), float('head', [11, 6]), ints('targets', [13], 11)],
    'gradient',
  ],
};

/**
 * Ours round after every operation where cpu computes in float64. WebGPU promises much less of its functions (WGSL,
 * "Accuracy of built-in functions": tanh and pow through exp and log, a quotient within 2.5 units in the last place).
 */
const tolerances: Readonly<Record<string, Tolerance>> = {
  native: { absolute: 2e-5, relative: 2e-5 },
  wasm: { absolute: 2e-5, relative: 2e-5 },
  tensorflow: { absolute: 2e-5, relative: 2e-5 },
  webgpu: { absolute: 1e-4, relative: 1e-4 },
};

/** Sine and cosine of a shader may be wrong by 2⁻¹¹. */
const wide: Tolerance = { absolute: 1e-3, relative: 1e-3 };
const trigonometric = new Set(['Sin', 'Cos', 'Tan']);

describe('list of kernels', () => {
  it('is complete', () => {
    const own = Object.keys(nativeKernels).filter((name) => !name.startsWith('Interplay'));
    assert.deepEqual(Object.keys(kernels).sort(), own.sort());
  });
});

describeBackends('kernels', ['native', 'wasm', 'tensorflow', 'webgpu'], (backend) => {
  const all = { ...kernels, ...operations };
  for (const [name, rows] of Object.entries(all)) {
    it(name, async () => {
      const list = (Array.isArray(rows[0]) ? rows : [rows]) as Row[];
      for (const [operation, inputs, gradient] of list) {
        const inexact = backend === 'webgpu' && trigonometric.has(name);
        const tolerance = inexact ? wide : tolerances[backend]!;
        await compareWithCpu(name, operation, inputs, { gradient: gradient === 'gradient', tolerance });
      }
    });
  }
});
