/**
 * The Qwen2 decoder (PAPER §3; the layout of `Qwen2ForCausalLM`), written once in `tf` tensors and the fused
 * operations of `backend`, so that it runs and trains on every backend.
 *
 * Sequences are never padded: the tokens of a batch lie one after another, [T], and `segments` says where each
 * sequence starts. Attention stays inside a segment.
 */
import * as tf from '@tensorflow/tfjs-core';
import {
  type Affine,
  attention,
  attentionWithCache,
  type CrossEntropyOptions,
  type DecoderWeights,
  embedding,
  fusedDecodeStep,
  gatedFeedForward,
  type KvCache,
  linear,
  linearCrossEntropy,
  qkvProjection,
  recomputed,
  rmsNorm,
  rmsNormResidual,
  tokenLogProbabilities,
  writeCache,
} from '../backend/index.ts';
import { internalError } from '../core/errors.ts';
import { randomFamily } from '../core/random.ts';
import type { ModelConfig } from './config.ts';

/** A model: its configuration and its parameters under their Hugging Face names. */
export interface Qwen2 {
  readonly config: ModelConfig;
  /** In the order of {@link parameterShapes}; float32 variables. */
  readonly parameters: ReadonlyMap<string, tf.Variable>;
}

/** Tokens of several sequences, one after another. */
export interface TokenBatch {
  /** Token ids, int32 [T]. */
  ids: tf.Tensor1D;
  /** Position of each token in its own sequence, int32 [T]. */
  positions: tf.Tensor1D;
  /** Row offsets of the sequences, S + 1 entries from 0 to T. */
  segments: Int32Array;
}

/** Sizes that the layers need, from the configuration. */
function sizes(config: ModelConfig) {
  const heads = config.num_attention_heads;
  const kvHeads = config.num_key_value_heads;
  return { heads, kvHeads, headSize: config.hidden_size / heads };
}

/** Name → shape of every parameter, in the order in which Hugging Face saves them. */
export function parameterShapes(config: ModelConfig): Map<string, number[]> {
  const { kvHeads, headSize } = sizes(config);
  const d = config.hidden_size;
  const f = config.intermediate_size;
  const kv = kvHeads * headSize;
  const shapes = new Map<string, number[]>([['model.embed_tokens.weight', [config.vocab_size, d]]]);
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const at = `model.layers.${layer}`;
    shapes.set(`${at}.self_attn.q_proj.weight`, [d, d]);
    shapes.set(`${at}.self_attn.q_proj.bias`, [d]);
    shapes.set(`${at}.self_attn.k_proj.weight`, [kv, d]);
    shapes.set(`${at}.self_attn.k_proj.bias`, [kv]);
    shapes.set(`${at}.self_attn.v_proj.weight`, [kv, d]);
    shapes.set(`${at}.self_attn.v_proj.bias`, [kv]);
    shapes.set(`${at}.self_attn.o_proj.weight`, [d, d]);
    shapes.set(`${at}.mlp.gate_proj.weight`, [f, d]);
    shapes.set(`${at}.mlp.up_proj.weight`, [f, d]);
    shapes.set(`${at}.mlp.down_proj.weight`, [d, f]);
    shapes.set(`${at}.input_layernorm.weight`, [d]);
    shapes.set(`${at}.post_attention_layernorm.weight`, [d]);
  }
  shapes.set('model.norm.weight', [d]);
  if (!config.tie_word_embeddings) shapes.set('lm_head.weight', [config.vocab_size, d]);
  return shapes;
}

/**
 * A freshly initialised model as Hugging Face does it: matrices normal(0, initializer_range), biases 0, norm
 * weights 1. Each parameter has its own random stream, so its values depend on (seed, name) alone.
 */
export function createQwen2(config: ModelConfig, seed: number): Qwen2 {
  const values = new Map<string, Float32Array>();
  for (const [name, shape] of parameterShapes(config)) {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (shape.length === 2) {
      const stream = randomFamily('initial weights', seed, name).at(0);
      for (let i = 0; i < data.length; i++) data[i] = stream.normal() * config.initializer_range;
    } else if (name.endsWith('norm.weight')) {
      data.fill(1);
    }
    values.set(name, data);
  }
  return qwen2FromValues(config, values);
}

/** A model from given parameter values (row-major float32); every parameter of the configuration must be there. */
export function qwen2FromValues(config: ModelConfig, values: ReadonlyMap<string, Float32Array>): Qwen2 {
  const parameters = new Map<string, tf.Variable>();
  for (const [name, shape] of parameterShapes(config)) {
    const data = values.get(name);
    if (data === undefined) throw internalError(`no values for parameter ${name}`);
    const initial = tf.tensor(data, shape, 'float32');
    parameters.set(name, tf.variable(initial));
    initial.dispose();
  }
  return { config, parameters };
}

