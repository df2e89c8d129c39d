/** A model and texts so small that a step takes milliseconds on every backend. */

import type * as tf from '@tensorflow/tfjs-core';
import { createQwen2, type ModelConfig, parseModelConfig, type Qwen2 } from '../../src/model/index.ts';

export const TINY: ModelConfig = parseModelConfig(
  {
    model_type: 'qwen2',
    hidden_size: 8,
    intermediate_size: 12,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    vocab_size: 29,
    max_position_embeddings: 64,
    tie_word_embeddings: true,
  },
  'the test',
);

/** The same for the program: settings of a model that reads whole texts, whatever its tokenizer. */
export const SMALLEST = {
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 512,
};

export function tinyModel(seed: number): Qwen2 {
  return createQwen2({ ...TINY, initializer_range: 0.3 }, seed);
}

/** `count` sequences of 3 to 15 tokens. */
export function tinySequences(count: number): number[][] {
  return Array.from({ length: count }, (_, s) =>
    Array.from({ length: 3 + ((5 * s) % 13) }, (_, i) => (i * i * (s + 2) + 7 * i + s) % TINY.vocab_size),
  );
}

/** Values of named tensors. */
export function valuesOf(tensors: ReadonlyMap<string, tf.Tensor>): Map<string, Float32Array> {
  return new Map([...tensors].map(([name, tensor]) => [name, tensor.dataSync<'float32'>().slice()]));
}
