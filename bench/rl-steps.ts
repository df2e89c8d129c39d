/**
 * Steps of a program of reinforcement learning on the micro model with random weights, whose rollouts are the longest that
 * there are: seconds per step, its phases, and how much of it is arithmetic of the model. The first step is not counted.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadCount, useBackend } from '../src/backend/index.ts';
import { currentNative } from '../src/backend/native/backend.ts';
import { type ProgressSink, readJsonLines } from '../src/core/index.ts';
import { createTaskSource, trainingText } from '../src/index.ts';
import { createQwen2, disposeQwen2, modelPreset, type Qwen2, saveModel } from '../src/model/index.ts';
import type { GrpoTiming } from '../src/rl/index.ts';
import { trainTokenizer } from '../src/tokenizer/index.ts';
import { NoiseMeter } from './noise.ts';
import { fmaPeak } from './peak.ts';
import { arithmeticShare, layOut, type Profile, watch } from './profile.ts';
import { median } from './statistics.ts';
import { type BenchmarkOptions, type BenchmarkReport, row } from './table.ts';

export const BENCH_DATA = { world: 'micro', contexts: ['zoo'], ops: '2-4' };

/** A program whose steps are measured. */
export interface MeasuredProgram {
  /** What a step does, for the table. */
  work: string;
  /** Special tokens of the tokenizer. */
  special?: string[];
  /** Runs it from the model folder `init` for `steps` steps. */
  train: (
    init: string,
    steps: number,
    options: { out: string; progress: ProgressSink },
  ) => Promise<{ model: Qwen2 }>;
  /** Steps that are counted, unless the command line says how many. */
  steps: number;
  /** Limits: seconds a step, and the least share of arithmetic. */
  most?: number;
  leastShare?: number;
}

export async function measureSteps(
  options: BenchmarkOptions,
  program: MeasuredProgram,
): Promise<BenchmarkReport> {
  const backend = await useBackend('auto');
  const folder = mkdtempSync(join(tmpdir(), 'interplay-bench-'));
  const noise = new NoiseMeter();
  try {
    const texts = createTaskSource(BENCH_DATA).take(1000).map(trainingText);
    const { special } = program;
    const tokenizer = trainTokenizer(texts, { vocabularySize: 512, ...(special && { special }) });
    const model = createQwen2(modelPreset('micro'), 0);
    const init = join(folder, 'init');
    saveModel(init, model, tokenizer);
    disposeQwen2(model);
    const engine = currentNative()?.engine;
    let stop: (() => Profile) | undefined;
    const result = await program.train(init, (options.steps ?? program.steps) + 1, {
      out: join(folder, 'run'),
      progress: ({ done }) => {
        if (done !== 1) return;
        noise.start();
        if (engine !== undefined) stop = watch(engine);
      },
    });
    const profile = stop?.();
    noise.disturbed();
    disposeQwen2(result.model);
    const timing = [...readJsonLines(join(folder, 'run/timing.jsonl'))]
      .map(({ value }) => value as GrpoTiming)
      .slice(1);
    const seconds = median(timing.map((line) => line.seconds));
    const work = `micro, ${program.work}, ${backend.name}, ${threadCount()} threads`;
    const phases = (['rollout', 'verify', 'score', 'update', 'other'] as const).map((phase) => {
      const spent = median(timing.map((line) => line[`${phase}_seconds`]!));
      return `${phase} ${spent.toFixed(2)} s`;
    });
    const { most, leastShare } = program;
    const rows = [
      row(`${work}: a step${most ? ' (limit: most)' : ''}`, 's', seconds, undefined, most ?? null),
    ];
    if (profile !== undefined) {
      const least = leastShare === undefined ? undefined : 100 * leastShare;
      const what = `${work}: time in the model's arithmetic${least ? ' (limit: least)' : ''}`;
      rows.push(row(what, '%', 100 * arithmeticShare(profile), undefined, least ?? null));
    }
    return {
      rows,
      notes: [`phases of a step: ${phases.join(', ')}`, noise.summary()],
      ...(options.profile && profile !== undefined
        ? { tables: [`${work}, by kernel\n${layOut(withoutSmall(profile), fmaPeak())}`] }
        : {}),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The profile with everything below half a percent in one line: pieces differ in their rows, so products are many. */
function withoutSmall({ lines, total, pageFaults }: Profile): Profile {
  const [large, small] = [true, false].map((wanted) =>
    lines.filter(({ milliseconds }) => milliseconds > total / 200 === wanted),
  ) as [Profile['lines'], Profile['lines']];
  const sum = (value: (line: Profile['lines'][number]) => number) =>
    small.reduce((all, line) => all + value(line), 0);
  const rest = {
    kernel: `${small.length} others`,
    calls: sum(({ calls }) => calls),
    milliseconds: sum(({ milliseconds }) => milliseconds),
    operations: undefined,
  };
  return { lines: [...large, rest], total, pageFaults };
}
