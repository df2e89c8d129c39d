/** What this machine can do at most, measured with our own threads; null on backends other than `native`. */
import * as tf from '@tensorflow/tfjs-core';
import { threadCount } from '../src/backend/index.ts';
import { currentNative } from '../src/backend/native/backend.ts';

/** Fused multiply-adds of one thread, best of many short runs, times the number of threads; FLOP/s. */
export function fmaPeak(): number | null {
  const engine = currentNative()?.engine;
  if (engine === undefined) return null;
  let best = 0;
  for (let round = 0; round < 500; round++) {
    engine.args[0] = 20_000;
    const start = performance.now();
    const operations = engine.run(engine.op.fmaPeak!);
    best = Math.max(best, (1000 * operations) / (performance.now() - start));
  }
  return best * threadCount();
}

/** Bytes per second at which all threads read a block of `bytes`, best of three passes. */
export function readBandwidth(bytes: number): number | null {
  const native = currentNative();
  if (native === undefined) return null;
  const { engine } = native;
  const block = tf.fill([bytes / 4], 1); // written first: untouched pages are all the same one
  let best = 0;
  for (let pass = 0; pass < 3; pass++) {
    engine.args.set([1, native.address(block), block.size]);
    const start = performance.now();
    engine.run(engine.op.sumOfSquares!);
    best = Math.max(best, (1000 * bytes) / (performance.now() - start));
  }
  block.dispose();
  return best;
}
