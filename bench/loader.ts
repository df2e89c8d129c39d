/**
 * Speed of loading on one core: from token shards or a task stream to batches on the host, by packing. Training must
 * never wait for it: the fastest training of the model sizes here takes far fewer than {@link WANTED} tokens a second.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { internalError } from '../src/core/errors.ts';
import { openTokenizer, PAPER_TOKENIZER } from '../src/tokenizer/index.ts';
import {
  createBatches,
  type DataConfig,
  openData,
  type Packing,
  parsePretrainConfig,
  writeShards,
} from '../src/train/index.ts';
import { type BenchmarkReport, type BenchmarkRow, row } from './table.ts';

/** Tokens a second that loading has to keep up with. */
const WANTED = 200_000;
/** Texts in the shards, about 6 million tokens; each round reads as many tokens as the shards have. */
const TEXTS = 20_000;
const GENERATED_TOKENS = 500_000;
const ROUNDS = 5;
const BATCH_TOKENS = 16_384;

export async function loaderBenchmark(): Promise<BenchmarkReport> {
  const tokenizer = openTokenizer(PAPER_TOKENIZER);
  const generated = parsePretrainConfig({ data: { modes: ['forward', 'reverse'] } }).data;
  if ('shards' in generated) throw internalError('generated data have no shards');
  const folder = mkdtempSync(join(tmpdir(), 'interplay-loader-'));
  const rows: BenchmarkRow[] = [];
  try {
    const out = join(folder, 'shards');
    const started = performance.now();
    const { tokens } = await writeShards({ data: generated, seed: 1, tokenizer, out, texts: TEXTS });
    const writing = (1000 * tokens) / (performance.now() - started);
    rows.push(row('generate, encode and write shards', 'tokens/s', writing, undefined, null));

    /** Median tokens a second over rounds, each a stretch of batches of its own. */
    const measure = (data: DataConfig, packing: Packing, amount: number): number => {
      const batches = createBatches(openData(data, 1).sequences(tokenizer), {
        packing,
        batchTokens: BATCH_TOKENS,
        rowTokens: 2048,
        positions: 2048,
        seed: 1,
      });
      let cursor = 0;
      const speeds = Array.from({ length: ROUNDS }, () => {
        const start = performance.now();
        let done = 0;
        while (done < amount) {
          const { batch, next } = batches.at(cursor);
          done += batch.ids.length;
          cursor = next;
        }
        return (1000 * done) / (performance.now() - start);
      });
      return speeds.sort((a, b) => a - b)[ROUNDS >> 1]!;
    };
    for (const packing of ['texts', 'first-fit', 'paper'] as const) {
      const speed = measure({ shards: out }, packing, tokens);
      rows.push(row(`shards, packing ${packing}`, 'tokens/s', speed, undefined, null));
    }
    const speed = measure(generated, 'texts', GENERATED_TOKENS);
    rows.push(row('generated on the fly, packing texts', 'tokens/s', speed, undefined, null));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const slow = rows.filter(({ ours }) => ours < WANTED).map(({ work }) => work);
  const note =
    slow.length === 0
      ? `all keep up with ${WANTED} tokens/s`
      : `slower than ${WANTED} tokens/s: ${slow.join('; ')}`;
  return { rows, notes: [note], passed: slow.length === 0 };
}
