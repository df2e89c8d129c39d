import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { InterplayError, userError } from '../core/index.ts';
import { registerGradients } from './gradients.ts';
import { type Engine, loadEngine } from './native/engine.ts';
import { registerNative, registerWasm } from './native/register.ts';
import { loadWasmEngine } from './wasm/engine.ts';

export type BackendName = 'native' | 'wasm' | 'cuda' | 'tensorflow' | 'webgpu' | 'cpu';

export const backendNames: readonly BackendName[] = ['native', 'wasm', 'cuda', 'tensorflow', 'webgpu', 'cpu'];

/** What one backend can do here. */
export interface BackendProbe {
  name: BackendName;
  available: boolean;
  /** One line: what it is when available, what is missing when not. */
  reason: string;
}

/** What was chosen and why, in one line. */
export interface BackendReport {
  name: BackendName;
  requested: BackendName | 'auto';
  reason: string;
}

/** Every backend with whether it works on this machine. Loads what it probes, chooses nothing. */
export async function probeBackends(): Promise<BackendProbe[]> {
  return [
    probeEngine('native', registerNative, loadEngine),
    probeEngine('wasm', registerWasm, loadWasmEngine),
    { name: 'cuda', available: false, reason: 'not built in this version' },
    await probeTensorflow(),
    await probeWebgpu(),
    { name: 'cpu', available: true, reason: 'plain JavaScript, slow' },
  ];
}

function probeEngine(name: 'native' | 'wasm', register: () => void, load: () => Engine): BackendProbe {
  try {
    register();
  } catch (error) {
    if (error instanceof InterplayError) throw error; // a setting to correct, not a missing backend
    return { name, available: false, reason: firstLine(error) };
  }
  const engine = load();
  return {
    name,
    available: true,
    reason: `${engine.instructionSet('avx512')}, ${engine.threads(0)} threads`,
  };
}

/** tfjs's binding of the TensorFlow library, where the user has installed one of the two packages. */
async function probeTensorflow(): Promise<BackendProbe> {
  for (const name of ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']) {
    if (!installed(name)) continue;
    try {
      await import(name);
      return { name: 'tensorflow', available: true, reason: name };
    } catch (error) {
      return { name: 'tensorflow', available: false, reason: `${name} does not load: ${firstLine(error)}` };
    }
  }
  return {
    name: 'tensorflow',
    available: false,
    reason: 'neither @tensorflow/tfjs-node-gpu nor @tensorflow/tfjs-node is installed',
  };
}

/** WebGPU in Node through Dawn (package `webgpu`) and tfjs's backend for it, where both are installed. */
async function probeWebgpu(): Promise<BackendProbe> {
  const unavailable = (reason: string): BackendProbe => ({ name: 'webgpu', available: false, reason });
  const missing = ['webgpu', '@tensorflow/tfjs-backend-webgpu'].filter((name) => !installed(name));
  if (missing.length > 0) return unavailable(`${missing.join(' and ')} not installed`);
  try {
    const dawn = 'webgpu'; // a variable, since neither package is a dependency
    const { create, globals } = (await import(dawn)) as { create(options: string[]): GPU; globals: object };
    Object.assign(globalThis, globals);
    const gpu = create([]);
    if ((await gpu.requestAdapter()) === null) return unavailable('no WebGPU adapter on this machine');
    Object.defineProperty(globalThis.navigator ?? setNavigator(), 'gpu', { value: gpu, configurable: true });
    const backend = '@tensorflow/tfjs-backend-webgpu';
    await import(backend);
    return { name: 'webgpu', available: true, reason: 'Dawn' };
  } catch (error) {
    return unavailable(firstLine(error));
  }
}

function setNavigator(): object {
  const navigator = {};
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
  return navigator;
}

interface GPU {
  requestAdapter(): Promise<object | null>;
}

function installed(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'MODULE_NOT_FOUND') return false;
    if (code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') return true; // there, for import only
    throw error;
  }
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0]!;
}

/**
 * Makes a backend the current one. `auto` takes native, else wasm, else cpu, and says why.
 *
 * @throws BACKEND_UNAVAILABLE when the named backend does not work here
 */
export async function useBackend(name: BackendName | 'auto' = 'auto'): Promise<BackendReport> {
  const probes = await probeBackends();
  const find = (wanted: BackendName) => probes.find((probe) => probe.name === wanted)!;
  const automatic = () => [find('native'), find('wasm')].find((probe) => probe.available) ?? find('cpu');
  const chosen = name === 'auto' ? automatic() : find(name);
  if (!chosen.available) {
    const others = probes.filter((probe) => probe.available).map((probe) => probe.name);
    throw userError(
      'BACKEND_UNAVAILABLE',
      'a backend that works here',
      `${name} (${chosen.reason})`,
      `choose ${others.join(' or ')}`,
    );
  }
  quietCpu();
  registerGradients();
  await tf.setBackend(chosen.name);
  return { name: chosen.name, requested: name, reason: chosen.reason };
}

/** tfjs's cpu backend prints an advertisement on its first write; standard error is ours. */
function quietCpu(): void {
  (tf.findBackend('cpu') as unknown as { firstUse: boolean }).firstUse = false;
}
