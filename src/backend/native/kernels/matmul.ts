import * as tf from '@tensorflow/tfjs-core';
import type { NativeBackend, Output } from '../backend.ts';
import { fallback, floats, type KernelTable, type NativeKernel } from '../registry.ts';
import { sizeOf } from '../strides.ts';
import { add, unary } from './elementwise.ts';

/**
 * C [m, n] = op(A) · op(B) (+ bias [n]), on addresses; `batch` products, operands advancing by `stepA`,
 * `stepB` elements.
 */
export function gemm(
  backend: NativeBackend,
  m: number,
  n: number,
  k: number,
  a: number,
  b: number,
  c: number,
  transposeA: boolean,
  transposeB: boolean,
  bias = 0,
  batch = 1,
  stepA = 0,
  stepB = 0,
): void {
  const { args, op, run } = backend.engine;
  args[0] = m;
  args[1] = n;
  args[2] = k;
  args[3] = a;
  args[4] = b;
  args[5] = c;
  args[6] = transposeA ? 1 : 0;
  args[7] = transposeB ? 1 : 0;
  args[8] = batch;
  args[9] = stepA;
  args[10] = stepB;
  args[11] = bias;
  args[12] = 0;
  run(op.gemm!);
}

/** tf.matMul of any rank with broadcast batch dimensions, plus an optional bias of shape [n]. */
export function matMul(
  backend: NativeBackend,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  transposeA: boolean,
  transposeB: boolean,
  bias = 0,
): Output {
  const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
  const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
  const m = transposeA ? aColumns : aRows;
  const k = transposeA ? aRows : aColumns;
  const n = transposeB ? bRows : bColumns;
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const batchShape = tf.backend_util.assertAndGetBroadcastShape(batchA, batchB);
  tf.util.assert(
    k === (transposeB ? bColumns : bRows),
    () => `matMul: inner dimensions of [${a.shape}] and [${b.shape}] differ`,
  );
  const out = backend.output([...batchShape, m, n], 'float32');
  const addressA = backend.address(a);
  const addressB = backend.address(b);
  const batch = sizeOf(batchShape);
  const countA = sizeOf(batchA);
  const countB = sizeOf(batchB);
  if (batch === 0 || m === 0 || n === 0) return out;
  if ((countA === batch || countA === 1) && (countB === batch || countB === 1)) {
    const stepA = countA === 1 ? 0 : m * k;
    const stepB = countB === 1 ? 0 : k * n;
    // One B for all: rows of an untransposed A simply continue.
    if (batch > 1 && stepB === 0 && stepA !== 0 && !transposeA) {
      gemm(backend, m * batch, n, k, addressA, addressB, out.address, false, transposeB, bias);
    } else {
      gemm(
        backend,
        m,
        n,
        k,
        addressA,
        addressB,
        out.address,
        transposeA,
        transposeB,
        bias,
        batch,
        stepA,
        stepB,
      );
    }
    return out;
  }
  for (let i = 0; i < batch; i++) {
    const ia = batchIndex(i, batchShape, batchA) * m * k * 4;
    const ib = batchIndex(i, batchShape, batchB) * k * n * 4;
    gemm(
      backend,
      m,
      n,
      k,
      addressA + ia,
      addressB + ib,
      out.address + i * m * n * 4,
      transposeA,
      transposeB,
      bias,
    );
  }
  return out;
}

/** Which matrix of an operand belongs to product `index` of the broadcast batch. */
function batchIndex(index: number, target: readonly number[], shape: readonly number[]): number {
  let rest = index;
  let result = 0;
  let stride = 1;
  for (let d = 0; d < target.length; d++) {
    const size = target[target.length - 1 - d]!;
    const own = shape[shape.length - 1 - d] ?? 1;
    if (own !== 1) result += (rest % size) * stride;
    stride *= own;
    rest = Math.floor(rest / size);
  }
  return result;
}

const fusedMatMul: NativeKernel = (backend, inputs, attributes) => {
  const { a, b, bias, preluActivationWeights } = inputs;
  const { transposeA, transposeB, activation, leakyreluAlpha } = attributes;
  if (preluActivationWeights !== undefined) return fallback('_FusedMatMul', backend, inputs, attributes);
  const columns = transposeB ? b!.shape.at(-2)! : b!.shape.at(-1)!;
  const inside = bias !== undefined && sizeOf(bias.shape) === columns && bias.shape.at(-1) === columns;
  let out = matMul(backend, a!, b!, transposeA, transposeB, inside ? backend.address(bias) : 0);
  if (bias !== undefined && !inside) {
    const sum = add(backend, out, bias);
    backend.disposeData(out.dataId);
    out = sum;
  }
  const function_ = activations[activation as string];
  if (function_ !== undefined) unary(backend, function_, out, leakyreluAlpha ?? 0, 0, out);
  return out;
};

const activations: Record<string, 'Relu' | 'Relu6' | 'Elu' | 'Sigmoid' | 'LeakyRelu' | undefined> = {
  relu: 'Relu',
  relu6: 'Relu6',
  elu: 'Elu',
  sigmoid: 'Sigmoid',
  leakyrelu: 'LeakyRelu',
};

export const matMulKernels: KernelTable = {
  BatchMatMul: {
    types: floats,
    run: (backend, { a, b }, { transposeA, transposeB }) => matMul(backend, a!, b!, transposeA, transposeB),
  },
  _FusedMatMul: { types: floats, run: fusedMatMul },
};
