/**
 * Hugging Face's `config.json` of a `Qwen2ForCausalLM`, the architecture of the paper (PAPER §3). The names are
 * the file's own, so a configuration is written as it is. Fields that would change what the model computes and
 * that we do not implement are refused by name; fields that only concern other software are dropped.
 */
import { z } from 'zod';
import { userError } from '../core/errors.ts';

const size = (high: number) => z.int().min(1).max(high);
const tokenId = z.int().min(0).nullable();

/** What `config.json` of a saved model contains. */
export const modelConfigSchema = z
  .object({
    architectures: z.tuple([z.literal('Qwen2ForCausalLM')]).default(['Qwen2ForCausalLM']),
    model_type: z.literal('qwen2').default('qwen2'),
    vocab_size: size(1 << 24).describe('rows of the embedding; at least the size of the tokenizer'),
    hidden_size: size(1 << 16).describe('width d of the residual stream'),
    intermediate_size: size(1 << 18).describe('inner width of the feed-forward layer'),
    num_hidden_layers: size(1 << 10),
    num_attention_heads: size(1 << 10),
    num_key_value_heads: size(1 << 10).describe(
      'each serves num_attention_heads / num_key_value_heads query heads',
    ),
    hidden_act: z.literal('silu').default('silu'),
    rms_norm_eps: z.number().positive().max(1).default(1e-6),
    rope_theta: z.number().positive().finite().default(10_000).describe('base of the rotary frequencies'),
    max_position_embeddings: size(1 << 24).default(2048),
    initializer_range: z
      .number()
      .positive()
      .max(10)
      .default(0.02)
      .describe('standard deviation at the start'),
    tie_word_embeddings: z.boolean().default(false).describe('the output layer is the embedding'),
    attention_dropout: z.literal(0).default(0),
    use_sliding_window: z.literal(false).default(false),
    use_cache: z.boolean().default(true),
    bos_token_id: tokenId.default(null),
    eos_token_id: tokenId.default(null),
    pad_token_id: tokenId.default(null),
    torch_dtype: z.literal('float32').default('float32'),
  })
  .superRefine((config, context) => {
    const complain = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message });
    const { hidden_size, num_attention_heads: heads, num_key_value_heads: keyValueHeads } = config;
    if (hidden_size % heads !== 0 || (hidden_size / heads) % 2 !== 0) {
      complain('hidden_size', `must be an even number times num_attention_heads (${heads})`);
    }
    if (heads % keyValueHeads !== 0) {
      complain('num_key_value_heads', `must divide num_attention_heads (${heads})`);
    }
    for (const field of ['bos_token_id', 'eos_token_id', 'pad_token_id'] as const) {
      const id = config[field];
      if (id !== null && id >= config.vocab_size)
        complain(field, `must be below vocab_size (${config.vocab_size})`);
    }
  });

/** A checked configuration; every field is there. */
export type ModelConfig = z.infer<typeof modelConfigSchema>;

/**
 * The configuration in a parsed `config.json`. Weights of any float type are read as float32, so its
 * `torch_dtype` (or `dtype`) becomes float32; the nested `rope_parameters` of newer files becomes `rope_theta`.
 * @throws MODEL_CONFIG with all problems at once, naming `source` and the fields
 */
