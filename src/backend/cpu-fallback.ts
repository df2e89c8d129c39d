/** Kernels that a backend lacks, computed by tfjs's cpu backend on a copy and brought back. */
import * as tf from '@tensorflow/tfjs-core';

const calls = new WeakMap<tf.KernelBackend, Map<string, number>>();

/** Kernels that the cpu backend computed for a backend, with their number of calls. */
export function cpuFallbacks(backend: tf.KernelBackend): { kernel: string; calls: number }[] {
  return [...(calls.get(backend) ?? [])].map(([kernel, count]) => ({ kernel, calls: count }));
}

/** Computes one kernel of the cpu backend for another backend, and counts it there. */
export function runOnCpu(
  name: string,
  kernel: tf.KernelFunc,
  backend: tf.KernelBackend,
  inputs: Record<string, unknown>,
  attributes: unknown,
): tf.TensorInfo | tf.TensorInfo[] {
  const counts = calls.get(backend) ?? new Map<string, number>();
  calls.set(backend, counts.set(name, (counts.get(name) ?? 0) + 1));
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
  const result = kernel({ inputs: cpuInputs as never, backend: cpu, attrs: attributes as never });
  const bring = (info: tf.TensorInfo): tf.TensorInfo => {
    const dataId = backend.write(cpu.readSync(info.dataId), info.shape, info.dtype);
    return { dataId, shape: info.shape, dtype: info.dtype };
  };
  const outputs = Array.isArray(result) ? result.map(bring) : bring(result);
  for (const info of Array.isArray(result) ? result : [result]) cpu.disposeData(info.dataId);
  for (const info of copies) cpu.disposeData(info.dataId);
  return outputs;
}
