import * as tf from '@tensorflow/tfjs-core';
import { type NativeBackend, type Output, typeCode } from '../backend.ts';
import { fallback, floats, type KernelTable, type NativeKernel, numbers, numeric } from '../registry.ts';
import { sizeOf, writeBroadcast } from '../strides.ts';

/** In the order of `Binary` in native/src/elementwise.cpp; the first ten also exist for int32. */
const binaryOperations = [
  'Add',
  'Sub',
  'Multiply',
  'RealDiv',
  'Maximum',
  'Minimum',
  'SquaredDifference',
  'Pow',
  'Mod',
  'FloorDiv',
  'Prelu',
  'SigmoidGrad',
  'TanhGrad',
  'ReluGrad',
  'Atan2',
  'EluGrad',
] as const;
const integerOperations = 10;

/** In the order of `Unary` in native/src/elementwise.cpp. */
const unaryOperations = [
  'Neg',
  'Abs',
  'Exp',
  'Expm1',
  'Log',
  'Log1p',
  'Sqrt',
  'Rsqrt',
  'Square',
  'Reciprocal',
  'Sin',
  'Cos',
  'Tan',
  'Tanh',
  'Sigmoid',
  'Relu',
  'Relu6',
  'Elu',
  'Selu',
  'Softplus',
  'Erf',
  'Sign',
  'Floor',
  'Ceil',
  'Round',
  'Step',
  'ClipByValue',
  'LeakyRelu',
  'Silu',
  'Linear',
  'Asin',
  'Acos',
  'Atan',
  'Sinh',
  'Cosh',
  'Asinh',
  'Acosh',
  'Atanh',
] as const;

const comparisons = [
  'Equal',
  'NotEqual',
  'Less',
  'LessEqual',
  'Greater',
  'GreaterEqual',
  'LogicalAnd',
  'LogicalOr',
] as const;

type Unary = (typeof unaryOperations)[number];

/** Applies a unary operation to float32; `p`, `q` are its parameters, `out` may be the input itself. */
export function unary(
  backend: NativeBackend,
  name: Unary,
  x: tf.TensorInfo,
  p = 0,
  q = 0,
  out: Output = backend.output(x.shape, 'float32'),
): Output {
  const { args, op, run } = backend.engine;
  args[0] = unaryOperations.indexOf(name);
  args[1] = out.address;
  args[2] = backend.address(x);
  args[3] = sizeOf(x.shape);
  args[4] = p;
  args[5] = q;
  run(op.unary!);
  return out;
}

function binaryKernel(name: (typeof binaryOperations)[number]): NativeKernel {
  const code = binaryOperations.indexOf(name);
  return (backend, inputs, attributes) => {
    const a = (inputs.a ?? inputs.x ?? inputs.dy)!;
    const b = (inputs.b ?? inputs.alpha ?? inputs.y)!;
    if (a.dtype !== b.dtype || (a.dtype === 'int32' && code >= integerOperations)) {
      return fallback(name, backend, inputs, attributes);
    }
    return binary(backend, code, a, b);
  };
}

function binary(backend: NativeBackend, code: number, a: tf.TensorInfo, b: tf.TensorInfo): Output {
  const out = backend.output(tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape), a.dtype);
  const { args, op, run } = backend.engine;
  args[0] = code;
  args[1] = out.address;
  args[2] = backend.address(a);
  args[3] = backend.address(b);
  if (sizeOf(out.shape) === 0) return out;
  writeBroadcast(args, 4, out.shape, a.shape, b.shape);
  run(a.dtype === 'float32' ? op.binary! : op.integerBinary!);
  return out;
}

/** Adds two float32 tensors with broadcasting. */
export function add(backend: NativeBackend, a: tf.TensorInfo, b: tf.TensorInfo): Output {
  return binary(backend, 0, a, b);
}

function comparisonKernel(name: (typeof comparisons)[number]): NativeKernel {
  const code = comparisons.indexOf(name);
  return (backend, inputs, attributes) => {
    const a = inputs.a!;
    const b = inputs.b!;
    if (a.dtype !== b.dtype) return fallback(name, backend, inputs, attributes);
    return compare(backend, code, a, b);
  };
}

function compare(backend: NativeBackend, code: number, a: tf.TensorInfo, b: tf.TensorInfo): Output {
  const out = backend.output(tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape), 'bool');
  if (sizeOf(out.shape) === 0) return out;
  const { args, op, run } = backend.engine;
  args[0] = code;
  args[1] = out.address;
  args[2] = backend.address(a);
  args[3] = backend.address(b);
  args[4] = typeCode[a.dtype]!;
  writeBroadcast(args, 5, out.shape, a.shape, b.shape);
  run(op.compare!);
  return out;
}

