/**
 * How hard each token of a text is to predict: its entropy under a model that reads the text so far (teacher forcing),
 * H = −Σ_v p(v) log p(v) in nats, and the bucket that it falls into (METHODS §1.3).
 */
import * as tf from '@tensorflow/tfjs-core';
import { logProbabilities, type Qwen2 } from '../../model/qwen2.ts';
import { splitBatch } from '../../train/accumulate.ts';
import { type PackedBatch, toTensors } from '../../train/packing.ts';

/** From easy to hard. */
export const BUCKETS = ['easy', 'medium', 'hard'] as const;
export type Bucket = (typeof BUCKETS)[number];

/** What a model says about the next token of every row of a batch, without thinking. */
export interface NextTokens {
  /** log p of the true one, nats [T]. */
  logProbabilities: Float32Array;
  /** Of the whole distribution, nats [T]. */
  entropies: Float32Array;
}

/** One teacher-forced pass; at most `mostRows` rows at once, but a text is never cut. */
export function nextTokens(model: Qwen2, batch: PackedBatch, mostRows: number): NextTokens {
  const all: NextTokens = {
    logProbabilities: new Float32Array(batch.ids.length),
    entropies: new Float32Array(batch.ids.length),
  };
  let row = 0;
  for (const piece of splitBatch(batch, mostRows)) {
    tf.tidy(() => {
      const { targets, ...inputs } = toTensors(piece);
      const found = logProbabilities(model, inputs, targets, { entropy: true });
      all.logProbabilities.set(found.logProbabilities.dataSync<'float32'>(), row);
      all.entropies.set(found.entropies!.dataSync<'float32'>(), row);
    });
    row += piece.ids.length;
  }
  return all;
}

/** Entropies between the buckets, nats: tokens below `least` or above `most` are in none. */
export interface Edges {
  least: number;
  medium: number;
  hard: number;
  most: number;
}

/** Edges as the settings state them: entropies, or shares of tokens with less entropy (quantiles). */
export interface EdgeSettings {
  by: 'quantile' | 'entropy';
  least: number;
  edges: readonly [medium: number, hard: number];
  /** No limit when absent. */
  most?: number | undefined;
}

/**
 * The edges in nats; quantiles are those of `entropies`: the edge of share q is the entropy that stands at ⌊q·n⌋ of n in
 * rising order. A share of 0 leaves no token out, and one of 1 all.
 */
export function bucketEdges({ by, least, edges, most }: EdgeSettings, entropies: readonly number[]): Edges {
  const unlimited = Number.MAX_VALUE; // JSON knows no infinity
  if (by === 'entropy') return { least, medium: edges[0], hard: edges[1], most: most ?? unlimited };
  const sorted = Float64Array.from(entropies).sort();
  const at = (share: number) => {
    if (share === 0) return 0; // no entropy is lower
    return sorted[Math.floor(share * sorted.length)] ?? unlimited;
  };
  return { least: at(least), medium: at(edges[0]), hard: at(edges[1]), most: at(most ?? 1) };
}

/** The bucket of an entropy; undefined below the least and above the most. */
export function bucketOf(entropy: number, { least, medium, hard, most }: Edges): Bucket | undefined {
  if (entropy < least || entropy > most) return undefined;
  if (entropy >= hard) return 'hard';
  return entropy >= medium ? 'medium' : 'easy';
}
