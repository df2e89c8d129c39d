import * as tf from '@tensorflow/tfjs-core';
import type { NativeBackend, Output } from '../backend.ts';
import { fallback, floats, type KernelTable, type NativeKernel } from '../registry.ts';
import { sizeOf } from '../strides.ts';
import { add, unary } from './elementwise.ts';

/** What a product does besides multiplying: C = act(alpha · op(A)·op(B) + beta · addend + bias). */
export interface Epilogue {
  /** Address of [n] numbers. */
  bias?: number;
  /** Address of an array like C, perhaps C itself. */
  addend?: number;
  alpha?: number;
  beta?: number;
  activation?: Activation;
  /** Slope of `leakyrelu` below zero. */
  slope?: number;
  /** Number of products; operands advance by `stepA`, `stepB` elements, C and the addend by m · n. */
  batch?: number;
  stepA?: number;
  stepB?: number;
  /** B is a whole buffer of weights [n, k], used transposed: pack it once and keep that until it changes. */
  constantB?: boolean;
}

const activations = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu'] as const;
type Activation = (typeof activations)[number];

/** C [m, n] = op(A) · op(B) with an epilogue, on addresses. */
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
  epilogue: Epilogue = {},
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
  args[8] = epilogue.batch ?? 1;
  args[9] = epilogue.stepA ?? 0;
  args[10] = epilogue.stepB ?? 0;
  args[11] = epilogue.bias ?? 0;
  args[12] = epilogue.addend ?? 0;
  args[13] = epilogue.alpha ?? 1;
  args[14] = epilogue.beta ?? 1;
  args[15] = activations.indexOf(epilogue.activation ?? 'linear');
  args[16] = epilogue.slope ?? 0;
  args[17] = epilogue.constantB ? 1 : 0;
  run(op.gemm!);
}

/** tf.matMul of any rank with broadcast batch dimensions; of the epilogue, bias and activation. */
export function matMul(
  backend: NativeBackend,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  transposeA: boolean,
  transposeB: boolean,
  epilogue: Pick<Epilogue, 'bias' | 'activation' | 'slope'> = {},
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
    const one = batch > 1 && stepB === 0 && stepA !== 0 && !transposeA;
    const [rows, rest] = one ? [m * batch, epilogue] : [m, { ...epilogue, batch, stepA, stepB }];
    gemm(backend, rows, n, k, addressA, addressB, out.address, transposeA, transposeB, rest);
    return out;
  }
  for (let i = 0; i < batch; i++) {
    const ia = batchIndex(i, batchShape, batchA) * m * k * 4;
    const ib = batchIndex(i, batchShape, batchB) * k * n * 4;
    const to = out.address + i * m * n * 4;
    gemm(backend, m, n, k, addressA + ia, addressB + ib, to, transposeA, transposeB, epilogue);
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
  const known = activations.find((name) => name === (activation ?? 'linear'));
  if (known === undefined) return fallback('_FusedMatMul', backend, inputs, attributes);
  const slope: number = leakyreluAlpha ?? 0;
  if (bias === undefined || (sizeOf(bias.shape) === columns && bias.shape.at(-1) === columns)) {
    const offset = bias === undefined ? 0 : backend.address(bias);
    return matMul(backend, a!, b!, transposeA, transposeB, { bias: offset, activation: known, slope });
  }
  const product = matMul(backend, a!, b!, transposeA, transposeB);
  const sum = add(backend, product, bias); // a bias that broadcasts otherwise
  backend.disposeData(product.dataId);
  if (known !== 'linear') unary(backend, unaryNames[known], sum, slope, 0, sum);
  return sum;
};

/** tfjs's name of each activation as a kernel of its own. */
const unaryNames = {
  relu: 'Relu',
  relu6: 'Relu6',
  elu: 'Elu',
  sigmoid: 'Sigmoid',
  leakyrelu: 'LeakyRelu',
} as const;

export const matMulKernels: KernelTable = {
  BatchMatMul: {
    types: floats,
    run: (backend, { a, b }, { transposeA, transposeB }) => matMul(backend, a!, b!, transposeA, transposeB),
  },
  _FusedMatMul: { types: floats, run: fusedMatMul },
};
