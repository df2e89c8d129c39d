/**
 * From token sequences to batches. Sequences are laid one after another without padding; each is its own
 * attention segment and its positions restart at 0, so a batch's gradient is the same as that of its sequences
 * one by one (DESIGN promise: packed = unpacked).
 */
import * as tf from '@tensorflow/tfjs-core';
import { internalError, userError } from '../core/errors.ts';
import type { TokenBatch } from '../model/qwen2.ts';
import type { SequenceSource } from './data.ts';
import type { LossWeights } from './objective.ts';

/** A batch on the host: inputs and next-token targets of T rows. */
export interface PackedBatch {
  /** Input ids [T]. */
  ids: Int32Array;
  /** Position within the sequence [T]. */
  positions: Int32Array;
  /** The token after each input [T]. */
  targets: Int32Array;
  /** Row offsets of the sequences, S + 1 entries. */
  segments: Int32Array;
  /** Weight of each predicted token in the loss [T]; 1 each when absent. */
  weights?: Float32Array;
}

/**
 * Packs sequences of token ids; a sequence of n tokens makes n − 1 rows (its last token is only a target).
 * `weigh` says which of them bear the loss; all do when absent.
 */
export function pack(sequences: readonly (readonly number[])[], weigh?: LossWeights): PackedBatch {
  const rows = sequences.reduce((sum, sequence) => sum + Math.max(0, sequence.length - 1), 0);
  const batch: PackedBatch = {
    ids: new Int32Array(rows),
    positions: new Int32Array(rows),
    targets: new Int32Array(rows),
    segments: new Int32Array(sequences.length + 1),
    ...(weigh === undefined ? {} : { weights: new Float32Array(rows) }),
  };
  let row = 0;
  sequences.forEach((sequence, s) => {
    batch.weights?.set(weigh!(sequence), row);
    for (let i = 0; i + 1 < sequence.length; i++, row++) {
      batch.ids[row] = sequence[i]!;
      batch.positions[row] = i;
      batch.targets[row] = sequence[i + 1]!;
    }
    batch.segments[s + 1] = row;
  });
  return batch;
}

/**
 * Sequences `first`, `first + 1`, … as many as fit into `maxRows` rows, and the index behind the last. None may be
 * longer than `positions`, the most that the model knows.
 */
export function nextSequences(
  source: SequenceSource,
  first: number,
  maxRows: number,
  positions = maxRows,
): { sequences: number[][]; next: number } {
  const sequences: number[][] = [];
  let rows = 0;
  let index = first;
  for (;;) {
    const sequence = source.at(index);
    const more = sequence.length - 1;
    checkLength(more, index, maxRows, positions);
    if (rows + more > maxRows) return { sequences, next: index };
    sequences.push(sequence);
    rows += more;
    index++;
  }
}

/** @throws SEQUENCE_TOO_LONG for a text with more predicted tokens than fit into `room` or the model's positions */
export function checkLength(
  rows: number,
  index: number,
  room: number,
  positions: number,
  setting = 'batch_tokens',
): void {
  if (rows < 1) throw internalError(`training text ${index} has fewer than two tokens`);
  if (rows <= Math.min(room, positions)) return;
  throw userError(
    'SEQUENCE_TOO_LONG',
    `sequences of at most ${Math.min(room, positions)} tokens`,
    `${rows} tokens in training text ${index}`,
    rows > room ? `raise ${setting}` : 'raise max_position_embeddings of the model',
  );
}

/** The batch as tensors; the caller disposes of them (or calls inside `tf.tidy`). */
export function toTensors(batch: PackedBatch): TokenBatch & { targets: tf.Tensor1D } {
  return {
    ids: tf.tensor1d(batch.ids, 'int32'),
    positions: tf.tensor1d(batch.positions, 'int32'),
    targets: tf.tensor1d(batch.targets, 'int32'),
    segments: batch.segments,
  };
}
