import * as tf from '@tensorflow/tfjs-core';
import { currentNative } from '../native/backend.ts';
import { runFused } from '../native/fused.ts';

/**
 * Negative log-likelihood, in nats, of each target under `softmax(hidden · headᵀ)`.
 *
 * @param hidden [T, D]
 * @param head [V, D]
 * @param targets [T] int32, each in [0, V)
 * @returns [T]; differentiable for any upstream weights
 */
export function linearCrossEntropy(
  hidden: tf.Tensor2D,
  head: tf.Tensor2D,
  targets: tf.Tensor1D,
): tf.Tensor1D {
  if (currentNative() !== undefined) {
    return (runFused('LinearCrossEntropy', { hidden, head, targets }) as tf.Tensor[])[0] as tf.Tensor1D;
  }
  return tf.tidy(() => {
    const logits = tf.matMul(hidden, head, false, true); // [T, V]
    const picked = tf.sum(tf.mul(hidden, tf.gather(head, targets)), 1); // [T]
    return tf.sub(tf.logSumExp(logits, 1), picked) as tf.Tensor1D;
  });
}
