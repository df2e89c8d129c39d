/** The models and batches that the training and sampling benchmarks share (sizes as in the speed comparisons). */
import { randomFamily, userError } from '../src/core/index.ts';
import { createQwen2, MODEL_PRESETS, type ModelConfig, modelPreset, type Qwen2 } from '../src/model/index.ts';

const CONFIGS = ['micro', 'small', 'big'] as const;

/** Configuration of `--config`, default `small`. */
export function benchmarkConfig(name = 'small'): { name: string; config: ModelConfig; model: Qwen2 } {
  const preset = MODEL_PRESETS.find((known) => known === name);
  if (preset === undefined || !CONFIGS.some((known) => known === preset)) {
    throw userError('USAGE', `--config ${CONFIGS.join('|')}`, name, 'choose one of these');
  }
  const config = modelPreset(preset);
  return { name: preset, config, model: createQwen2(config, 0) };
}

/** Token ids without meaning: `count` sequences of `length`. */
export function randomSequences(config: ModelConfig, count: number, length: number): number[][] {
  const stream = randomFamily('benchmark tokens').at(0);
  return Array.from({ length: count }, () =>
    Array.from({ length }, () => 10 + stream.below(config.vocab_size - 10)),
  );
}

/** The middle of the sorted values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}
