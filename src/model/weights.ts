/**
 * The weights of a model folder: `model.safetensors`, or shards `model-00001-of-00002.safetensors` … with
 * `model.safetensors.index.json`, which says where each tensor is. Folders come from strangers: an index may name
 * nothing outside its folder, and must agree with the shards tensor by tensor.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import { userError } from '../core/errors.ts';
import { readUserFile, writeFileAtomically } from '../core/files.ts';
import { parseJson, repeatedKey } from '../core/json.ts';
import { readSafetensors, type StoredTensor, type TensorToStore, writeSafetensors } from './safetensors.ts';

export const WEIGHTS = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const SHARD = /^model-\d{5}-of-\d{5}\.safetensors$/;

/** True when a folder holds weights in one of the two forms. */
export function hasWeights(folder: string): boolean {
  return existsSync(join(folder, WEIGHTS)) || existsSync(join(folder, INDEX));
}

/**
 * The values of the named parameters as float32, in the order of `shapes`; other tensors of the files are left
 * alone. Where both forms are there, the single file counts, as in `transformers`.
 * @throws SAFETENSORS, MODEL_SHARDS, MODEL_PARAMETER
 */
export function readWeights(
  folder: string,
  shapes: ReadonlyMap<string, readonly number[]>,
): Map<string, Float32Array> {
  const found = new Map<string, Float32Array>();
  const take = (path: string, tensors: ReadonlyMap<string, StoredTensor>) => {
    for (const [name, tensor] of tensors) {
      const shape = shapes.get(name);
      if (shape === undefined) continue;
      if (tensor.shape.join() !== shape.join() || !(tensor.data instanceof Float32Array)) {
        const got = `${tensor.dtype} [${tensor.shape}]`;
        const expected = `${name} as floats [${shape}] in ${path}`;
        throw userError('MODEL_PARAMETER', expected, got, 'check config.json');
      }
      found.set(name, tensor.data);
    }
  };
  const single = join(folder, WEIGHTS);
  if (existsSync(single)) take(single, readSafetensors(single));
  else for (const [path, tensors] of readShards(folder)) take(path, tensors);

  return new Map(
    [...shapes.keys()].map((name) => {
      const values = found.get(name);
      if (values !== undefined) return [name, values];
      const expected = `parameter ${name} in ${folder}`;
      throw userError('MODEL_PARAMETER', expected, 'none', 'check that config.json belongs to the weights');
    }),
  );
}

/** The shards that the index names, one after another, so that one of them is in memory at a time. */
function* readShards(folder: string): Generator<[string, Map<string, StoredTensor>]> {
  const index = join(folder, INDEX);
  for (const [file, names] of readIndex(index)) {
    const path = join(folder, file);
    const tensors = readSafetensors(path);
    const stray = [...tensors.keys()].find((name) => !names.delete(name));
    if (stray !== undefined) {
      throw refuse(index, `each tensor in the one file that it names`, `${stray} in ${file} as well`);
    }
    for (const name of names) throw refuse(index, `${name} in ${file}`, 'none');
    yield [path, tensors];
  }
}

/** File → names of its tensors. `metadata.total_size` is not checked: it counts tied tensors twice in old folders. */
function readIndex(path: string): Map<string, Set<string>> {
  const text = readUserFile(path, 'index of a sharded model');
  const value = parseJson(text, path, 'index of a sharded model');
  const map = (value as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw refuse(path, 'an object weight_map', JSON.stringify(map) ?? 'none');
  }
  const twice = repeatedKey(text);
  if (twice !== null) throw refuse(path, 'each name once', `${JSON.stringify(twice)} twice`);
  const files = new Map<string, Set<string>>();
  for (const [name, file] of Object.entries(map)) {
    if (typeof file !== 'string' || !/^[^/\\:\0]+\.safetensors$/.test(file)) {
      throw refuse(path, `for ${name} the name of a .safetensors file beside it`, JSON.stringify(file));
    }
    if (!files.has(file)) files.set(file, new Set());
    files.get(file)!.add(name);
  }
  return files;
}

/**
 * Writes float32 weights: one file, or shards of at most `shardBytes` bytes of tensors each (one tensor is never
 * cut) and last their index. Weights that were there in the other form go.
 */
export function writeWeights(
  folder: string,
  parameters: ReadonlyMap<string, tf.Tensor>,
  shardBytes = Number.POSITIVE_INFINITY,
): void {
  const shards: [string, tf.Tensor][][] = [];
  let room = 0;
  let total = 0;
  for (const [name, tensor] of parameters) {
    const bytes = tensor.size * Float32Array.BYTES_PER_ELEMENT;
    if (shards.length === 0 || bytes > room) {
      shards.push([]);
      room = shardBytes;
    }
    shards.at(-1)!.push([name, tensor]);
    room -= bytes;
    total += bytes;
  }
  const written = new Set<string>();
  const weightMap: [string, string][] = [];
  for (const [i, shard] of shards.entries()) {
    const number = (value: number) => String(value).padStart(5, '0');
    const file =
      shards.length === 1 ? WEIGHTS : `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
    writeSafetensors(join(folder, file), storable(shard));
    written.add(file);
    for (const [name] of shard) weightMap.push([name, file]);
  }
  if (shards.length > 1) {
    const index = { metadata: { total_size: total }, weight_map: Object.fromEntries(weightMap) };
    writeFileAtomically(join(folder, INDEX), `${JSON.stringify(index, null, 2)}\n`);
    written.add(INDEX);
  }
  for (const name of readdirSync(folder)) {
    const isWeights = name === WEIGHTS || name === INDEX || SHARD.test(name);
    if (isWeights && !written.has(name)) rmSync(join(folder, name));
  }
}

/** The values of named variables, as safetensors are written. */
export function storable(variables: Iterable<readonly [string, tf.Tensor]>): [string, TensorToStore][] {
  return [...variables].map(([name, variable]) => [
    name,
    { shape: variable.shape, data: variable.dataSync() as Float32Array },
  ]);
}

function refuse(path: string, expected: string, got: string): Error {
  return userError(
    'MODEL_SHARDS',
    expected,
    `${got.slice(0, 100)} in ${path}`,
    'copy the model folder again',
  );
}
