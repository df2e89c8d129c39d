import * as tf from '@tensorflow/tfjs-core';
import { elementBytes, type NativeBackend, type Output, typeCode } from '../backend.ts';
import { type KernelTable, type NativeKernel, numeric } from '../registry.ts';
import { copyStrided, denseStrides, sizeOf } from '../strides.ts';

/** x with its dimensions in the order `order`. */
export function transpose(backend: NativeBackend, x: tf.TensorInfo, order: readonly number[]): Output {
  const shape = order.map((d) => x.shape[d]!);
  const out = backend.output(shape, x.dtype);
  const strides = denseStrides(x.shape);
  const source = order.map((d) => strides[d]!);
  copyStrided(
    backend,
    out.address,
    backend.address(x),
    elementBytes(x.dtype),
    shape,
    denseStrides(shape),
    source,
  );
  return out;
}

/** The same data under another shape, shared by reference count. */
export function reshape(backend: NativeBackend, x: tf.TensorInfo, shape: number[]): tf.TensorInfo {
  backend.incRef(x.dataId);
  return { dataId: x.dataId, shape, dtype: x.dtype };
}

/** Copies the block at `begin` (every `steps`-th element) of x into a new tensor of shape `size`. */
function block(
  backend: NativeBackend,
  x: tf.TensorInfo,
  begin: readonly number[],
  size: number[],
  steps?: readonly number[],
): Output {
  const out = backend.output(size, x.dtype);
  const bytes = elementBytes(x.dtype);
  const strides = denseStrides(x.shape);
  let offset = 0;
  for (let d = 0; d < begin.length; d++) offset += begin[d]! * strides[d]!;
  const source = steps === undefined ? strides : strides.map((stride, d) => stride * steps[d]!);
  copyStrided(
    backend,
    out.address,
    backend.address(x) + offset * bytes,
    bytes,
    size,
    denseStrides(size),
    source,
  );
  return out;
}

const slice: NativeKernel = (backend, { x }, { begin, size }) => {
  const [start, extent] = tf.slice_util.parseSliceParams(x as tf.Tensor, begin, size);
  tf.slice_util.assertParamsValid(x as tf.Tensor, start!, extent!);
  return block(backend, x!, start!, extent!);
};

const stridedSlice: NativeKernel = (backend, { x }, attributes) => {
  const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = attributes;
  const info = tf.slice_util.sliceInfo(
    x!.shape,
    begin,
    end,
    strides,
    beginMask,
    endMask,
    ellipsisMask,
    newAxisMask,
    shrinkAxisMask,
  );
  // One size per dimension of x; new and dropped axes only appear in the final shape.
  const size = tf.slice_util.computeOutShape(info.begin, info.end, info.strides).map((n) => Math.max(0, n));
  const part = block(backend, x!, info.begin, size, info.strides);
  return { dataId: part.dataId, shape: info.finalShape, dtype: part.dtype };
};

/** Copies x into `out` (shape `shape`) at `begin`. */
function paste(backend: NativeBackend, out: Output, begin: readonly number[], x: tf.TensorInfo): void {
  const bytes = elementBytes(x.dtype);
  const strides = denseStrides(out.shape);
  let offset = 0;
  for (let d = 0; d < begin.length; d++) offset += begin[d]! * strides[d]!;
  copyStrided(
    backend,
    out.address + offset * bytes,
    backend.address(x),
    bytes,
    x.shape,
    strides,
    denseStrides(x.shape),
  );
}

const concat: NativeKernel = (backend, inputs, { axis }) => {
  const tensors = Object.values(inputs);
  const along = tf.util.parseAxisParam(axis, tensors[0]!.shape)[0]!;
  const shapes = tensors.map((tensor) => tensor.shape);
  const out = backend.output(tf.backend_util.computeOutShape(shapes, along), tensors[0]!.dtype);
  const begin = new Array<number>(out.shape.length).fill(0);
  for (const tensor of tensors) {
    paste(backend, out, begin, tensor);
    begin[along]! += tensor.shape[along]!;
  }
  return out;
};

const pack: NativeKernel = (backend, inputs, { axis }) => {
  const tensors = Object.values(inputs);
  const rank = tensors[0]!.shape.length + 1;
  const along = axis < 0 ? axis + rank : axis;
  const row = (tensor: tf.TensorInfo) => [...tensor.shape.slice(0, along), 1, ...tensor.shape.slice(along)];
  const shape = row(tensors[0]!);
  shape[along] = tensors.length;
  const out = backend.output(shape, tensors[0]!.dtype);
  const begin = new Array<number>(rank).fill(0);
  tensors.forEach((tensor, i) => {
    begin[along] = i;
    paste(backend, out, begin, { ...tensor, shape: row(tensor) });
  });
  return out;
};

