/**
 * An evaluation run: tasks × n samples → verdicts → metrics, with every sample saved (DESIGN §5.5).
 *
 * Samples come first and metrics are computed from what was saved, so a run can be resumed after a kill and
 * re-scored without sampling again. What is sampled depends on (source, task, settings) alone. Memory holds counts per
 * task and where its rows stand in the file, never the rows.
 *
 *     const evaluation = await evaluate(model, tasks, { out: 'out/eval', samples: 16, k: [1, 16] });
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { isCancelled, stopsWithin } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import { checkOutputFolder, writeFileAtomically } from '../core/files.ts';
import { type ProgressSink, silent } from '../core/progress.ts';
import type { LoadedModel } from '../model/index.ts';
import { defaultSampleSettings, type SampleSettings } from '../sample/index.ts';
import { type ReferenceTask, taskIds } from '../tasks/index.ts';
import { lockRun } from '../train/lock.ts';
import { type CachedSource, type CacheUse, cachedSource } from './cache.ts';
import type { TaskSamples } from './checkedRow.ts';
import { openFolder, type Plan } from './folder.ts';
import { type Metrics, metricsOf, type OpRanges } from './metrics.ts';
import { type EvaluationRow, judge, judgeAgain, readSamples, taskFacts } from './rows.ts';
import { SamplesFile } from './samplesFile.ts';
import { modelSource } from './sources/model.ts';
import type { GivenResponse, ResponseSource } from './sources/source.ts';
import { countSample, type Tallies } from './tally.ts';

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
  /** Folder of samples that evaluations share: what is known there is not sampled again. */
  cache?: string;
  /**
   * Responses that the source does not have: `undefined` makes the statistics that need them NaN (pass@k for k above
   * a task's samples, everything for a task without any); `wrong` counts them as empty responses.
   */
  missing?: 'undefined' | 'wrong';
  progress?: ProgressSink;
  clock?: () => number;
}

export interface Evaluation {
  out: string;
  /**
   * All samples, in task order, then by sample index. Read from `samples.jsonl` when first asked for: with very many, use
   * {@link readSamples}, which gives them one by one.
   */
  readonly rows: EvaluationRow[];
  /** Of the tasks that are complete; absent before the first is. */
  metrics?: Metrics;
  /** False when stopped before every task had its samples; calling again goes on. */
  finished: boolean;
  /** Samples that this call took from the source, those that the cache had excluded. */
  sampled: number;
  /** What the cache had, and how large it is now; absent without one. */
  cache?: CacheUse;
}

/**
 * Samples, judges and counts; see the head of this file. When the surrounding job is cancelled it returns what is
 * complete.
 * @param from A loaded model, or another source of responses ({@link responsesFile}, {@link serverSource}).
 * @throws NO_TASKS, TASK_IDS, PASS_K, EVALUATION_EXISTS, RUN_LOCKED, JSONL_LINE, EVALUATION_ROW, and what the source throws
 */
export function evaluate(
  from: LoadedModel | ResponseSource,
  tasks: readonly ReferenceTask[],
  options: EvaluateOptions,
): Promise<Evaluation> {
  return stopsWithin(STOP_SECONDS, async () => {
    const plan = planOf('responses' in from ? from : modelSource(from), tasks, options);
    const cached = options.cache === undefined ? undefined : cachedSource(plan.source, options.cache);
    checkOutputFolder(options.out);
    const unlock = lockRun(options.out);
    try {
      openFolder(options.out, plan, options.overwrite ?? false);
      return await sampleAndJudge(plan, cached, options);
    } finally {
      unlock();
    }
  });
}

/** One decoding step of a large model on a slow backend, and the writing of what is there. */
const STOP_SECONDS = 60;

function planOf(source: ResponseSource, tasks: readonly ReferenceTask[], options: EvaluateOptions): Plan {
  const ids = taskIds(tasks);
  checkTasks(ids);
  const { ranges, missing = 'undefined' } = options;
  const settings = sampleSettings(options);
  const given = source.counts?.(tasks, ids, options.samples);
  if (given !== undefined) settings.samples = Math.max(...given);
  const k = options.k ?? powersOfTwo(settings.samples);
  checkKs(k, settings.samples);
  const counts = ids.map((_, i) =>
    missing === 'wrong' ? settings.samples : (given?.[i] ?? settings.samples),
  );
  return { source, tasks, ids, settings, k, ranges, counts, missing };
}

