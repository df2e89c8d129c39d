import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { userError } from '../core/index.ts';
import { registerGradients } from './gradients.ts';
import { instructionSet, threadCount } from './native/engine.ts';
import { registerNative } from './native/register.ts';

export type BackendName = 'native' | 'cuda' | 'tensorflow' | 'webgpu' | 'cpu';

export const backendNames: readonly BackendName[] = ['native', 'cuda', 'tensorflow', 'webgpu', 'cpu'];

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
    probeNative(),
    { name: 'cuda', available: false, reason: 'not built in this version' },
    { name: 'tensorflow', available: false, reason: 'not installed' },
    { name: 'webgpu', available: false, reason: 'not installed' },
    { name: 'cpu', available: true, reason: 'plain JavaScript, slow' },
  ];
}

function probeNative(): BackendProbe {
  try {
    registerNative();
  } catch (error) {
    return { name: 'native', available: false, reason: firstLine(error) };
  }
  return { name: 'native', available: true, reason: `${instructionSet()}, ${threadCount()} threads` };
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0]!;
}

/**
 * Makes a backend the current one. `auto` takes native, else cpu, and says why.
 *
 * @throws BACKEND_UNAVAILABLE when the named backend does not work here
 */
export async function useBackend(name: BackendName | 'auto' = 'auto'): Promise<BackendReport> {
  const probes = await probeBackends();
  const find = (wanted: BackendName) => probes.find((probe) => probe.name === wanted)!;
  const chosen = name === 'auto' ? (find('native').available ? find('native') : find('cpu')) : find(name);
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
