import * as tf from '@tensorflow/tfjs-core';
import { currentNative } from '../native/backend.ts';
import { runFused } from '../native/fused.ts';

/**
 * Rotary position embedding (Su et al. 2021), Hugging Face's Qwen2 convention: dimension i of a head is
 * rotated with dimension i + Dh/2 by the angle position · base^(−2i/Dh).
 *
 * @param x [T, H, Dh], Dh even
 * @param positions [T] int32
 */
export function rotary(x: tf.Tensor3D, positions: tf.Tensor1D, base: number): tf.Tensor3D {
  if (currentNative() !== undefined) {
    return runFused('Rotary', { x, positions }, { base, direction: 1 }) as tf.Tensor3D;
  }
  const [tokens, heads, size] = x.shape;
  const half = size / 2;
  return tf.tidy(() => {
    const frequencies = tf.tensor2d(rotaryFrequencies(size, base), [1, half]);
    const angles = tf.mul(tf.reshape(tf.cast(positions, 'float32'), [tokens, 1]), frequencies);
    const cos = tf.reshape(tf.cos(angles), [tokens, 1, half]);
    const sin = tf.reshape(tf.sin(angles), [tokens, 1, half]);
    const first = tf.slice(x, [0, 0, 0], [tokens, heads, half]);
    const second = tf.slice(x, [0, 0, half], [tokens, heads, half]);
    return tf.concat(
      [tf.sub(tf.mul(first, cos), tf.mul(second, sin)), tf.add(tf.mul(second, cos), tf.mul(first, sin))],
      2,
    ) as tf.Tensor3D;
  });
}

/** The Dh/2 angular frequencies base^(−2i/Dh), rounded to float32 where Hugging Face's float32 code rounds. */
export function rotaryFrequencies(size: number, base: number): Float32Array {
  const frequencies = new Float32Array(size / 2);
  for (let i = 0; i < frequencies.length; i++) {
    frequencies[i] = 1 / Math.fround(base ** Math.fround((2 * i) / size));
  }
  return frequencies;
}