async function sampleAndJudge(
  plan: Plan,
  cached: CachedSource | undefined,
  options: EvaluateOptions,
): Promise<Evaluation> {
  const { tasks, ids, settings, counts } = plan;
  const { out, rescore = false, progress = silent, clock = () => performance.now() } = options;
  const file = new SamplesFile(join(out, 'samples.jsonl'), samplesOf(plan), !rescore);
  const tallies: Tallies = new Map();
  if (!rescore) for (const row of file.rows(ids)) countSample(tallies, row);

  const wanted = ids.filter((_, i) => counts[i]! > 0).length;
  const rest = tasks
    .map((task, i) => ({ task, id: ids[i]!, count: counts[i]!, first: 0 }))
    .filter(({ id, count }) => count > 0 && !file.has(id));
  const source = cached ?? plan.source;
  // Of samples that are no longer all there: metrics.json says that every task is done.
  if (rest.length > 0) rmSync(join(out, 'metrics.json'), { force: true });

  const started = clock();
  let judged = 0;
  let tokens = 0;
  const restSamples = rest.reduce((sum, { count }) => sum + count, 0);
  // A run that finds all its samples from before shows that too.
  if (rest.length === 0) progress({ stage: 'evaluate', done: wanted, total: wanted, unit: 'task' });
  for await (const { request, responses } of source.responses(rest, settings)) {
    const { task, id, count } = rest[request]!;
    const whole = plan.missing === 'wrong' ? filled(responses, count) : responses;
    const rows = whole.map((response) => judge(id, task, response));
    file.append(id, rows);
    if (!rescore) for (const row of rows) countSample(tallies, row);
    judged += rows.length;
    tokens += rows.reduce((sum, row) => sum + (row.tokens ?? 0), 0);
    const seconds = (clock() - started) / 1000;
    progress({
      stage: 'evaluate',
      done: file.tasks,
      total: wanted,
      unit: 'task',
      secondsLeft: (seconds / judged) * (restSamples - judged),
      values: { tokens_per_second: tokens / seconds },
      ...(rows.length === 0 ? {} : { sample: rows.at(-1)!.response }),
    });
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (isCancelled()) break;
  }

  const finished = file.tasks === wanted;
  const complete = ids.filter((id) => file.has(id));
  if (rescore) rescoreFile(file, complete, plan, tallies);
  else if (finished) file.sort(complete); // the same bytes however the run was cut
  const metrics = finished || tallies.size > 0 ? metricsOfPlan(plan, tallies) : undefined;
  if (finished && metrics) {
    writeFileAtomically(join(out, 'metrics.json'), `${JSON.stringify(metrics, null, 2)}\n`);
  }
  const use = cached?.use();
  return evaluation(plan, { out, finished, sampled: judged - (use?.samples ?? 0) }, metrics, use);
}

/** What saved rows must say, by task. */
function samplesOf({ source, tasks, ids, counts, settings }: Plan): Map<string, TaskSamples> {
  // A source that counts gives indices of its own, maybe with gaps.
  const below = source.counts === undefined ? settings.samples : Number.POSITIVE_INFINITY;
  return new Map(
    tasks.map((task, i) => [ids[i]!, { facts: taskFacts(ids[i]!, task), count: counts[i]!, below }]),
  );
}

function metricsOfPlan({ tasks, ids, counts, k, settings, ranges }: Plan, tallies: Tallies): Metrics {
  const without = tasks.flatMap((task, i) => (counts[i] === 0 ? [taskFacts(ids[i]!, task)] : []));
  return metricsOf(tallies, {
    k,
    seed: settings.seed,
    tasks: without,
    ...(ranges === undefined ? {} : { ranges }),
  });
}

function rescoreFile(
  file: SamplesFile,
  ids: readonly string[],
  { tasks, ids: all }: Plan,
  tallies: Tallies,
): void {
  const byId = new Map(tasks.map((task, i) => [all[i]!, task]));
  file.replace(ids, (row) => {
    const judged = judgeAgain(row, byId.get(row.task_id)!);
    countSample(tallies, judged);
    return judged;
  });
}

/** The responses, and empty ones under the indices that are free until there are as many as `samples`. */
function filled(responses: readonly GivenResponse[], samples: number): GivenResponse[] {
  const all = [...responses];
  const taken = new Set(responses.map(({ sample_index }) => sample_index));
  for (let i = 0; all.length < samples; i++) {
    if (!taken.has(i)) all.push({ sample_index: i, response: '', tokens: null, stop_reason: 'unknown' });
  }
  return all.sort((a, b) => a.sample_index - b.sample_index);
}

/** The result, whose rows are read when they are asked for. */
function evaluation(
  { ids }: Plan,
  facts: Pick<Evaluation, 'out' | 'finished' | 'sampled'>,
  metrics: Metrics | undefined,
  cache: CacheUse | undefined,
): Evaluation {
  let rows: EvaluationRow[] | undefined;
  return {
    ...facts,
    get rows() {
      rows ??= rowsInOrder(facts.out, ids);
      return rows;
    },
    ...(metrics === undefined ? {} : { metrics }),
    ...(cache === undefined ? {} : { cache }),
  };
}

function rowsInOrder(out: string, ids: readonly string[]): EvaluationRow[] {
  const byTask = new Map<string, EvaluationRow[]>(ids.map((id) => [id, []]));
  for (const row of readSamples(out)) byTask.get(row.task_id)?.push(row);
  return [...byTask.values()].flat();
}

function sampleSettings(options: EvaluateOptions): SampleSettings {
  const settings = { ...defaultSampleSettings };
  for (const key of Object.keys(settings) as (keyof SampleSettings)[]) {
    if (options[key] !== undefined) Object.assign(settings, { [key]: options[key] });
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

function checkTasks(ids: readonly string[]): void {
  if (ids.length === 0) throw userError('NO_TASKS', 'at least one task', 'none', 'generate some');
  const different = new Set(ids).size;
  if (different === ids.length) return;
  const got = `${ids.length - different} repeated`;
  throw userError('TASK_IDS', 'tasks with different ids', got, 'leave the copies out');
}

function checkKs(ks: readonly number[], samples: number): void {
  const wrong = ks.filter((k) => !Number.isInteger(k) || k < 1 || k > samples);
  if (wrong.length === 0) return;
  throw userError(
    'PASS_K',
    `k within 1-${samples} (the samples per task)`,
    wrong.join(', '),
    'raise --samples or leave these out',
  );
}
