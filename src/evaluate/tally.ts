/**
 * What metrics need to know of a task's samples, counted row by row: an evaluation of any size keeps counts in memory,
 * never its rows.
 */
import { userError } from '../core/errors.ts';
import { parseNumber } from '../verify/index.ts';
import type { Verdict } from '../verify/types.ts';
import { ERROR_TYPES, type ErrorType, FIRST_ERROR_KINDS, type FirstErrorKind } from '../verify/types.ts';

/** What the groups of metrics and the clusters of the bootstrap read of a task. */
export interface TaskFacts {
  task_id: string;
  op: number;
  template: string;
  mode: string;
  /** Of the task's graph: problems over one graph are one cluster of the bootstrap. */
  fingerprint?: string;
}

/** One judged sample: what the metrics read of a row of `samples.jsonl`. */
export type SampleRow = TaskFacts &
  Pick<Verdict, 'verified' | 'answer_correct' | 'process_accuracy' | 'errors' | 'first_error'> & {
    compatible: Pick<Verdict['compatible'], 'perfect'>;
    sample_index: number;
    extracted_answer?: string | null;
  };

/**
 * Who says that a sample is right. `verified`: every step and the answer, by our verifier; `compatible`: the
 * reference's evaluator; `answer`: the answer alone.
 */
export const VERIFIERS = ['verified', 'compatible', 'answer'] as const;
export type Verifier = (typeof VERIFIERS)[number];

/** Whether a verifier calls the sample right. */
export function isRight(row: SampleRow, verifier: Verifier): boolean {
  if (verifier === 'verified') return row.verified;
  return verifier === 'answer' ? row.answer_correct : row.compatible.perfect;
}

/** Counts over the samples of one task. */
export interface TaskTally {
  task: TaskFacts;
  right: Record<Verifier, number>;
  errors: Record<ErrorType, number>;
  firstErrors: Record<FirstErrorKind, number>;
  noFailingStep: number;
  /** How many samples gave each wrong answer; numbers are compared as numbers. */
  wrongAnswers: Map<string, number>;
  /** Samples without an answer. */
  unanswered: number;
  /** By sample, in the order in which they came. */
  indices: number[];
  processAccuracies: number[];
}

/** By task id. */
export type Tallies = Map<string, TaskTally>;

/** Counts of a task that has no sample yet. */
export function emptyTally(task: TaskFacts): TaskTally {
  const zeros = <K extends string>(keys: readonly K[]) =>
    Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
  return {
    task,
    right: zeros(VERIFIERS),
    errors: zeros(ERROR_TYPES),
    firstErrors: zeros(FIRST_ERROR_KINDS),
    noFailingStep: 0,
    wrongAnswers: new Map(),
    unanswered: 0,
    indices: [],
    processAccuracies: [],
  };
}

/** Adds one sample. @throws METRICS_ROWS when its task had another op before */
export function countSample(tallies: Tallies, row: SampleRow): void {
  let tally = tallies.get(row.task_id);
  if (tally === undefined) {
    const { task_id, op, template, mode, fingerprint } = row;
    tally = emptyTally({
      task_id,
      op,
      template,
      mode,
      ...(fingerprint === undefined ? {} : { fingerprint }),
    });
    tallies.set(row.task_id, tally);
  }
  if (tally.task.op !== row.op) throw uncountable(row.task_id, 'several ops');
  for (const verifier of VERIFIERS) if (isRight(row, verifier)) tally.right[verifier]++;
  for (const type of new Set(row.errors)) tally.errors[type]++;
  if (row.first_error === null) tally.noFailingStep++;
  else tally.firstErrors[row.first_error.kind]++;
  countAnswer(tally, row);
  tally.indices.push(row.sample_index);
  tally.processAccuracies.push(row.process_accuracy);
}

function countAnswer(tally: TaskTally, { answer_correct, extracted_answer }: SampleRow): void {
  if (answer_correct) return;
  if (extracted_answer === undefined || extracted_answer === null || extracted_answer === '') {
    tally.unanswered++;
    return;
  }
  const answer = String(parseNumber(extracted_answer) ?? extracted_answer);
  tally.wrongAnswers.set(answer, (tally.wrongAnswers.get(answer) ?? 0) + 1);
}

/** Mean process accuracy, summed in the order of the sample indices: the same bits however the rows came. */
export function meanProcessAccuracy({ task, indices, processAccuracies }: TaskTally): number {
  const order = Array.from(indices.keys()).sort((a, b) => indices[a]! - indices[b]!);
  if (order.some((at, i) => i > 0 && indices[at] === indices[order[i - 1]!])) {
    throw uncountable(task.task_id, 'a sample index twice');
  }
  return order.reduce((sum, at) => sum + processAccuracies[at]!, 0) / order.length;
}

function uncountable(task: string, what: string): Error {
  return userError(
    'METRICS_ROWS',
    'one row per task and sample',
    `task ${task} with ${what}`,
    'remove repeats',
  );
}
