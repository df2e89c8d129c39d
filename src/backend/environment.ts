/** What the numbers of a run depend on besides its settings: versions, machine, backend. Written as env.json. */
import { readFileSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';

export interface Environment {
  interplay: string;
  node: string;
  tfjs: string;
  platform: string;
  cpu: string;
  cores: number;
  memory_gib: number;
  /** Current tfjs backend. */
  backend: string;
}

/** The environment of this process, now. */
export function environment(): Environment {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return {
    interplay: (JSON.parse(manifest) as { version: string }).version,
    node: process.version,
    tfjs: tf.version_core,
    platform: `${platform()}-${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    backend: tf.getBackend(),
  };
}