const unpack: NativeKernel = (backend, { value }, { axis }) => {
  const shape = value!.shape;
  const along = axis < 0 ? axis + shape.length : axis;
  const size = shape.map((n, d) => (d === along ? 1 : n));
  return Array.from({ length: shape[along]! }, (_, i) => {
    const part = block(
      backend,
      value!,
      shape.map((_, d) => (d === along ? i : 0)),
      size,
    );
    return { dataId: part.dataId, shape: shape.filter((_, d) => d !== along), dtype: part.dtype };
  });
};

const splitV: NativeKernel = (backend, { x }, { numOrSizeSplits, axis }) => {
  const along = tf.util.parseAxisParam(axis, x!.shape)[0]!;
  const sizes = tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits, along);
  const begin = new Array<number>(x!.shape.length).fill(0);
  return sizes.map((n) => {
    const part = block(
      backend,
      x!,
      begin,
      x!.shape.map((size, d) => (d === along ? n : size)),
    );
    begin[along]! += n;
    return part;
  });
};

const padV2: NativeKernel = (backend, { x }, { paddings, constantValue }) => {
  const pads = paddings as [number, number][];
  const out = backend.output(
    x!.shape.map((n, d) => n + pads[d]![0] + pads[d]![1]),
    x!.dtype,
  );
  fillWith(backend, out, constantValue);
  paste(
    backend,
    out,
    pads.map(([before]) => before),
    x!,
  );
  return out;
};

/** Sets every element. */
export function fillWith(backend: NativeBackend, out: Output, value: number): void {
  const { args, op, run } = backend.engine;
  args[0] = out.address;
  args[1] = typeCode[out.dtype]!;
  args[2] = sizeOf(out.shape);
  args[3] = value;
  run(op.fill!);
}

const tile: NativeKernel = (backend, { x }, { reps }) => {
  const repeats = reps as number[];
  const shape = x!.shape.map((n, d) => n * repeats[d]!);
  const out = backend.output(shape, x!.dtype);
  // Each dimension as (repeat, element): the repeat has stride 0 in x.
  const sizes: number[] = [];
  const to: number[] = [];
  const from: number[] = [];
  const outStrides = denseStrides(shape);
  const strides = denseStrides(x!.shape);
  x!.shape.forEach((n, d) => {
    sizes.push(repeats[d]!, n);
    to.push(outStrides[d]! * n, outStrides[d]!);
    from.push(0, strides[d]!);
  });
  copyStrided(backend, out.address, backend.address(x!), elementBytes(x!.dtype), sizes, to, from);
  return out;
};

const reverse: NativeKernel = (backend, { x }, { dims }) => {
  const axes = tf.util.parseAxisParam(dims, x!.shape);
  const flip = (d: number) => axes.includes(d);
  return block(
    backend,
    x!,
    x!.shape.map((n, d) => (flip(d) ? Math.max(0, n - 1) : 0)),
    x!.shape.slice(),
    x!.shape.map((_, d) => (flip(d) ? -1 : 1)),
  );
};

const sharedShape: NativeKernel = (backend, { x }, { shape }) =>
  reshape(backend, x!, tf.util.inferFromImplicitShape(shape, sizeOf(x!.shape)));

const expandDims: NativeKernel = (backend, { input }, { dim }) => {
  const at = dim < 0 ? input!.shape.length + 1 + dim : dim;
  return reshape(backend, input!, [...input!.shape.slice(0, at), 1, ...input!.shape.slice(at)]);
};

const any: readonly tf.DataType[] = [...numeric, 'string'];

export const layoutKernels: KernelTable = {
  Identity: { types: any, run: (backend, { x }) => reshape(backend, x!, x!.shape) },
  Reshape: {
    types: any,
    run: sharedShape,
  },
  ExpandDims: { types: any, run: expandDims },
  Transpose: { types: numeric, run: (backend, { x }, { perm }) => transpose(backend, x!, perm) },
  Slice: { types: numeric, run: slice },
  StridedSlice: { types: numeric, run: stridedSlice },
  Concat: { types: numeric, run: concat },
  Pack: { types: numeric, run: pack },
  Unpack: { types: numeric, run: unpack },
  SplitV: { types: numeric, run: splitV },
  PadV2: { types: numeric, run: padV2 },
  Tile: { types: numeric, run: tile },
  Reverse: { types: numeric, run: reverse },
};
