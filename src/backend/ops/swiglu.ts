import * as tf from '@tensorflow/tfjs-core';
import { currentNative } from '../native/backend.ts';
import { runFused } from '../native/fused.ts';

/**
 * Gated activation of Qwen2's feed-forward layer: `silu(gate) · up` (Shazeer 2020).
 *
 * @param gate [T, F]
 * @param up [T, F]
 */
export function swiglu(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  if (currentNative() !== undefined) return runFused('Swiglu', { gate, up }) as tf.Tensor2D;
  return tf.tidy(() => tf.mul(tf.mul(gate, tf.sigmoid(gate)), up) as tf.Tensor2D);
}
