/**
 * Training on every backend that works here: whole steps (forward, backward, clipping, AdamW) of one model on random
 * tokens, one backend after the other, beside the fastest. On a machine without a graphics card `webgpu` is a software
 * driver: its row then says that the path works, nothing of what a card would give.
 */
import { type BackendName, backendNames, probeBackend, useBackend } from '../src/backend/index.ts';
import { pack } from '../src/train/index.ts';
import { NoiseMeter } from './noise.ts';
import { median } from './statistics.ts';
import { type BenchmarkOptions, type BenchmarkReport, type BenchmarkRow, row } from './table.ts';
import { BATCH, LENGTH, Training } from './training.ts';
import { benchmarkConfig, benchmarkModel, randomSequences } from './workload.ts';

const WARM_UP = 1;
const STEPS = 3;
/** A step of 8 sequences would take minutes. */
const ONE_SEQUENCE: ReadonlySet<BackendName> = new Set(['cpu']);

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
    const sequences = ONE_SEQUENCE.has(backend) ? 1 : BATCH;
    const training = new Training(benchmarkModel(config));
    const batch = pack(randomSequences(config, sequences, LENGTH + 1));
    const seconds: number[] = [];
    for (let step = 0; step < WARM_UP + (options.steps ?? STEPS); step++) {
      noise.start();
      const start = performance.now();
      training.step(batch);
      if (step >= WARM_UP) seconds.push((performance.now() - start) / 1000);
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
