import type { NativeBackend } from './backend.ts';

/** Row-major strides in elements. */
export function denseStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = stride;
    stride *= shape[d]!;
  }
  return strides;
}

/** Number of elements. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (let d = 0; d < shape.length; d++) size *= shape[d]!;
  return size;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let d = 0; d < a.length; d++) if (a[d] !== b[d]) return false;
  return true;
}

/**
 * Writes rank and (size, stride, stride) triples into the arguments at `at`, after dropping dimensions of
 * size 1 and merging neighbours that are contiguous for both operands.
 */
export function writeDimensions(
  args: Float64Array,
  at: number,
  sizes: readonly number[],
  first: readonly number[],
  second: readonly number[],
): void {
  let rank = 0;
  for (let d = 0; d < sizes.length; d++) {
    const size = sizes[d]!;
    if (size === 1) continue;
    const p = at + 1 + 3 * rank;
    const merges = rank > 0 && args[p - 2] === first[d]! * size && args[p - 1] === second[d]! * size;
    if (merges) {
      args[p - 3]! *= size;
      args[p - 2] = first[d]!;
      args[p - 1] = second[d]!;
    } else {
      args[p] = size;
      args[p + 1] = first[d]!;
      args[p + 2] = second[d]!;
      rank++;
    }
  }
  if (rank === 0) {
    args[at + 1] = 1;
    args[at + 2] = 1;
    args[at + 3] = 1;
    rank = 1;
  }
  args[at] = rank;
}

/** Strides of an operand seen in the broadcast shape: 0 where it repeats. */
function broadcastStrides(shape: readonly number[], target: readonly number[]): number[] {
  const strides = new Array<number>(target.length).fill(0);
  const skip = target.length - shape.length;
  let stride = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] !== 1) strides[d + skip] = stride;
    stride *= shape[d]!;
  }
  return strides;
}

/** Arguments of an element-wise operation on two operands that broadcast to `target`. */
export function writeBroadcast(
  args: Float64Array,
  at: number,
  target: readonly number[],
  a: readonly number[],
  b: readonly number[],
): void {
  const sizeA = sizeOf(a);
  const sizeB = sizeOf(b);
  const size = sizeOf(target);
  if ((sizeA === size || sizeA === 1) && (sizeB === size || sizeB === 1)) {
    args[at] = 1;
    args[at + 1] = size;
    args[at + 2] = sizeA === 1 && size !== 1 ? 0 : 1;
    args[at + 3] = sizeB === 1 && size !== 1 ? 0 : 1;
    return;
  }
  writeDimensions(args, at, target, broadcastStrides(a, target), broadcastStrides(b, target));
}

/** Copies a strided block of elements of `bytes` bytes each; strides count elements. */
export function copyStrided(
  backend: NativeBackend,
  out: number,
  source: number,
  bytes: number,
  sizes: readonly number[],
  outStrides: readonly number[],
  sourceStrides: readonly number[],
): void {
  if (sizeOf(sizes) === 0) return;
  const { args, op, run } = backend.engine;
  args[0] = out;
  args[1] = source;
  args[2] = bytes;
  writeDimensions(args, 3, sizes, outStrides, sourceStrides);
  run(op.stridedCopy!);
}
