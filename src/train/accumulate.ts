/**
 * Gradient accumulation: a batch that is too large for memory is computed in pieces. Loss and gradient are those of
 * the whole batch (a mean over its weighted tokens, not over pieces), however it is cut.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { PackedBatch } from './packing.ts';

/**
 * Cuts a batch between segments into pieces of at most `maxRows` rows, in order; a longer segment is a piece of its
 * own. The pieces are views of the batch's arrays.
 */
export function splitBatch(batch: PackedBatch, maxRows: number): PackedBatch[] {
  const { segments } = batch;
  if (batch.ids.length <= maxRows) return [batch];
  const pieces: PackedBatch[] = [];
  for (let first = 0; first + 1 < segments.length; ) {
    let last = first + 1;
    while (last + 1 < segments.length && segments[last + 1]! - segments[first]! <= maxRows) last++;
    pieces.push(part(batch, first, last));
    first = last;
  }
  return pieces;
}

/** Segments `first` to `last` (exclusive) of a batch. */
function part(batch: PackedBatch, first: number, last: number): PackedBatch {
  const [start, end] = [batch.segments[first]!, batch.segments[last]!];
  return {
    ids: batch.ids.subarray(start, end),
    positions: batch.positions.subarray(start, end),
    targets: batch.targets.subarray(start, end),
    segments: batch.segments.slice(first, last + 1).map((row) => row - start),
    ...(batch.weights === undefined ? {} : { weights: batch.weights.subarray(start, end) }),
  };
}

/** What a batch's summed loss is divided by: the sum of its weights, which are 1 unless given. */
export function lossWeight({ ids, weights }: PackedBatch): number {
  return weights === undefined ? ids.length : weights.reduce((sum, weight) => sum + weight, 0);
}

/** Adds `terms` to `sums` by name, in float32; both are used up. `sums` is undefined before the first piece. */
export function addGradients(
  sums: Map<string, tf.Tensor> | undefined,
  terms: Map<string, tf.Tensor>,
): Map<string, tf.Tensor> {
  if (sums === undefined) return terms;
  for (const [name, term] of terms) {
    const sum = sums.get(name)!;
    sums.set(name, tf.add(sum, term));
    tf.dispose([sum, term]);
  }
  return sums;
}