/** Frees the parameters. */
export function disposeQwen2(model: Qwen2): void {
  for (const variable of model.parameters.values()) variable.dispose();
}

/** How a layer's queries meet keys and values: over the batch itself, or over a cache. */
type Attend = (layer: number, q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D) => tf.Tensor3D;

/**
 * The stack of layers with the final norm: ids [T] → hidden states [T, D]. Each layer tidies up after itself: what
 * the gradient needs is kept by the tape, and inference holds the intermediates of one layer only.
 */
function transformer(
  model: Qwen2,
  ids: tf.Tensor1D,
  positions: tf.Tensor1D,
  attend: Attend,
  recompute = false,
): tf.Tensor2D {
  const { config } = model;
  let x = embedding(parameter(model, 'model.embed_tokens.weight'), ids); // [T, D]
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const input = x;
    const run = (from: tf.Tensor2D, at: tf.Tensor1D) => decoderLayer(model, layer, from, at, attend);
    x = recompute
      ? (recomputed(
          run as (...x: tf.Tensor[]) => tf.Tensor,
          [input, positions],
          layerVariables(model, layer),
        ) as tf.Tensor2D)
      : tf.tidy(() => run(input, positions));
  }
  return rmsNorm(x, parameter(model, 'model.norm.weight'), config.rms_norm_eps);
}

/** One layer: attention and feed-forward, each behind a norm and added to the residual stream x [T, D]. */
function decoderLayer(
  model: Qwen2,
  layer: number,
  x: tf.Tensor2D,
  positions: tf.Tensor1D,
  attend: Attend,
): tf.Tensor2D {
  const { config } = model;
  const { heads, kvHeads } = sizes(config);
  const rows = x.shape[0];
  const at = `model.layers.${layer}`;
  const matrix = (name: string): tf.Tensor2D => parameter(model, `${at}.${name}.weight`);
  const norm = (input: tf.Tensor2D, name: string) =>
    rmsNormResidual(input, parameter(model, `${at}.${name}.weight`), config.rms_norm_eps);
  const affine = (which: string): Affine => ({
    weight: matrix(`self_attn.${which}`),
    bias: parameter(model, `${at}.self_attn.${which}.bias`),
  });
  const outer = norm(x, 'input_layernorm');
  const [q, k, v] = qkvProjection(
    outer.normed,
    affine('q_proj'),
    affine('k_proj'),
    affine('v_proj'),
    positions,
    { heads, kvHeads, base: config.rope_theta },
  );
  const mixed: tf.Tensor2D = tf.reshape(attend(layer, q, k, v), [rows, config.hidden_size]);
  const middle = linear(mixed, matrix('self_attn.o_proj'), undefined, outer.residual);

  const inner = norm(middle, 'post_attention_layernorm');
  const [gate, up, down] = ['gate_proj', 'up_proj', 'down_proj'].map((which) => matrix(`mlp.${which}`));
  return gatedFeedForward(inner.normed, gate!, up!, down!, inner.residual);
}

/** The parameters of one layer. */
function layerVariables(model: Qwen2, layer: number): tf.Variable[] {
  const prefix = `model.layers.${layer}.`;
  return [...model.parameters].filter(([name]) => name.startsWith(prefix)).map(([, variable]) => variable);
}

/** A parameter by its full name, as the tensor of the rank that the caller knows it to have. */
function parameter<T extends tf.Tensor>(model: Qwen2, name: string): T {
  const variable = model.parameters.get(name);
  if (variable === undefined) throw internalError(`the model has no parameter ${name}`);
  return variable as tf.Tensor as T;
}

/** The output matrix [V, D]: the embedding itself when tied. */
function head(model: Qwen2): tf.Tensor2D {
  const name = model.config.tie_word_embeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
  return parameter(model, name);
}

export interface ForwardOptions {
  /**
   * Each layer keeps only its input for the gradient, which computes the layer again: activations take a fraction of
   * the memory, a training step about a quarter more time, and every number keeps its bits. Default false.
   */
  recompute?: boolean;
}

/** Hidden states after the final norm, [T, D]; differentiable. */
export function hiddenStates(model: Qwen2, batch: TokenBatch, options: ForwardOptions = {}): tf.Tensor2D {
  const attend: Attend = (_layer, q, k, v) => attention(q, k, v, batch.segments);
  return transformer(model, batch.ids, batch.positions, attend, options.recompute);
}

/** Next-token logits [T, V], or [N, V] of `rows` (int32 [N]) alone; differentiable. */
export function forward(model: Qwen2, batch: TokenBatch, rows?: tf.Tensor1D): tf.Tensor2D {
  const hidden = hiddenStates(model, batch);
  return linear(rows === undefined ? hidden : embedding(hidden, rows), head(model));
}

