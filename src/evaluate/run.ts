/**
 * An evaluation run: tasks × n samples → verdicts → metrics, with every sample saved (DESIGN §5.5).
 *
 * Samples come first and metrics are computed from what was saved, so a run can be resumed after a kill and
 * re-scored without sampling again. What is sampled depends on (model, task, settings) alone.
 *
 *     const evaluation = await evaluate(model, tasks, { out: 'out/eval', samples: 16, k: [1, 16] });
 */
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { environment } from '../backend/index.ts';
import { isCancelled, stopsWithin } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import { checkOutputFolder, recoverFolder, writeFileAtomically } from '../core/files.ts';
import { canonicalJson, sha256 } from '../core/hash.ts';
import { readJsonFile } from '../core/json.ts';
import { readJsonLines, writeJsonLines } from '../core/jsonl.ts';
import { type ProgressSink, silent } from '../core/progress.ts';
import type { LoadedModel } from '../model/index.ts';
import { defaultSampleSettings, type SampleSettings, sampleBatched } from '../sample/index.ts';
import { promptText, type ReferenceTask, taskIds } from '../tasks/index.ts';
import { type Verdict, verify } from '../verify/index.ts';
import { computeMetrics, type Metrics, type OpRanges } from './metrics.ts';

/** One sample with its verdict, as `samples.jsonl` holds it. */
export type EvaluationRow = Verdict & {
  task_id: string;
  sample_index: number;
  op: number;
  template: string;
  mode: string;
  /** The task's, where it has one. */
  fingerprint?: string;
  response: string;
  /** New tokens. */
  tokens: number;
  stop_reason: 'stop' | 'length';
};

export interface EvaluateOptions extends Partial<SampleSettings> {
  /** Evaluation folder. An unfinished evaluation with the same settings there is resumed, a finished one reused. */
  out: string;
  /** The k of pass@k; default the powers of two up to `samples`. */
  k?: readonly number[];
  /** Op ranges to report; default DESIGN §7's. */
  ranges?: OpRanges;
  /** Drop an evaluation with other settings from the folder. */
  overwrite?: boolean;
  /** Judge the saved samples again instead of reusing their verdicts. */
  rescore?: boolean;
  progress?: ProgressSink;
  clock?: () => number;
}

export interface Evaluation {
  out: string;
  /** In task order, then by sample index. */
  rows: EvaluationRow[];
  /** Of the tasks that are complete; absent before the first is. */
  metrics?: Metrics;
  /** False when stopped before every task had its samples; calling again goes on. */
  finished: boolean;
}

/** A finished evaluation has metrics. */
export type FinishedEvaluation = Evaluation & { metrics: Metrics };

/**
 * Samples, judges and counts; see the head of this file. When the surrounding job is cancelled it returns what is
 * complete.
 */
export function evaluate(
  loaded: LoadedModel,
  tasks: readonly ReferenceTask[],
  options: EvaluateOptions,
): Promise<Evaluation> {
  return stopsWithin(STOP_SECONDS, () => sampleAndJudge(loaded, tasks, options));
}

/** One decoding step of a large model on a slow backend, and the writing of what is there. */
const STOP_SECONDS = 60;

async function sampleAndJudge(
  loaded: LoadedModel,
  tasks: readonly ReferenceTask[],
  options: EvaluateOptions,
): Promise<Evaluation> {
  const settings = sampleSettings(options);
  const ks = options.k ?? powersOfTwo(settings.samples);
  const ids = taskIds(tasks);
  checkRequest(ids, ks, settings);
  const progress = options.progress ?? silent;
  const clock = options.clock ?? (() => performance.now());
  openFolder(options, loaded.hash, tasks, ids, settings, ks);

  const path = join(options.out, 'samples.jsonl');
  const done = completeTasks(path, ids, settings.samples);
  const rest = tasks.map((task, i) => ({ task, id: ids[i]! })).filter(({ id }) => !done.has(id));
  const prompts = rest.map(({ task, id }) => ({ key: id, text: promptText(task) }));

  const started = clock();
  let sampled = 0;
  let tokens = 0;
  // A run that finds all its samples from before shows that too.
  if (rest.length === 0) progress({ stage: 'evaluate', done: done.size, total: tasks.length, unit: 'task' });
  for (const samples of sampleBatched(loaded.model, loaded.tokenizer, prompts, settings)) {
    const { task, id } = rest[samples[0]!.prompt]!;
    const rows = samples.map(
      (sample): EvaluationRow => ({
        task_id: id,
        sample_index: sample.sampleIndex,
        op: task.op,
        template: task.template,
        mode: task.mode,
        ...('fingerprint' in task ? { fingerprint: task.fingerprint as string } : {}),
        response: sample.response,
        tokens: sample.tokens,
        stop_reason: sample.stopReason,
        ...verify(task, sample.response, { truncated: sample.stopReason === 'length' }),
      }),
    );
    appendFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    done.set(id, rows);
    sampled += rows.length;
    tokens += rows.reduce((sum, row) => sum + row.tokens, 0);
    const seconds = (clock() - started) / 1000;
    progress({
      stage: 'evaluate',
      done: done.size,
      total: tasks.length,
      unit: 'task',
      secondsLeft: (seconds / sampled) * (tasks.length - done.size) * settings.samples,
      values: { tokens_per_second: tokens / seconds },
    });
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (isCancelled()) break;
  }

  const finished = done.size === tasks.length;
  const rows = ids.flatMap((id) => done.get(id) ?? []);
  const judged = options.rescore ? rescoreRows(rows, tasks) : rows;
  if (judged.length === 0) return { out: options.out, rows: [], finished };
  const metrics = computeMetrics(judged, {
    k: ks,
    seed: settings.seed,
    ...(options.ranges === undefined ? {} : { ranges: options.ranges }),
  });
  if (finished) {
    writeJsonLines(path, judged); // sorted: the same bytes however the run was cut
    writeFileAtomically(join(options.out, 'metrics.json'), `${JSON.stringify(metrics, null, 2)}\n`);
  }
  return { out: options.out, rows: judged, metrics, finished };
}

