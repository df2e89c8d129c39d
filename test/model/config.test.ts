import assert from 'node:assert/strict';
import {
  describeSize,
  flopsPerToken,
  MODEL_PRESETS,
  modelPreset,
  parameterCount,
  parseModelConfig,
  resolveModelConfig,
} from '../../src/model/config.ts';

/** A file as transformers 4 writes it for a small model. */
const file = () => ({
  _name_or_path: 'x',
  architectures: ['Qwen2ForCausalLM'],
  attention_dropout: 0.0,
  bos_token_id: 2,
  eos_token_id: 3,
  hidden_act: 'silu',
  hidden_size: 32,
  initializer_range: 0.02,
  intermediate_size: 64,
  max_position_embeddings: 128,
  max_window_layers: 2,
  model_type: 'qwen2',
  num_attention_heads: 4,
  num_hidden_layers: 2,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-6,
  rope_scaling: null,
  rope_theta: 10000.0,
  sliding_window: null,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
  transformers_version: '4.45.2',
  use_cache: true,
  use_sliding_window: false,
  vocab_size: 97,
});

const refused = (changes: Record<string, unknown>, ...names: RegExp[]) => {
  for (const name of names) {
    assert.throws(() => parseModelConfig({ ...file(), ...changes }, 'm/config.json'), {
      code: 'MODEL_CONFIG',
      message: name,
    });
  }
};

