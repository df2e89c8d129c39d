import * as tf from '@tensorflow/tfjs-core';
import { type NativeBackend, type Output, typeCode } from '../backend.ts';
import { floats, type KernelTable, type NativeKernel, numbers, numeric } from '../registry.ts';
import { sizeOf } from '../strides.ts';
import { transpose } from './layout.ts';
import { castTo } from './structure.ts';

/** In the order of `Reduction` in native/src/rows.cpp and structure.cpp. */
const reductions = ['Sum', 'Mean', 'Max', 'Min', 'Prod', 'Any', 'All'] as const;

function reduceKernel(name: (typeof reductions)[number]): NativeKernel {
  const code = reductions.indexOf(name);
  return (backend, { x }, { axis, reductionIndices, keepDims }) => {
    // tfjs calls the axes of Max `reductionIndices`, those of the others `axis`.
    const axes = tf.util.parseAxisParam(axis ?? reductionIndices, x!.shape).sort((p, q) => p - q);
    let input: tf.TensorInfo = x!;
    const held: tf.TensorInfo[] = [];
    if (name === 'Mean' && input.dtype !== 'float32') {
      input = castTo(backend, input, 'float32');
      held.push(input);
    }
    const shape = x!.shape.filter((_, d) => !axes.includes(d));
    const kept = keepDims ? tf.backend_util.expandShapeToKeepDim(shape, axes) : shape;
    let [outer, reduced, inner] = split(input.shape, axes);
    if (!contiguous(axes)) {
      const rest = input.shape.map((_, d) => d).filter((d) => !axes.includes(d));
      input = transpose(backend, input, [...rest, ...axes]);
      held.push(input);
      outer = sizeOf(shape);
      reduced = sizeOf(axes.map((d) => x!.shape[d]!));
      inner = 1;
    }
    const out = reduce(backend, code, input, kept, outer, reduced, inner);
    for (const { dataId } of held) backend.disposeData(dataId);
    return out;
  };
}

function reduce(
  backend: NativeBackend,
  code: number,
  x: tf.TensorInfo,
  shape: number[],
  outer: number,
  reduced: number,
  inner: number,
): Output {
  const name = reductions[code]!;
  const logical = name === 'Any' || name === 'All';
  const float = x.dtype === 'float32' && !logical;
  const integerSum = name === 'Sum' || name === 'Prod';
  const dtype = logical ? 'bool' : x.dtype === 'bool' && integerSum ? 'int32' : x.dtype;
  const out = backend.output(shape, dtype);
  if (sizeOf(shape) === 0) return out;
  const { args, op, run } = backend.engine;
  let i = 0;
  args[i++] = code;
  args[i++] = out.address;
  args[i++] = backend.address(x);
  if (!float) args[i++] = typeCode[x.dtype]!;
  args[i++] = outer;
  args[i++] = reduced;
  args[i++] = inner;
  run(float ? op.reduce! : op.integerReduce!);
  return out;
}

function contiguous(axes: readonly number[]): boolean {
  return axes.every((axis, i) => i === 0 || axis === axes[i - 1]! + 1);
}

/** [elements before the axes, within, behind]. */
function split(shape: readonly number[], axes: readonly number[]): [number, number, number] {
  if (axes.length === 0) return [sizeOf(shape), 1, 1];
  const first = axes[0]!;
  const last = axes[axes.length - 1]!;
  return [sizeOf(shape.slice(0, first)), sizeOf(shape.slice(first, last + 1)), sizeOf(shape.slice(last + 1))];
}

function softmaxKernel(log: boolean): NativeKernel {
  return (backend, inputs) => {
    const x = (inputs.logits ?? inputs.x)!;
    const out = backend.output(x.shape, 'float32');
    const n = x.shape.at(-1) ?? 1;
    if (sizeOf(x.shape) === 0) return out;
    const { args, op, run } = backend.engine;
    args[0] = out.address;
    args[1] = backend.address(x);
    args[2] = sizeOf(x.shape) / n;
    args[3] = n;
    args[4] = log ? 1 : 0;
    run(op.softmax!);
    return out;
  };
}

/** Runs `kernel` with `axis` moved to the end; the result keeps the other dimensions in order. */
function withAxisLast(
  backend: NativeBackend,
  x: tf.TensorInfo,
  axis: number,
  kernel: (input: tf.TensorInfo) => Output,
): { out: Output; moved: boolean } {
  if (axis === x.shape.length - 1) return { out: kernel(x), moved: false };
  const order = x.shape.map((_, d) => d).filter((d) => d !== axis);
  const input = transpose(backend, x, [...order, axis]);
  const out = kernel(input);
  backend.disposeData(input.dataId);
  return { out, moved: true };
}

function argKernel(minimum: boolean): NativeKernel {
  return (backend, { x }, { axis }) => {
    const [along] = tf.util.parseAxisParam(axis, x!.shape) as [number];
    return withAxisLast(backend, x!, along, (input) => {
      const n = input.shape.at(-1)!;
      const out = backend.output(input.shape.slice(0, -1), 'int32');
      const { args, op, run } = backend.engine;
      args[0] = out.address;
      args[1] = backend.address(input);
      args[2] = typeCode[input.dtype]!;
      args[3] = sizeOf(out.shape);
      args[4] = n;
      args[5] = minimum ? 1 : 0;
      run(op.argReduce!);
      return out;
    }).out;
  };
}

function cumulativeKernel(product: boolean): NativeKernel {
  return (backend, { x }, { axis, exclusive, reverse }) => {
    const rank = x!.shape.length;
    const along = rank === 0 ? 0 : tf.util.parseAxisParam(axis, x!.shape)[0]!;
    const { out, moved } = withAxisLast(backend, x!, rank === 0 ? -1 : along, (input) => {
      const result = backend.output(input.shape, input.dtype);
      const n = input.shape.at(-1) ?? 1;
      const { args, op, run } = backend.engine;
      args[0] = result.address;
      args[1] = backend.address(input);
      args[2] = typeCode[input.dtype]!;
      args[3] = n === 0 ? 0 : sizeOf(input.shape) / n;
      args[4] = n;
      args[5] = exclusive ? 1 : 0;
      args[6] = reverse ? 1 : 0;
      args[7] = product ? 1 : 0;
      run(op.cumulative!);
      return result;
    });
    if (!moved) return out;
    const order = x!.shape.map((_, d) => (d < along ? d : d === along ? rank - 1 : d - 1));
    const back = transpose(backend, out, order);
    backend.disposeData(out.dataId);
    return back;
  };
}

export const reduceKernels: KernelTable = {
  ...Object.fromEntries(reductions.map((name) => [name, { types: numeric, run: reduceKernel(name) }])),
  Softmax: { types: floats, run: softmaxKernel(false) },
  LogSoftmax: { types: floats, run: softmaxKernel(true) },
  ArgMax: { types: numeric, run: argKernel(false) },
  ArgMin: { types: numeric, run: argKernel(true) },
  Cumsum: { types: numbers, run: cumulativeKernel(false) },
  Cumprod: { types: numbers, run: cumulativeKernel(true) },
};
