import * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../../core/index.ts';
import { isRecording } from '../gradients.ts';
import { currentNative } from '../native/backend.ts';
import { runFused } from '../native/fused.ts';

/** What softmax over the vocabulary says about each row; each [T]. */
interface Distribution {
  /** −log p of the target. */
  nll: tf.Tensor1D;
  /** log Σ exp of the logits. */
  lse: tf.Tensor1D;
  /** Σ p · logit, when asked for. */
  mean?: tf.Tensor1D;
}

function distribution(
  hidden: tf.Tensor2D,
  head: tf.Tensor2D,
  targets: tf.Tensor1D,
  scale: number,
  withMean: boolean,
): Distribution {
  if (currentNative() !== undefined) {
    const attributes = { scale, mean: withMean, keep: isRecording() };
    const inputs = { hidden, head, targets };
    const [nll, lse, mean] = runFused('LinearCrossEntropy', inputs, attributes) as tf.Tensor1D[];
    return { nll: nll!, lse: lse!, ...(withMean && { mean: mean! }) };
  }
  const logits = tf.mul(tf.matMul(hidden, head, false, true), scale); // [T, V]
  const lse: tf.Tensor1D = tf.logSumExp(logits, 1);
  const picked = tf.mul(tf.sum(tf.mul(hidden, tf.gather(head, targets)), 1), scale);
  const nll: tf.Tensor1D = tf.sub(lse, picked);
  return { nll, lse, ...(withMean && { mean: tf.sum(tf.mul(tf.softmax(logits), logits), 1) }) };
}

export interface CrossEntropyOptions {
  /** Weight of each row, [T]; default 1. A loss of some rows only has weights 0 and 1. */
  weights?: tf.Tensor1D;
  /**
   * Coefficient of (log Σ exp logits)², which keeps the logits' scale from drifting (PaLM, Chowdhery et al. 2022);
   * default 0.
   */
  zLoss?: number;
}

/**
 * Negative log-likelihood, in nats, of each target under `softmax(hidden · headᵀ)`; the logits of all rows exist at
 * once only where they take little memory.
 *
 * @param hidden [T, D]
 * @param head [V, D]
 * @param targets [T] int32, each in [0, V)
 * @returns [T], `weight · (−log p + zLoss · lse²)`; differentiable, for any upstream weights
 */
export function linearCrossEntropy(
  hidden: tf.Tensor2D,
  head: tf.Tensor2D,
  targets: tf.Tensor1D,
  options: CrossEntropyOptions = {},
): tf.Tensor1D {
  return tf.tidy(() => {
    const { nll, lse } = distribution(hidden, head, targets, 1, false);
    const { weights, zLoss = 0 } = options;
    const loss: tf.Tensor1D = zLoss === 0 ? nll : tf.add(nll, tf.mul(tf.square(lse), zLoss));
    return weights === undefined ? loss : tf.mul(loss, weights);
  });
}

/**
 * Log-probability, in nats, of given tokens under `softmax(hidden · headᵀ / temperature)`, as reinforcement learning
 * needs them; without holding all logits as {@link linearCrossEntropy}. Differentiable.
 *
 * @param hidden [T, D]
 * @param head [V, D]
 * @param targets [T] int32, each in [0, V)
 * @param options temperature, default 1; entropies only where asked for
 * @returns log-probabilities [T], and the entropy of each row's distribution in nats [T]
 */
export function tokenLogProbabilities(
  hidden: tf.Tensor2D,
  head: tf.Tensor2D,
  targets: tf.Tensor1D,
  options: { temperature?: number; entropy?: boolean } = {},
): { logProbabilities: tf.Tensor1D; entropies?: tf.Tensor1D } {
  const { temperature = 1, entropy = false } = options;
  if (!(temperature > 0)) throw internalError(`tokenLogProbabilities: temperature ${temperature}`);
  return tf.tidy(() => {
    const { nll, lse, mean } = distribution(hidden, head, targets, 1 / temperature, entropy);
    return {
      logProbabilities: tf.neg(nll),
      ...(mean && { entropies: tf.sub(lse, mean) as tf.Tensor1D }),
    };
  });
}
