/** A run folder with one checkpoint of a tiny untrained model, for the export tests. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '../../src/backend/index.ts';
import { createQwen2, disposeQwen2, resolveModelConfig, saveModel } from '../../src/model/index.ts';
import { trainTokenizer } from '../../src/tokenizer/index.ts';
import { openData, type PretrainInput, parsePretrainConfig } from '../../src/train/index.ts';

export interface TinyRun {
  /** A folder to write into; removed by `remove`. */
  folder: string;
  /** `RUN/checkpoints/step-1`. */
  checkpoint: string;
  remove(): void;
}

export async function tinyRun(settings: PretrainInput = {}): Promise<TinyRun> {
  await useBackend('cpu');
  const folder = mkdtempSync(join(tmpdir(), 'interplay-export-'));
  const data = { world: 'micro', contexts: ['zoo'], ops: '2-3' };
  const config = parsePretrainConfig({ data, tokens: 4_000, batch_tokens: 512, ...settings });
  const opened = openData(config.data, config.seed);
  const texts = Array.from({ length: 30 }, (_, i) => opened.text!(i));
  const tokenizer = trainTokenizer(texts, { vocabularySize: 320 });
  const model = createQwen2(
    resolveModelConfig({
      hidden_size: 16,
      intermediate_size: 24,
      num_hidden_layers: 2,
      vocab_size: tokenizer.vocabularySize,
      max_position_embeddings: 512,
    }),
    1,
  );
  const checkpoint = join(folder, 'run', 'checkpoints', 'step-1');
  saveModel(checkpoint, model, tokenizer);
  disposeQwen2(model);
  writeFileSync(join(folder, 'run', 'config.json'), JSON.stringify(config));
  return { folder, checkpoint, remove: () => rmSync(folder, { recursive: true }) };
}
