import * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../../core/index.ts';
import { currentNative } from '../native/backend.ts';
import { runFused } from '../native/fused.ts';

/**
 * Causal grouped-query attention over packed sequences: row t attends to the rows of its own segment up to
 * itself, never across segments. Scale 1/√Dh; query head h reads key/value head ⌊h / (H/Hkv)⌋.
 *
 * @param q [T, H, Dh]
 * @param k [T, Hkv, Dh], H a multiple of Hkv
 * @param v [T, Hkv, Dh]
 * @param segments row offsets, S + 1 ascending entries from 0 to T
 * @returns [T, H, Dh]
 */
export function attention(q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D, segments: Int32Array): tf.Tensor3D {
  checkAttentionShapes(q, k, v);
  checkSegments(segments, q.shape[0]);
  if (currentNative() !== undefined) {
    return (runFused('Attention', { q, k, v }, { segments }) as tf.Tensor[])[0] as tf.Tensor3D;
  }
  return tf.tidy(() => {
    const outputs: tf.Tensor3D[] = [];
    for (let s = 0; s + 1 < segments.length; s++) {
      const start = segments[s]!;
      const length = segments[s + 1]! - start;
      if (length > 0) outputs.push(segmentAttention(q, k, v, start, length));
    }
    return outputs.length > 0 ? tf.concat(outputs, 0) : tf.zerosLike(q);
  });
}

/** One segment, queries of one key/value head side by side so that no key or value is copied per group. */
function segmentAttention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  start: number,
  length: number,
): tf.Tensor3D {
  const [, heads, size] = q.shape;
  const kvHeads = k.shape[1];
  const group = heads / kvHeads;
  const rows = (x: tf.Tensor3D) => tf.slice(x, [start, 0, 0], [length, x.shape[1], size]);
  const queries = tf.reshape(
    tf.transpose(tf.reshape(rows(q), [length, kvHeads, group, size]), [1, 2, 0, 3]),
    [kvHeads, group * length, size],
  );
  const keys = tf.transpose(rows(k), [1, 0, 2]); // [Hkv, L, Dh]
  const values = tf.transpose(rows(v), [1, 0, 2]);
  const scores = tf.mul(tf.matMul(queries, keys, false, true), 1 / Math.sqrt(size)); // [Hkv, G·L, L]
  const masked = tf.add(tf.reshape(scores, [kvHeads, group, length, length]), causalMask(length));
  const weights = tf.reshape(tf.softmax(masked), [kvHeads, group * length, length]);
  const mixed = tf.reshape(tf.matMul(weights, values), [kvHeads, group, length, size]);
  return tf.reshape(tf.transpose(mixed, [2, 0, 1, 3]), [length, heads, size]);
}

/** [L, L]: 0 on and below the diagonal, −∞ above. */
function causalMask(length: number): tf.Tensor2D {
  const mask = new Float32Array(length * length);
  for (let i = 0; i < length; i++) mask.fill(-Infinity, i * length + i + 1, (i + 1) * length);
  return tf.tensor2d(mask, [length, length]);
}

/** Shapes are our own code's business, so a mismatch is an internal fault. */
export function checkAttentionShapes(q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D): void {
  const [tokens, heads, size] = q.shape;
  const kvHeads = k.shape[1];
  const fits = (x: tf.Tensor3D) => x.shape[0] === tokens && x.shape[1] === kvHeads && x.shape[2] === size;
  if (!fits(k) || !fits(v) || kvHeads === 0 || heads % kvHeads !== 0) {
    throw internalError(`attention: q [${q.shape}], k [${k.shape}], v [${v.shape}] do not fit together`);
  }
}

/** Offsets must ascend from 0 to the number of rows. */
export function checkSegments(segments: Int32Array, rows: number): void {
  let fine = segments.length > 0 && segments[0] === 0 && segments[segments.length - 1] === rows;
  for (let i = 1; i < segments.length; i++) fine &&= segments[i]! >= segments[i - 1]!;
  if (!fine) throw internalError(`segments must ascend from 0 to ${rows}, got [${segments.join(', ')}]`);
}
