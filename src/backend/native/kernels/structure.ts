import * as tf from '@tensorflow/tfjs-core';
import { elementBytes, type NativeBackend, type Output, typeCode } from '../backend.ts';
import { fallback, type KernelTable, type NativeKernel, numbers, numeric } from '../registry.ts';
import { sizeOf } from '../strides.ts';
import { fillWith, reshape } from './layout.ts';

export function castTo(backend: NativeBackend, x: tf.TensorInfo, dtype: tf.DataType): Output {
  const out = backend.output(x.shape, dtype);
  const { args, op, run } = backend.engine;
  args[0] = out.address;
  args[1] = typeCode[dtype]!;
  args[2] = backend.address(x);
  args[3] = typeCode[x.dtype]!;
  args[4] = sizeOf(x.shape);
  run(op.cast!);
  return out;
}

const cast: NativeKernel = (backend, inputs, attributes) => {
  const x = inputs.x!;
  if (attributes.dtype === x.dtype) return reshape(backend, x, x.shape);
  if (typeCode[attributes.dtype] === undefined) return fallback('Cast', backend, inputs, attributes);
  return castTo(backend, x, attributes.dtype);
};

const gather: NativeKernel = (backend, inputs, attributes) => {
  const x = inputs.x!;
  const indices = inputs.indices!;
  if (indices.dtype !== 'int32') return fallback('GatherV2', backend, inputs, attributes);
  const axis = tf.util.parseAxisParam(attributes.axis, x.shape)[0]!;
  const info = tf.backend_util.segment_util.collectGatherOpShapeInfo(
    x as tf.Tensor,
    indices as tf.Tensor,
    axis,
    attributes.batchDims ?? 0,
  );
  const { batchSize, outerSize, dimSize, sliceSize, outputShape } = info;
  const out = backend.output(outputShape, x.dtype);
  const count = sizeOf(indices.shape) / Math.max(1, batchSize);
  const bytes = sliceSize * elementBytes(x.dtype);
  if (sizeOf(outputShape) === 0) return out;
  const run = (batch: number, outer: number, step: number) => {
    const { args, op } = backend.engine;
    args[0] = out.address + batch * outerSize * count * bytes;
    args[1] = backend.address(x) + batch * outerSize * dimSize * bytes;
    args[2] = backend.address(indices) + batch * count * 4;
    args[3] = outer;
    args[4] = dimSize;
    args[5] = bytes;
    args[6] = count;
    args[7] = step;
    backend.engine.run(op.gather!);
  };
  if (outerSize === 1) run(0, batchSize, count);
  else for (let batch = 0; batch < batchSize; batch++) run(batch, outerSize, 0);
  return out;
};

const segmentSum: NativeKernel = (backend, inputs, attributes) => {
  const x = inputs.x!;
  const ids = inputs.segmentIds!;
  const { numSegments } = attributes;
  if (ids.dtype !== 'int32' || x.dtype !== 'float32')
    return fallback('UnsortedSegmentSum', backend, inputs, attributes);
  const rest = x.shape.slice(ids.shape.length);
  const out = backend.output([numSegments, ...rest], x.dtype);
  const { args, op, run } = backend.engine;
  args[0] = out.address;
  args[1] = backend.address(x);
  args[2] = backend.address(ids);
  args[3] = sizeOf(ids.shape);
  args[4] = sizeOf(rest);
  args[5] = numSegments;
  run(op.segmentSum!);
  return out;
};

const oneHot: NativeKernel = (backend, { indices }, { dtype, depth, onValue, offValue }) => {
  const out = backend.output([...indices!.shape, depth], dtype);
  const { args, op, run } = backend.engine;
  args[0] = out.address;
  args[1] = typeCode[dtype]!;
  args[2] = backend.address(indices!);
  args[3] = sizeOf(indices!.shape);
  args[4] = depth;
  args[5] = onValue;
  args[6] = offValue;
  run(op.oneHot!);
  return out;
};

const fill: NativeKernel = (backend, inputs, attributes) => {
  const { shape, value } = attributes;
  const dtype = attributes.dtype || tf.util.inferDtype(value);
  if (typeCode[dtype] === undefined) return fallback('Fill', backend, inputs, attributes);
  const out = backend.output(shape, dtype);
  fillWith(backend, out, Number(value));
  return out;
};

function constantLike(value: number): NativeKernel {
  return (backend, { x }) => {
    const out = backend.output(x!.shape, x!.dtype);
    fillWith(backend, out, value);
    return out;
  };
}

const range: NativeKernel = (backend, _inputs, { start, stop, step, dtype }) => {
  // tfjs: an impossible direction is empty, and counting down needs no negative step when it is the default 1.
  const empty = start === stop || (start < stop && step < 0) || (stop < start && step > 1);
  const out = backend.output([empty ? 0 : Math.abs(Math.ceil((stop - start) / step))], dtype);
  const { args, op, run } = backend.engine;
  args[0] = out.address;
  args[1] = typeCode[dtype]!;
  args[2] = out.shape[0]!;
  args[3] = start;
  args[4] = stop < start && step === 1 ? -1 : step;
  run(op.range!);
  return out;
};

export const structureKernels: KernelTable = {
  Cast: { types: numeric, run: cast },
  GatherV2: { types: numeric, run: gather },
  UnsortedSegmentSum: { types: numbers, run: segmentSum },
  OneHot: { types: ['int32'], run: oneHot },
  Fill: { types: numeric, run: fill },
  ZerosLike: { types: numeric, run: constantLike(0) },
  OnesLike: { types: numeric, run: constantLike(1) },
  Range: { types: numbers, run: range },
};
