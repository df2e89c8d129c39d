/**
 * What the training program costs beside its steps: whole runs of `pretrain` (tasks generated, encoded and packed on the
 * fly, metrics written, progress reported) against `trainStep` alone on the same batches, made beforehand, in turns.
 * Ends with status 1 when the program takes more than 3 % beyond the steps.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadCount, useBackend } from '../src/backend/index.ts';
import { createQwen2, disposeQwen2 } from '../src/model/index.ts';
import { saveTokenizer, trainTokenizer } from '../src/tokenizer/index.ts';
import {
  AdamW,
  createBatches,
  openData,
  type PackedBatch,
  type PretrainInput,
  parsePretrainConfig,
  pretrain,
  trainStep,
} from '../src/train/index.ts';
import { NoiseMeter } from './noise.ts';
import { median } from './statistics.ts';
import { type BenchmarkOptions, type BenchmarkReport, row } from './table.ts';
import { LEARNING_RATE, OPTIMIZER } from './training.ts';
import { turns } from './turns.ts';
import { benchmarkConfig } from './workload.ts';

const ROUNDS = 7;
const STEPS = 24;
/** Steps of each turn that are not counted: first ones are slower. */
const WARM_UP = 3;
const VOCABULARY = 512;
const TOKENIZER_TASKS = 500;
/** Share of the time of the steps that the program may take beside them. */
const MOST = 0.03;

export async function loopBenchmark(options: BenchmarkOptions): Promise<BenchmarkReport> {
  const { name, config: preset } = benchmarkConfig(options.config ?? 'micro');
  const backend = await useBackend('auto');
  const folder = mkdtempSync(join(tmpdir(), 'interplay-bench-'));
  const steps = options.steps ?? STEPS;
  try {
    const settings: PretrainInput = { model: name };
    const { data: source, seed, batch_tokens: rows, packing, row_tokens } = parsePretrainConfig(settings);
    const data = openData(source, seed);
    const texts = Array.from({ length: TOKENIZER_TASKS }, (_, i) => data.text!(i));
    const tokenizer = trainTokenizer(texts, { vocabularySize: VOCABULARY });
    saveTokenizer(folder, tokenizer);
    const loader = createBatches(data.sequences(tokenizer), {
      packing,
      batchTokens: rows,
      rowTokens: row_tokens,
      positions: preset.max_position_embeddings,
      seed,
    });
    const batches: PackedBatch[] = [];
    for (let cursor = 0; batches.length < steps; ) {
      const { batch, next } = loader.at(cursor);
      batches.push(batch);
      cursor = next;
    }
    const tokens = batches.reduce((sum, batch) => sum + batch.ids.length, 0);

    /** Seconds of each counted step of a run, from report to report; the last also saves and is left out. */
    const program = async () => {
      const reports: number[] = [];
      const result = await pretrain(
        { ...settings, tokenizer: join(folder, 'tokenizer.json'), tokens, validation: { tasks: 0 } },
        {
          out: join(folder, 'run'),
          overwrite: true,
          progress: () => void reports.push(performance.now()),
        },
      );
      disposeQwen2(result.model);
      return reports.slice(WARM_UP, -1).map((at, i) => (at - reports[WARM_UP - 1 + i]!) / 1000);
    };
    const bare = () => {
      const model = createQwen2({ ...preset, vocab_size: tokenizer.vocabularySize }, seed);
      const optimizer = new AdamW(model.parameters, OPTIMIZER);
      const seconds = batches.map((batch) => {
        const start = performance.now();
        trainStep(model, optimizer, batch, { rate: LEARNING_RATE });
        return (performance.now() - start) / 1000;
      });
      optimizer.dispose();
      disposeQwen2(model);
      return seconds.slice(WARM_UP, -1);
    };

    const noise = new NoiseMeter();
    const measured = await turns({ program, bare }, ROUNDS, noise);
    // Step by step, as batches differ in size.
    const extra = median(measured.program.map((seconds, i) => seconds / measured.bare[i]!)) - 1;
    const work = `${name}, ${rows} tokens a step, ${backend.name}, ${threadCount()} threads`;
    return {
      rows: [
        row(
          `${work}: time of the program beside its steps (limit: most)`,
          '% of the steps',
          100 * extra,
          undefined,
          100 * MOST,
        ),
      ],
      notes: [noise.summary()],
      passed: extra <= MOST,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
