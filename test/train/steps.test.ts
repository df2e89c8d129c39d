/** Whole training steps: fused on native against the plain composition, and what they leave in memory. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { nativeFallbacks, setThreadCount, threadCount, variableGradients } from '../../src/backend/index.ts';
import {
  createQwen2,
  disposeQwen2,
  type ModelConfig,
  parseModelConfig,
  tokenLosses,
} from '../../src/model/index.ts';
import { AdamW, pack, toTensors } from '../../src/train/index.ts';
import { describeNative } from '../backend/op-test.ts';

const config: ModelConfig = parseModelConfig(
  {
    model_type: 'qwen2',
    hidden_size: 20,
    intermediate_size: 36,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    vocab_size: 37,
    max_position_embeddings: 128,
    tie_word_embeddings: true,
  },
  'the test',
);
const sequences = Array.from({ length: 5 }, (_, s) =>
  Array.from({ length: 3 + 17 * s }, (_, i) => (i * i * (s + 2) + 7 * i) % 37),
);
const options = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, clip: 0.5 };

interface Trained {
  losses: number[];
  norms: number[];
  parameters: Map<string, Float32Array>;
}

/** Steps from the same start on the current backend. */
function steps(count: number, recompute = false, after: (step: number) => void = () => {}): Trained {
  const model = createQwen2(config, 5);
  const optimizer = new AdamW(model.parameters, options);
  const losses: number[] = [];
  const norms: number[] = [];
  for (let step = 0; step < count; step++) {
    tf.tidy(() => {
      const { targets, ...inputs } = toTensors(pack(sequences));
      const { value, gradients } = variableGradients(
        () => tf.mean(tokenLosses(model, inputs, targets, { recompute, zLoss: 1e-4 })) as tf.Scalar,
        model.parameters,
      );
      norms.push(optimizer.update(gradients, 3e-3));
      losses.push(value.dataSync()[0]!);
    });
    after(step);
  }
  const parameters = new Map(
    [...model.parameters].map(([name, variable]) => [name, variable.dataSync<'float32'>().slice()]),
  );
  optimizer.dispose();
  disposeQwen2(model);
  return { losses, norms, parameters };
}

let expected: Trained | undefined;
/** Ten steps of the plain composition, made once for all engines. */
async function tenOnCpu(): Promise<Trained> {
  if (expected === undefined) {
    await tf.setBackend('cpu');
    expected = steps(10);
    await tf.setBackend('native');
  }
  return expected;
}

describeNative('training steps', () => {
  it('are those of the plain composition, ten of them', async () => {
    const plain = await tenOnCpu();
    const fallbacks = nativeFallbacks().reduce((sum, { calls }) => sum + calls, 0);
    const { losses, norms, parameters } = steps(10);
    assert.equal(
      nativeFallbacks().reduce((sum, { calls }) => sum + calls, 0),
      fallbacks,
    );
    // float32 sums of up to 150 terms in another order, ten times over; AdamW's first steps are ± the rate whatever
    // the size of the gradient, so that parameters with tiny gradients differ most.
    losses.forEach((loss, i) => {
      assert.ok(Math.abs(loss - plain.losses[i]!) < 2e-5, `loss ${i}: ${loss} against ${plain.losses[i]}`);
      assert.ok(Math.abs(norms[i]! / plain.norms[i]! - 1) < 1e-4, `norm ${i}`);
    });
    assert.ok(losses[9]! < losses[0]! - 0.05, `${losses}`);
    for (const [name, values] of parameters) {
      const wanted = plain.parameters.get(name)!;
      const error = Math.sqrt(values.reduce((s, x, i) => s + (x - wanted[i]!) ** 2, 0) / values.length);
      assert.ok(error < 2e-5, `${name}: ${error}`);
    }
  });

  it('have the same bits for any number of threads, and when layers are computed again', () => {
    const threads = threadCount();
    try {
      const [one, three] = [1, 3].map((count) => {
        setThreadCount(count);
        return steps(4);
      });
      assert.deepEqual(three, one);
      assert.deepEqual(steps(4, true), one);
    } finally {
      setThreadCount(threads);
    }
  });

  it('leave nothing behind, in tfjs or in native memory', () => {
    const memory = () => {
      const { numTensors, numDataBuffers, numBytes } = tf.memory();
      const { bytesInUse, buffers } = tf.memory() as unknown as { bytesInUse: number; buffers: number };
      return { numTensors, numDataBuffers, numBytes, bytesInUse, buffers };
    };
    let first: ReturnType<typeof memory> | undefined;
    for (const recompute of [false, true]) {
      steps(40, recompute, (step) => {
        if (step === 1) first = memory();
        if (step > 1) assert.deepEqual(memory(), first, `step ${step}`);
      });
    }
  });
});
