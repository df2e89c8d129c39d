/**
 * Whether training leaks: tensors, bytes and native buffers before and after many steps of `micro` on batches whose
 * sizes differ from step to step. `npm run bench -- memory [--steps 10000]` ends with status 1 when one of them grew.
 */
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from '../src/backend/index.ts';
import { randomFamily } from '../src/core/index.ts';
import { modelPreset } from '../src/model/index.ts';
import { pack } from '../src/train/index.ts';
import { type BenchmarkOptions, type BenchmarkReport, row } from './table.ts';
import { Training } from './training.ts';
import { benchmarkModel } from './workload.ts';

const STEPS = 10_000;
const WARM_UP = 3;
const SEQUENCES = 4;
const LONGEST = 64;

/** What must be the same before and after. */
interface Held {
  tensors: number;
  bytes: number;
  'native bytes': number;
  'native buffers': number;
}

export async function memoryBenchmark({ steps = STEPS }: BenchmarkOptions): Promise<BenchmarkReport> {
  await useBackend('auto');
  const config = modelPreset('micro');
  const training = new Training(benchmarkModel(config));
  const family = randomFamily('benchmark lengths');
  const step = (index: number) => {
    const stream = family.at(index);
    const sequences = Array.from({ length: SEQUENCES }, () =>
      Array.from({ length: 2 + stream.below(LONGEST) }, () => stream.below(config.vocab_size)),
    );
    training.step(pack(sequences));
  };
  for (let index = 0; index < WARM_UP; index++) step(index);
  const before = held();
  for (let index = 0; index < steps; index++) step(WARM_UP + index);
  const after = held();
  const names = Object.keys(before) as (keyof Held)[];
  const rows = names.map((name) =>
    row(
      `${name} held after ${steps.toLocaleString('en')} training steps (limit: before them)`,
      name.endsWith('bytes') ? 'bytes' : name,
      after[name],
      undefined,
      before[name],
    ),
  );
  return { rows, passed: names.every((name) => after[name] === before[name]) };
}

function held(): Held {
  const memory = tf.memory() as tf.MemoryInfo & { bytesInUse?: number; buffers?: number };
  return {
    tensors: memory.numTensors,
    bytes: memory.numBytes,
    'native bytes': memory.bytesInUse ?? 0,
    'native buffers': memory.buffers ?? 0,
  };
}
