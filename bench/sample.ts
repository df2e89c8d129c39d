/** Decoding 192 new tokens for 64 sequences and for one, prompts of 64 tokens, as new tokens per second. */
import { copyCacheSlot, createKvCache, sampleTokens, threadCount, useBackend } from '../src/backend/index.ts';
import { randomFamily } from '../src/core/index.ts';
import { decodeStep, prefill, type Qwen2 } from '../src/model/index.ts';
import { pack, toTensors } from '../src/train/index.ts';
import type { BenchmarkOptions, BenchmarkRow } from './table.ts';
import { benchmarkConfig, median, randomSequences } from './workload.ts';

const PROMPT = 64;
const NEW = 192;
const ROUNDS = 3;

export async function sampleBenchmark(options: BenchmarkOptions): Promise<BenchmarkRow[]> {
  const backend = await useBackend('auto');
  const { name, config, model } = benchmarkConfig(options.config);
  const prompt = randomSequences(config, 1, PROMPT)[0]!;
  return [64, 1].map((count) => {
    decode(model, prompt, count, 8); // warm-up
    const seconds = Array.from({ length: ROUNDS }, () => decode(model, prompt, count, NEW));
    return {
      work: `${name}, ${count} sequences, prompt ${PROMPT}, ${NEW} new tokens, ${backend.name}, ${threadCount()} threads`,
      ours: (count * NEW) / median(seconds),
      unit: 'tokens/s',
      peer: null,
      peer_name: null,
      ratio: null,
      limit: null,
    };
  });
}

/** Seconds to prefill one prompt, share it among `count` sequences and decode `length` tokens of each. */
function decode(model: Qwen2, prompt: readonly number[], count: number, length: number): number {
  const { num_hidden_layers, num_key_value_heads, num_attention_heads, hidden_size } = model.config;
  const caches = Array.from({ length: num_hidden_layers }, () =>
    createKvCache(count, PROMPT + NEW, num_key_value_heads, hidden_size / num_attention_heads),
  );
  const slots = Int32Array.from({ length: count }, (_, i) => i);
  const lengths = new Int32Array(count).fill(PROMPT);
  const stream = randomFamily('benchmark draws').at(0);
  const started = performance.now();
  const { targets, ...batch } = toTensors(pack([[...prompt, 0]]));
  prefill(model, batch, caches, Int32Array.of(0)).dispose();
  for (const cache of caches) copyCacheSlot(cache, 0, slots.slice(1), PROMPT);
  let ids: Int32Array = new Int32Array(count).fill(prompt.at(-1)!);
  for (let step = 0; step < length; step++) {
    const logits = decodeStep(model, ids, lengths, caches, slots);
    const uniforms = Float64Array.from({ length: count }, () => stream.uniform());
    ids = sampleTokens(logits, { temperature: 1, topP: 1, topK: 0, uniforms }).ids;
    logits.dispose();
    for (let i = 0; i < count; i++) lengths[i]!++;
  }
  const seconds = (performance.now() - started) / 1000;
  for (const tensor of [targets, batch.ids, batch.positions]) tensor.dispose();
  for (const cache of caches) cache.dispose();
  return seconds;
}
