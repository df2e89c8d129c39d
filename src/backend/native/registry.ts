import * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../../core/index.ts';
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
 * brings the result back, counted in `backend.fallbacks`.
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

function runOnCpu(
  name: string,
  kernel: tf.KernelFunc,
  backend: NativeBackend,
  inputs: Inputs,
  attributes: Attributes,
): tf.TensorInfo | tf.TensorInfo[] {
  backend.fallbacks.set(name, (backend.fallbacks.get(name) ?? 0) + 1);
  const cpu = tf.findBackend('cpu') as tf.KernelBackend;
  const copies: tf.TensorInfo[] = [];
  const copy = ({ dataId, shape, dtype }: tf.TensorInfo): tf.TensorInfo => {
    const info = { dataId: cpu.write(backend.readSync(dataId), shape, dtype), shape, dtype };
    copies.push(info);
    return info;
  };
  const cpuInputs: Record<string, unknown> = Array.isArray(inputs) ? ([] as never) : {};
  for (const key of Object.keys(inputs)) {
    const input: unknown = inputs[key];
    if (input == null) cpuInputs[key] = input;
    else cpuInputs[key] = Array.isArray(input) ? input.map(copy) : copy(input as tf.TensorInfo);
  }
  const result = kernel({ inputs: cpuInputs as never, backend: cpu, attrs: attributes });
  const bring = (info: tf.TensorInfo): tf.TensorInfo => {
    const dataId = backend.write(cpu.readSync(info.dataId), info.shape, info.dtype);
    return { dataId, shape: info.shape, dtype: info.dtype };
  };
  const outputs = Array.isArray(result) ? result.map(bring) : bring(result);
  for (const info of Array.isArray(result) ? result : [result]) cpu.disposeData(info.dataId);
  for (const info of copies) cpu.disposeData(info.dataId);
  return outputs;
}
