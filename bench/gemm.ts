/**
 * Matrix multiplication at the shapes of training and decoding, beside OpenBLAS in turns, and the peak of fused
 * multiply-adds measured in the same run.
 *
 * Ours is a call of the backend's kernel with the allocation of its output, without tfjs's engine around it. Products
 * with transposed B are those of the layers, y = x · Wᵀ, and go through the kernel of `linear`, which may keep packed
 * weights from call to call. OpenBLAS writes to the same memory every time.
 */
import * as tf from '@tensorflow/tfjs-core';
import { threadCount, useBackend } from '../src/backend/index.ts';
import { modelPreset } from '../src/model/index.ts';
import { NoiseMeter } from './noise.ts';
import { fmaPeak } from './peak.ts';
import { openPeer } from './peer.ts';
import {
  blasSeconds,
  decodingProducts,
  distinct,
  floatingPointOperations,
  type Product,
  productName,
  trainingProducts,
} from './products.ts';
import { geometricMean, median } from './statistics.ts';
import { type BenchmarkOptions, type BenchmarkReport, type BenchmarkRow, row } from './table.ts';
import { BATCH, LENGTH } from './training.ts';
import { type Turn, turns } from './turns.ts';
import { benchmarkConfig } from './workload.ts';

/** The shapes of the engines' comparison: m × k × n, layout. */
const COMPARISON = [
  '2048×256×1024 NN',
  '2048×1024×256 NN',
  '2048×256×256 NN',
  '2048×256×512 NN',
  '2048×256×2200 NT',
  '2048×2200×256 NN',
  '256×2048×1024 TN',
  '2048×512×2048 NN',
  '1024×1024×1024 NN',
  '64×256×1024 NN',
  '64×256×2200 NT',
];
const ROUNDS = 9;
/** By this product the peer's way of waiting is chosen, each of which gets the best of so many trials. */
const TRIAL = parse('2048×256×1024 NN');
const TRIALS = 10;
/** Seconds of one side's turn at one shape. */
const TURN = 0.06;

export async function gemmBenchmark(options: BenchmarkOptions): Promise<BenchmarkReport> {
  const { name } = await useBackend('auto');
  const peer = await openPeer(['blas'], threadCount(), async (candidate) =>
    Math.min(...(await blasSeconds(candidate, Array<Product>(TRIALS).fill(TRIAL), TURN))),
  );
  const noise = new NoiseMeter(peer === undefined ? [] : [peer.has.pid]);
  const peak = fmaPeak();
  const limit = peak === null ? null : peak / 1e9;
  const comparison = options.config === undefined ? COMPARISON.map(parse) : [];
  const known = new Set(comparison.map(productName));
  const further = modelProducts(options.config).filter((one) => !known.has(productName(one)));

  const measure = async (product: Product): Promise<BenchmarkRow> => {
    const { run, dispose } = prepare(product, name);
    const calls = callsPerTurn(run);
    const ours: Turn = () => {
      run(); // wakes the threads, as theirs does
      const start = performance.now();
      for (let call = 0; call < calls; call++) run();
      return [(performance.now() - start) / 1000 / calls];
    };
    const theirs: Turn = async () => {
      // At least as many calls as at our speed.
      const speed = (floatingPointOperations(product) * calls) / TURN;
      return peer === undefined ? [] : await blasSeconds(peer, [product], TURN, speed);
    };
    const seconds = await turns({ ours, theirs }, ROUNDS, noise, 3);
    dispose();
    const rate = (values: readonly number[]) => floatingPointOperations(product) / median(values) / 1e9;
    return row(
      `${productName(product)}, ${name}, ${threadCount()} threads`,
      'GFLOP/s',
      rate(seconds.ours),
      peer && { value: rate(seconds.theirs), name: peer.has.blas! },
      limit,
    );
  };
  const rows: BenchmarkRow[] = [];
  for (const product of comparison) rows.push(await measure(product));
  const compared = rows.length;
  for (const product of further) rows.push(await measure(product));
  await peer?.close();
  const notes = [noise.summary()];
  if (peer !== undefined) notes.push(`the peer's idle threads ${peer.waiting}`);
  const means = [mean('all shapes, geometric mean of ratios', rows)];
  if (compared > 0 && compared < rows.length) {
    means.unshift(mean(`first ${compared} shapes, geometric mean of ratios`, rows.slice(0, compared)));
  }
  return { rows: [...rows, ...means], notes };
}

/** The products of a training step and of decoding 64 and one sequences, of one configuration or of micro and small. */
function modelProducts(config: string | undefined): Product[] {
  const configs =
    config === undefined ? [modelPreset('small'), modelPreset('micro')] : [benchmarkConfig(config).config];
  return distinct(
    configs.flatMap((one) => [
      ...trainingProducts(one, BATCH, LENGTH),
      ...decodingProducts(one, 64),
      ...decodingProducts(one, 1),
    ]),
  );
}

function parse(text: string): Product {
  const [, m, k, n, a, b] = /^(\d+)×(\d+)×(\d+) ([NT])([NT])$/.exec(text)!;
  return { m: Number(m), n: Number(n), k: Number(k), transposeA: a === 'T', transposeB: b === 'T' };
}

/** A call of ours on fixed operands. */
function prepare({ m, n, k, transposeA, transposeB }: Product, backendName: string) {
  const a = tf.fill(transposeA ? [k, m] : [m, k], 0.5);
  const b = tf.fill(transposeB ? [n, k] : [k, n], 0.25);
  const backend = tf.backend();
  const linear = transposeB ? tf.getKernel('InterplayLinear', backendName) : undefined;
  const { kernelFunc } = linear ?? tf.getKernel('BatchMatMul', backendName);
  const inputs: tf.NamedTensorInfoMap = linear ? { x: a, weight: b } : { a, b };
  const attrs = { transposeA, transposeB };
  return {
    run: () => {
      const out = kernelFunc({ inputs, backend, attrs }) as tf.TensorInfo;
      backend.disposeData(out.dataId);
    },
    dispose: () => tf.dispose([a, b]),
  };
}

/** Calls that take about TURN together. */
function callsPerTurn(run: () => void): number {
  run();
  let calls = 1;
  for (;;) {
    const start = performance.now();
    for (let call = 0; call < calls; call++) run();
    const seconds = (performance.now() - start) / 1000;
    if (seconds > TURN / 8) return Math.max(1, Math.ceil((calls * TURN) / seconds));
    calls *= 2;
  }
}

/** One row for many: geometric means of the speeds, and so of their ratios. */
function mean(work: string, rows: readonly BenchmarkRow[]): BenchmarkRow {
  const [first] = rows;
  const peers = rows.map(({ peer }) => peer);
  return row(
    work,
    first!.unit,
    geometricMean(rows.map(({ ours }) => ours)),
    peers.every((peer) => peer !== null)
      ? { value: geometricMean(peers), name: first!.peer_name! }
      : undefined,
    first!.limit,
  );
}
