/** One optimizer step. */
import * as tf from '@tensorflow/tfjs-core';
import { variableGradients } from '../backend/index.ts';
import { type Qwen2, type TokenBatch, tokenLosses } from '../model/qwen2.ts';
import { addGradients, lossWeight, splitBatch } from './accumulate.ts';
import type { AdamW } from './adamw.ts';
import { type PackedBatch, toTensors } from './packing.ts';
import type { Remit, RemitSums } from './remit.ts';

export interface StepOptions {
  /** Learning rate. */
  rate: number;
  /** Compute each layer again for its gradient (see `ForwardOptions`). */
  recompute?: boolean;
  /** Most rows computed at once; default all. */
  microBatchTokens?: number;
  /** Weights by a reference model, and whether their sum is what the loss is divided by. */
  remit?: { models: Remit; normalize: 'tokens' | 'weights' };
}

export interface StepResult {
  /** Mean −log p over the batch's tokens, by the batch's own weights, before the update; nats. */
  loss: number;
  /** Global norm before clipping. */
  gradientNorm: number;
  /** What was minimised and with which weights, in a ReMiT run. */
  remit?: { objective: number; sums: RemitSums };
  /** Number of values that are not finite in each gradient, where the norm is not. */
  notFinite?: Record<string, number>;
}

/** Loss, gradients and one update; everything made on the way is freed. */
export function trainStep(
  model: Qwen2,
  optimizer: AdamW,
  batch: PackedBatch,
  options: StepOptions,
): StepResult {
  const { rate, recompute = false, microBatchTokens = Number.POSITIVE_INFINITY, remit } = options;
  // A batch without any weight (all cut off by a length warm-up) has loss 0 and no gradient.
  const total = lossWeight(batch) || 1;
  const sums: RemitSums = { mask: 0, weight: 0, tokens: 0, low: 0, high: 0 };
  tf.engine().startScope('step'); // not tf.tidy, whose result may hold nothing but tensors and numbers
  try {
    let plain = 0;
    const { value: objective, gradients } = weightedGradient(model, batch, {
      scale: 1 / total,
      recompute,
      microBatchTokens,
      ...(remit === undefined
        ? {}
        : {
            weigh: (piece, inputs, targets) => {
              const frozen = remit.models.frozenLosses(inputs, targets);
              return (losses) => {
                // Read from the tape's own forward pass; weights are constants for the gradient.
                const current = losses.dataSync<'float32'>();
                const own = piece.weights;
                current.forEach((loss, row) => {
                  plain += loss * (own?.[row] ?? 1);
                });
                const weights = remit.models.weights(frozen, current, piece.segments, own, sums);
                return own === undefined ? weights : weights.map((weight, row) => weight * own[row]!);
              };
            },
          }),
    });
    // Known only now: the sum over all pieces.
    const scale = remit?.normalize === 'weights' && sums.weight > 0 ? total / sums.weight : 1;
    const gradientNorm = optimizer.update(gradients, rate, scale);
    return {
      loss: remit === undefined ? objective : plain / total,
      gradientNorm,
      ...(remit === undefined ? {} : { remit: { objective: objective * scale, sums } }),
      ...(Number.isFinite(gradientNorm) ? {} : { notFinite: countNotFinite(gradients) }),
    };
  } finally {
    tf.engine().endScope();
  }
}

export interface WeightedGradientOptions extends Pick<StepOptions, 'recompute' | 'microBatchTokens'> {
  /** What the sum is multiplied by. */
  scale: number;
  /**
   * Weights of a piece's rows in place of the batch's: called before the piece's forward pass, and what it returns
   * with the losses of that pass, inside the tape.
   */
  weigh?: (
    piece: PackedBatch,
    inputs: TokenBatch,
    targets: tf.Tensor1D,
  ) => (losses: tf.Tensor1D) => Float32Array;
}

/**
 * scale · Σ weight · (−log p) over a batch and its gradients by parameter name, computed in pieces of at most
 * `microBatchTokens` rows. The caller frees the gradients.
 */
export function weightedGradient(
  model: Qwen2,
  batch: PackedBatch,
  options: WeightedGradientOptions,
): { value: number; gradients: Map<string, tf.Tensor> } {
  const { scale, weigh, recompute = false, microBatchTokens = Number.POSITIVE_INFINITY } = options;
  let gradients: Map<string, tf.Tensor> | undefined;
  let value = 0;
  for (const piece of splitBatch(batch, microBatchTokens)) {
    const { targets, ...inputs } = toTensors(piece);
    const weightsOf = weigh?.(piece, inputs, targets);
    const found = variableGradients(() => {
      const losses = tokenLosses(model, inputs, targets, { recompute });
      const weights = weightsOf?.(losses) ?? piece.weights;
      const weighted = weights === undefined ? losses : tf.mul(losses, tf.tensor1d(weights));
      return tf.mul(tf.sum(weighted), scale) as tf.Scalar;
    }, model.parameters);
    value += found.value.dataSync()[0]!;
    gradients = addGradients(gradients, found.gradients);
    tf.dispose([found.value, targets, inputs.ids, inputs.positions]);
  }
  return { value, gradients: gradients! };
}

function countNotFinite(gradients: ReadonlyMap<string, tf.Tensor>): Record<string, number> {
  const counts = [...gradients].map(([name, gradient]) => {
    const values = gradient.dataSync<'float32'>();
    return [name, values.reduce((sum, value) => sum + (Number.isFinite(value) ? 0 : 1), 0)] as const;
  });
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}
