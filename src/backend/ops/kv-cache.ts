import * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../../core/index.ts';
import { currentNative } from '../native/backend.ts';
import { NativeKvCache } from '../native/kv-cache.ts';
import { checkSegments } from './attention.ts';

/** Keys and values of earlier tokens: `slots` sequences of up to `capacity` rows each. */
export interface KvCache {
  readonly capacity: number;
  readonly slots: number;
  dispose(): void;
}

/** The cache of backends without a kernel for it: plain arrays, [slot, row, kvHead, Dh]. */
class ArrayKvCache implements KvCache {
  readonly keys: Float32Array;
  readonly values: Float32Array;

  constructor(
    readonly slots: number,
    readonly capacity: number,
    readonly kvHeads: number,
    readonly headSize: number,
  ) {
    this.keys = new Float32Array(slots * capacity * kvHeads * headSize);
    this.values = new Float32Array(this.keys.length);
  }

  dispose(): void {}
}

/** An empty cache; how many rows of a slot count is the caller's to know (`lengths`). */
export function createKvCache(slots: number, capacity: number, kvHeads: number, headSize: number): KvCache {
  const native = currentNative();
  if (native !== undefined) return new NativeKvCache(native, slots, capacity, kvHeads, headSize);
  return new ArrayKvCache(slots, capacity, kvHeads, headSize);
}

/**
 * Stores the keys and values of whole prompts (prefill), each segment from row 0 of its slot.
 *
 * @param k [T, Hkv, Dh]
 * @param v [T, Hkv, Dh]
 * @param segments row offsets, S + 1 entries
 * @param slots the slot of each segment, S entries
 */
export function writeCache(
  cache: KvCache,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  segments: Int32Array,
  slots: Int32Array,
): void {
  checkSegments(segments, k.shape[0]);
  for (let s = 0; s < slots.length; s++) {
    checkRows(cache, slots[s]!, segments[s + 1]! - segments[s]!);
  }
  if (cache instanceof NativeKvCache) {
    cache.write(k, v, segments, slots);
    return;
  }
  const target = arrays(cache);
  const row = target.kvHeads * target.headSize;
  const keys = k.dataSync<'float32'>();
  const values = v.dataSync<'float32'>();
  for (let s = 0; s < slots.length; s++) {
    const at = slots[s]! * cache.capacity * row;
    target.keys.set(keys.subarray(segments[s]! * row, segments[s + 1]! * row), at);
    target.values.set(values.subarray(segments[s]! * row, segments[s + 1]! * row), at);
  }
}

/** Copies the first `length` rows of slot `from` to each slot of `to` (one prefill, many samples). */
export function copyCacheSlot(cache: KvCache, from: number, to: Int32Array, length: number): void {
  checkRows(cache, from, length);
  for (const slot of to) checkRows(cache, slot, length);
  if (cache instanceof NativeKvCache) {
    cache.copy(from, to, length);
    return;
  }
  const target = arrays(cache);
  const stride = cache.capacity * target.kvHeads * target.headSize;
  const count = length * target.kvHeads * target.headSize;
  for (const slot of to) {
    target.keys.copyWithin(slot * stride, from * stride, from * stride + count);
    target.values.copyWithin(slot * stride, from * stride, from * stride + count);
  }
}

/**
 * One decoding step: appends the key and value of one new token per sequence at row `lengths[b]` of its
 * slot, in place, and attends over the `lengths[b] + 1` rows. No gradient.
 *
 * @param q [B, H, Dh]
 * @param k [B, Hkv, Dh]
 * @param v [B, Hkv, Dh]
 * @param lengths rows already in the cache, B entries
 * @param slots the slot of each sequence, by default its index
 * @returns [B, H, Dh]
 */
export function attentionWithCache(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  cache: KvCache,
  lengths: Int32Array,
  slots?: Int32Array,
): tf.Tensor3D {
  const [batch, heads, size] = q.shape;
  for (let b = 0; b < batch; b++) checkRows(cache, slots?.[b] ?? b, lengths[b]! + 1);
  if (cache instanceof NativeKvCache) return cache.attend(q, k, v, lengths, slots);
  const target = arrays(cache);
  const { kvHeads, capacity } = target;
  const group = heads / kvHeads;
  const queries = q.dataSync<'float32'>();
  const newKeys = k.dataSync<'float32'>();
  const newValues = v.dataSync<'float32'>();
  const out = new Float32Array(batch * heads * size);
  const row = kvHeads * size;
  for (let b = 0; b < batch; b++) {
    const start = (slots?.[b] ?? b) * capacity * row;
    const length = lengths[b]!;
    target.keys.set(newKeys.subarray(b * row, (b + 1) * row), start + length * row);
    target.values.set(newValues.subarray(b * row, (b + 1) * row), start + length * row);
    for (let h = 0; h < heads; h++) {
      const query = queries.subarray((b * heads + h) * size, (b * heads + h + 1) * size);
      const base = start + Math.floor(h / group) * size;
      out.set(attendOne(query, target, base, row, length + 1), (b * heads + h) * size);
    }
  }
  return tf.tensor3d(out, [batch, heads, size]);
}

/** Softmax attention of one query over `rows` cached rows, in float64. */
function attendOne(
  query: Float32Array,
  cache: ArrayKvCache,
  base: number,
  row: number,
  rows: number,
): Float64Array {
  const size = query.length;
  const scores = new Float64Array(rows);
  let max = -Infinity;
  for (let j = 0; j < rows; j++) {
    let dot = 0;
    for (let i = 0; i < size; i++) dot += query[i]! * cache.keys[base + j * row + i]!;
    scores[j] = dot / Math.sqrt(size);
    if (scores[j]! > max) max = scores[j]!;
  }
  const out = new Float64Array(size);
  let total = 0;
  for (let j = 0; j < rows; j++) {
    const weight = Math.exp(scores[j]! - max);
    total += weight;
    for (let i = 0; i < size; i++) out[i]! += weight * cache.values[base + j * row + i]!;
  }
  for (let i = 0; i < size; i++) out[i]! /= total;
  return out;
}

/** @throws an internal error where a slot does not exist or has no room for so many rows */
export function checkRows(cache: KvCache, slot: number, rows: number): void {
  if (!(slot >= 0 && slot < cache.slots) || !(rows >= 0 && rows <= cache.capacity)) {
    throw internalError(
      `key/value cache of ${cache.slots} slots of ${cache.capacity} rows has no room for ${rows} rows in slot ${slot}`,
    );
  }
}

function arrays(cache: KvCache): ArrayKvCache {
  if (!(cache instanceof ArrayKvCache)) throw internalError('a key/value cache not made by createKvCache');
  return cache;
}
