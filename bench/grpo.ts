/**
 * Steps of the GRPO program on the micro model: 64 prompts × 8 rollouts of up to 128 tokens, verdicts, reference, four
 * updates, rollouts saved. The weights are random, so that every rollout has its 128 tokens: the longest steps there
 * are. Limits: 15 seconds a step, and 70 % of the time in the arithmetic of the model. The first step is not counted.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadCount, useBackend } from '../src/backend/index.ts';
import { currentNative } from '../src/backend/native/backend.ts';
import { readJsonLines } from '../src/core/index.ts';
import { createTaskSource, trainingText } from '../src/index.ts';
import { createQwen2, disposeQwen2, modelPreset, saveModel } from '../src/model/index.ts';
import { type GrpoTiming, grpo } from '../src/rl/index.ts';
import { trainTokenizer } from '../src/tokenizer/index.ts';
import { NoiseMeter } from './noise.ts';
import { fmaPeak } from './peak.ts';
import { arithmeticShare, layOut, type Profile, watch } from './profile.ts';
import { median } from './statistics.ts';
import { type BenchmarkOptions, type BenchmarkReport, row } from './table.ts';

const STEPS = 3;
const PROMPTS = 64;
const SIZE = 8;
const TOKENS = 128;
const MOST_SECONDS = 15;
const LEAST_SHARE = 0.7;

export async function grpoBenchmark(options: BenchmarkOptions): Promise<BenchmarkReport> {
  const backend = await useBackend('auto');
  const folder = mkdtempSync(join(tmpdir(), 'interplay-bench-'));
  const noise = new NoiseMeter();
  try {
    const data = { world: 'micro', contexts: ['zoo'], ops: '2-4' };
    const tokenizer = trainTokenizer(createTaskSource(data).take(1000).map(trainingText), {
      vocabularySize: 512,
    });
    const model = createQwen2(modelPreset('micro'), 0);
    saveModel(join(folder, 'init'), model, tokenizer);
    disposeQwen2(model);
    const engine = currentNative()?.engine;
    let stop: (() => Profile) | undefined;
    const result = await grpo(
      {
        init: join(folder, 'init'),
        data,
        reward: 'length of words', // differs among random responses, so that every group has signal
        prompts_per_step: PROMPTS,
        group_size: SIZE,
        max_prompt_tokens: 256,
        max_response_tokens: TOKENS,
        steps: (options.steps ?? STEPS) + 1,
        validation: { tasks: 0 },
        save_every: 0,
      },
      {
        out: join(folder, 'run'),
        rewards: { 'length of words': (_, { response }) => response.length / response.split(' ').length },
        progress: ({ done }) => {
          if (done !== 1) return;
          noise.start();
          if (engine !== undefined) stop = watch(engine);
        },
      },
    );
    const profile = stop?.();
    noise.disturbed();
    disposeQwen2(result.model);
    const timing = [...readJsonLines(join(folder, 'run/timing.jsonl'))]
      .map(({ value }) => value as GrpoTiming)
      .slice(1);
    const seconds = median(timing.map((line) => line.seconds));
    const work = `micro, ${PROMPTS} × ${SIZE} rollouts of ${TOKENS} tokens, ${backend.name}, ${threadCount()} threads`;
    const phases = (['rollout', 'verify', 'score', 'update', 'other'] as const).map((phase) => {
      const spent = median(timing.map((line) => line[`${phase}_seconds`]!));
      return `${phase} ${spent.toFixed(2)} s`;
    });
    const rows = [row(`${work}: a step (limit: most)`, 's', seconds, undefined, MOST_SECONDS)];
    if (profile !== undefined) {
      const share = 100 * arithmeticShare(profile);
      rows.push(
        row(
          `${work}: time in the model's arithmetic (limit: least)`,
          '%',
          share,
          undefined,
          100 * LEAST_SHARE,
        ),
      );
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
