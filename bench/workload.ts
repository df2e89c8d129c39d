/** The models and batches that the training and sampling benchmarks share (sizes as in the speed comparisons). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomFamily, userError } from '../src/core/index.ts';
import {
  createQwen2,
  MODEL_PRESETS,
  type ModelConfig,
  modelPreset,
  type Qwen2,
  writeSafetensors,
} from '../src/model/index.ts';
import type { Peer } from './peer.ts';

const CONFIGS = ['micro', 'small', 'big'] as const;

/** Configuration of `--config`, default `small`. */
export function benchmarkConfig(name = 'small'): { name: string; config: ModelConfig } {
  const preset = MODEL_PRESETS.find((known) => known === name);
  if (preset === undefined || !CONFIGS.some((known) => known === preset)) {
    throw userError('USAGE', `--config ${CONFIGS.join('|')}`, name, 'choose one of these');
  }
  return { name: preset, config: modelPreset(preset) };
}

/** The model of a configuration, with the same weights every time. */
export function benchmarkModel(config: ModelConfig): Qwen2 {
  return createQwen2(config, 0);
}

/** Token ids without meaning: `count` sequences of `length`. */
export function randomSequences(config: ModelConfig, count: number, length: number): number[][] {
  const stream = randomFamily('benchmark tokens').at(0);
  return Array.from({ length: count }, () =>
    Array.from({ length }, () => 10 + stream.below(config.vocab_size - 10)),
  );
}

/** Hands a model's weights to the peer, through a file that is gone afterwards. */
export async function loadIntoPeer(peer: Peer, { config, parameters }: Qwen2): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'interplay-bench-'));
  try {
    const weights = join(folder, 'model.safetensors');
    writeSafetensors(
      weights,
      [...parameters].map(([name, variable]) => [
        name,
        { shape: variable.shape, data: variable.dataSync<'float32'>() },
      ]),
    );
    await peer.ask('load', { config, weights });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
