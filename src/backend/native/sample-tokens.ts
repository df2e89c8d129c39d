import type * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../../core/index.ts';
import type { SampledTokens, SampleOptions } from '../ops/sample-tokens.ts';
import type { NativeBackend } from './backend.ts';

/** sampleTokens on the native backend, into arrays that are long enough: the logits never leave it. */
export function nativeSampleTokens(
  backend: NativeBackend,
  logits: tf.Tensor2D,
  options: SampleOptions,
  into: SampledTokens,
): void {
  const [rows, size] = logits.shape;
  if (rows === 0) return;
  const { args, op, input, output, run } = backend.engine;
  args[0] = backend.address(logits);
  args[1] = rows;
  args[2] = size;
  args[3] = options.temperature;
  args[4] = options.topP;
  args[5] = options.topK;
  args[6] = input(options.uniforms);
  args[7] = output(into.ids);
  args[8] = output(into.logProbabilities);
  args[9] = Math.min(options.vocabulary ?? size, size);
  const bad = run(op.sample!);
  if (bad > 0) throw internalError(`sampleTokens: row ${into.ids.indexOf(-1)} has no finite greatest logit`);
}
