/**
 * Model folders for `transformers` and what is built on it: every file that `from_pretrained`, `generate` and
 * serving engines look for. Our checkpoints already open there; an export adds the rest and can cut the weights
 * into shards. The way back takes a folder saved there.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically, writeFolderAtomically } from '../core/files.ts';
import { readJsonFile } from '../core/json.ts';
import {
  type LoadedModel,
  loadModel,
  type ModelConfig,
  parseModelConfig,
  type Qwen2,
  saveModel,
} from '../model/index.ts';
import { TAGS } from '../tasks/text.ts';
import { openTokenizer, Tokenizer, tokenizerConfigJson } from '../tokenizer/index.ts';
import { checkNewFolder } from './output.ts';

export interface HuggingFaceOptions {
  /** Most bytes of tensors in one weight file; one file by default. */
  shardBytes?: number;
}

/** What {@link exportHuggingFace} wrote. */
export interface HuggingFaceExport {
  out: string;
  /** Identity of the model, as in evaluation folders. */
  hash: string;
  /** To be freed by the caller. */
  model: Qwen2;
}

/**
 * Writes the model of a folder (a checkpoint) as a folder for `transformers`.
 * @throws MODEL_FOLDER, EXPORT_EXISTS and the errors of {@link loadModel}
 */
export function exportHuggingFace(
  modelFolder: string,
  out: string,
  options: HuggingFaceOptions = {},
): HuggingFaceExport {
  checkNewFolder(out);
  const loaded = loadModel(modelFolder);
  writeFolderAtomically(out, (folder) => writeHuggingFace(folder, loaded, options));
  return { out, hash: loaded.hash, model: loaded.model };
}

/** Writes the files into an existing folder. */
export function writeHuggingFace(
  folder: string,
  { model, tokenizer }: Pick<LoadedModel, 'model' | 'tokenizer'>,
  options: HuggingFaceOptions = {},
): void {
  saveModel(folder, model, tokenizer, options);
  writeJson(join(folder, 'config.json'), transformersConfig(model.config));
  writeJson(join(folder, 'generation_config.json'), generationConfig(model.config));
}

/** Our configuration with the fields that `Qwen2Config` has beside it, all at the values that we compute with. */
function transformersConfig(config: ModelConfig): object {
  return {
    ...config,
    rope_scaling: null,
    sliding_window: null,
    max_window_layers: config.num_hidden_layers,
  };
}

/** What `generate` and serving engines stop at and pad with; sampling settings stay theirs. */
function generationConfig({ bos_token_id, eos_token_id, pad_token_id }: ModelConfig): object {
  const ids = Object.entries({ bos_token_id, eos_token_id, pad_token_id });
  return Object.fromEntries(ids.filter(([, id]) => id !== null));
}

/**
 * A folder for engines that take prompts as chats and decode without special tokens: a template that only joins
 * the contents, and tags (`<answer>` …) as ordinary added tokens, so that decoded responses keep them. Every text
 * has the same ids as before.
 */
export function writeChatModel(
  folder: string,
  { model, tokenizer }: Pick<LoadedModel, 'model' | 'tokenizer'>,
  options: HuggingFaceOptions = {},
): void {
  const { parts } = tokenizer;
  const added = parts.added.map((token) =>
    TAGS.some((tag) => tag === token.content) ? { ...token, special: false } : token,
  );
  const keepsTags = new Tokenizer({ ...parts, added });
  writeHuggingFace(folder, { model, tokenizer: keepsTags }, options);
  const settings = JSON.parse(tokenizerConfigJson(keepsTags)) as object;
  const chat_template = "{% for message in messages %}{{ message['content'] }}{% endfor %}";
  writeJson(join(folder, 'tokenizer_config.json'), { ...settings, chat_template });
}

/** What {@link importHuggingFace} wrote. */
export interface HuggingFaceImport extends HuggingFaceExport {
  /** Added tokens that were left out because the model has no row for them. */
  droppedTokens: string[];
}

/**
 * Writes a folder saved by `transformers` (any float type, sharded or not) as a model folder of ours: float32 in
 * one file.
 *
 * Added tokens with ids beyond the embedding are left out, with their names returned: the reference's released
 * model has one (PAPER §2). Ordinary tokens there are an error.
 * @throws MODEL_FOLDER, MODEL_CONFIG, MODEL_PARAMETER, TOKENIZER_FILE, VOCABULARY_SIZE, EXPORT_EXISTS
 */
export function importHuggingFace(source: string, out: string): HuggingFaceImport {
  checkNewFolder(out);
  const { tokenizer, droppedTokens } = fittingTokenizer(source);
  const { model, hash, ...loaded } = loadModel(source, tokenizer);
  writeFolderAtomically(out, (folder) => saveModel(folder, model, loaded.tokenizer));
  return { out, hash, model, droppedTokens };
}

/** The tokenizer of a folder without added tokens that its model has no row for; undefined when nothing is there. */
function fittingTokenizer(folder: string): { tokenizer?: Tokenizer; droppedTokens: string[] } {
  const config = join(folder, 'config.json');
  if (!existsSync(config) || !existsSync(join(folder, 'tokenizer.json'))) return { droppedTokens: [] };
  const { vocab_size: rows } = parseModelConfig(readJsonFile(config, 'model config'), config);
  const tokenizer = openTokenizer(folder);
  const { parts } = tokenizer;
  const beyond = parts.added.filter(({ id }) => id >= rows);
  if (beyond.length === 0 || beyond.length !== parts.tokens.length - rows) {
    return { tokenizer, droppedTokens: [] };
  }
  const added = parts.added.filter(({ id }) => id < rows);
  return {
    tokenizer: new Tokenizer({ ...parts, tokens: parts.tokens.slice(0, rows), added }),
    droppedTokens: beyond.map(({ content }) => content),
  };
}

function writeJson(path: string, value: object): void {
  writeFileAtomically(path, `${JSON.stringify(value, null, 2)}\n`);
}
