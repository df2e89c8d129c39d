import type * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../../core/index.ts';
import type { SampledTokens, SampleOptions } from '../ops/sample-tokens.ts';
import type { NativeBackend } from './backend.ts';

/** sampleTokens on the native backend: the logits never leave it. */
export function nativeSampleTokens(
  backend: NativeBackend,
  logits: tf.Tensor2D,
  options: SampleOptions,
): SampledTokens {
  const [rows, size] = logits.shape;
  const ids = new Int32Array(rows);
  const logProbabilities = new Float32Array(rows);
  if (rows === 0) return { ids, logProbabilities };
  const { args, op, input, output, run } = backend.engine;
  args[0] = backend.address(logits);
  args[1] = rows;
  args[2] = size;
  args[3] = options.temperature;
  args[4] = options.topP;
  args[5] = options.topK;
  args[6] = input(options.uniforms);
  args[7] = output(ids);
  args[8] = output(logProbabilities);
  args[9] = Math.min(options.vocabulary ?? size, size);
  const bad = run(op.sample!);
  if (bad > 0) throw internalError(`sampleTokens: row ${ids.indexOf(-1)} has no finite greatest logit`);
  return { ids, logProbabilities };
}
