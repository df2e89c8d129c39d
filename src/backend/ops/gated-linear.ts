import * as tf from '@tensorflow/tfjs-core';
import { currentNative } from '../native/backend.ts';
import { runFused } from '../native/fused.ts';
import { linear } from './linear.ts';
import { swiglu } from './swiglu.ts';

/**
 * Entrance of Qwen2's feed-forward layer (Shazeer 2020): `silu(x · gateᵀ) · (x · upᵀ)`.
 *
 * @param x [T, D]
 * @param gate [F, D]
 * @param up [F, D]
 * @returns [T, F]
 */
export function gatedLinear(x: tf.Tensor2D, gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  if (currentNative() !== undefined) {
    return (runFused('GatedLinear', { x, gate, up }) as tf.Tensor[])[0] as tf.Tensor2D;
  }
  return tf.tidy(() => swiglu(linear(x, gate), linear(x, up)));
}
