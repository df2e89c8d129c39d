import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import {
  type AdamwParameter,
  adamwStep,
  clippedAdamwStep,
  globalNorm,
  useBackend,
} from '../../src/backend/index.ts';
import { assertClose, describeNative, float, given, tensorOf, testedBackend } from './op-test.ts';

const options = {
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  weightDecay: 0.1,
  gradientScale: 0.5,
};
const shapes = [[3, 7], [5], [129], [0], [1], [140, 130]];

/** Ten steps on the current backend and in a plain float64 loop written after torch.optim.AdamW. */
function tenSteps(): void {
  const starts = shapes.map((shape, i) => float(`p${i}`, shape));
  const parameters = starts.map((start, i) => ({
    variable: tf.variable(tensorOf(start)),
    m: tf.variable(tf.zeros(start.shape)),
    v: tf.variable(tf.zeros(start.shape)),
    decay: i % 2 === 0,
  }));
  const expected = starts.map((start) => ({
    p: Float64Array.from(start.values),
    m: new Float64Array(start.values.length),
    v: new Float64Array(start.values.length),
  }));
  for (let step = 1; step <= 10; step++) {
    const gradients = shapes.map((shape, i) => float(`g${step} ${i}`, shape, -3, 3));
    tf.tidy(() => adamwStep(parameters, gradients.map(tensorOf), { ...options, step }));
    expected.forEach(({ p, m, v }, i) => {
      gradients[i]!.values.forEach((raw, j) => {
        const g = raw * options.gradientScale;
        if (i % 2 === 0) p[j]! *= 1 - options.learningRate * options.weightDecay;
        m[j] = options.beta1 * m[j]! + (1 - options.beta1) * g;
        v[j] = options.beta2 * v[j]! + (1 - options.beta2) * g * g;
        const denominator = Math.sqrt(v[j]!) / Math.sqrt(1 - options.beta2 ** step) + options.epsilon;
        p[j]! -= (options.learningRate / (1 - options.beta1 ** step)) * (m[j]! / denominator);
      });
    });
  }
  // Ten roundings of a number near 2 (1.2e-7 each) and of ten updates.
  parameters.forEach(({ variable, m, v }, i) => {
    assertClose(variable.dataSync(), expected[i]!.p, { absolute: 2e-6, relative: 1e-6 }, `parameter ${i}`);
    assertClose(m.dataSync(), expected[i]!.m, { absolute: 1e-6, relative: 1e-6 }, `m ${i}`);
    assertClose(v.dataSync(), expected[i]!.v, { absolute: 1e-6, relative: 1e-6 }, `v ${i}`);
  });
  tf.dispose(parameters.flatMap(({ variable, m, v }) => [variable, m, v]));
}

describe('adamwStep [cpu]', () => {
  it('is PyTorch AdamW for ten steps', async () => {
    await useBackend('cpu');
    tenSteps();
  });
});

describeNative('adamwStep', () => {
  it('is PyTorch AdamW for ten steps', async () => {
    await tf.setBackend(testedBackend());
    tenSteps();
  });

  it('does not change tensors that shared data with a variable', async () => {
    await tf.setBackend(testedBackend());
    const start = tf.tensor1d([1, 2, 3]);
    const variable = tf.variable(start);
    const copy = variable.clone();
    const zero = () => tf.variable(tf.zeros([3]));
    adamwStep([{ variable, m: zero(), v: zero(), decay: false }], [tf.ones([3])], { ...options, step: 1 });
    assert.deepEqual([...start.dataSync(), ...copy.dataSync()], [1, 2, 3, 1, 2, 3]);
    // First step: m/√v of the bias-corrected moments is 1, so each moves by the learning rate.
    assertClose(variable.dataSync(), [0.99, 1.99, 2.99], { absolute: 1e-6, relative: 0 }, 'moved');
  });

  it('clips to a global norm as scaling the gradients by hand does', async () => {
    await tf.setBackend(testedBackend());
    const run = (update: (parameters: AdamwParameter[], gradients: tf.Tensor[]) => number) => {
      const parameters = shapes.map((shape, i) => ({
        variable: tf.variable(tensorOf(float(`p${i}`, shape))),
        m: tf.variable(tf.zeros(shape)),
        v: tf.variable(tf.zeros(shape)),
        decay: true,
      }));
      const gradients = shapes.map((shape, i) => tensorOf(float(`clip ${i}`, shape, -3, 3)));
      const norm = update(parameters, gradients);
      const values = parameters.flatMap(({ variable }) => Array.from(variable.dataSync()));
      tf.dispose([gradients, parameters.flatMap(({ variable, m, v }) => [variable, m, v])]);
      return { norm, values };
    };
    const settings = { ...options, step: 1 };
    for (const clip of [1e-3, 1e6]) {
      const clipped = run((parameters, gradients) => clippedAdamwStep(parameters, gradients, settings, clip));
      const byHand = run((parameters, gradients) => {
        const norm = globalNorm(gradients) * settings.gradientScale;
        const gradientScale = settings.gradientScale * Math.min(1, clip / (norm + 1e-6));
        adamwStep(parameters, gradients, { ...settings, gradientScale });
        return norm;
      });
      assert.ok(Math.abs(clipped.norm / byHand.norm - 1) < 1e-12);
      assertClose(clipped.values, byHand.values, { absolute: 1e-7, relative: 1e-7 }, `clip ${clip}`);
    }
  });

  it('takes more parameters than one operation has room for', async () => {
    await tf.setBackend(testedBackend());
    const many = Array.from({ length: 1400 }, () => ({
      variable: tf.variable(tf.ones([1])),
      m: tf.variable(tf.zeros([1])),
      v: tf.variable(tf.zeros([1])),
      decay: false,
    }));
    const gradient = tf.ones([1]);
    const settings = { ...options, step: 1, gradientScale: 1 };
    const norm = clippedAdamwStep(many, new Array<tf.Tensor>(1400).fill(gradient), settings, 5);
    assert.ok(Math.abs(norm - Math.sqrt(1400)) < 1e-9);
    for (const { variable } of many) assert.ok(Math.abs(variable.dataSync()[0]! - 0.99) < 1e-6);
    tf.dispose([gradient, ...many.flatMap(({ variable, m, v }) => [variable, m, v])]);
  });

  it('globalNorm adds in float64', async () => {
    await tf.setBackend(testedBackend());
    const parts = [float('a', [40000]), float('b', [3, 5]), given([]), given([1e4])];
    const exact = Math.sqrt(parts.flatMap(({ values }) => values).reduce((s, x) => s + x * x, 0));
    const norm = globalNorm(parts.map(tensorOf));
    assert.ok(Math.abs(norm - exact) < 1e-9 * exact, `${norm} against ${exact}`);
    assert.equal(globalNorm([]), 0);
    assert.ok(Number.isNaN(globalNorm([tf.tensor1d([1, Number.NaN])])));
  });
});
