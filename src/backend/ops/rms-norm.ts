import * as tf from '@tensorflow/tfjs-core';
import { currentNative } from '../native/backend.ts';
import { runFused } from '../native/fused.ts';

/**
 * Root-mean-square normalization (Zhang & Sennrich 2019) as in Qwen2: `x / sqrt(mean(x²) + ε) · weight`,
 * per row.
 *
 * @param x [T, D]
 * @param weight [D]
 */
export function rmsNorm(x: tf.Tensor2D, weight: tf.Tensor1D, epsilon: number): tf.Tensor2D {
  if (currentNative() !== undefined) return runFused('RmsNorm', { x, weight }, { epsilon }) as tf.Tensor2D;
  return tf.tidy(() => {
    const meanSquare = tf.mean(tf.square(x), 1, true); // [T, 1]
    return tf.mul(tf.mul(x, tf.rsqrt(tf.add(meanSquare, epsilon))), weight) as tf.Tensor2D;
  });
}

/**
 * {@link rmsNorm} at the entrance of a residual branch: `residual` is x itself, to add the branch's result to. Used
 * in place of x it spares the gradient a pass, since the one of x through the norm and the one past it meet in one
 * operation.
 *
 * @param x [T, D]
 * @param weight [D]
 */
export function rmsNormResidual(
  x: tf.Tensor2D,
  weight: tf.Tensor1D,
  epsilon: number,
): { normed: tf.Tensor2D; residual: tf.Tensor2D } {
  if (currentNative() === undefined) return { normed: rmsNorm(x, weight, epsilon), residual: x };
  const [normed, residual] = runFused('RmsNormResidual', { x, weight }, { epsilon }) as tf.Tensor2D[];
  return { normed: normed!, residual: residual! };
}
