/**
 * Model folders as Hugging Face writes them: `config.json`, `model.safetensors` (or shards with their index),
 * `tokenizer.json`. A model saved here opens in `transformers` as `Qwen2ForCausalLM`, and one saved there opens here.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { userError } from '../core/errors.ts';
import { writeFileAtomically } from '../core/files.ts';
import { sha256 } from '../core/hash.ts';
import { readJsonFile } from '../core/json.ts';
import { saveTokenizer, Tokenizer } from '../tokenizer/index.ts';
import { parseModelConfig } from './config.ts';
import { parameterShapes, type Qwen2, qwen2FromValues } from './qwen2.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import { hasWeights, readWeights, storable, WEIGHTS, writeWeights } from './weights.ts';

/** A model with its tokenizer, as a folder holds them. */
export interface LoadedModel {
  model: Qwen2;
  tokenizer: Tokenizer;
  /** SHA-256 of the weights and settings, first 16 digits: the identity of the model in evaluation folders. */
  hash: string;
}

/**
 * Writes the files into an existing or new folder; each file is complete or absent. `shardBytes` is the most bytes of
 * tensors in one weight file; by default there is one file.
 */
export function saveModel(
  folder: string,
  model: Qwen2,
  tokenizer: Tokenizer,
  { shardBytes = Number.POSITIVE_INFINITY }: { shardBytes?: number } = {},
): void {
  writeFileAtomically(join(folder, 'config.json'), `${JSON.stringify(model.config, null, 2)}\n`);
  saveTokenizer(folder, tokenizer);
  writeWeights(folder, model.parameters, shardBytes);
}

/**
 * Opens a model folder; what is missing, broken or does not fit together is a coded error. `given` is a tokenizer
 * to use in place of the folder's.
 */
export function loadModel(folder: string, given?: Tokenizer): LoadedModel {
  const missing = ['config.json', 'tokenizer.json'].find((name) => !existsSync(join(folder, name)));
  if (missing !== undefined || !hasWeights(folder)) {
    throw userError(
      'MODEL_FOLDER',
      'a model folder with config.json, model.safetensors and tokenizer.json',
      `${folder} without ${missing ?? WEIGHTS}`,
      'name a checkpoint folder such as out/run/checkpoints/step-100',
    );
  }
  const configPath = join(folder, 'config.json');
  const config = parseModelConfig(readJsonFile(configPath, 'model config'), configPath);
  const tokenizer = given ?? Tokenizer.load(join(folder, 'tokenizer.json'));
  if (tokenizer.vocabularySize > config.vocab_size) {
    throw userError(
      'VOCABULARY_SIZE',
      `a tokenizer of at most vocab_size = ${config.vocab_size} entries`,
      `${tokenizer.vocabularySize} in ${folder}`,
      'use the tokenizer that the model was trained with',
    );
  }
  const values = readWeights(folder, parameterShapes(config));
  const weights = [...values.values()].map((data) =>
    sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  );
  const hash = sha256(JSON.stringify([config, weights, tokenizer.toJson()]), 16);
  return { model: qwen2FromValues(config, values), tokenizer, hash };
}

/** Writes named variables as float32 safetensors. */
export function writeVariables(path: string, variables: ReadonlyMap<string, tf.Tensor>): void {
  writeSafetensors(path, storable(variables));
}

/** Puts stored values into existing variables; names and shapes must match. */
export function readVariables(path: string, variables: ReadonlyMap<string, tf.Variable>): void {
  const stored = readSafetensors(path);
  for (const [name, variable] of variables) {
    const tensor = stored.get(name);
    if (tensor === undefined || tensor.shape.join() !== variable.shape.join()) {
      const got = tensor === undefined ? 'none' : `[${tensor.shape}]`;
      throw userError(
        'CHECKPOINT',
        `tensor ${name} [${variable.shape}] in ${path}`,
        got,
        'resume from another checkpoint',
      );
    }
    const value = tf.tensor(tensor.data as Float32Array, variable.shape, 'float32');
    variable.assign(value);
    value.dispose();
  }
}
