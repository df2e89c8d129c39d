import * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../../core/index.ts';
import type { DecoderWeights } from '../ops/decode.ts';
import type { NativeBackend } from './backend.ts';
import type { NativeKvCache } from './kv-cache.ts';
import { rotaryTable } from './layer.ts';

/** Layout of the arguments of decodeStep in native/src/decode.cpp. */
const HEADER = 18;
const FIELDS = 14;

/** Layers whose addresses fit into the arguments of one call. */
export function mostDecoderLayers(backend: NativeBackend): number {
  return Math.floor((backend.engine.args.length - HEADER) / FIELDS);
}

/** A weight, where its address goes, and what the address was read from. */
interface Kept {
  at: number;
  tensor: tf.Tensor;
  dataId: object;
  record: Readonly<{ address: number }>;
}
/** Addresses are those of one engine: kept with its backend. */
const keptWeights = new WeakMap<DecoderWeights, { backend: NativeBackend; list: Kept[] }>();

/** The weights' present records. Looking all of them up in tfjs's tables would cost a tenth of a step. */
function keep(backend: NativeBackend, weights: DecoderWeights): readonly Kept[] {
  const held = keptWeights.get(weights);
  let kept = held?.backend === backend ? held.list : undefined;
  if (kept === undefined) {
    const { embedding, norm, head, layers } = weights;
    const lists = layers.map((layer) => [
      layer.inputNorm,
      layer.query,
      layer.queryBias,
      layer.key,
      layer.keyBias,
      layer.value,
      layer.valueBias,
      layer.output,
      layer.norm,
      layer.gate,
      layer.up,
      layer.down,
    ]);
    const entry = (tensor: tf.Tensor, at: number): Kept => ({
      at,
      tensor,
      dataId: {},
      record: { address: 0 },
    });
    kept = [embedding, norm, head].map((tensor, i) => entry(tensor, 15 + i));
    for (const [l, list] of lists.entries()) {
      for (const [i, tensor] of list.entries()) kept.push(entry(tensor, HEADER + l * FIELDS + i));
    }
    keptWeights.set(weights, { backend, list: kept });
  }
  for (const weight of kept) {
    const { tensor } = weight;
    if (tensor.dataId === weight.dataId && weight.record.address !== 0) continue;
    if (tensor.isDisposed) throw internalError('decodeStep: a weight is disposed');
    weight.record = backend.record(tensor);
    weight.dataId = tensor.dataId;
  }
  return kept;
}

/** fusedDecodeStep of ../ops/decode.ts, which has checked the arguments. */
export function nativeDecodeStep(
  backend: NativeBackend,
  weights: DecoderWeights,
  ids: Int32Array,
  lengths: Int32Array,
  caches: readonly NativeKvCache[],
  slots: Int32Array,
): tf.Tensor2D {
  const out = backend.guarded(() => step(backend, weights, ids, lengths, caches, slots));
  return tf.engine().makeTensorFromTensorInfo(out) as tf.Tensor2D;
}

function step(
  backend: NativeBackend,
  weights: DecoderWeights,
  ids: Int32Array,
  lengths: Int32Array,
  caches: readonly NativeKvCache[],
  slots: Int32Array,
): tf.TensorInfo {
  const { layers, embedding, headSize, ropeBase } = weights;
  const [vocabulary, hidden] = embedding.shape as [number, number];
  let longest = 0;
  for (let b = 0; b < lengths.length; b++) longest = Math.max(longest, lengths[b]!);
  const table = rotaryTable(backend, headSize, ropeBase, longest + 1);
  const kept = keep(backend, weights);
  const out = backend.output([ids.length, vocabulary], 'float32');
  const { args, op, input, run } = backend.engine;
  args[0] = out.address;
  args[1] = input(ids);
  args[2] = input(lengths);
  args[3] = input(slots);
  args[4] = ids.length;
  args[5] = layers.length;
  args[6] = hidden;
  args[7] = weights.heads;
  args[8] = weights.kvHeads;
  args[9] = headSize;
  args[10] = layers[0]?.gate.shape[0] ?? 0;
  args[11] = vocabulary;
  args[12] = weights.epsilon;
  args[13] = table.address;
  args[14] = caches[0]?.capacity ?? 0;
  for (const weight of kept) args[weight.at] = weight.record.address;
  for (let l = 0; l < caches.length; l++) caches[l]!.writeAddresses(args, HEADER + l * FIELDS + 12);
  if (ids.length > 0) run(op.decodeStep!);
  return out;
}
