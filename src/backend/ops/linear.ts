import * as tf from '@tensorflow/tfjs-core';
import { currentNative } from '../native/backend.ts';
import { runFused } from '../native/fused.ts';

/**
 * Affine map `x · weightᵀ + bias + residual`, the weight laid out as in Hugging Face checkpoints.
 *
 * @param x [T, I]
 * @param weight [O, I]
 * @param bias [O], optional
 * @param residual [T, O], optional: what the result is added to
 * @returns [T, O]
 */
export function linear(
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  bias?: tf.Tensor1D,
  residual?: tf.Tensor2D,
): tf.Tensor2D {
  if (currentNative() !== undefined) {
    const added = { ...(bias && { bias }), ...(residual && { residual }) };
    return runFused('Linear', { x, weight, ...added }) as tf.Tensor2D;
  }
  return tf.tidy(() => {
    let out: tf.Tensor2D = tf.matMul(x, weight, false, true);
    if (bias !== undefined) out = tf.add(out, bias);
    return residual === undefined ? out : tf.add(residual, out);
  });
}
