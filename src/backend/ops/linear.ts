import * as tf from '@tensorflow/tfjs-core';
import { currentNative } from '../native/backend.ts';
import { runFused } from '../native/fused.ts';

/**
 * Affine map `x · weightᵀ + bias`, the weight laid out as in Hugging Face checkpoints.
 *
 * @param x [T, I]
 * @param weight [O, I]
 * @param bias [O], optional
 * @returns [T, O]
 */
export function linear(x: tf.Tensor2D, weight: tf.Tensor2D, bias?: tf.Tensor1D): tf.Tensor2D {
  if (currentNative() !== undefined) {
    return runFused('Linear', bias === undefined ? { x, weight } : { x, weight, bias }) as tf.Tensor2D;
  }
  const product: tf.Tensor2D = tf.matMul(x, weight, false, true);
  return bias === undefined ? product : (tf.add(product, bias) as tf.Tensor2D);
}
