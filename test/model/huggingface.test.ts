/**
 * Our model against transformers and PyTorch: logits, every parameter's gradient, ten AdamW steps. The fixture is
 * made by test/fixtures/qwen2/make.py (versions in versions.json).
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from '../../src/backend/index.ts';
import {
  disposeQwen2,
  forward,
  parameterShapes,
  parseModelConfig,
  type Qwen2,
  qwen2FromValues,
  readSafetensors,
  tokenLosses,
} from '../../src/model/index.ts';
import { AdamW } from '../../src/train/index.ts';
import { pack, toTensors } from '../../src/train/packing.ts';
import { backendsHere, testedBackends } from '../backends.ts';

const STEPS = 10;
const BATCH = 2;
const LENGTH = 12;

/** Largest |a − b| over the largest |b|. */
function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  let worst = 0;
  let scale = 0;
  for (let i = 0; i < a.length; i++) {
    worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
    scale = Math.max(scale, Math.abs(b[i]!));
  }
  return worst / scale;
}

for (const backend of testedBackends) {
  for (const variant of ['untied', 'tied'] as const) {
    describe(`Hugging Face parity, ${variant}, ${backend}`, () => {
      const folder = fileURLToPath(new URL(`../fixtures/qwen2/${variant}/`, import.meta.url));
      const reference = readSafetensors(`${folder}reference.safetensors`);
      const numbers = (name: string) => reference.get(name)!.data as Float32Array;
      const ids = Array.from(reference.get('input_ids')!.data as ArrayLike<number | bigint>, Number);
      /** The sequences of one step, whole: `pack` drops each last token from the inputs. */
      const sequences = (step: number) =>
        Array.from({ length: BATCH }, (_, b) => {
          const from = (step * BATCH + b) * LENGTH;
          return ids.slice(from, from + LENGTH);
        });
      let model: Qwen2;

      before(async function () {
        if (!(await backendsHere()).includes(backend)) this.skip();
        await useBackend(backend);
      });
      beforeEach(() => {
        const config = parseModelConfig(JSON.parse(readFileSync(`${folder}config.json`, 'utf8')));
        const stored = readSafetensors(`${folder}model.safetensors`);
        const values = new Map<string, Float32Array>();
        for (const name of parameterShapes(config).keys())
          values.set(name, stored.get(name)!.data as Float32Array);
        model = qwen2FromValues(config, values);
      });
      afterEach(() => {
        if (model) disposeQwen2(model);
      });

      const lossAndGradients = (step: number) => {
        const { targets, ...inputs } = toTensors(pack(sequences(step)));
        return tf.variableGrads(
          () => tf.mean(tokenLosses(model, inputs, targets)) as tf.Scalar,
          [...model.parameters.values()],
        );
      };

      it('gives the same logits', () => {
        const logits = tf.tidy(() => {
          const { targets: _targets, ...inputs } = toTensors(
            pack(sequences(0).map((sequence) => [...sequence, 0])),
          );
          return forward(model, inputs).dataSync();
        });
        // float32 sums of at most 97 terms in another order
        assert.ok(relativeError(logits, numbers('logits')) < 1e-5);
      });

      it('gives the same gradient for every parameter', () => {
        tf.tidy(() => {
          const { grads } = lossAndGradients(0);
          for (const [name, variable] of model.parameters) {
            const error = relativeError(grads[variable.name]!.dataSync(), numbers(`grad.${name}`));
            assert.ok(error < 1e-4, `${name}: ${error}`); // the bound that DESIGN sets for float32
          }
        });
      });

      it('takes the same ten AdamW steps', () => {
        const optimizer = new AdamW(model.parameters, {
          beta1: 0.9,
          beta2: 0.95,
          epsilon: 1e-8,
          weightDecay: 0.1,
          clip: 1,
        });
        for (let step = 0; step < STEPS; step++) {
          tf.tidy(() => {
            const { value, grads } = lossAndGradients(step);
            const named = new Map(
              [...model.parameters].map(([name, variable]) => [name, grads[variable.name]!]),
            );
            const norm = optimizer.update(named, 1e-3);
            const loss = value.dataSync()[0]!;
            assert.ok(
              Math.abs(loss - numbers('losses')[step]!) < 1e-4 * loss,
              `loss of step ${step}: ${loss}`,
            );
            assert.ok(
              Math.abs(norm - numbers('norms')[step]!) < 1e-3 * norm,
              `norm of step ${step}: ${norm}, not ${numbers('norms')[step]}`,
            );
          });
        }
        for (const [name, variable] of model.parameters) {
          // An element whose gradient is near 0 may take its first steps in another direction: each is at most 1e-3.
          const error = relativeError(variable.dataSync(), numbers(`final.${name}`));
          assert.ok(error < 2e-3, `${name}: ${error}`);
        }
        optimizer.dispose();
      });
    });
  }
}