describe('model configuration', () => {
  it('reads a file of transformers 4 and drops what concerns other software', () => {
    const config = parseModelConfig(file());
    assert.equal(config.vocab_size, 97);
    assert.equal(config.rope_theta, 10000);
    assert.equal(config.pad_token_id, null);
    assert.equal(config.torch_dtype, 'float32', 'weights of any type are read as float32');
    assert.ok(!('sliding_window' in config) && !('transformers_version' in config));
  });

  it('reads the nested rope_parameters and dtype of transformers 5', () => {
    const { rope_theta: _, torch_dtype: __, rope_scaling: ___, ...rest } = file();
    const config = parseModelConfig({
      ...rest,
      dtype: 'float32',
      head_dim: 8,
      layer_types: ['full_attention', 'full_attention'],
      rope_parameters: { rope_theta: 500000.0, rope_type: 'default' },
    });
    assert.equal(config.rope_theta, 500000);
  });

  it('survives being written and read', () => {
    for (const name of MODEL_PRESETS) {
      const config = modelPreset(name);
      assert.deepEqual(parseModelConfig(JSON.parse(JSON.stringify(config))), config);
    }
  });

  it('has the fields that transformers needs to choose the class', () => {
    const config = modelPreset('micro');
    assert.deepEqual(config.architectures, ['Qwen2ForCausalLM']);
    assert.equal(config.model_type, 'qwen2');
    assert.equal(config.hidden_act, 'silu');
    assert.equal(config.use_sliding_window, false);
  });

  it("the preset of the paper is the paper's model", () => {
    const config = modelPreset('paper-100m');
    assert.equal(config.num_hidden_layers, 12);
    assert.equal(config.num_key_value_heads, 2);
    assert.equal(config.rope_theta, 1e6);
    assert.equal(config.rms_norm_eps, 1e-6);
    assert.equal(config.max_position_embeddings, 2048);
    assert.deepEqual([config.bos_token_id, config.eos_token_id], [2, 3]);
    // PAPER §3, counted there from the released checkpoint.
    assert.deepEqual(parameterCount(config), {
      total: 103_170_816,
      embedding: 1_689_600,
      nonEmbedding: 101_481_216,
    });
  });

  it('small and big have the sizes that were measured: 6.47 M and 32.6 M, so their embeddings are tied', () => {
    assert.equal(Math.round(parameterCount(modelPreset('small')).total / 1e4), 647);
    assert.equal(Math.round(parameterCount(modelPreset('big')).total / 1e5), 326);
    const untied = { ...modelPreset('small'), tie_word_embeddings: false };
    assert.equal(parameterCount(untied).total - parameterCount(modelPreset('small')).total, 2200 * 256);
  });

  it('counts the parameters of a model by hand', () => {
    // Embedding and output 2·97·32; a layer: q 32·32+32, k and v 2·(32·16+16), o 32·32, MLP 3·32·64, norms 2·32.
    const layer = 32 * 32 + 32 + 2 * (32 * 16 + 16) + 32 * 32 + 3 * 32 * 64 + 2 * 32;
    assert.equal(parameterCount(parseModelConfig(file())).total, 2 * 97 * 32 + 2 * layer + 32);
  });

  it('floating-point operations per token are those of the speed measurements', () => {
    // Measured elsewhere per token, sequences of 256: weights 38.77 + attention 4.72, and 195.50 + 12.58 (10⁶).
    assert.ok(Math.abs(flopsPerToken(modelPreset('small'), 256) / 1e6 - (38.77 + 4.72)) < 0.01);
    assert.ok(Math.abs(flopsPerToken(modelPreset('big'), 256) / 1e6 - (195.5 + 12.58)) < 0.01);
    assert.equal(
      flopsPerToken(modelPreset('micro'), 0),
      6 * (4 * (3 * 128 * 128 + 3 * 128 * 512) + 512 * 128),
    );
  });

  it('says its size in one line', () => {
    assert.equal(
      describeSize(modelPreset('paper-100m')),
      '103,170,816 parameters (101,481,216 without embedding), 845.3 MFLOP per trained token and 281.8 forward at ' +
        'sequences of 2,048',
    );
  });

  it('refuses what it would compute otherwise, by field', () => {
    refused({ architectures: ['LlamaForCausalLM'] }, /m\/config\.json: architectures/);
    refused({ model_type: 'qwen3' }, /model_type/);
    refused({ architectures: undefined, model_type: undefined }, /model_type is missing/);
    refused({ hidden_act: 'gelu' }, /hidden_act/);
    refused({ use_sliding_window: true }, /use_sliding_window/);
    refused({ attention_dropout: 0.1 }, /attention_dropout/);
    refused(
      { rope_scaling: { type: 'yarn', factor: 4 } },
      /rope_scaling: rope type "yarn"/,
      /rope_scaling\.factor/,
    );
    refused({ rope_parameters: { rope_type: 'llama3' } }, /rope_parameters: rope type "llama3"/);
    refused({ rope_parameters: 3 }, /rope_parameters/);
    refused({ quantization_config: { bits: 4 } }, /quantization_config/);
    refused({ head_dim: 16 }, /head_dim/);
    refused({ layer_types: ['full_attention', 'sliding_attention'] }, /layer_types/);
    refused({ eos_token_id: [3, 4] }, /eos_token_id/);
  });

  it('refuses impossible sizes, all at once', () => {
    refused({ hidden_size: 30 }, /hidden_size/);
    refused({ hidden_size: 36 }, /hidden_size/); // heads of 9: rotary pairs need an even size
    refused({ num_key_value_heads: 3 }, /num_key_value_heads/);
    refused({ eos_token_id: 97 }, /eos_token_id/);
    refused(
      { vocab_size: 0, num_hidden_layers: 1.5, rms_norm_eps: 0 },
      /vocab_size.*num_hidden_layers.*rms_norm_eps/,
    );
    refused({ hidden_size: '32' }, /hidden_size/);
    refused({ vocab_size: undefined }, /vocab_size/);
    refused({ intermediate_size: 1e12 }, /intermediate_size/);
    refused({ rope_theta: -1 }, /rope_theta/);
    for (const json of [null, [], 'qwen2', 3])
      assert.throws(() => parseModelConfig(json), { code: 'MODEL_CONFIG' });
  });

  it('refuses a field that is none, and takes those of a file of transformers', () => {
    assert.throws(() => resolveModelConfig({ preset: 'small', num_layers: 2, hiden_size: 64 }), {
      code: 'MODEL_CONFIG',
      message: /num_layers, hiden_size are none/,
    });
    const pasted = { ...modelPreset('micro'), transformers_version: '4.45.2', sliding_window: null };
    assert.deepEqual(resolveModelConfig(pasted), modelPreset('micro'));
  });

  it('resolves presets and single fields, the user last', () => {
    assert.deepEqual(resolveModelConfig('small'), modelPreset('small'));
    assert.equal(resolveModelConfig('micro', { vocab_size: 300 }).vocab_size, 300);
    const config = resolveModelConfig(
      { preset: 'small', vocab_size: 400, hidden_size: 64 },
      { vocab_size: 300 },
    );
    assert.deepEqual([config.vocab_size, config.hidden_size, config.num_hidden_layers], [400, 64, 6]);
    assert.throws(() => resolveModelConfig('tiny'), { code: 'MODEL_PRESET' });
    assert.throws(() => resolveModelConfig({ preset: 7 }), { code: 'MODEL_PRESET' });
    assert.throws(() => resolveModelConfig({ hidden_size: 31 }), { code: 'MODEL_CONFIG' });
  });
});