/**
 * −log p(target) of every row in nats, [T], weighted and with z-loss where asked for (see `linearCrossEntropy`);
 * differentiable.
 */
export function tokenLosses(
  model: Qwen2,
  batch: TokenBatch,
  targets: tf.Tensor1D,
  options: ForwardOptions & CrossEntropyOptions = {},
): tf.Tensor1D {
  return linearCrossEntropy(hiddenStates(model, batch, options), head(model), targets, options);
}

/**
 * log p(target) of every row at a temperature, and entropies where asked for (see `tokenLogProbabilities`). With `rows`
 * (int32 [N]) only of those rows, whose targets, [N], are given: the others bear no loss and need no logits.
 */
export function logProbabilities(
  model: Qwen2,
  batch: TokenBatch,
  targets: tf.Tensor1D,
  options: ForwardOptions & { temperature?: number; entropy?: boolean; rows?: tf.Tensor1D } = {},
): { logProbabilities: tf.Tensor1D; entropies?: tf.Tensor1D } {
  const hidden = hiddenStates(model, batch, options);
  const chosen = options.rows === undefined ? hidden : embedding(hidden, options.rows);
  return tokenLogProbabilities(chosen, head(model), targets, options);
}

/**
 * Runs whole prompts, fills the caches (one per layer; segment s goes to slot slots[s]) and returns the logits
 * of each prompt's last token, [S, V].
 */
export function prefill(
  model: Qwen2,
  batch: TokenBatch,
  caches: readonly KvCache[],
  slots: Int32Array,
): tf.Tensor2D {
  return tf.tidy(() => {
    const hidden = transformer(model, batch.ids, batch.positions, (layer, q, k, v) => {
      writeCache(caches[layer]!, k, v, batch.segments, slots);
      return attention(q, k, v, batch.segments);
    });
    const last = tf.tensor1d(
      batch.segments.slice(1).map((end) => end - 1),
      'int32',
    );
    return linear(tf.gather(hidden, last) as tf.Tensor2D, head(model));
  });
}

const decoders = new WeakMap<Qwen2, DecoderWeights>();

/** The model's parameters as the fused decoding step takes them; looked up by name once per model. */
function decoderWeights(model: Qwen2): DecoderWeights {
  const known = decoders.get(model);
  if (known !== undefined) return known;
  const { config } = model;
  const layers = Array.from({ length: config.num_hidden_layers }, (_, layer) => {
    const get = (name: string): tf.Tensor => parameter(model, `model.layers.${layer}.${name}`);
    return {
      inputNorm: get('input_layernorm.weight'),
      query: get('self_attn.q_proj.weight'),
      queryBias: get('self_attn.q_proj.bias'),
      key: get('self_attn.k_proj.weight'),
      keyBias: get('self_attn.k_proj.bias'),
      value: get('self_attn.v_proj.weight'),
      valueBias: get('self_attn.v_proj.bias'),
      output: get('self_attn.o_proj.weight'),
      norm: get('post_attention_layernorm.weight'),
      gate: get('mlp.gate_proj.weight'),
      up: get('mlp.up_proj.weight'),
      down: get('mlp.down_proj.weight'),
    };
  });
  const weights: DecoderWeights = {
    ...sizes(config),
    epsilon: config.rms_norm_eps,
    ropeBase: config.rope_theta,
    embedding: parameter(model, 'model.embed_tokens.weight'),
    layers,
    norm: parameter(model, 'model.norm.weight'),
    head: head(model),
  };
  decoders.set(model, weights);
  return weights;
}

/**
 * One decoding step: the newest token of each of B sequences → logits [B, V]. `lengths[b]` tokens of sequence b
 * are already in slot `slots[b]` of the caches; the new one is appended there. One native call where the backend
 * has it, else composed of the operations of a forward pass.
 */
export function decodeStep(
  model: Qwen2,
  ids: Int32Array,
  lengths: Int32Array,
  caches: readonly KvCache[],
  slots: Int32Array,
): tf.Tensor2D {
  const fused = fusedDecodeStep(decoderWeights(model), ids, lengths, caches, slots);
  if (fused !== undefined) return fused;
  return tf.tidy(() => {
    const tokens = tf.tensor1d(ids, 'int32');
    const positions = tf.tensor1d(lengths, 'int32'); // positions count from 0: the next one is the length
    const hidden = transformer(model, tokens, positions, (layer, q, k, v) =>
      attentionWithCache(q, k, v, caches[layer]!, lengths, slots),
    );
    return linear(hidden, head(model));
  });
}
