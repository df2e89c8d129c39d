/**
 * Matrix multiplication at the shapes of training steps, beside NumPy's (OpenBLAS on Debian) where it is
 * installed, and the peak of fused multiply-adds measured in the same run.
 */
import { spawnSync } from 'node:child_process';
import * as tf from '@tensorflow/tfjs-core';
import { threadCount, useBackend } from '../src/backend/index.ts';
import { currentNative } from '../src/backend/native/backend.ts';
import type { BenchmarkRow } from './table.ts';

/** [m, n, k, transposed A, transposed B, what]: forward, gradient of the input, gradient of the weight. */
const shapes: readonly [number, number, number, boolean, boolean, string][] = [
  [2048, 128, 128, false, true, 'micro forward'],
  [2048, 512, 128, false, true, 'micro forward'],
  [2048, 128, 512, false, false, 'micro gradient of input'],
  [512, 128, 2048, true, false, 'micro gradient of weight'],
  [2048, 1024, 256, false, true, 'small forward'],
  [2048, 256, 1024, false, false, 'small gradient of input'],
  [1024, 256, 2048, true, false, 'small gradient of weight'],
  [2048, 2200, 256, false, true, 'small output projection'],
  [64, 1024, 256, false, true, 'small, one step of 64 samples'],
  [1024, 1024, 1024, false, false, 'square'],
];
const ROUNDS = 25;

export async function gemmBenchmark(): Promise<BenchmarkRow[]> {
  const { name } = await useBackend('auto');
  const limit = name === 'native' ? peak() : null;
  const peer = numpy();
  return shapes.map(([m, n, k, ta, tb, what], index) => {
    const a = tf.fill(ta ? [k, m] : [m, k], 0.5) as tf.Tensor2D;
    const b = tf.fill(tb ? [n, k] : [k, n], 0.25) as tf.Tensor2D;
    let best = Infinity;
    for (let round = 0; round < ROUNDS; round++) {
      const start = performance.now();
      tf.matMul(a, b, ta, tb).dispose();
      best = Math.min(best, performance.now() - start);
    }
    tf.dispose([a, b]);
    const ours = (2 * m * n * k) / best / 1e6;
    const theirs = peer?.[index] ?? null;
    return {
      work: `${what} ${m}×${k}×${n} ${ta ? 'T' : 'N'}${tb ? 'T' : 'N'}, ${name}, ${threadCount()} threads`,
      ours,
      unit: 'GFLOP/s',
      peer: theirs,
      peer_name: theirs === null ? null : 'numpy',
      ratio: theirs === null ? null : ours / theirs,
      limit,
    };
  });
}

/** Fused multiply-adds of one thread, best of many short runs, times the number of threads; GFLOP/s. */
function peak(): number {
  const { engine } = currentNative()!;
  let best = 0;
  for (let round = 0; round < 500; round++) {
    engine.args[0] = 20_000;
    const start = performance.now();
    const operations = engine.run(engine.op.fmaPeak!);
    best = Math.max(best, operations / (performance.now() - start) / 1e6);
  }
  return best * threadCount();
}

/** The same products in NumPy, GFLOP/s; undefined where there is no Python with it. */
function numpy(): number[] | undefined {
  const script = `
import json, sys, time
import numpy as np
out = []
for m, n, k, ta, tb, _ in json.load(sys.stdin):
    a = np.full((k, m) if ta else (m, k), 0.5, np.float32)
    b = np.full((n, k) if tb else (k, n), 0.25, np.float32)
    a, b = (a.T if ta else a), (b.T if tb else b)
    c = np.empty((m, n), np.float32)
    best = 1e9
    for _ in range(${ROUNDS}):
        start = time.perf_counter()
        np.matmul(a, b, out=c)
        best = min(best, time.perf_counter() - start)
    out.append(2 * m * n * k / best / 1e9)
print(json.dumps(out))
`;
  const run = spawnSync('python3', ['-c', script], { input: JSON.stringify(shapes), encoding: 'utf8' });
  return run.status === 0 ? (JSON.parse(run.stdout) as number[]) : undefined;
}
