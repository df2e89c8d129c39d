import * as tf from '@tensorflow/tfjs-core';
import { cpuFallbacks } from '../cpu-fallback.ts';
import { loadWasmEngine } from '../wasm/engine.ts';
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

const created: NativeBackend[] = [];

/** Makes `native` known to tfjs; throws, with a one-line reason, when the addon does not load. */
export function registerNative(): void {
  const engine = loadEngine();
  registerWith('native', 10, () => new NativeBackend(engine));
}

/** Makes `wasm`, the same kernels on the engine in WebAssembly, known to tfjs; throws when it does not load. */
export function registerWasm(): void {
  const engine = loadWasmEngine();
  registerWith('wasm', 9, () => {
    engine.start();
    return new NativeBackend(engine);
  });
}

const ours = new Set<string>();

function registerWith(name: 'native' | 'wasm', priority: number, factory: () => NativeBackend): void {
  if (ours.has(name)) return;
  if (tf.findBackendFactory(name) !== null) {
    throw new Error(`another package has registered a tfjs backend of the name ${name}`);
  }
  registerKernels(name, nativeKernels);
  if (ours.size === 0) registerFusedGradients();
  ours.add(name);
  tf.registerBackend(
    name,
    () => {
      const backend = factory();
      created.push(backend);
      return backend;
    },
    priority,
  );
}

/**
 * Kernels the cpu backend computed so far for the current backend, or where that is cpu for the first of ours that was
 * used, with their number of calls.
 */
export function nativeFallbacks(): { kernel: string; calls: number }[] {
  const backend = tf.getBackend() === 'cpu' ? created[0] : (tf.backend() as tf.KernelBackend);
  return backend === undefined ? [] : cpuFallbacks(backend);
}

/** The tfjs kernels that `native` and `wasm` leave to the cpu backend, sorted by name. */
export function kernelsOnCpu(): string[] {
  const names = tf.getKernelsForBackend('cpu').map(({ kernelName }) => kernelName);
  return names.filter((name) => nativeKernels[name] === undefined).sort();
}
