/** Gradients of operations against central differences of the same function in float64. */
import * as tf from '@tensorflow/tfjs-core';
import { assertClose, type Input, tensorOf, testedBackend } from './op-test.ts';

/** Sums of up to a few hundred products in float32 instead of float64. */
export const loose = { absolute: 2e-5, relative: 2e-5 };

export const shaped = <T extends tf.Tensor>(t: tf.Tensor | undefined) => t as T;

/** Central differences in float64 of `loss`, a plain-JavaScript function of all input values. */
export function differences(loss: (values: number[][]) => number, inputs: Input[]): number[][] {
  const step = 1e-5;
  return inputs.map((input, which) =>
    input.values.map((value, i) => {
      const moved = (by: number) =>
        loss(
          inputs.map(({ values }, w) =>
            w === which ? values.map((v, j) => (j === i ? value + by : v)) : values,
          ),
        );
      return (moved(step) - moved(-step)) / (2 * step);
    }),
  );
}

/** Gradient on native of Σ out² / 2 + Σ out against differences of the same loss in float64. */
export async function againstDifferences(
  operation: (...inputs: tf.Tensor[]) => tf.Tensor,
  plain: (values: number[][]) => number[],
  inputs: Input[],
): Promise<void> {
  await tf.setBackend(testedBackend());
  const loss = (out: number[]) => out.reduce((sum, x) => sum + x * x * 0.5 + x, 0);
  const gradients = tf.tidy(() =>
    tf
      .grads((...xs: tf.Tensor[]) => {
        const out = operation(...xs);
        return tf.add(tf.mul(tf.sum(tf.square(out)), 0.5), tf.sum(out)) as tf.Scalar;
      })(inputs.map(tensorOf))
      .map((t) => Array.from(t.dataSync())),
  );
  // Differences of step 1e-5 in float64 are right to about 1e-9; the rest is float32.
  differences((values) => loss(plain(values)), inputs).forEach((expected, i) => {
    assertClose(
      gradients[i]!,
      expected,
      { absolute: 3e-5, relative: 3e-5 },
      `gradient ${i} against differences`,
    );
  });
}
