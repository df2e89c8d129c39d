import assert from 'node:assert/strict';
import {
  type Choice,
  decodingProducts,
  distinct,
  floatingPointOperations,
  type Product,
  prefillProducts,
  productName,
  totalSeconds,
  trainingProducts,
} from '../../bench/products.ts';
import { flopsPerToken, modelPreset, parameterCount } from '../../src/model/index.ts';

/** Every product at 1 FLOP/s. */
const oneByOne = (choices: readonly Choice[]) =>
  new Map(distinct(choices).map((one) => [productName(one), floatingPointOperations(one)]));

describe('matrix products of the benchmarks', () => {
  for (const preset of ['micro', 'small', 'big'] as const) {
    const config = modelPreset(preset);
    const attention = 12 * config.num_hidden_layers * config.hidden_size * 256;

    it(`of a training step of ${preset} are the model's operations, with half of the attention`, () => {
      const choices = trainingProducts(config, 8, 256);
      const expected = 8 * 256 * (flopsPerToken(config, 256) - attention / 2);
      assert.equal(totalSeconds(choices, oneByOne(choices)), expected);
    });

    it(`of a decoding step of ${preset} are two operations per weight of a matrix`, () => {
      const choices = decodingProducts(config, 64);
      const weights = parameterCount(config);
      // Norms and biases take part in no product.
      const vectors =
        config.hidden_size *
        (1 + config.num_hidden_layers * (3 + (2 * config.num_key_value_heads) / config.num_attention_heads));
      assert.equal(totalSeconds(choices, oneByOne(choices)), 64 * 2 * (weights.total - vectors));
    });
  }

  it('of a prefill count the output layer once per sequence', () => {
    const config = modelPreset('micro');
    const one = prefillProducts(config, 1, 64);
    const wider = prefillProducts({ ...config, vocab_size: config.vocab_size + 1 }, 1, 64);
    const more = totalSeconds(wider, oneByOne(wider)) - totalSeconds(one, oneByOne(one));
    assert.equal(more, 2 * config.hidden_size);
  });

  it('take the faster layout of each part', () => {
    const slow: Product = { m: 1, n: 2, k: 3, transposeA: false, transposeB: true };
    const fast: Product = { m: 1, n: 4, k: 3, transposeA: true, transposeB: false };
    const choices: Choice[] = [
      [[{ ...slow, count: 2 }], [{ ...fast, count: 1 }]],
      [[{ ...slow, count: 0.5 }]],
    ];
    const seconds = new Map([
      ['1×3×2 NT', 4],
      ['1×3×4 TN', 5],
    ]);
    assert.equal(totalSeconds(choices, seconds), 5 + 2);
  });
});
