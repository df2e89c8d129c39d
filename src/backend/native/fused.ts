import * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../../core/index.ts';
import { currentNative, type NativeBackend, type Output } from './backend.ts';
import { floats, type KernelTable, type NativeKernel, numbers } from './registry.ts';
import { sameShape, sizeOf } from './strides.ts';

// The fused transformer kernels, under tfjs names of their own so that tfjs's tape sees one node per operation. Inputs
// and attributes are those of the functions in ../ops; gradients are in ./fused-gradients.ts. The parts of a decoder layer
// are in ./layer.ts.

/** Native code trusts sizes, so what does not fit together must not reach it. */
export function check(fits: boolean, operation: string, ...tensors: (tf.TensorInfo | undefined)[]): void {
  if (fits) return;
  const shapes = tensors.map((t) => (t === undefined ? 'none' : `[${t.shape}]`)).join(', ');
  throw internalError(`${operation}: shapes ${shapes} do not fit together`);
}

/** Writes the arguments of the next operation. */
export function start(backend: NativeBackend, ...values: number[]): void {
  const { args } = backend.engine;
  for (let i = 0; i < values.length; i++) args[i] = values[i]!;
}

const embedding: NativeKernel = (backend, { table, ids }) => {
  const [rows, size] = table!.shape as [number, number];
  const count = ids!.shape[0]!;
  check(table!.shape.length === 2 && ids!.shape.length === 1, 'embedding', table, ids);
  const out = backend.output([count, size], 'float32');
  start(backend, out.address, backend.address(table!), backend.address(ids!), 1, rows, size * 4, count, 0);
  backend.engine.run(backend.engine.op.gather!);
  return out;
};

const attention: NativeKernel = (backend, { q, k, v }, { segments }) => {
  const [rows, heads, size] = q!.shape as [number, number, number];
  const out = backend.output([rows, heads, size], 'float32');
  const lse = backend.output([rows, heads], 'float32');
  const [pq, pk, pv] = [backend.address(q!), backend.address(k!), backend.address(v!)];
  const offsets = backend.engine.input(segments);
  const count = segments.length - 1;
  start(backend, out.address, lse.address, pq, pk, pv, heads, k!.shape[1]!, size, offsets, count);
  backend.engine.run(backend.engine.op.attention!);
  return [out, lse];
};

const attentionGrad: NativeKernel = (backend, { q, k, v, out, lse, dy }, { segments }) => {
  const [, heads, size] = q!.shape as [number, number, number];
  const dq = backend.output(q!.shape, 'float32');
  const dk = backend.output(k!.shape, 'float32');
  const dv = backend.output(v!.shape, 'float32');
  start(
    backend,
    dq.address,
    dk.address,
    dv.address,
    backend.address(dy!),
    backend.address(out!),
    backend.address(lse!),
    backend.address(q!),
    backend.address(k!),
    backend.address(v!),
    heads,
    k!.shape[1]!,
    size,
    backend.engine.input(segments),
    segments.length - 1,
  );
  backend.engine.run(backend.engine.op.attentionGrad!);
  return [dq, dk, dv];
};

/** `keep`: the logits are kept for the gradient, when they are few enough. */
const linearCrossEntropy: NativeKernel = (backend, { hidden, head, targets }, { scale, mean, keep }) => {
  const [rows, size] = hidden!.shape as [number, number];
  const vocabulary = head!.shape[0]!;
  const flat = hidden!.shape.length === 2 && head!.shape.length === 2 && head!.shape[1] === size;
  check(flat && sizeOf(targets!.shape) === rows, 'linearCrossEntropy', hidden, head, targets);
  const nll = backend.output([rows], 'float32');
  const lse = backend.output([rows], 'float32');
  const means = backend.output([mean ? rows : 0], 'float32');
  const kept = keep && rows * vocabulary <= MOST_KEPT_LOGITS;
  const logits = backend.workspace(kept ? rows * vocabulary : 0);
  const [ph, pw, pt] = [backend.address(hidden!), backend.address(head!), backend.address(targets!)];
  const [pm, pl] = [mean ? means.address : 0, kept ? logits.address : 0];
  start(backend, nll.address, lse.address, pm, pl, ph, pw, pt, rows, size, vocabulary, scale);
  backend.engine.run(backend.engine.op.crossEntropy!);
  return [nll, lse, means, logits];
};

/** 32 MB: a product of the gradient saved, for memory that a step of such a model has anyway. */
const MOST_KEPT_LOGITS = 2 ** 23;

const linearCrossEntropyGrad: NativeKernel = (backend, inputs, { scale, mean, keep, reuse }) => {
  const { hidden, head, targets, lse, means, logits, dNll, dLse, dMeans } = inputs as Record<
    string,
    tf.TensorInfo
  >;
  const [rows, size] = hidden!.shape as [number, number];
  const vocabulary = head!.shape[0]!;
  const dHidden: Output = backend.output(hidden!.shape, 'float32');
  const dHead: Output = backend.output(head!.shape, 'float32');
  const kept = keep && rows * vocabulary <= MOST_KEPT_LOGITS;
  start(
    backend,
    dHidden.address,
    dHead.address,
    backend.address(hidden!),
    backend.address(head!),
    backend.address(targets!),
    backend.address(lse!),
    mean ? backend.address(means!) : 0,
    backend.address(dNll!),
    backend.address(dLse!),
    mean ? backend.address(dMeans!) : 0,
    rows,
    size,
    vocabulary,
    scale,
    kept ? backend.address(logits!) : 0,
    reuse ? 1 : 0,
  );
  backend.engine.run(backend.engine.op.crossEntropyGrad!);
  return [dHidden, dHead];
};

const withIds: readonly tf.DataType[] = numbers; // float32 tensors and int32 ids

export const fusedKernels: KernelTable = {
  InterplayEmbedding: { types: withIds, run: embedding },
  InterplayAttention: { types: floats, run: attention },
  InterplayAttentionGrad: { types: floats, run: attentionGrad },
  InterplayLinearCrossEntropy: { types: withIds, run: linearCrossEntropy },
  InterplayLinearCrossEntropyGrad: { types: withIds, run: linearCrossEntropyGrad },
};

/**
 * target += term where the target's memory is native and not shared with another tensor; false, having done nothing,
 * where it is not. For tensors that nobody else can see: tfjs takes tensors to be immutable.
 */
export function addInPlace(target: tf.Tensor, term: tf.Tensor): boolean {
  const backend = currentNative();
  if (backend === undefined || !sameShape(target.shape, term.shape)) return false;
  const [to, from] = [backend.address(target), backend.address(term)];
  if (backend.refCount(target.dataId) > 1) return false;
  start(backend, to, from, target.size);
  backend.engine.run(backend.engine.op.accumulate!);
  return true;
}

/** Runs a fused kernel through tfjs's engine, so that the tape records it. */
export function runFused(
  name: string,
  inputs: Record<string, tf.Tensor | undefined>,
  attributes: Record<string, unknown> = {},
): tf.Tensor | tf.Tensor[] {
  return tf.engine().runKernel(`Interplay${name}`, inputs as tf.NamedTensorMap, attributes as never);
}
