import * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../../core/index.ts';
import { currentNative } from '../native/backend.ts';
import { nativeAdamw, nativeGlobalNorm } from '../native/optimizer.ts';

/** One parameter with its first and second moment. */
export interface AdamwParameter {
  variable: tf.Variable;
  m: tf.Variable;
  v: tf.Variable;
  /** Whether weight decay applies (matrices, usually not norms and biases). */
  decay: boolean;
}

export interface AdamwOptions {
  /** 1 for the first update. */
  step: number;
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** Multiplies every gradient (clipping, accumulation). */
  gradientScale: number;
}

/**
 * AdamW exactly as PyTorch's `torch.optim.AdamW`: decoupled decay `p ← p − lr·wd·p` first, bias correction,
 * ε outside the square root: `p ← p − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε)`.
 *
 * @param gradients one per parameter, of its shape
 */
export function adamwStep(
  parameters: readonly AdamwParameter[],
  gradients: readonly tf.Tensor[],
  options: AdamwOptions,
): void {
  checkShapes(parameters, gradients);
  const native = currentNative();
  if (native !== undefined) {
    nativeAdamw(native, parameters, gradients, options);
    return;
  }
  const { step, learningRate, beta1, beta2, epsilon, weightDecay, gradientScale } = options;
  const stepSize = learningRate / (1 - beta1 ** step);
  const correction2 = Math.sqrt(1 - beta2 ** step);
  tf.tidy(() => {
    parameters.forEach(({ variable, m, v, decay }, index) => {
      const gradient = tf.mul(gradients[index]!, gradientScale);
      m.assign(tf.add(tf.mul(m, beta1), tf.mul(gradient, 1 - beta1)));
      v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(gradient), 1 - beta2)));
      const decayed = decay ? tf.mul(variable, 1 - learningRate * weightDecay) : variable;
      const denominator = tf.add(tf.div(tf.sqrt(v), correction2), epsilon);
      variable.assign(tf.sub(decayed, tf.mul(tf.div(m, denominator), stepSize)));
    });
  });
}

/**
 * {@link adamwStep} with clipping of the global gradient norm as PyTorch's `clip_grad_norm_`: gradients are scaled by
 * clip / (norm + 1e-6), at most 1. One operation on the native backend.
 *
 * @param clip largest norm, positive
 * @returns the norm before clipping (after `gradientScale`)
 */
export function clippedAdamwStep(
  parameters: readonly AdamwParameter[],
  gradients: readonly tf.Tensor[],
  options: AdamwOptions,
  clip: number,
): number {
  if (!(clip > 0)) throw internalError(`clippedAdamwStep: clip ${clip}`);
  checkShapes(parameters, gradients);
  const native = currentNative();
  if (native !== undefined) return nativeAdamw(native, parameters, gradients, options, clip);
  const norm = globalNorm(gradients) * options.gradientScale;
  const gradientScale = options.gradientScale * Math.min(1, clip / (norm + 1e-6));
  adamwStep(parameters, gradients, { ...options, gradientScale });
  return norm;
}

/**
 * Euclidean norm over all tensors together, accumulated in float64 in a fixed order; where reading a tensor means
 * copying it from a device, in float32 there.
 */
export function globalNorm(tensors: readonly tf.Tensor[]): number {
  const native = currentNative();
  if (native !== undefined) return nativeGlobalNorm(native, tensors);
  let sum = 0;
  if (tf.getBackend() !== 'cpu' && tensors.length > 0) {
    const squares = tf.tidy(() => tf.stack(tensors.map((tensor) => tf.sum(tf.square(tensor)))));
    for (const value of squares.dataSync<'float32'>()) sum += value;
    squares.dispose();
    return Math.sqrt(sum);
  }
  for (const tensor of tensors) {
    for (const value of tensor.dataSync<'float32'>()) sum += value * value;
  }
  return Math.sqrt(sum);
}

function checkShapes(parameters: readonly AdamwParameter[], gradients: readonly tf.Tensor[]): void {
  if (gradients.length !== parameters.length) {
    throw internalError(`adamwStep: ${parameters.length} parameters, ${gradients.length} gradients`);
  }
  parameters.forEach(({ variable, m, v }, i) => {
    for (const tensor of [m, v, gradients[i]!]) {
      if (tensor.size !== variable.size || tensor.dtype !== 'float32') {
        throw internalError(
          `adamwStep: ${variable.name} [${variable.shape}] got a ${tensor.dtype} [${tensor.shape}]`,
        );
      }
    }
  });
}
