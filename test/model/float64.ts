/**
 * The Qwen2 decoder in plain float64 arrays, one sequence at a time, straight from the published formulas: what the
 * engine is compared with where float32 is too coarse (finite differences). Shares no code with src/.
 */
import type { ModelConfig } from '../../src/model/index.ts';

/** Parameters by their Hugging Face names, row-major. */
export type Weights = ReadonlyMap<string, Float64Array>;

/** out = W x + b, W [rows, columns]. */
function affine(w: Float64Array, x: Float64Array, b?: Float64Array): Float64Array {
  const columns = x.length;
  const out = new Float64Array(w.length / columns);
  for (let i = 0; i < out.length; i++) {
    let sum = b === undefined ? 0 : b[i]!;
    for (let j = 0; j < columns; j++) sum += w[i * columns + j]! * x[j]!;
    out[i] = sum;
  }
  return out;
}

function rmsNorm(x: Float64Array, weight: Float64Array, epsilon: number): Float64Array {
  let squares = 0;
  for (const value of x) squares += value * value;
  const scale = 1 / Math.sqrt(squares / x.length + epsilon);
  return x.map((value, i) => value * scale * weight[i]!);
}

/** Rotates the pairs (i, i + size/2) of one head by position · base^(−2i/size). */
function rotate(head: Float64Array, position: number, base: number): Float64Array {
  const half = head.length / 2;
  const out = new Float64Array(head.length);
  for (let i = 0; i < half; i++) {
    const angle = position * base ** ((-2 * i) / head.length);
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    out[i] = head[i]! * cos - head[i + half]! * sin;
    out[i + half] = head[i + half]! * cos + head[i]! * sin;
  }
  return out;
}

/** Causal attention of row `at` for all heads; keys and values by row. */
function attend(q: Float64Array, keys: Float64Array[], values: Float64Array[], heads: number): Float64Array {
  const size = q.length / heads;
  const kvHeads = keys[0]!.length / size;
  const out = new Float64Array(q.length);
  for (let h = 0; h < heads; h++) {
    const shared = Math.floor(h / (heads / kvHeads)) * size;
    const scores = keys.map((k) => {
      let dot = 0;
      for (let i = 0; i < size; i++) dot += q[h * size + i]! * k[shared + i]!;
      return Math.exp(dot / Math.sqrt(size));
    });
    const total = scores.reduce((a, b) => a + b, 0);
    values.forEach((v, row) => {
      for (let i = 0; i < size; i++) out[h * size + i]! += (scores[row]! / total) * v[shared + i]!;
    });
  }
  return out;
}

function rotateHeads(x: Float64Array, size: number, position: number, base: number): Float64Array {
  const out = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += size) out.set(rotate(x.subarray(at, at + size), position, base), at);
  return out;
}

/** Logits after each token of one sequence, [T][V]. */
export function logits64(config: ModelConfig, weights: Weights, ids: readonly number[]): Float64Array[] {
  const d = config.hidden_size;
  const size = d / config.num_attention_heads;
  const epsilon = config.rms_norm_eps;
  const get = (name: string): Float64Array => weights.get(name)!;
  const embedding = get('model.embed_tokens.weight');
  let rows = ids.map((id) => embedding.slice(id * d, (id + 1) * d));
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const at = (name: string): Float64Array => get(`model.layers.${layer}.${name}`);
    const projected = (which: string, x: Float64Array): Float64Array =>
      affine(at(`self_attn.${which}.weight`), x, at(`self_attn.${which}.bias`));
    const normed = rows.map((x) => rmsNorm(x, at('input_layernorm.weight'), epsilon));
    const turned = (which: string) =>
      normed.map((x, t) => rotateHeads(projected(which, x), size, t, config.rope_theta));
    const [q, k] = [turned('q_proj'), turned('k_proj')];
    const v = normed.map((x) => projected('v_proj', x));
    rows = rows.map((x, t) => {
      const mixed = attend(q[t]!, k.slice(0, t + 1), v.slice(0, t + 1), config.num_attention_heads);
      const middle = affine(at('self_attn.o_proj.weight'), mixed).map((value, i) => value + x[i]!);
      const inner = rmsNorm(middle, at('post_attention_layernorm.weight'), epsilon);
      const up = affine(at('mlp.up_proj.weight'), inner);
      const gated = affine(at('mlp.gate_proj.weight'), inner).map(
        (g, i) => (g / (1 + Math.exp(-g))) * up[i]!,
      );
      return affine(at('mlp.down_proj.weight'), gated).map((value, i) => value + middle[i]!);
    });
  }
  const head = config.tie_word_embeddings ? embedding : get('lm_head.weight');
  return rows.map((x) => affine(head, rmsNorm(x, get('model.norm.weight'), epsilon)));
}

/** log softmax(logits / temperature). */
export function logSoftmax64(logits: Float64Array, temperature = 1): Float64Array {
  const scaled = logits.map((x) => x / temperature);
  const most = Math.max(...scaled);
  const lse = most + Math.log(scaled.reduce((sum, x) => sum + Math.exp(x - most), 0));
  return scaled.map((x) => x - lse);
}