export function parseModelConfig(json: unknown, source = 'config.json'): ModelConfig {
  const refuse = (got: string) =>
    userError(
      'MODEL_CONFIG',
      'a config.json of Qwen2ForCausalLM',
      `${source}: ${got}`,
      'correct these fields',
    );
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw refuse('no JSON object');
  const fields: Record<string, unknown> = { ...json };
  const problems: string[] = [];
  if (fields.architectures === undefined && fields.model_type === undefined) {
    problems.push('model_type is missing');
  }
  readRope(fields, problems);
  readForeign(fields, problems);
  // The oldest files leave it out when every head has its own keys and values.
  fields.num_key_value_heads ??= fields.num_attention_heads;
  if (Array.isArray(fields.eos_token_id) && fields.eos_token_id.length === 1) {
    fields.eos_token_id = fields.eos_token_id[0];
  }
  fields.torch_dtype = 'float32';
  const result = modelConfigSchema.safeParse(fields);
  if (!result.success) {
    problems.push(...result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  }
  if (problems.length > 0) throw refuse(problems.join('; '));
  return result.data!;
}

/** `rope_parameters: {rope_type, rope_theta}` (transformers ≥ 5) and `rope_scaling` (before). */
function readRope(fields: Record<string, unknown>, problems: string[]): void {
  for (const name of ['rope_parameters', 'rope_scaling']) {
    const value = fields[name];
    if (value == null) continue;
    if (typeof value !== 'object') {
      problems.push(`${name}: expected an object`);
      continue;
    }
    const { rope_theta, rope_type, type, ...rest } = value as Record<string, unknown>;
    const kind = rope_type ?? type ?? 'default';
    if (kind !== 'default') problems.push(`${name}: rope type ${JSON.stringify(kind)} is not supported`);
    for (const key of Object.keys(rest)) {
      if (key === 'partial_rotary_factor' && rest[key] === 1) continue;
      problems.push(`${name}.${key} is not supported`);
    }
    if (rope_theta !== undefined) fields.rope_theta = rope_theta;
  }
}

/** Fields of other models or of features that we do not have; harmless values pass. */
function readForeign(fields: Record<string, unknown>, problems: string[]): void {
  if (fields.quantization_config != null) problems.push('quantization_config is not supported');
  const { head_dim: headSize, layer_types: layerTypes } = fields;
  const expected = Number(fields.hidden_size) / Number(fields.num_attention_heads);
  if (headSize != null && headSize !== expected) {
    problems.push(`head_dim: only hidden_size / num_attention_heads (${expected}) is supported`);
  }
  if (layerTypes != null) {
    const all = Array.isArray(layerTypes) && layerTypes.every((type) => type === 'full_attention');
    if (!all) problems.push('layer_types: only full_attention is supported');
  }
}

/** Settings shared by the presets: the paper's (PAPER §3). */
const PAPER = {
  rms_norm_eps: 1e-6,
  rope_theta: 1_000_000,
  max_position_embeddings: 2048,
  initializer_range: 0.02,
  tie_word_embeddings: true,
  bos_token_id: 2,
  eos_token_id: 3,
  pad_token_id: 1,
};

const shape = (
  hidden: number,
  layers: number,
  heads: number,
  keyValueHeads: number,
  inner: number,
  vocabulary: number,
) =>
  modelConfigSchema.parse({
    ...PAPER,
    hidden_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: keyValueHeads,
    intermediate_size: inner,
    vocab_size: vocabulary,
  });

/** Names of the presets. */
export const MODEL_PRESETS = ['micro', 'small', 'big', 'paper-100m'] as const;

export type ModelPreset = (typeof MODEL_PRESETS)[number];

/**
 * A preset's configuration: `micro` learns a micro world in minutes
 * on two cores (1 M parameters), `small` (6.5 M) and `big` (32.6 M) are the sizes of the speed comparisons,
 * `paper-100m` is the paper's model (PAPER §3). Embeddings are tied in all of them.
 *
 * `micro` departs from the paper's rotary base and initial weights: its texts are about 130 tokens long, over which
 * a base of 10⁶ leaves most rotary frequencies all but constant, and narrow weights of 0.02 start slowly. Measured
 * after 1.2 M tokens of ops 2–4, greedy and verified at op 2 / 3: base 10⁴ 0.1 / 0.1, base 500 0.7 / 0.5, base 100
 * 0.4 / 0.3.
 */
export function modelPreset(name: ModelPreset): ModelConfig {
  return {
    micro: () => ({ ...shape(128, 4, 4, 2, 512, 512), rope_theta: 500, initializer_range: 0.08 }),
    small: () => shape(256, 6, 4, 2, 1024, 2200),
    big: () => shape(512, 8, 8, 4, 2048, 2200),
    'paper-100m': () => shape(768, 12, 12, 2, 3072, 2200),
  }[name]();
}

/**
 * Configuration from what a user gives: a preset's name, or fields of a `config.json` (a missing field has the
 * value it has in `micro`; `preset` may name another). `overrides` come before the preset's fields and after
 * the user's own.
 * @throws MODEL_PRESET, MODEL_CONFIG also for a name that is no field
 */
export function resolveModelConfig(
  model: string | Readonly<Record<string, unknown>>,
  overrides: Partial<ModelConfig> = {},
): ModelConfig {
  const { preset = 'micro', ...fields } = typeof model === 'string' ? { preset: model } : model;
  if (!isPreset(preset)) {
    throw userError(
      'MODEL_PRESET',
      `a model (${MODEL_PRESETS.join(', ')})`,
      String(preset),
      'name one of these',
    );
  }
  const unknown = Object.keys(fields).filter(
    (name) => !(name in modelConfigSchema.shape) && !OF_TRANSFORMERS.has(name),
  );
  if (unknown.length > 0) {
    throw userError(
      'MODEL_CONFIG',
      'fields of a Qwen2 config.json as model',
      `model: ${unknown.join(', ')} ${unknown.length === 1 ? 'is none' : 'are none'}`,
      'correct these names',
    );
  }
  return parseModelConfig({ ...modelPreset(preset), ...overrides, ...fields }, 'model');
}

/**
 * Fields that files of transformers have beside ours, so that one may be pasted into settings. Any other name is
 * taken for a slip of the pen: `num_layers` would train a model of another size in silence.
 */
const OF_TRANSFORMERS: ReadonlySet<string> = new Set([
  ...['_name_or_path', 'transformers_version', 'dtype', 'head_dim', 'layer_types', 'max_window_layers'],
  ...['sliding_window', 'rope_parameters', 'rope_scaling', 'quantization_config', 'auto_map'],
  ...['output_attentions', 'output_hidden_states', 'return_dict', 'torchscript', 'attn_implementation'],
]);

function isPreset(name: unknown): name is ModelPreset {
  return MODEL_PRESETS.some((preset) => preset === name);
}

/** How many parameters a model has; a tied embedding counts once. */
export interface ParameterCount {
  total: number;
  /** The embedding, and the output layer when it is not tied. */
  embedding: number;
  /** What the paper's compute formulas call P (PAPER §9). */
  nonEmbedding: number;
}

export function parameterCount(config: ModelConfig): ParameterCount {
  const { hidden_size: d, num_hidden_layers: layers, vocab_size: vocabulary } = config;
  const norms = 2 * d;
  const biases = d + 2 * keyValueWidth(config);
  const nonEmbedding = layers * (layerWeights(config) + biases + norms) + d;
  const embedding = vocabulary * d * (config.tie_word_embeddings ? 1 : 2);
  return { total: nonEmbedding + embedding, embedding, nonEmbedding };
}

/**
 * Floating-point operations per trained token, forward and backward, when sequences are `sequenceLength` long:
 * 6 per weight that takes part in a matrix product (the output layer included, the look-up not) and 12·L·d·S
 * for attention scores and values, counted over the full square as is customary (a causal kernel needs half of
 * that). A forward pass alone is a third.
 */
export function flopsPerToken(config: ModelConfig, sequenceLength: number): number {
  const { hidden_size: d, num_hidden_layers: layers, vocab_size: vocabulary } = config;
  const weights = layers * layerWeights(config) + vocabulary * d;
  return 6 * weights + 12 * layers * d * sequenceLength;
}

/**
 * One line about the size of a model, for people: parameters, and floating-point operations per token
 * ({@link flopsPerToken}) at a sequence length (default: the longest).
 */
export function describeSize(config: ModelConfig, sequenceLength = config.max_position_embeddings): string {
  const { total, nonEmbedding } = parameterCount(config);
  const count = (value: number) => value.toLocaleString('en-US');
  const training = flopsPerToken(config, sequenceLength) / 1e6;
  return (
    `${count(total)} parameters (${count(nonEmbedding)} without embedding), ` +
    `${training.toFixed(1)} MFLOP per trained token and ${(training / 3).toFixed(1)} forward ` +
    `at sequences of ${count(sequenceLength)}`
  );
}

/** Width of keys and of values. */
function keyValueWidth(config: ModelConfig): number {
  return (config.hidden_size / config.num_attention_heads) * config.num_key_value_heads;
}

/** Weights of one layer's matrices: query, key, value, output; gate, up, down. */
function layerWeights(config: ModelConfig): number {
  const { hidden_size: d, intermediate_size: inner } = config;
  return 2 * d * d + 2 * d * keyValueWidth(config) + 3 * d * inner;
}
