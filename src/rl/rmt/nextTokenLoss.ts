/**
 * The next-token part of the dual objective (METHODS §1.4): every token of the texts that was not drawn to be thought
 * about bears plain next-token loss,
 *
 *   L_NTP = −Σ_pos m_pos · log p(τ_pos | τ_<pos) / divisor,   m_pos = 1 where pos was not drawn,
 *
 * on the same texts as they are, without thoughts.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { Qwen2 } from '../../model/qwen2.ts';
import { lossWeight } from '../../train/accumulate.ts';
import type { PackedBatch } from '../../train/packing.ts';
import { weightedGradient } from '../../train/step.ts';

/** What the sum over tokens is divided by: the number of tokens that bear the loss, or that of the texts. */
export const NORMALIZERS = ['tokens', 'texts'] as const;

export interface NextTokenOptions {
  /** λ. */
  weight: number;
  normalize: (typeof NORMALIZERS)[number];
  microBatchTokens: number;
  recompute: boolean;
}

/** The batch with the loss weights of drawn rows set to 0; the other weights stay. */
export function withoutDrawn(batch: PackedBatch, drawn: Iterable<number>): PackedBatch {
  const weights = batch.weights?.slice() ?? new Float32Array(batch.ids.length).fill(1);
  for (const row of drawn) weights[row] = 0;
  return { ...batch, weights };
}

/** λ·L_NTP with its gradients, which the caller frees, and the mean −log p of the tokens that bear it, nats. */
export function nextTokenLoss(
  model: Qwen2,
  batch: PackedBatch,
  drawn: Iterable<number>,
  { weight, normalize, microBatchTokens, recompute }: NextTokenOptions,
): { loss: number; mean: number; gradients: Map<string, tf.Tensor> } {
  const masked = withoutDrawn(batch, drawn);
  const tokens = lossWeight(masked) || 1; // without any the loss is 0
  const divisor = normalize === 'tokens' ? tokens : batch.segments.length - 1;
  const scale = weight / divisor;
  const { value, gradients } = weightedGradient(model, masked, { scale, microBatchTokens, recompute });
  return { loss: value, mean: value / scale / tokens, gradients };
}
