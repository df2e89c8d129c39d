/** Prefill and decoding of several sequences, as the benchmarks need them. */
import { createKvCache, type KvCache, type SampleOptions, sampleTokens } from '../src/backend/index.ts';
import { randomFamily } from '../src/core/index.ts';
import { decodeStep, prefill, type Qwen2 } from '../src/model/index.ts';
import { pack, toTensors } from '../src/train/index.ts';

/** Draws at temperature 1, or takes the likeliest token. */
type Choosing = 'sample' | 'greedy';

/** A function that samples `length` tokens after each prompt (all of one length) and gives them in order. */
export function decode(
  model: Qwen2,
  prompts: readonly (readonly number[])[],
  length: number,
  choosing: Choosing = 'sample',
): { seconds: number; ids: Int32Array[] } {
  const { num_hidden_layers, num_key_value_heads, num_attention_heads, hidden_size } = model.config;
  const count = prompts.length;
  const rows = prompts[0]!.length;
  const caches: KvCache[] = Array.from({ length: num_hidden_layers }, () =>
    createKvCache(count, rows + length, num_key_value_heads, hidden_size / num_attention_heads),
  );
  const slots = Int32Array.from({ length: count }, (_, i) => i);
  const lengths = new Int32Array(count).fill(rows);
  const stream = randomFamily('benchmark draws').at(0);
  const choose = (logits: Parameters<typeof sampleTokens>[0]): Int32Array => {
    const uniforms = Float64Array.from({ length: count }, () => stream.uniform());
    const options: SampleOptions = {
      temperature: choosing === 'greedy' ? 0 : 1,
      topP: 1,
      topK: 0,
      uniforms,
    };
    const { ids } = sampleTokens(logits, options);
    logits.dispose();
    return ids;
  };
  const started = performance.now();
  // `pack` leaves the last token of a sequence to the targets.
  const { targets, ...batch } = toTensors(pack(prompts.map((prompt) => [...prompt, 0])));
  const ids = [choose(prefill(model, batch, caches, slots))];
  while (ids.length < length) {
    ids.push(choose(decodeStep(model, ids.at(-1)!, lengths, caches, slots)));
    for (let i = 0; i < count; i++) lengths[i]!++;
  }
  const seconds = (performance.now() - started) / 1000;
  for (const tensor of [targets, batch.ids, batch.positions]) tensor.dispose();
  for (const cache of caches) cache.dispose();
  return { seconds, ids };
}
