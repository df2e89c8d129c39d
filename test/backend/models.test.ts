/** Whole models on every backend: logits, gradients, training, sampling and reinforcement learning as on cpu. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { type BackendName, useBackend, variableGradients } from '../../src/backend/index.ts';
import { readJsonLines } from '../../src/core/jsonl.ts';
import { createQwen2, disposeQwen2, forward, type ModelConfig, tokenLosses } from '../../src/model/index.ts';
import { type GrpoMetrics, grpo } from '../../src/rl/index.ts';
import { defaultSampleSettings, sampleBatched } from '../../src/sample/index.ts';
import { AdamW, pack, toTensors, trainStep } from '../../src/train/index.ts';
import { describeBackends } from '../backends.ts';
import { REWARDS, tinyBase, tinySettings } from '../rl/base.ts';
import { prompts, tinyModel as samplingModel } from '../sample/tiny.ts';
import { TINY, tinySequences } from '../train/tiny.ts';
import { assertClose, type Tolerance } from './op-test.ts';

const config: ModelConfig = { ...TINY, hidden_size: 24, intermediate_size: 50, initializer_range: 0.3 };
const adamw = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, clip: 0.5 };
const STEPS = 10;
/** Float32 through two layers, in another order than cpu's float64. */
const tolerance: Tolerance = { absolute: 1e-4, relative: 1e-4 };

const loose: Tolerance = { absolute: 1e-3, relative: 1e-3 };

interface Computed {
  logits: number[];
  gradients: Map<string, number[]>;
}

/** Of one batch on the current backend. */
function compute(): Computed {
  const model = createQwen2(config, 3);
  try {
    return tf.engine().tidy(() => {
      const { targets, ...inputs } = toTensors(pack(tinySequences(4)));
      const logits = Array.from(forward(model, inputs).dataSync());
      const loss = () => tf.mean(tokenLosses(model, inputs, targets)) as tf.Scalar;
      const { gradients } = variableGradients(loss, model.parameters);
      const values = [...gradients].map(([name, t]) => [name, Array.from(t.dataSync())] as const);
      return { logits, gradients: new Map(values) } as never;
    }) as Computed;
  } finally {
    disposeQwen2(model);
  }
}

/** Losses of training steps on the current backend; `after` runs after each. */
function losses(after: (step: number) => void = () => {}): number[] {
  const model = createQwen2(config, 5);
  const optimizer = new AdamW(model.parameters, adamw);
  const batch = pack(tinySequences(5));
  const found = Array.from({ length: STEPS }, (_, step) => {
    const { loss } = trainStep(model, optimizer, batch, { rate: 3e-3 });
    after(step);
    return loss;
  });
  optimizer.dispose();
  disposeQwen2(model);
  return found;
}

/** Token ids of samples on the current backend. */
function sampledIds(temperature: number): number[][] {
  const { model, tokenizer } = samplingModel();
  const settings = { ...defaultSampleSettings, samples: 2, temperature, maxTokens: 8, seed: 4 };
  const samples = [...sampleBatched(model, tokenizer, prompts, settings)].flat();
  disposeQwen2(model);
  return samples
    .sort((a, b) => a.prompt - b.prompt || a.sampleIndex - b.sampleIndex)
    .map(({ ids }) => [...ids]);
}

describeBackends('models', ['native', 'wasm', 'tensorflow', 'webgpu'], (backend) => {
  let expected: Computed & { losses: number[]; greedy: number[][]; drawn: number[][] };
  before(async () => {
    await useBackend('cpu');
    expected = { ...compute(), losses: losses(), greedy: sampledIds(0), drawn: sampledIds(1) };
    await useBackend(backend);
  });

  it('logits and gradients', () => {
    const { logits, gradients } = compute();
    assertClose(logits, expected.logits, tolerance, 'logits');
    for (const [name, values] of expected.gradients) {
      assertClose(gradients.get(name)!, values, tolerance, `gradient of ${name}`);
    }
  });

  it('ten training steps, that leave nothing behind', () => {
    const memory: number[][] = [];
    const found = losses(() => {
      const {
        numTensors,
        numBytes,
        numBytesInGPU = 0,
        tensors = 0,
      } = tf.memory() as tf.MemoryInfo & {
        numBytesInGPU?: number;
        tensors?: number;
      };
      memory.push([numTensors, numBytes, numBytesInGPU, tensors]);
    });
    assertClose(found, expected.losses, tolerance, 'losses');
    assert.ok(found[STEPS - 1]! < found[0]! - 0.05, `${found}`);
    assert.deepEqual(memory[STEPS - 1], memory[1]);
  });

  it('sampling draws the same tokens', () => {
    assert.deepEqual(sampledIds(0), expected.greedy);
    assert.deepEqual(sampledIds(1), expected.drawn);
  });
});

describeBackends('reinforcement learning', ['tensorflow', 'webgpu'], (backend) => {
  it('makes the step that it makes elsewhere', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    const step = async (name: BackendName) => {
      await useBackend(name);
      const out = join(folder, name);
      const { model } = await grpo(
        { ...settings, prompts_per_step: 2, mini_batch_prompts: 2, steps: 1, save_every: 1 },
        { out, rewards: REWARDS },
      );
      disposeQwen2(model);
      return [...readJsonLines(join(out, 'metrics.jsonl'))].map(({ value }) => value as GrpoMetrics);
    };
    const { name: elsewhere } = await useBackend('auto');
    const { validation: _validation, ...settings } = tinySettings(await tinyBase(folder));
    try {
      const [ours] = await step(backend);
      const [reference] = await step(elsewhere);
      assert.equal(ours!.reward, reference!.reward); // of the same responses, then
      assertClose([ours!.gradient_norm!], [reference!.gradient_norm!], loose, 'norm of the gradient');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
