/** One helper for every operation: shape, dtype, values and gradients on `native` against tfjs's `cpu` backend. */
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { randomFamily } from '../../src/core/index.ts';
import { testedBackend } from '../backends.ts';

export interface Input {
  shape: number[];
  dtype: 'float32' | 'int32' | 'bool';
  values: number[];
}

/** Float values in [low, high), reproducible by name. */
export function float(name: string, shape: number[], low = -2, high = 2): Input {
  const stream = randomFamily('op-test', name, ...shape).at(0);
  const values = Array.from({ length: count(shape) }, () =>
    Math.fround(low + (high - low) * stream.uniform()),
  );
  return { shape, dtype: 'float32', values };
}

/** Integers in [0, below). */
export function ints(name: string, shape: number[], below: number): Input {
  const stream = randomFamily('op-test-int', name, ...shape).at(0);
  return { shape, dtype: 'int32', values: Array.from({ length: count(shape) }, () => stream.below(below)) };
}

export function bools(name: string, shape: number[]): Input {
  return { ...ints(name, shape, 2), dtype: 'bool' };
}

export function given(values: number[], dtype: Input['dtype'] = 'float32', shape = [values.length]): Input {
  return { shape, dtype, values };
}

export function count(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

export function tensorOf({ shape, dtype, values }: Input): tf.Tensor {
  const array =
    dtype === 'float32'
      ? Float32Array.from(values)
      : dtype === 'int32'
        ? Int32Array.from(values)
        : Uint8Array.from(values);
  return tf.tensor(array, shape, dtype);
}

export interface Tolerance {
  absolute: number;
  relative: number;
}

/**
 * Default: the cpu backend computes in float64 and rounds at the end, ours in float32, so single operations
 * differ by a few units in the last place (6e-8 relative) and short sums by a few more.
 */
export const closely: Tolerance = { absolute: 2e-6, relative: 2e-6 };
export const exactly: Tolerance = { absolute: 0, relative: 0 };

/** Equal numbers, or both NaN, or the same infinity, or within the tolerance. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: Tolerance,
  what: string,
): void {
  assert.equal(actual.length, expected.length, `${what}: length`);
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i]!;
    const e = expected[i]!;
    if (Object.is(a, e) || a === e) continue;
    const bound = tolerance.absolute + tolerance.relative * Math.abs(e);
    if (!(Math.abs(a - e) <= bound)) assert.fail(`${what}: element ${i} is ${a}, expected ${e} ± ${bound}`);
  }
}

export type Operation = (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];

interface Result {
  outputs: { shape: number[]; dtype: string; values: number[] }[];
  gradients: (number[] | undefined)[];
}

/** Values, and with `gradient` the gradient of Σ outputs · weights for fixed irregular weights. */
async function evaluate(
  backend: string,
  operation: Operation,
  inputs: Input[],
  gradient: boolean,
): Promise<Result> {
  await tf.setBackend(backend);
  return tf.tidy(() => {
    const tensors = inputs.map(tensorOf);
    const list = (x: tf.Tensor | tf.Tensor[]) => (Array.isArray(x) ? x : [x]);
    const outputs = list(operation(...tensors)).map((t) => ({
      shape: t.shape,
      dtype: t.dtype as string,
      values: Array.from(t.dataSync()),
    }));
    const gradients: Result['gradients'] = inputs.map(() => undefined);
    if (gradient) {
      const floats = tensors.filter((t) => t.dtype === 'float32');
      const total = (...xs: tf.Tensor[]) => {
        let next = 0;
        const all = tensors.map((t) => (t.dtype === 'float32' ? xs[next++]! : t));
        const parts = list(operation(...all)).map((t, i) => {
          const weights = tensorOf(float(`upstream ${i}`, t.shape, -1, 1));
          return tf.sum(tf.mul(tf.cast(t, 'float32'), weights));
        });
        return tf.addN(parts) as tf.Scalar;
      };
      const results = tf.grads(total)(floats);
      let next = 0;
      tensors.forEach((t, i) => {
        if (t.dtype === 'float32') gradients[i] = Array.from(results[next++]!.dataSync());
      });
    }
    return { outputs, gradients };
  });
}

const onceOnCpu = new Map<string, Result>();

/**
 * Asserts that the tested backend computes what cpu computes; with `gradient` also its gradient for every float input.
 * `once`: a name of operation and inputs that no other comparison has; cpu then computes them once for all engines.
 */
export async function compareWithCpu(
  name: string,
  operation: Operation,
  inputs: Input[],
  options: { gradient?: boolean; tolerance?: Tolerance; gradientTolerance?: Tolerance; once?: string } = {},
): Promise<void> {
  const { gradient = false, tolerance = closely, gradientTolerance = tolerance, once } = options;
  const known = once === undefined ? undefined : onceOnCpu.get(once);
  const expected = known ?? (await evaluate('cpu', operation, inputs, gradient));
  if (once !== undefined) onceOnCpu.set(once, expected);
  const actual = await evaluate(testedBackend(), operation, inputs, gradient);
  assert.equal(actual.outputs.length, expected.outputs.length, `${name}: number of outputs`);
  expected.outputs.forEach((output, i) => {
    assert.deepEqual(actual.outputs[i]!.shape, output.shape, `${name}: shape of output ${i}`);
    assert.equal(actual.outputs[i]!.dtype, output.dtype, `${name}: dtype of output ${i}`);
    assertClose(actual.outputs[i]!.values, output.values, tolerance, `${name}: output ${i}`);
  });
  expected.gradients.forEach((values, i) => {
    if (values !== undefined) {
      assertClose(actual.gradients[i]!, values, gradientTolerance, `${name}: gradient of input ${i}`);
    }
  });
}

export { describeEngines as describeNative, testedBackend } from '../backends.ts';
