import * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../../core/index.ts';
import { runOnCpu } from '../cpu-fallback.ts';
import type { NativeBackend } from './backend.ts';

export type Inputs = Record<string, tf.TensorInfo>;
// biome-ignore lint/suspicious/noExplicitAny: each kernel knows its own attributes, tfjs types none of them
export type Attributes = any;

/** A native kernel: computes its outputs from inputs of the types it accepts. */
export type NativeKernel = (
  backend: NativeBackend,
  inputs: Inputs,
  attributes: Attributes,
) => tf.TensorInfo | tf.TensorInfo[];

/** Kernels by tfjs name, with the element types they take; other types go to the cpu backend. */
export type KernelTable = Record<string, { types: readonly tf.DataType[]; run: NativeKernel }>;

export const numeric: readonly tf.DataType[] = ['float32', 'int32', 'bool'];
export const floats: readonly tf.DataType[] = ['float32'];
export const numbers: readonly tf.DataType[] = ['float32', 'int32'];

/**
 * Registers our kernels for a backend and, for every other kernel of the cpu backend, one that computes there and
 * brings the result back, counted (`cpuFallbacks`).
 */
export function registerKernels(backendName: string, table: KernelTable): void {
  const register = (kernelName: string, kernel: NativeKernel) =>
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, backend, attrs }) => {
        const native = backend as NativeBackend;
        return native.guarded(() => kernel(native, inputs as Inputs, attrs as Attributes));
      },
    });
  for (const { kernelName, kernelFunc } of tf.getKernelsForBackend('cpu')) {
    if (table[kernelName] === undefined) {
      register(kernelName, (backend, inputs, attributes) =>
        runOnCpu(kernelName, kernelFunc, backend, inputs, attributes),
      );
    }
  }
  for (const [name, { types, run }] of Object.entries(table)) {
    register(name, (backend, inputs, attributes) => {
      for (const key in inputs) {
        const input = inputs[key];
        if (input !== undefined && !types.includes(input.dtype)) {
          return fallback(name, backend, inputs, attributes);
        }
      }
      return run(backend, inputs, attributes);
    });
  }
}

/** Computes a kernel on the cpu backend: for types or attributes a native kernel does not take. */
export function fallback(
  name: string,
  backend: NativeBackend,
  inputs: Inputs,
  attributes: Attributes,
): tf.TensorInfo | tf.TensorInfo[] {
  const kernel = tf.getKernel(name, 'cpu');
  if (kernel == null) throw internalError(`no cpu kernel ${name} for these inputs`);
  return runOnCpu(name, kernel.kernelFunc, backend, inputs, attributes);
}
