/** What the machine can do: the speed that a run's is measured against. */
import * as tf from '@tensorflow/tfjs-core';
import { randomFamily } from '../core/random.ts';

/** A product that takes this long is long enough to be timed. */
const LONG_ENOUGH_MS = 5;
const SMALLEST = 128;
const LARGEST = 1024;
const TRIALS = 5;

/**
 * Floating-point operations per second of the current backend in its fastest of a few square matrix products, of up to
 * 1024 × 1024; a fraction of a second.
 * @param clock milliseconds
 */
export function measureGemmPeak(clock: () => number): number {
  const timed = (n: number): number => {
    const stream = randomFamily('gemm peak', n).at(0);
    const values = Float32Array.from({ length: n * n }, () => stream.uniform() - 0.5);
    const matrix = tf.tensor2d(values, [n, n]);
    let best = Number.POSITIVE_INFINITY;
    for (let trial = 0; trial < TRIALS; trial++) {
      const start = clock();
      const product = tf.matMul(matrix, matrix);
      product.dataSync(); // on some backends the product is made only now
      best = Math.min(best, clock() - start);
      product.dispose();
    }
    matrix.dispose();
    return best;
  };
  for (let n = SMALLEST; ; n *= 2) {
    const milliseconds = timed(n);
    if (milliseconds >= LONG_ENOUGH_MS || n === LARGEST) return (2 * n ** 3) / (milliseconds / 1000);
  }
}
