/** The exponential moving average of the policy's weights that RLP compares with (2510.01265; METHODS §2.5). */
import * as tf from '@tensorflow/tfjs-core';
import type { Qwen2 } from '../../model/qwen2.ts';

/** φ ← τ·φ + (1 − τ)·θ, in float32: the two products are rounded, then their sum. */
export function updateAverage(average: Qwen2, policy: Qwen2, decay: number): void {
  for (const [name, variable] of average.parameters) {
    const next = tf.tidy(() =>
      tf.add(tf.mul(variable, decay), tf.mul(policy.parameters.get(name)!, 1 - decay)),
    );
    variable.assign(next);
    next.dispose();
  }
}
