/**
 * Whole training steps (forward, backward, clipping, AdamW) on 8 sequences of 256 tokens, as tokens per second:
 * the median step. No peer is measured here yet.
 */
import * as tf from '@tensorflow/tfjs-core';
import { threadCount, useBackend } from '../src/backend/index.ts';
import { tokenLosses } from '../src/model/index.ts';
import { AdamW, pack, toTensors } from '../src/train/index.ts';
import type { BenchmarkOptions, BenchmarkRow } from './table.ts';
import { benchmarkConfig, median, randomSequences } from './workload.ts';

const BATCH = 8;
const LENGTH = 256;
const WARM_UP = 3;
const STEPS = 15;

export async function trainBenchmark(options: BenchmarkOptions): Promise<BenchmarkRow[]> {
  const backend = await useBackend('auto');
  const { name, config, model } = benchmarkConfig(options.config);
  const optimizer = new AdamW(model.parameters, {
    beta1: 0.9,
    beta2: 0.95,
    epsilon: 1e-8,
    weightDecay: 0.1,
    clip: 1,
  });
  const batch = pack(randomSequences(config, BATCH, LENGTH + 1));
  const milliseconds: number[] = [];
  for (let step = 0; step < WARM_UP + STEPS; step++) {
    const started = performance.now();
    tf.tidy(() => {
      const { targets, ...inputs } = toTensors(batch);
      const { value, grads } = tf.variableGrads(
        () => tf.mean(tokenLosses(model, inputs, targets)) as tf.Scalar,
        [...model.parameters.values()],
      );
      const named = new Map([...model.parameters].map(([key, variable]) => [key, grads[variable.name]!]));
      optimizer.update(named, 1e-4);
      value.dataSync();
    });
    if (step >= WARM_UP) milliseconds.push(performance.now() - started);
  }
  return [
    {
      work: `${name}, ${BATCH} × ${LENGTH} tokens, ${backend.name}, ${threadCount()} threads`,
      ours: (1000 * BATCH * LENGTH) / median(milliseconds),
      unit: 'tokens/s',
      peer: null,
      peer_name: null,
      ratio: null,
      limit: null,
    },
  ];
}
