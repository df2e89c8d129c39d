import type * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../../core/index.ts';
import { currentNative } from '../native/backend.ts';
import { mostDecoderLayers, nativeDecodeStep } from '../native/decode.ts';
import { NativeKvCache } from '../native/kv-cache.ts';
import { checkRows, type KvCache } from './kv-cache.ts';

/** The weights of one decoder layer; D hidden size, H and Hkv heads of Dh numbers, F feed-forward size. */
export interface DecoderLayerWeights {
  /** [D] */
  inputNorm: tf.Tensor;
  /** [H · Dh, D], [H · Dh] */
  query: tf.Tensor;
  queryBias: tf.Tensor;
  /** [Hkv · Dh, D], [Hkv · Dh] */
  key: tf.Tensor;
  keyBias: tf.Tensor;
  /** [Hkv · Dh, D], [Hkv · Dh] */
  value: tf.Tensor;
  valueBias: tf.Tensor;
  /** [D, H · Dh] */
  output: tf.Tensor;
  /** [D] */
  norm: tf.Tensor;
  /** [F, D] */
  gate: tf.Tensor;
  /** [F, D] */
  up: tf.Tensor;
  /** [D, F] */
  down: tf.Tensor;
}

/** A Qwen2 decoder as the fused step needs it. Shapes are checked once per object: make it once per model. */
export interface DecoderWeights {
  heads: number;
  kvHeads: number;
  headSize: number;
  /** Of the norms. */
  epsilon: number;
  /** Base of the rotary frequencies. */
  ropeBase: number;
  /** [V, D] */
  embedding: tf.Tensor;
  layers: readonly DecoderLayerWeights[];
  /** [D] */
  norm: tf.Tensor;
  /** [V, D], the embedding itself when tied. */
  head: tf.Tensor;
}

/** Weights whose shapes were checked, and whether the native operation takes them. */
const checked = new WeakMap<DecoderWeights, boolean>();

/**
 * One decoding step as a single native operation: the newest token of each of B sequences goes through the whole
 * decoder, its keys and values are appended to the caches, one per layer, at row `lengths[b]` of slot `slots[b]`.
 * A row of the result does not depend on the rows beside it: a sequence decoded alone has the same bits. No gradient.
 *
 * @param ids B token ids; @param lengths B numbers of rows already cached; @param slots B different slots
 * @returns logits [B, V], or undefined where the backend has no such operation: the caller composes the step then
 */
export function fusedDecodeStep(
  weights: DecoderWeights,
  ids: Int32Array,
  lengths: Int32Array,
  caches: readonly KvCache[],
  slots: Int32Array,
): tf.Tensor2D | undefined {
  const native = currentNative();
  if (native === undefined || weights.layers.length > mostDecoderLayers(native)) return undefined;
  if (!checked.has(weights)) {
    checkShapes(weights);
    checked.set(weights, takenByNative(weights));
  }
  if (!checked.get(weights)) return undefined;
  const { kvHeads, headSize, layers } = weights;
  const batch = ids.length;
  const vocabulary = weights.embedding.shape[0]!;
  if (lengths.length !== batch || slots.length !== batch || caches.length !== layers.length) {
    const counts = `${lengths.length} lengths, ${slots.length} slots, ${caches.length} caches`;
    throw internalError(`decodeStep: ${batch} ids of ${layers.length} layers got ${counts}`);
  }
  const first = caches[0];
  for (const cache of caches) {
    const fits = cache instanceof NativeKvCache && cache.fits(native, kvHeads, headSize);
    if (!fits || cache.capacity !== first!.capacity || cache.slots !== first!.slots) {
      throw internalError('decodeStep: a cache of other heads, another capacity or another backend');
    }
  }
  for (let b = 0; b < batch; b++) {
    const id = ids[b]!;
    if (!(id >= 0 && id < vocabulary)) throw internalError(`decodeStep: id ${id} of ${vocabulary}`);
    if (first !== undefined) checkRows(first, slots[b]!, lengths[b]! + 1);
    if (!(lengths[b]! >= 0)) throw internalError(`decodeStep: a sequence of ${lengths[b]} tokens`);
  }
  return nativeDecodeStep(native, weights, ids, lengths, caches as readonly NativeKvCache[], slots);
}

/**
 * Sizes of 0 are left to the composition, and so are matrices that share their data in different shapes: one packed
 * copy is kept of each buffer.
 */
function takenByNative({ headSize, embedding, head, layers }: DecoderWeights): boolean {
  const sizes = [headSize, ...embedding.shape, ...layers.map(({ gate }) => gate.shape[0]!)];
  if (sizes.some((size) => size === 0)) return false;
  const matrices = layers.flatMap(({ query, key, value, output, gate, up, down }) => [
    query,
    key,
    value,
    output,
    gate,
    up,
    down,
  ]);
  const shapes = new Map<object, string>();
  return [head, ...matrices].every(({ dataId, shape }) => {
    const known = shapes.get(dataId) ?? `${shape}`;
    shapes.set(dataId, known);
    return known === `${shape}`;
  });
}

function checkShapes(weights: DecoderWeights): void {
  const { heads, kvHeads, headSize, embedding, layers } = weights;
  const [vocabulary = 0, hidden = 0] = embedding.shape;
  const check = (name: string, tensor: tf.Tensor, ...shape: number[]) => {
    if (tensor.dtype !== 'float32' || `${tensor.shape}` !== `${shape}`) {
      throw internalError(`decodeStep: ${name} is ${tensor.dtype} [${tensor.shape}], not float32 [${shape}]`);
    }
  };
  if (headSize % 2 !== 0 || !(kvHeads >= 1) || heads % kvHeads !== 0) {
    throw internalError(`decodeStep: ${heads} heads of ${headSize} with ${kvHeads} key/value heads`);
  }
  const [queries, keys] = [heads * headSize, kvHeads * headSize];
  const inner = layers[0]?.gate.shape[0] ?? 0;
  check('embedding', embedding, vocabulary, hidden);
  check('norm', weights.norm, hidden);
  check('head', weights.head, vocabulary, hidden);
  for (const layer of layers) {
    check('inputNorm', layer.inputNorm, hidden);
    check('query', layer.query, queries, hidden);
    check('queryBias', layer.queryBias, queries);
    check('key', layer.key, keys, hidden);
    check('keyBias', layer.keyBias, keys);
    check('value', layer.value, keys, hidden);
    check('valueBias', layer.valueBias, keys);
    check('output', layer.output, hidden, queries);
    check('norm', layer.norm, hidden);
    check('gate', layer.gate, inner, hidden);
    check('up', layer.up, inner, hidden);
    check('down', layer.down, hidden, inner);
  }
}
