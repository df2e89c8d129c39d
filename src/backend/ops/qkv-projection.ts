import * as tf from '@tensorflow/tfjs-core';
import { currentNative } from '../native/backend.ts';
import { runFused } from '../native/fused.ts';
import { linear } from './linear.ts';
import { rotary } from './rotary.ts';

/** Weight [O, D] and bias [O] of an affine map. */
export interface Affine {
  weight: tf.Tensor2D;
  bias: tf.Tensor1D;
}

/**
 * Queries, keys and values of attention: three affine maps of the same rows, queries and keys turned by their
 * positions as in {@link rotary}.
 *
 * @param x [T, D]
 * @param q to [T, H · Dh]
 * @param k to [T, Hkv · Dh]
 * @param v to [T, Hkv · Dh]
 * @param positions [T] int32
 * @param shape numbers of heads, and the base of the rotary frequencies
 * @returns q [T, H, Dh], k and v [T, Hkv, Dh]
 */
export function qkvProjection(
  x: tf.Tensor2D,
  q: Affine,
  k: Affine,
  v: Affine,
  positions: tf.Tensor1D,
  shape: { heads: number; kvHeads: number; base: number },
): [q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D] {
  if (currentNative() !== undefined) {
    const weights = { wq: q.weight, bq: q.bias, wk: k.weight, bk: k.bias, wv: v.weight, bv: v.bias };
    const results = runFused('QkvProjection', { x, ...weights, positions }, { ...shape });
    return results as unknown as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
  }
  const { heads, kvHeads, base } = shape;
  const project = ({ weight, bias }: Affine, count: number): tf.Tensor3D =>
    tf.reshape(linear(x, weight, bias), [x.shape[0], count, weight.shape[0] / count]);
  return tf.tidy(() => [
    rotary(project(q, heads), positions, base),
    rotary(project(k, kvHeads), positions, base),
    project(v, kvHeads),
  ]);
}
