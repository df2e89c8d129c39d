import * as tf from '@tensorflow/tfjs-core';
import { NativeBackend } from './backend.ts';
import { loadEngine } from './engine.ts';
import { fusedKernels } from './fused.ts';
import { registerFusedGradients } from './fused-gradients.ts';
import { elementwiseKernels } from './kernels/elementwise.ts';
import { layoutKernels } from './kernels/layout.ts';
import { matMulKernels } from './kernels/matmul.ts';
import { reduceKernels } from './kernels/reduce.ts';
import { structureKernels } from './kernels/structure.ts';
import { layerKernels } from './layer.ts';
import { type KernelTable, registerKernels } from './registry.ts';

/** Every native kernel by tfjs name. */
export const nativeKernels: KernelTable = {
  ...elementwiseKernels,
  ...layoutKernels,
  ...matMulKernels,
  ...reduceKernels,
  ...structureKernels,
  ...fusedKernels,
  ...layerKernels,
};

/** Makes `native` known to tfjs; throws, with a one-line reason, when the addon does not load. */
export function registerNative(): void {
  loadEngine();
  if (tf.findBackendFactory('native') !== null) return;
  registerKernels(nativeKernels);
  registerFusedGradients();
  tf.registerBackend('native', () => new NativeBackend(), 10);
}

/** Kernels the cpu backend computed for `native` so far, with their number of calls. */
export function nativeFallbacks(): { kernel: string; calls: number }[] {
  if (tf.findBackendFactory('native') === null) return [];
  const backend = tf.findBackend('native') as NativeBackend;
  return [...backend.fallbacks].map(([kernel, calls]) => ({ kernel, calls }));
}
