/**
 * What an evaluation costs beside its sampling: verdicts, files, metrics, against the time that its sampler takes. And its memory: the most resident bytes of
 * fresh processes that evaluate more and more prompts with as many live sequences, and as many prompts with more of these.
 * Ends with status 1 when an evaluation takes more than 10 % beyond its sampling, or memory grows with the prompts.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { threadCount, useBackend } from '../src/backend/index.ts';
import {
  type Evaluation,
  type EvaluationRow,
  evaluate,
  modelSource,
  type ResponseRequest,
  type ResponseSource,
} from '../src/evaluate/index.ts';
import { loadModel } from '../src/model/index.ts';
import type { SampleSettings } from '../src/sample/index.ts';
import { evaluatedTasks, SETTINGS, trainedCheckpoint } from './evaluating.ts';
import { NoiseMeter } from './noise.ts';
import { median } from './statistics.ts';
import { type BenchmarkOptions, type BenchmarkReport, type BenchmarkRow, row } from './table.ts';
import { turns } from './turns.ts';
import { benchmarkConfig } from './workload.ts';

const ROUNDS = 5;
const TASKS = 64;
/** Share of the sampling time that everything else may take. */
const MOST = 0.1;
/** Times as many prompts in the second process. */
const GROWTH = 16;
/**
 * Bytes that another sample may cost: about its row in the file, and far less than a row as an object. Counts, the
 * place in the file and what the garbage collector leaves for later fit.
 */
const MOST_A_SAMPLE = 2000;

export async function evaluateBenchmark(options: BenchmarkOptions): Promise<BenchmarkReport> {
  const { name } = benchmarkConfig(options.config ?? 'micro');
  const backend = await useBackend('auto');
  const folder = mkdtempSync(join(tmpdir(), 'interplay-bench-'));
  try {
    const checkpoint = await trainedCheckpoint(name, join(folder, 'run'));
    const noise = new NoiseMeter();
    const report: BenchmarkReport = { rows: [], notes: [] };
    const time = await overhead(checkpoint, join(folder, 'evaluation'), options.tasks ?? TASKS, noise);
    const work = `${name}, ${time.samples} samples, ${backend.name}, ${threadCount()} threads`;
    report.rows.push(
      row(
        `${work}: time of an evaluation beside its sampling (limit: most)`,
        '% of sampling',
        100 * time.share,
        undefined,
        100 * MOST,
      ),
    );
    report.notes!.push(noise.summary(), time.responses);
    const memory = memoryRows(name, checkpoint, folder, options.tasks ?? TASKS);
    report.rows.push(...memory.rows);
    report.passed = time.share <= MOST && memory.aSample <= MOST_A_SAMPLE;
    return report;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Share of the sampling time that the rest of an evaluation takes, and what the responses are like. Both are measured
 * in the same evaluation: two runs of the sampler differ by more than the share.
 */
async function overhead(checkpoint: string, out: string, count: number, noise: NoiseMeter) {
  const loaded = loadModel(checkpoint);
  const tasks = evaluatedTasks(count);
  const source = new TimedSource(modelSource(loaded));
  let secondsOfSampling = 0;
  let last: Evaluation | undefined;
  const whole = async () => {
    rmSync(out, { recursive: true, force: true });
    source.milliseconds = 0;
    const start = performance.now();
    last = await evaluate(source, tasks, { ...SETTINGS, out });
    const rest = performance.now() - start - source.milliseconds;
    secondsOfSampling = source.milliseconds / 1000;
    return [rest / source.milliseconds];
  };
  await whole(); // the first one is slower
  const { whole: shares } = await turns({ whole }, ROUNDS, noise);
  const { rows } = last!;
  const tokens = rows.reduce((sum, row) => sum + row.tokens!, 0);
  const percent = (has: (row: EvaluationRow) => boolean) =>
    `${((100 * rows.filter(has).length) / rows.length).toFixed(0)} %`;
  const responses = `responses: ${(tokens / rows.length).toFixed(0)} tokens on average, ${percent(({ parsed }) => parsed)} with steps, ${percent(({ verified }) => verified)} verified; ${(tokens / secondsOfSampling).toFixed(0)} tokens/s`;
  return { share: median(shares), samples: rows.length, responses };
}

/** A source that counts the time which it takes. */
class TimedSource implements ResponseSource {
  milliseconds = 0;
  readonly identity: unknown;
  readonly facts: ResponseSource['facts'];

  constructor(private readonly source: ResponseSource) {
    this.identity = source.identity;
    this.facts = source.facts;
  }

  relevant(settings: SampleSettings) {
    return this.source.relevant(settings);
  }

  async *responses(requests: readonly ResponseRequest[], settings: SampleSettings) {
    let since = performance.now();
    for await (const responses of this.source.responses(requests, settings)) {
      this.milliseconds += performance.now() - since;
      yield responses;
      since = performance.now();
    }
    this.milliseconds += performance.now() - since;
  }
}

/** Peak memory with few and many prompts and with twice the live sequences, and bytes that another sample costs. */
function memoryRows(name: string, checkpoint: string, folder: string, few: number) {
  const script = fileURLToPath(new URL('./evaluation-memory.ts', import.meta.url));
  const peak = (tasks: number, slots: number) => {
    const out = join(folder, `memory-${tasks}-${slots}`);
    const args = ['--import', 'tsx', script, checkpoint, out, String(tasks), String(slots)];
    return Number(
      execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }),
    );
  };
  const { slots, samples } = SETTINGS;
  const cases = [
    [few, slots],
    [GROWTH * few, slots],
    [few, 2 * slots],
  ] as const;
  const peaks = cases.map(([tasks, live]) => peak(tasks, live));
  const aSample = (peaks[1]! - peaks[0]!) / ((GROWTH - 1) * few * samples);
  const rows: BenchmarkRow[] = cases.map(([tasks, live], i) =>
    row(
      `${name}: most resident, ${tasks} prompts × ${samples}, ${live} live sequences`,
      'MB',
      peaks[i]! / 1e6,
      undefined,
      null,
    ),
  );
  rows.push(
    row(
      `${name}: memory that another sample costs (limit: most)`,
      'bytes',
      aSample,
      undefined,
      MOST_A_SAMPLE,
    ),
  );
  return { rows, aSample };
}
