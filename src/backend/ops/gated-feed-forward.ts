import * as tf from '@tensorflow/tfjs-core';
import { currentNative } from '../native/backend.ts';
import { runFused } from '../native/fused.ts';
import { linear } from './linear.ts';
import { swiglu } from './swiglu.ts';

/**
 * Qwen2's feed-forward layer (Shazeer 2020): `(silu(x · gateᵀ) · (x · upᵀ)) · downᵀ + residual`. For the gradient
 * only the first two products are kept.
 *
 * @param x [T, D]
 * @param gate [F, D]
 * @param up [F, D]
 * @param down [D, F]
 * @param residual [T, D], optional
 * @returns [T, D]
 */
export function gatedFeedForward(
  x: tf.Tensor2D,
  gate: tf.Tensor2D,
  up: tf.Tensor2D,
  down: tf.Tensor2D,
  residual?: tf.Tensor2D,
): tf.Tensor2D {
  if (currentNative() !== undefined) {
    const inputs = { x, gate, up, down, ...(residual && { residual }) };
    return tf.tidy(() => (runFused('GatedFeedForward', inputs) as tf.Tensor[])[0] as tf.Tensor2D);
  }
  return tf.tidy(() => linear(swiglu(linear(x, gate), linear(x, up)), down, undefined, residual));
}
