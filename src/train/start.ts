/** What a run begins with: model and tokenizer. */
import { globalNorm } from '../backend/index.ts';
import { userError } from '../core/errors.ts';
import { readJsonFile } from '../core/json.ts';
import { parseModelConfig, resolveModelConfig } from '../model/config.ts';
import { loadModel } from '../model/files.ts';
import { createQwen2, disposeQwen2, type Qwen2 } from '../model/qwen2.ts';
import { openTokenizer, type Tokenizer, trainTokenizer } from '../tokenizer/index.ts';
import type { PretrainConfig } from './config.ts';
import type { TrainingData } from './data.ts';

/** Model and tokenizer to begin with: of the checkpoint, of `init`, or new. */
export function startingPoint(
  config: PretrainConfig,
  resumed: string | undefined,
  data: TrainingData,
): { model: Qwen2; tokenizer: Tokenizer } {
  const folder = resumed ?? config.init;
  if (folder !== undefined) {
    const { model, tokenizer } = loadModel(folder);
    checkFinite(model, folder);
    return { model, tokenizer };
  }
  const tokenizer = makeTokenizer(config, data);
  const settings =
    typeof config.model === 'string' && config.model.endsWith('.json')
      ? parseModelConfig(readJsonFile(config.model, 'model config'), config.model)
      : resolveModelConfig(config.model ?? 'micro', { vocab_size: tokenizer.vocabularySize });
  if (settings.vocab_size < tokenizer.vocabularySize) {
    throw userError(
      'VOCABULARY_SIZE',
      `vocab_size at least ${tokenizer.vocabularySize}`,
      String(settings.vocab_size),
      'raise vocab_size or train a smaller tokenizer',
    );
  }
  return { model: createQwen2(settings, config.seed), tokenizer };
}

/** @throws MODEL_PARAMETER, where a loss that is not finite would only say that something is wrong */
export function checkFinite(model: Qwen2, folder: string): void {
  for (const [name, values] of model.parameters) {
    if (Number.isFinite(globalNorm([values]))) continue;
    disposeQwen2(model);
    throw userError(
      'MODEL_PARAMETER',
      `finite weights in ${folder}`,
      `${name} with values that are not`,
      'start from another checkpoint',
    );
  }
}

/** The tokenizer of the settings: read, or trained on the first training texts. */
function makeTokenizer(config: PretrainConfig, data: TrainingData): Tokenizer {
  const { tokenizer = { vocabulary: 512, tasks: 5000 } } = config;
  if (typeof tokenizer === 'string') return openTokenizer(tokenizer);
  const count = Math.min(tokenizer.tasks, data.size ?? Number.POSITIVE_INFINITY);
  const texts = Array.from({ length: count }, (_, i) => data.text!(i)); // shards, which have none, have a tokenizer
  return trainTokenizer(texts, { vocabularySize: tokenizer.vocabulary, special: data.special });
}
