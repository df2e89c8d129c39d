import * as tf from '@tensorflow/tfjs-core';

/**
 * Gated activation of Qwen2's feed-forward layer: `silu(gate) · up` (Shazeer 2020).
 *
 * @param gate [T, F]
 * @param up [T, F]
 */
export function swiglu(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => tf.mul(tf.mul(gate, tf.sigmoid(gate)), up) as tf.Tensor2D);
}
