/**
 * The backend `tensorflow`: TensorFlow's C library through tfjs's own binding, which the user has installed. It
 * registers itself with tfjs-core under this name; all operations of models are compositions of its kernels.
 */
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { runOnCpu } from './cpu-fallback.ts';
import { BackendMissing } from './missing.ts';
import { type FoundPackage, findPackage } from './packages.ts';

/** The first one that is installed is taken. */
const bindings = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;
/** Node 23 removed functions of `util` that the binding calls. */
const FIRST_NODE_WITHOUT = 23;

/**
 * Loads the binding, which makes `tensorflow` known to tfjs.
 * @param nodeVersion of this process, like `20.19.0`
 * @param find looks a package up
 * @returns the package and its version
 * @throws BackendMissing
 */
export function registerTensorflow(nodeVersion = process.versions.node, find = findPackage): string {
  const found = bindings.map((name) => find(name)).find((binding) => binding !== undefined);
  if (found === undefined) {
    throw new BackendMissing(
      `neither ${bindings.join(' nor ')} is installed`,
      `npm install --no-save ${bindings[1]}@${tf.version_core}`,
    );
  }
  const named = `${found.name} ${found.version}`;
  if (found.version !== tf.version_core) {
    throw new BackendMissing(
      `${named} does not fit tfjs ${tf.version_core}`,
      `npm install --no-save ${found.name}@${tf.version_core}`,
    );
  }
  if (Number.parseInt(nodeVersion, 10) >= FIRST_NODE_WITHOUT) {
    throw new BackendMissing(`${named} does not work on Node ${nodeVersion}`, 'use Node 20 or 22');
  }
  const current = tf.engine().backendName as string | undefined;
  load(found);
  // The binding makes itself the current backend as it loads; which one is, is for the caller to say.
  if (current) void tf.setBackend(current);
  return named;
}

function load({ name, version, file }: FoundPackage): void {
  try {
    createRequire(file)(file);
  } catch (error) {
    const reason = String(error instanceof Error ? error.message : error).split('\n')[0]!;
    throw new BackendMissing(
      `${name} ${version} does not load: ${reason}`,
      `npm rebuild ${name} --build-addon-from-source, where its library can be downloaded`,
    );
  }
  if (tf.findBackendFactory('tensorflow') == null) {
    throw new BackendMissing(
      `${name} ${version} brings a tfjs-core of its own`,
      'install it beside this package, so that both share one',
    );
  }
  completeKernels();
}

let completed = false;

/** The kernels that the binding lacks, computed by tfjs's cpu backend. */
function completeKernels(): void {
  if (completed) return;
  const present = new Set(tf.getKernelsForBackend('tensorflow').map(({ kernelName }) => kernelName));
  for (const { kernelName, kernelFunc } of tf.getKernelsForBackend('cpu')) {
    if (present.has(kernelName)) continue;
    tf.registerKernel({
      kernelName,
      backendName: 'tensorflow',
      kernelFunc: ({ inputs, backend, attrs }) =>
        runOnCpu(kernelName, kernelFunc, backend as tf.KernelBackend, inputs, attrs),
    });
  }
  completed = true;
}
