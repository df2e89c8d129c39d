/**
 * Whole training steps (forward, backward, clipping, AdamW) on 8 sequences of 256 tokens, beside PyTorch's in turns,
 * and the limit that follows from the matrix products alone at OpenBLAS's speed of the same minutes.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { threadCount, useBackend } from '../src/backend/index.ts';
import { internalError } from '../src/core/index.ts';
import { pack } from '../src/train/index.ts';
import { NoiseMeter } from './noise.ts';
import { fmaPeak } from './peak.ts';
import { openPeer, type Peer } from './peer.ts';
import { blasSeconds, distinct, productName, totalSeconds, trainingProducts } from './products.ts';
import { profile } from './profile.ts';
import { median } from './statistics.ts';
import { type BenchmarkOptions, type BenchmarkReport, row } from './table.ts';
import { BATCH, LEARNING_RATE, LENGTH, OPTIMIZER, Training } from './training.ts';
import { turns } from './turns.ts';
import { benchmarkConfig, benchmarkModel, loadIntoPeer, randomSequences } from './workload.ts';

const LAYOUTS = ['plain', 'fused'] as const;
const WARM_UP = 3;
const ROUNDS = 7;
/** Seconds of one side's turn, at least one step. */
const TURN = 1.5;
/** Seconds of each product in each round, for the limit. */
const PRODUCT = 0.015;
/** Steps until the memory in use has reached its peak. */
const MEMORY_STEPS = 5;
/** Both sides sum in float32, in different orders; the third loss is behind two updates. */
const LOSS_TOLERANCE = 1e-3;
const MEGABYTE = 1e6;

export async function trainBenchmark(options: BenchmarkOptions): Promise<BenchmarkReport> {
  const { name, config } = benchmarkConfig(options.config);
  const memory = await peakMemory(name);
  const backend = await useBackend('auto');
  const training = new Training(benchmarkModel(config));
  const sequences = randomSequences(config, BATCH, LENGTH + 1);
  const batch = pack(sequences);
  const trainPeer = (peer: Peer, layout: string, count: number) =>
    peer.ask<{ seconds: number[]; losses: number[] }>('train', { layout, steps: count });
  const theirLosses = new Map<string, number[]>();
  const peer = await openPeer(['torch', 'blas'], threadCount(), async (candidate) => {
    await loadIntoPeer(candidate, training.model);
    await openTrainers(candidate, sequences);
    let best = Infinity;
    for (const layout of LAYOUTS) {
      const { seconds, losses } = await trainPeer(candidate, layout, WARM_UP);
      theirLosses.set(layout, losses);
      best = Math.min(best, ...seconds);
    }
    return best;
  });
  const noise = new NoiseMeter(peer === undefined ? [] : [peer.has.pid]);

  // Warm-up, which also shows that both sides train the same model.
  const started = performance.now();
  const losses = Array.from({ length: WARM_UP }, () => training.step(batch));
  const seconds = (performance.now() - started) / 1000 / WARM_UP;
  const steps = Math.max(1, Math.round(TURN / seconds));
  for (const [layout, theirs] of theirLosses) sameLosses(layout, losses, theirs);

  const ours = () =>
    Array.from({ length: steps }, () => {
      const start = performance.now();
      training.step(batch);
      return (performance.now() - start) / 1000;
    });
  const choices = trainingProducts(config, BATCH, LENGTH);
  const products = distinct(choices);
  const allProducts = async () => {
    const each = await blasSeconds(peer!, products, PRODUCT);
    return [totalSeconds(choices, new Map(products.map((one, i) => [productName(one), each[i]!])))];
  };
  // Without a peer its turns give nothing.
  const measured = await turns(
    {
      ours,
      plain: async () => (peer === undefined ? [] : (await trainPeer(peer, 'plain', steps)).seconds),
      fused: async () => (peer === undefined ? [] : (await trainPeer(peer, 'fused', steps)).seconds),
      products: async () => (peer === undefined ? [] : await allProducts()),
    },
    ROUNDS,
    noise,
  );
  const torch = peer?.has.torch;
  await peer?.close();

  const tokens = BATCH * LENGTH;
  const best =
    peer === undefined
      ? undefined
      : LAYOUTS.map((layout) => ({ layout, seconds: median(measured[layout]) })).reduce((a, b) =>
          a.seconds <= b.seconds ? a : b,
        );
  const peerName = `torch ${torch}, ${best?.layout}`;
  const work = `${name}, ${BATCH} × ${LENGTH} tokens, ${backend.name}, ${threadCount()} threads`;
  const theirMemory = best === undefined ? undefined : await peerMemory(training, sequences, best.layout);
  const report: BenchmarkReport = {
    rows: [
      row(
        work,
        'tokens/s',
        tokens / median(measured.ours),
        best && { value: tokens / best.seconds, name: peerName },
        best === undefined ? null : tokens / median(measured.products),
      ),
      row(
        `${name}, peak memory of a training step`,
        'MB',
        memory / MEGABYTE,
        theirMemory === undefined ? undefined : { value: theirMemory / MEGABYTE, name: peerName },
        null,
      ),
    ],
    notes: [noise.summary()],
  };
  if (peer !== undefined) {
    const rates = LAYOUTS.map((layout) => `${layout} ${(tokens / median(measured[layout])).toFixed(0)}`);
    report.notes!.push(`peer by layout, tokens/s: ${rates.join(', ')}; its idle threads ${peer.waiting}`);
  }
  if (options.profile) report.tables = [profile(work, () => void training.step(batch), fmaPeak())];
  return report;
}

async function openTrainers(peer: Peer, sequences: number[][], layouts: readonly string[] = LAYOUTS) {
  const options = { ...OPTIMIZER, learningRate: LEARNING_RATE };
  for (const layout of layouts) {
    const last = layout === layouts.at(-1);
    await peer.ask('open_trainer', { layout, sequences, options, last });
  }
}

/** A comparison of speeds says nothing unless both compute the same. */
function sameLosses(layout: string, ours: readonly number[], theirs: readonly number[]): void {
  ours.forEach((loss, i) => {
    if (Math.abs(loss - theirs[i]!) <= LOSS_TOLERANCE * Math.abs(loss)) return;
    throw internalError(`losses differ from the peer's (${layout}): ${ours.join(' ')}; ${theirs.join(' ')}`);
  });
}

/** Most resident bytes of a fresh process of ours that trains a few steps and does nothing else. */
async function peakMemory(config: string): Promise<number> {
  const script = fileURLToPath(new URL('./training-memory.ts', import.meta.url));
  const args = ['--import', 'tsx', script, config, String(MEMORY_STEPS)];
  const { status, stdout } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw internalError(`the measurement of memory ended with status ${status}`);
  return Number(stdout);
}

/** The same of a fresh peer. */
async function peerMemory(training: Training, sequences: number[][], layout: string): Promise<number> {
  const peer = (await openPeer(['torch'], threadCount()))!;
  await loadIntoPeer(peer, training.model);
  await openTrainers(peer, sequences, [layout]);
  await peer.ask('train', { layout, steps: MEMORY_STEPS });
  const bytes = await peer.peakMemory();
  await peer.close();
  return bytes;
}