/** Judges saved samples again, for a verifier that changed; sampling is not repeated. */
export function rescoreRows(
  rows: readonly EvaluationRow[],
  tasks: readonly ReferenceTask[],
): EvaluationRow[] {
  const ids = taskIds(tasks);
  const byId = new Map(tasks.map((task, i) => [ids[i]!, task]));
  return rows.map((row) => {
    const task = byId.get(row.task_id);
    if (task === undefined) {
      throw userError(
        'EVALUATION_TASKS',
        `the tasks of the evaluation`,
        `no task ${row.task_id}`,
        'name the task file it was made with',
      );
    }
    return { ...row, ...verify(task, row.response, { truncated: row.stop_reason === 'length' }) };
  });
}

function sampleSettings(options: EvaluateOptions): SampleSettings {
  const settings = { ...defaultSampleSettings };
  for (const key of Object.keys(settings) as (keyof SampleSettings)[]) {
    const value = options[key];
    if (value !== undefined) Object.assign(settings, { [key]: value });
  }
  return settings;
}

/** 1, 2, 4, … up to n, and n itself. */
function powersOfTwo(n: number): number[] {
  const ks: number[] = [];
  for (let k = 1; k <= n; k *= 2) ks.push(k);
  if (ks.at(-1) !== n) ks.push(n);
  return ks;
}

function checkRequest(ids: readonly string[], ks: readonly number[], settings: SampleSettings): void {
  if (ids.length === 0) throw userError('NO_TASKS', 'at least one task', 'none', 'generate some');
  const different = new Set(ids).size;
  if (different < ids.length) {
    const got = `${ids.length - different} repeated`;
    throw userError('TASK_IDS', 'tasks with different ids', got, 'leave the copies out');
  }
  const wrong = ks.filter((k) => !Number.isInteger(k) || k < 1 || k > settings.samples);
  if (wrong.length > 0) {
    throw userError(
      'PASS_K',
      `k within 1-${settings.samples} (the samples per task)`,
      wrong.join(', '),
      'raise --samples or leave these out',
    );
  }
}

/** Checks that the folder is empty or belongs to this very evaluation, and writes its config.json. */
function openFolder(
  options: EvaluateOptions,
  model: string,
  tasks: readonly ReferenceTask[],
  ids: readonly string[],
  settings: SampleSettings,
  k: readonly number[],
): void {
  const { slots: _slots, stop, ...others } = settings; // how many decode together changes no sample
  const identity = stop?.length ? { ...others, stop } : others;
  const content = tasks.map((task, i) => [ids[i], task]); // gold included: verdicts depend on it
  const key = sha256(canonicalJson([model, content, identity]), 16);
  const path = join(options.out, 'config.json');
  checkOutputFolder(options.out);
  const used = existsSync(options.out) && readdirSync(options.out).length > 0;
  if (used && keyOf(path) !== key) {
    if (!options.overwrite) {
      throw userError(
        'EVALUATION_EXISTS',
        'an empty folder or this evaluation',
        `${options.out} with another one`,
        'choose another folder or --overwrite',
      );
    }
    recoverFolder(options.out);
    for (const name of ['config.json', 'metrics.json', 'samples.jsonl', 'tasks.jsonl']) {
      rmSync(join(options.out, name), { force: true });
    }
  }
  const config = {
    key,
    model,
    tasks: tasks.length,
    ...identity,
    k,
    ranges: options.ranges,
    environment: environment(),
  };
  writeFileAtomically(path, `${JSON.stringify(config, null, 2)}\n`);
  writeJsonLines(join(options.out, 'tasks.jsonl'), tasks);
}

/** Identity of the evaluation whose config.json this is; undefined for anything else. */
function keyOf(path: string): unknown {
  if (!existsSync(path)) return undefined;
  const config = readJsonFile(path, 'evaluation config');
  return typeof config === 'object' && config !== null && 'key' in config ? config.key : undefined;
}

/** Rows of the tasks that already have all their samples; a line that a kill cut short is dropped. */
function completeTasks(path: string, ids: readonly string[], samples: number): Map<string, EvaluationRow[]> {
  const done = new Map<string, EvaluationRow[]>();
  if (!existsSync(path)) return done;
  const text = readFileSync(path, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) writeFileAtomically(path, whole);
  const known = new Set(ids);
  for (const { value } of readJsonLines(path)) {
    const row = value as EvaluationRow;
    if (!known.has(row.task_id)) continue;
    const rows = done.get(row.task_id) ?? [];
    done.set(row.task_id, rows);
    rows.push(row);
  }
  let cut = false;
  for (const [id, rows] of done) {
    if (rows.length === samples) continue;
    done.delete(id);
    cut = true;
  }
  if (cut) writeJsonLines(path, [...done.values()].flat());
  return done;
}
