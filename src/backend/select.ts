import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { InterplayError, internalError, userError } from '../core/index.ts';
import { registerGradients } from './gradients.ts';
import { BackendMissing } from './missing.ts';
import { type Engine, loadEngine } from './native/engine.ts';
import { registerNative, registerWasm } from './native/register.ts';
import { registerTensorflow } from './tensorflow.ts';
import { loadWasmEngine } from './wasm/engine.ts';
import { registerWebgpu } from './webgpu/register.ts';

export type BackendName = 'native' | 'wasm' | 'cuda' | 'tensorflow' | 'webgpu' | 'cpu';

export const backendNames: readonly BackendName[] = ['native', 'wasm', 'cuda', 'tensorflow', 'webgpu', 'cpu'];

/** What `auto` takes the first of that works. The others are used by name only. */
const automatic: readonly BackendName[] = ['native', 'wasm', 'cpu'];

/** What one backend can do here. */
export interface BackendProbe {
  name: BackendName;
  available: boolean;
  /** One line: what it is when available, what is missing when not. */
  reason: string;
  /** What makes it available, where something does. */
  remedy?: string;
}

/** What was chosen and why, in one line. */
export interface BackendReport {
  name: BackendName;
  requested: BackendName | 'auto';
  reason: string;
}

/** How each backend is loaded and made known to tfjs; each says what it is, or throws what is missing. */
const load: Readonly<Record<BackendName, () => string | Promise<string>>> = {
  native: () => {
    registerNative();
    return engineInWords(loadEngine());
  },
  wasm: () => {
    registerWasm();
    return engineInWords(loadWasmEngine());
  },
  cuda: () => {
    throw new BackendMissing(
      'not built into this version',
      'choose tensorflow or webgpu for a graphics card',
    );
  },
  tensorflow: () => registerTensorflow(),
  webgpu: registerWebgpu,
  cpu: () => 'plain JavaScript, slow',
};

function engineInWords(engine: Engine): string {
  return `${engine.instructionSet('avx512')}, ${engine.threads(0)} threads`;
}

/** Whether one backend works on this machine. Loads it, chooses nothing. */
export async function probeBackend(name: BackendName): Promise<BackendProbe> {
  try {
    return { name, available: true, reason: await load[name]() };
  } catch (error) {
    if (error instanceof InterplayError) throw error; // a setting to correct, not a missing backend
    const reason = String(error instanceof Error ? error.message : error).split('\n')[0]!;
    return {
      name,
      available: false,
      reason,
      ...(error instanceof BackendMissing ? { remedy: error.remedy } : {}),
    };
  }
}

/** Every backend with whether it works on this machine. Loads what it probes, chooses nothing. */
export async function probeBackends(): Promise<BackendProbe[]> {
  const probes: BackendProbe[] = [];
  for (const name of backendNames) probes.push(await probeBackend(name));
  return probes;
}

/**
 * Makes a backend the current one. `auto` takes native, else wasm, else cpu, and says why. Only what may be taken is
 * loaded.
 *
 * @throws BACKEND_UNAVAILABLE when the named backend does not work here
 */
export async function useBackend(name: BackendName | 'auto' = 'auto'): Promise<BackendReport> {
  const passed: string[] = [];
  let chosen: BackendProbe | undefined;
  for (const candidate of name === 'auto' ? automatic : [name]) {
    const probe = await probeBackend(candidate);
    if (probe.available) {
      chosen = probe;
      break;
    }
    if (name !== 'auto') throw await unavailable(probe);
    passed.push(`${candidate}: ${probe.reason}`);
  }
  if (chosen === undefined) throw internalError('the cpu backend is always there');
  quietCpu();
  registerGradients();
  await tf.setBackend(chosen.name);
  return { name: chosen.name, requested: name, reason: [chosen.reason, ...passed].join('; not ') };
}

async function unavailable({ name, reason, remedy }: BackendProbe): Promise<InterplayError> {
  const others: string[] = [];
  for (const other of automatic) if ((await probeBackend(other)).available) others.push(other);
  const choice = `choose ${others.join(' or ')}`;
  return userError(
    'BACKEND_UNAVAILABLE',
    'a backend that works here',
    `${name} (${reason})`,
    remedy === undefined ? choice : `${remedy}; or ${choice}`,
  );
}

/** tfjs's cpu backend prints an advertisement on its first write; standard error is ours. */
function quietCpu(): void {
  (tf.findBackend('cpu') as unknown as { firstUse: boolean }).firstUse = false;
}
