import * as tf from '@tensorflow/tfjs-core';
import type { AdamwOptions, AdamwParameter } from '../ops/adamw.ts';
import type { NativeBackend } from './backend.ts';

const HEADER = 9;
const FIELDS = 6;

/**
 * adamwStep in one native operation per 1,363 parameters, in place; with `clip` > 0, gradients are scaled down to that
 * global norm. Returns their norm before (0 without clipping).
 */
export function nativeAdamw(
  backend: NativeBackend,
  parameters: readonly AdamwParameter[],
  gradients: readonly tf.Tensor[],
  options: AdamwOptions,
  clip = 0,
): number {
  const { step, learningRate, beta1, beta2, epsilon, weightDecay, gradientScale } = options;
  const { args, op } = backend.engine;
  const most = Math.floor((args.length - HEADER) / FIELDS);
  if (clip > 0 && parameters.length > most) {
    const norm = nativeGlobalNorm(backend, gradients) * gradientScale;
    const scaled = { ...options, gradientScale: gradientScale * Math.min(1, clip / (norm + 1e-6)) };
    nativeAdamw(backend, parameters, gradients, scaled);
    return norm;
  }
  let norm = 0;
  for (let first = 0; first < parameters.length; first += most) {
    const part = parameters.slice(first, first + most);
    // Before the arguments are written: taking a private copy runs kernels of its own.
    for (const { variable, m, v } of part) for (const held of [variable, m, v]) makePrivate(backend, held);
    args[0] = part.length;
    args[1] = learningRate / (1 - beta1 ** step);
    args[2] = beta1;
    args[3] = beta2;
    args[4] = 1 / Math.sqrt(1 - beta2 ** step);
    args[5] = epsilon;
    args[6] = 1 - learningRate * weightDecay;
    args[7] = gradientScale;
    args[8] = clip;
    part.forEach(({ variable, m, v, decay }, i) => {
      const at = HEADER + i * FIELDS;
      args[at] = backend.address(variable);
      args[at + 1] = backend.address(gradients[first + i]!);
      args[at + 2] = backend.address(m);
      args[at + 3] = backend.address(v);
      args[at + 4] = variable.size;
      args[at + 5] = decay ? 1 : 0;
    });
    norm = backend.engine.run(op.adamw!);
  }
  return norm;
}

/**
 * tfjs lets tensors share data (a clone, a reshape, a variable's initial value). What is about to change in
 * place must not be shared: the others keep the old values.
 */
function makePrivate(backend: NativeBackend, variable: tf.Variable): void {
  backend.address(variable); // moves it here when another backend held it
  if (backend.refCount(variable.dataId) <= 1) return;
  const copy = tf.add(variable, 0);
  variable.assign(copy);
  copy.dispose();
}

/** globalNorm: partial sums of fixed chunks, added in order, in float64. */
export function nativeGlobalNorm(backend: NativeBackend, tensors: readonly tf.Tensor[]): number {
  const { args, op, run } = backend.engine;
  const most = Math.floor((args.length - 1) / 2);
  let sum = 0;
  for (let first = 0; first < tensors.length; first += most) {
    const part = tensors.slice(first, first + most);
    const addresses = part.map((tensor) => backend.address(tensor));
    args[0] = part.length;
    part.forEach((tensor, i) => {
      args[1 + 2 * i] = addresses[i]!;
      args[2 + 2 * i] = tensor.size;
    });
    sum += run(op.sumOfSquares!);
  }
  return Math.sqrt(sum);
}
