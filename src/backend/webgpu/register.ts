import * as tf from '@tensorflow/tfjs-core';
import { runOnCpu } from '../cpu-fallback.ts';
import { BackendMissing } from '../missing.ts';
import { findPackage } from '../packages.ts';
import { type KernelInputs, WebgpuBackend } from './backend.ts';
import { Connection } from './connection.ts';

const NAME = 'webgpu';
const dawnPackage = 'webgpu';
const kernelPackage = '@tensorflow/tfjs-backend-webgpu';

/** The version of Dawn is the one tried: others want another C++ library. */
const INSTALL = `npm install --no-save ${dawnPackage}@0.6.2 ${kernelPackage}@${tf.version_core}`;

let opened: Promise<Connection> | undefined;

/**
 * Starts the device's thread and makes `webgpu` known to tfjs, once.
 * @returns the adapter in the driver's words and the version of Dawn's package
 * @throws BackendMissing, or why the device's thread does not start, in one line
 */
export async function registerWebgpu(): Promise<string> {
  const dawn = findPackage(dawnPackage);
  const kernels = findPackage(kernelPackage);
  const missing = [
    ...(dawn === undefined ? [dawnPackage] : []),
    ...(kernels === undefined ? [kernelPackage] : []),
  ];
  if (dawn === undefined || kernels === undefined) {
    throw new BackendMissing(`${missing.join(' and ')} not installed`, INSTALL);
  }
  if (kernels.version !== tf.version_core) {
    throw new BackendMissing(
      `${kernelPackage} ${kernels.version} does not fit tfjs ${tf.version_core}`,
      INSTALL,
    );
  }
  opened ??= Connection.open(dawn.file, kernels.file);
  const connection = await opened;
  if (connection.adapter === undefined) {
    throw new BackendMissing(
      'no graphics driver that Dawn accepts',
      'install one for Vulkan (Linux; Mesa 25 or SwiftShader compute in software), or name it in VK_ICD_FILENAMES',
    );
  }
  if (tf.findBackendFactory(NAME) == null) {
    registerKernels(connection);
    tf.registerBackend(NAME, () => new WebgpuBackend(connection), 0);
  }
  return `${connection.adapter}, Dawn ${dawn.version}`;
}

/** The kernels of the device's thread, and those of the cpu backend that it lacks. */
function registerKernels(connection: Connection): void {
  const remote = new Set(connection.kernels.filter((name) => !complexKernels.has(name)));
  const cpu = new Map(
    tf.getKernelsForBackend('cpu').map(({ kernelName, kernelFunc }) => [kernelName, kernelFunc]),
  );
  for (const kernelName of new Set([...remote, ...cpu.keys()])) {
    const cpuKernel = cpu.get(kernelName);
    tf.registerKernel({
      kernelName,
      backendName: NAME,
      kernelFunc: ({ inputs, backend, attrs }) => {
        const webgpu = backend as WebgpuBackend;
        const given = inputs as KernelInputs;
        const reshape = sharing[kernelName];
        if (reshape !== undefined) return share(webgpu, given, attrs, reshape);
        const left = !remote.has(kernelName) || !supported(given, attrs) || wrong(kernelName, attrs);
        if (cpuKernel !== undefined && left) {
          return runOnCpu(kernelName, cpuKernel, webgpu, given as Record<string, unknown>, attrs);
        }
        return webgpu.run(kernelName, given, attrs);
      },
    });
  }
}

/** Of types that the device's thread does not have: strings stay here, complex tensors are none of this project's. */
const absentTypes: ReadonlySet<unknown> = new Set(['string', 'complex64']);
const complexKernels: ReadonlySet<string> = new Set(['Complex', 'ComplexAbs', 'FFT', 'IFFT', 'Imag', 'Real']);

/** Neither of these types, and not empty: tfjs would ask the device for buffers of no bytes. */
function supported(inputs: KernelInputs, attributes: unknown): boolean {
  if (absentTypes.has((attributes as { dtype?: unknown } | undefined)?.dtype)) return false;
  return Object.values(inputs).every(
    (input) => input == null || !(absentTypes.has(input.dtype) || input.shape.includes(0)),
  );
}

/** What tfjs's backend computes wrongly (4.22.0: every reversed sum or product along an axis). */
function wrong(kernelName: string, attributes: unknown): boolean {
  const cumulative = kernelName === 'Cumsum' || kernelName === 'Cumprod';
  return cumulative && (attributes as { reverse?: boolean }).reverse === true;
}

type Reshape = (shape: number[], attributes: Record<string, unknown>) => number[];

/** Kernels that give the same data another shape: nothing to do for the device. */
const sharing: Readonly<Record<string, Reshape>> = {
  Identity: (shape) => shape,
  Reshape: (shape, attributes) =>
    tf.util.inferFromImplicitShape(attributes.shape as number[], tf.util.sizeFromShape(shape)),
  ExpandDims: (shape, attributes) => {
    const dim = attributes.dim as number;
    return shape.toSpliced(dim < 0 ? shape.length + 1 + dim : dim, 0, 1);
  },
};

function share(
  backend: WebgpuBackend,
  inputs: KernelInputs,
  attributes: unknown,
  reshape: Reshape,
): tf.TensorInfo {
  const input = Object.values(inputs)[0]!;
  return backend.shared(input, reshape(input.shape, attributes as Record<string, unknown>), input.dtype);
}
