/** Weights of one model put into another. */
import * as tf from '@tensorflow/tfjs-core';
import type { Qwen2 } from '../model/qwen2.ts';

/** Makes `to` equal to `from`, in memory of its own: updates change a policy's weights in place. */
export function copyWeights(from: Qwen2, to: Qwen2): void {
  for (const [name, variable] of to.parameters) {
    const { shape } = variable;
    const copy = tf.tensor(from.parameters.get(name)!.dataSync<'float32'>().slice(), shape, 'float32');
    variable.assign(copy);
    copy.dispose();
  }
}
