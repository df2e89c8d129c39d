import type * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../../core/index.ts';
import { currentNative } from '../native/backend.ts';
import { nativeSampleTokens } from '../native/sample-tokens.ts';

export interface SampleOptions {
  /** 0 takes the most probable token (the lowest id among equals). */
  temperature: number;
  /** Smallest set of most probable tokens with at least this probability; 1 keeps all. */
  topP: number;
  /** Only this many most probable tokens; 0 keeps all. Applied before topP. */
  topK: number;
  /**
   * Ids from here on are never drawn, as if their probability were 0: models pad their vocabulary beyond the
   * tokenizer's. Without it, or beyond V, every id may be.
   */
  vocabulary?: number;
  /** One number in [0, 1) per row. */
  uniforms: Float64Array;
}

export interface SampledTokens {
  ids: Int32Array;
  /** Of the chosen token under the untruncated softmax at temperature 1, in nats. */
  logProbabilities: Float32Array;
}

/**
 * One token per row: temperature, then top-k, then top-p, then the inverse cumulative distribution in id
 * order at the row's uniform number. A row's choice depends on that row alone, not on the batch.
 *
 * @param logits [B, V]
 * @param into arrays of at least B entries to write to, instead of new ones of B
 */
export function sampleTokens(
  logits: tf.Tensor2D,
  options: SampleOptions,
  into?: SampledTokens,
): SampledTokens {
  const [rows, size] = logits.shape;
  const { vocabulary = size } = options;
  if (options.uniforms.length < rows) throw internalError(`sampleTokens: ${rows} rows need as many uniforms`);
  if (!(vocabulary >= 1)) throw internalError(`sampleTokens: a vocabulary of ${vocabulary} ids`);
  const drawn = into ?? { ids: new Int32Array(rows), logProbabilities: new Float32Array(rows) };
  const { ids, logProbabilities } = drawn;
  if (ids.length < rows || logProbabilities.length < rows) {
    throw internalError(`sampleTokens: ${rows} rows do not fit into arrays of ${ids.length}`);
  }
  const native = currentNative();
  if (native !== undefined) {
    nativeSampleTokens(native, logits, options, drawn);
    return drawn;
  }
  const values = logits.dataSync<'float32'>();
  for (let b = 0; b < rows; b++) {
    const row = values.subarray(b * size, (b + 1) * size);
    if (row.includes(Number.NaN)) throw internalError(`sampleTokens: a logit of row ${b} is NaN`);
    const id = chooseToken(row.subarray(0, vocabulary), options, options.uniforms[b]!);
    ids[b] = id;
    logProbabilities[b] = logProbability(row, id);
  }
  return drawn;
}

function chooseToken(logits: Float32Array, options: SampleOptions, uniform: number): number {
  const { temperature, topP, topK } = options;
  const best = greatest(logits);
  if (temperature === 0) return best;
  const max = logits[best]!;
  const weights = new Float64Array(logits.length);
  for (let i = 0; i < logits.length; i++) weights[i] = Math.exp((logits[i]! - max) / temperature);
  if ((topK > 0 && topK < logits.length) || topP < 1) truncate(weights, topP, topK);
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i]!;
  const threshold = uniform * total;
  let cumulative = 0;
  let last = best;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i]! <= 0) continue;
    last = i;
    cumulative += weights[i]!;
    if (cumulative > threshold) return i;
  }
  return last; // reached only when rounding eats the last sliver
}

/** Sets the weight of every token outside top-k and top-p to 0; equal weights are kept by lower id. */
function truncate(weights: Float64Array, topP: number, topK: number): void {
  const order = Array.from(weights.keys()).sort((a, b) => weights[b]! - weights[a]! || a - b);
  let kept = topK > 0 ? Math.min(topK, order.length) : order.length;
  if (topP < 1) {
    let total = 0;
    for (let i = 0; i < kept; i++) total += weights[order[i]!]!;
    let cumulative = 0;
    for (let i = 0; i < kept; i++) {
      cumulative += weights[order[i]!]!;
      if (cumulative >= topP * total) kept = i + 1;
    }
  }
  for (let i = kept; i < order.length; i++) weights[order[i]!] = 0;
}

function greatest(logits: Float32Array): number {
  let best = 0;
  for (let i = 0; i < logits.length; i++) {
    if (logits[i]! > logits[best]!) best = i;
  }
  if (!Number.isFinite(logits[best]!))
    throw internalError(`sampleTokens: the largest logit is ${logits[best]}`);
  return best;
}

function logProbability(logits: Float32Array, id: number): number {
  const max = logits[greatest(logits)]!;
  let total = 0;
  for (let i = 0; i < logits.length; i++) total += Math.exp(logits[i]! - max);
  return logits[id]! - max - Math.log(total);
}
