/** A model with random weights, large enough to say different things, and its tokenizer. */
import { createQwen2, parseModelConfig, type Qwen2 } from '../../src/model/index.ts';
import type { Prompt } from '../../src/sample/index.ts';
import { type Tokenizer, trainTokenizer } from '../../src/tokenizer/index.ts';

export const corpus = Array.from(
  { length: 40 },
  (_, i) => `<question> number ${i} of wolf ${i % 7} ? </question> <solution> so ${i} </solution>`,
);

export const prompts: Prompt[] = corpus
  .slice(0, 5)
  .map((text, i) => ({ key: `task-${i}`, text: text.slice(0, 20 + 5 * i) }));

export function tinyModel(seed = 2): { model: Qwen2; tokenizer: Tokenizer } {
  const tokenizer = trainTokenizer(corpus, { vocabularySize: 300 });
  const config = {
    model_type: 'qwen2',
    hidden_size: 16,
    intermediate_size: 32,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: tokenizer.vocabularySize,
    max_position_embeddings: 96,
    initializer_range: 0.3,
  };
  return { model: createQwen2(parseModelConfig(config, 'the test'), seed), tokenizer };
}
