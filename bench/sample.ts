/**
 * Sampling of 192 new tokens for 64 sequences and for one, prompts of 64 tokens, beside PyTorch in turns. Limits: for 64
 * sequences the matrix products at OpenBLAS's speed and every key and value read at the memory's speed; for one
 * sequence the weights read at the memory's speed (small models stay in the cache and may pass it).
 */
import { threadCount, useBackend } from '../src/backend/index.ts';
import { type ModelConfig, parameterCount, type Qwen2 } from '../src/model/index.ts';
import { decode } from './decoding.ts';
import { NoiseMeter } from './noise.ts';
import { fmaPeak, readBandwidth } from './peak.ts';
import { openPeer, type Peer } from './peer.ts';
import {
  blasSeconds,
  decodingProducts,
  distinct,
  prefillProducts,
  productName,
  totalSeconds,
} from './products.ts';
import { profile } from './profile.ts';
import { median } from './statistics.ts';
import { type BenchmarkOptions, type BenchmarkReport, row } from './table.ts';
import { type Turn, turns } from './turns.ts';
import { benchmarkConfig, benchmarkModel, loadIntoPeer, randomSequences } from './workload.ts';

const LAYOUTS = ['plain', 'fused'] as const;
const COUNTS = [64, 1];
const PROMPT = 64;
const NEW = 192;
const ROUNDS = 5;
const WARM_UP = 8;
const TRIAL = 16;
/** Seconds of each product in each round, for the limit. */
const PRODUCT = 0.02;
/** Far more than any cache, for the speed of memory. */
const BLOCK = 256 * 2 ** 20;

export async function sampleBenchmark(options: BenchmarkOptions): Promise<BenchmarkReport> {
  const backend = await useBackend('auto');
  const { name, config } = benchmarkConfig(options.config);
  const model = benchmarkModel(config);
  const trial = randomSequences(config, COUNTS[0]!, PROMPT);
  const peer = await openPeer(['torch', 'blas'], threadCount(), async (candidate) => {
    await loadIntoPeer(candidate, model);
    const seconds: number[] = [];
    for (const layout of [...LAYOUTS, ...LAYOUTS])
      seconds.push(await theirSeconds(candidate, layout, trial, TRIAL));
    return Math.min(...seconds);
  });
  const noise = new NoiseMeter(peer === undefined ? [] : [peer.has.pid]);
  const report: BenchmarkReport = { rows: [], notes: [], tables: [] };
  for (const count of COUNTS) {
    const work = `${name}, ${count} sequences, prompt ${PROMPT}, ${NEW} new tokens, ${backend.name}, ${threadCount()} threads`;
    const prompts = randomSequences(config, count, PROMPT);
    const { ours, theirs, limit } = await compare(model, prompts, peer, noise);
    const tokens = count * NEW;
    const best = theirs?.reduce((a, b) => (a.seconds <= b.seconds ? a : b));
    report.rows.push(
      row(
        work,
        'tokens/s',
        tokens / ours,
        best && { value: tokens / best.seconds, name: `torch ${peer!.has.torch}, ${best.layout}` },
        limit === undefined ? null : tokens / limit,
      ),
    );
    const rates = theirs?.map(({ layout, seconds }) => `${layout} ${(tokens / seconds).toFixed(0)}`);
    if (rates !== undefined)
      report.notes!.push(`peer by layout, ${count} sequences, tokens/s: ${rates.join(', ')}`);
    if (options.profile) {
      report.tables!.push(profile(work, () => void decode(model, prompts, NEW), fmaPeak()));
    }
  }
  await peer?.close();
  report.notes!.unshift(noise.summary());
  if (peer !== undefined) report.notes!.push(`the peer's idle threads ${peer.waiting}`);
  return report;
}

/** Median seconds of both sides for the same work, and those of the limit. */
async function compare(
  model: Qwen2,
  prompts: readonly number[][],
  peer: Peer | undefined,
  noise: NoiseMeter,
): Promise<{ ours: number; theirs?: { layout: string; seconds: number }[]; limit?: number }> {
  decode(model, prompts, WARM_UP);
  const ours = () => [decode(model, prompts, NEW).seconds];
  if (peer === undefined) return { ours: median((await turns({ ours }, ROUNDS, noise)).ours) };
  const theirs = async (layout: string, length = NEW) => [await theirSeconds(peer, layout, prompts, length)];
  for (const layout of LAYOUTS) await theirs(layout, WARM_UP);
  const contestants: Record<'ours' | 'plain' | 'fused' | 'limit', Turn> = {
    ours,
    plain: () => theirs('plain'),
    fused: () => theirs('fused'),
    limit: async () => [await limitSeconds(model.config, prompts.length, peer)],
  };
  const measured = await turns(contestants, ROUNDS, noise);
  return {
    ours: median(measured.ours),
    theirs: LAYOUTS.map((layout) => ({ layout, seconds: median(measured[layout]) })),
    limit: median(measured.limit),
  };
}

/** Seconds of prefill and of `length` new tokens of each prompt. */
async function theirSeconds(peer: Peer, layout: string, prompts: readonly number[][], length: number) {
  const body = { layout, prompts, new: length, greedy: false };
  return (await peer.ask<{ seconds: number }>('decode', body)).seconds;
}

/** Seconds that the machine needs at least, at the speeds it shows now. */
async function limitSeconds(config: ModelConfig, sequences: number, peer: Peer): Promise<number> {
  const theirs = await peer.ask<{ bandwidth: number }>('bandwidth', { bytes: BLOCK, passes: 3 });
  const bandwidth = Math.max(theirs.bandwidth, readBandwidth(BLOCK) ?? 0);
  if (sequences === 1) return (NEW * parameterCount(config).total * 4) / bandwidth;
  const prompts = prefillProducts(config, sequences, PROMPT);
  const steps = decodingProducts(config, sequences);
  const products = distinct([...prompts, ...steps]);
  const measured = await blasSeconds(peer, products, PRODUCT);
  const seconds = new Map(products.map((one, i) => [productName(one), measured[i]!]));
  // The first new token comes from the prompts; each further one from a step.
  return (
    totalSeconds(prompts, seconds) +
    (NEW - 1) * totalSeconds(steps, seconds) +
    keyValueBytes(config, sequences) / bandwidth
  );
}

/** Bytes of keys and values that all decoding steps together read; step i sees PROMPT + i + 1 rows. */
function keyValueBytes(config: ModelConfig, sequences: number): number {
  const { num_hidden_layers: layers, num_key_value_heads: kvHeads } = config;
  const row = 2 * 4 * layers * kvHeads * (config.hidden_size / config.num_attention_heads);
  const rows = ((NEW - 1) * (PROMPT + 1 + PROMPT + NEW - 1)) / 2;
  return sequences * row * rows;
}
