import * as tf from '@tensorflow/tfjs-core';
import { currentNative } from '../native/backend.ts';
import { runFused } from '../native/fused.ts';

/**
 * Rows of a table by id: `out[t] = table[ids[t]]`.
 *
 * @param table [V, D] float32
 * @param ids [T] int32, each in [0, V)
 * @returns [T, D]; the gradient is a scatter-add in id order, the same bits on every run
 */
export function embedding(table: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor2D {
  if (currentNative() !== undefined) return runFused('Embedding', { table, ids }) as tf.Tensor2D;
  return tf.gather(table, ids);
}
