/**
 * Training on every backend that works here: whole steps (forward, backward, clipping, AdamW) of one model on random
 * tokens, one backend after the other, beside the fastest. On a machine without a graphics card `webgpu` is a software
 * driver: its row then says that the path works, nothing of what a card would give.
 */
import { backendNames, probeBackend, useBackend } from '../src/backend/index.ts';
import { pack } from '../src/train/index.ts';
import { NoiseMeter } from './noise.ts';
import { median } from './statistics.ts';
import { type BenchmarkOptions, type BenchmarkReport, type BenchmarkRow, row } from './table.ts';
import { BATCH, LENGTH, Training } from './training.ts';
import { benchmarkConfig, benchmarkModel, randomSequences } from './workload.ts';

const STEPS = 3;
/** Where a step of one sequence takes longer, seconds, one of 8 would take minutes. */
const SLOW = 3;

export async function backendsBenchmark(options: BenchmarkOptions): Promise<BenchmarkReport> {
  const { name, config } = benchmarkConfig(options.config ?? 'micro');
  const noise = new NoiseMeter();
  const rows: BenchmarkRow[] = [];
  const notes: string[] = [];
  let fastest: { value: number; name: string } | undefined;
  for (const backend of backendNames) {
    const { available, reason } = await probeBackend(backend);
    if (!available) {
      notes.push(`${backend} not measured: ${reason}`);
      continue;
    }
    await useBackend(backend);
    const training = new Training(benchmarkModel(config));
    const timed = (sequences: number) => {
      const batch = pack(randomSequences(config, sequences, LENGTH + 1));
      return () => {
        const start = performance.now();
        training.step(batch);
        return (performance.now() - start) / 1000;
      };
    };
    const single = timed(1);
    single(); // compiles, packs, fills pools
    const sequences = single() > SLOW ? 1 : BATCH;
    const step = sequences === 1 ? single : timed(sequences);
    if (sequences > 1) step();
    const seconds: number[] = [];
    for (let i = 0; i < (options.steps ?? STEPS); i++) {
      noise.start();
      seconds.push(step());
      noise.disturbed(); // counted for the report
    }
    training.dispose();
    const rate = (sequences * LENGTH) / median(seconds);
    rows.push(
      row(`${name}, ${sequences} × ${LENGTH}, ${backend} (${reason})`, 'tokens/s', rate, fastest, null),
    );
    fastest ??= { value: rate, name: backend };
  }
  return { rows, notes: [...notes, noise.summary()] };
}
