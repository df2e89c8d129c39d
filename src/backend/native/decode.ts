import * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../../core/index.ts';
import type { DecoderWeights } from '../ops/decode.ts';
import type { NativeBackend } from './backend.ts';
import { rotaryTable } from './fused.ts';
import type { NativeKvCache } from './kv-cache.ts';

/** Layout of the arguments of decodeStep in native/src/decode.cpp. */
const HEADER = 18;
const FIELDS = 14;

/** Layers whose addresses fit into the arguments of one call. */
export function mostDecoderLayers(backend: NativeBackend): number {
  return Math.floor((backend.engine.args.length - HEADER) / FIELDS);
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
  const { layers, embedding, headSize, ropeBase } = weights;
  const [vocabulary, hidden] = embedding.shape as [number, number];
  let longest = 0;
  for (let b = 0; b < lengths.length; b++) longest = Math.max(longest, lengths[b]!);
  const table = rotaryTable(backend, headSize, ropeBase, longest + 1);
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
  const put = (at: number, tensor: tf.Tensor) => {
    if (tensor.isDisposed) throw internalError('decodeStep: a weight is disposed');
    args[at] = backend.address(tensor);
  };
  put(15, embedding);
  put(16, weights.norm);
  put(17, weights.head);
  for (let l = 0; l < layers.length; l++) {
    const layer = layers[l]!;
    const at = HEADER + l * FIELDS;
    put(at, layer.inputNorm);
    put(at + 1, layer.query);
    put(at + 2, layer.queryBias);
    put(at + 3, layer.key);
    put(at + 4, layer.keyBias);
    put(at + 5, layer.value);
    put(at + 6, layer.valueBias);
    put(at + 7, layer.output);
    put(at + 8, layer.norm);
    put(at + 9, layer.gate);
    put(at + 10, layer.up);
    put(at + 11, layer.down);
    caches[l]!.writeAddresses(args, at + 12);
  }
  if (ids.length > 0) run(op.decodeStep!);
  return tf.engine().makeTensorFromTensorInfo(out) as tf.Tensor2D;
}