const logicalNot: NativeKernel = (backend, { x }) => {
  const zero = { dataId: backend.write(new Uint8Array(1), [], 'bool'), shape: [], dtype: 'bool' as const };
  const out = compare(backend, 0, x!, zero);
  backend.disposeData(zero.dataId);
  return out;
};

/** tfjs: a condition of lower rank picks whole rows. */
const select: NativeKernel = (backend, inputs, attributes) => {
  const condition = inputs.condition!;
  const t = inputs.t!;
  const e = inputs.e!;
  if (t.dtype !== e.dtype || condition.dtype !== 'bool')
    return fallback('Select', backend, inputs, attributes);
  const out = backend.output(t.shape, t.dtype);
  const size = sizeOf(t.shape);
  const { args, op, run } = backend.engine;
  args[0] = out.address;
  args[1] = backend.address(condition);
  args[2] = backend.address(t);
  args[3] = backend.address(e);
  args[4] = typeCode[t.dtype]!;
  args[5] = size;
  args[6] =
    condition.shape.length === 0 || condition.shape.length > 1 || t.shape.length === 1
      ? 1
      : size / Math.max(1, t.shape[0]!);
  run(op.select!);
  return out;
};

const addN: NativeKernel = (backend, inputs) => {
  const tensors = Object.values(inputs);
  let total: tf.TensorInfo = add(backend, tensors[0]!, tensors.length > 1 ? tensors[1]! : zeroLike(backend));
  for (let i = 2; i < tensors.length; i++) {
    const next = add(backend, total, tensors[i]!);
    backend.disposeData(total.dataId);
    total = next;
  }
  return total;
};

function zeroLike(backend: NativeBackend): tf.TensorInfo {
  return { dataId: backend.write(new Float32Array(1), [], 'float32'), shape: [], dtype: 'float32' };
}

/** x compared with a number, or with itself. */
function classify(of: (typeof comparisons)[number], absolute: boolean, than?: number): NativeKernel {
  const code = comparisons.indexOf(of);
  return (backend, { x }) => {
    if (than === undefined) return compare(backend, code, x!, x!);
    const bound = {
      dataId: backend.write(Float32Array.of(than), [], 'float32'),
      shape: [],
      dtype: 'float32' as const,
    };
    const compared = absolute ? unary(backend, 'Abs', x!) : x!;
    const out = compare(backend, code, compared, bound);
    backend.disposeData(bound.dataId);
    if (absolute) backend.disposeData(compared.dataId);
    return out;
  };
}

const plainUnary = unaryOperations.filter(
  (name) => !['Step', 'ClipByValue', 'LeakyRelu', 'Silu', 'Linear'].includes(name),
);

export const elementwiseKernels: KernelTable = {
  ...Object.fromEntries(
    binaryOperations
      .filter((name) => !['SigmoidGrad', 'TanhGrad', 'ReluGrad'].includes(name))
      .map((name, code) => [
        name,
        { types: code < integerOperations ? numbers : floats, run: binaryKernel(name) },
      ]),
  ),
  ...Object.fromEntries(
    plainUnary.map((name) => [
      name,
      { types: floats, run: ((backend, { x }) => unary(backend, name, x!)) satisfies NativeKernel },
    ]),
  ),
  Step: { types: floats, run: (backend, { x }, { alpha }) => unary(backend, 'Step', x!, alpha) },
  LeakyRelu: { types: floats, run: (backend, { x }, { alpha }) => unary(backend, 'LeakyRelu', x!, alpha) },
  ClipByValue: {
    types: floats,
    run: (backend, { x }, attributes) =>
      unary(backend, 'ClipByValue', x!, attributes.clipValueMin, attributes.clipValueMax),
  },
  ...Object.fromEntries(comparisons.map((name) => [name, { types: numeric, run: comparisonKernel(name) }])),
  IsNan: { types: floats, run: classify('NotEqual', false) }, // NaN alone differs from itself
  IsInf: { types: floats, run: classify('Equal', true, Infinity) },
  IsFinite: { types: floats, run: classify('Less', true, Infinity) },
  LogicalNot: { types: ['bool'], run: logicalNot },
  Select: { types: numeric, run: select },
  AddN: { types: floats, run: addN },
};
