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
    const { cos, sin } = rotations(positions, size, base);
    const first = tf.slice(x, [0, 0, 0], [tokens, heads, half]);
    const second = tf.slice(x, [0, 0, half], [tokens, heads, half]);
    return tf.concat(
      [tf.sub(tf.mul(first, cos), tf.mul(second, sin)), tf.add(tf.mul(second, cos), tf.mul(first, sin))],
      2,
    ) as tf.Tensor3D;
  });
}

interface Rotations {
  cos: tf.Tensor3D;
  sin: tf.Tensor3D;
}

/** Cosine and sine of each position's angles, [T, 1, Dh/2]. */
function rotations(positions: tf.Tensor1D, size: number, base: number): Rotations {
  if (tf.getBackend() === 'webgpu') return rotationsOfHost(positions, size, base);
  const frequencies = tf.tensor2d(rotaryFrequencies(size, base), [1, size / 2]);
  const angles = tf.mul(tf.reshape(tf.cast(positions, 'float32'), [-1, 1]), frequencies);
  const shape: [number, number, number] = [positions.size, 1, size / 2];
  return { cos: tf.reshape(tf.cos(angles), shape), sin: tf.reshape(tf.sin(angles), shape) };
}

/** The last ones computed, for the layers of one batch. */
let latest: (Rotations & { positions: WeakRef<object>; size: number; base: number }) | undefined;

/**
 * The same computed here: the sine of a WebGPU shader may be wrong by 2⁻¹¹, and by anything beyond [−π, π] (WGSL,
 * "Accuracy of built-in functions").
 */
function rotationsOfHost(positions: tf.Tensor1D, size: number, base: number): Rotations {
  const known = latest;
  if (
    known?.positions.deref() === positions.dataId &&
    known.size === size &&
    known.base === base &&
    !known.cos.isDisposed
  ) {
    return known;
  }
  const frequencies = rotaryFrequencies(size, base);
  const half = frequencies.length;
  const cos = new Float32Array(positions.size * half);
  const sin = new Float32Array(positions.size * half);
  positions.dataSync<'int32'>().forEach((position, row) => {
    frequencies.forEach((frequency, i) => {
      const angle = Math.fround(position * frequency);
      cos[row * half + i] = Math.cos(angle);
      sin[row * half + i] = Math.sin(angle);
    });
  });
  if (known !== undefined) tf.dispose([known.cos, known.sin]);
  const shape: [number, number, number] = [positions.size, 1, half];
  latest = {
    cos: tf.keep(tf.tensor3d(cos, shape)),
    sin: tf.keep(tf.tensor3d(sin, shape)),
    positions: new WeakRef(positions.dataId),
    size,
    base,
  };
  return latest;
}

/** The Dh/2 angular frequencies base^(−2i/Dh), rounded to float32 where Hugging Face's float32 code rounds. */
export function rotaryFrequencies(size: number, base: number): Float32Array {
  const frequencies = new Float32Array(size / 2);
  for (let i = 0; i < frequencies.length; i++) {
    frequencies[i] = 1 / Math.fround(base ** Math.fround((2 * i) / size));
  }
  return frequencies;
}
