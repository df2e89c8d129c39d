/**
 * An evaluation folder as something to look things up in. `samples.jsonl` may be hundreds of megabytes, so it is read
 * once for where each row stands and how it was judged (about 30 bytes a row); a row's text is read when it is shown.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { userError } from '../../core/errors.ts';
import { reason } from '../../core/files.ts';
import { checkedRow } from '../../evaluate/checkedRow.ts';
import { readTasks, type TaskRecord, taskIds } from '../../tasks/index.ts';
import { ERROR_TYPES, FIRST_ERROR_KINDS, type Verdict } from '../../verify/index.ts';
import { SAMPLE_VERDICTS, type SampleVerdict, verdictOfSample } from './verdicts.ts';

/** A row of `samples.jsonl` (DESIGN §5.5) with its task. */
export type EvaluatedSample = Verdict & {
  task_id: string;
  sample_index: number;
  op: number;
  template: string;
  mode: string;
  response: string;
  /** New tokens; absent or null when the responses came from elsewhere. */
  tokens?: number | null;
  stop_reason?: string;
  fingerprint?: string;
  task: TaskRecord;
  verdict: SampleVerdict;
};

/** Columns of the index, one element a row, in task order and then by sample index. */
interface Columns {
  /** Byte at which the row's line begins, and its bytes without the newline. */
  offset: Float64Array;
  bytes: Uint32Array;
  /** Index into {@link EvaluationIndex.tasks}. */
  task: Uint32Array;
  sample: Float64Array;
  /** Index into SAMPLE_VERDICTS. */
  verdict: Uint8Array;
  /** Bit i: ERROR_TYPES[i]. */
  errors: Uint8Array;
  /** Index into FIRST_ERROR_KINDS; their number for none. */
  firstError: Uint8Array;
}

/** What the index knows of a row. */
export interface SampleKey {
  taskIndex: number;
  sampleIndex: number;
  verdict: SampleVerdict;
  errors: number;
  firstError: number;
}

export class EvaluationIndex {
  /** As the caller named it. */
  readonly folder: string;
  readonly tasks: readonly TaskRecord[];
  /** Of each task, as samples name it. */
  readonly ids: readonly string[];
  readonly length: number;
  readonly #path: string;
  readonly #columns: Columns;

  constructor(folder: string, tasks: readonly TaskRecord[], ids: readonly string[], columns: Columns) {
    this.folder = folder;
    this.tasks = tasks;
    this.ids = ids;
    this.length = columns.task.length;
    this.#path = samplesPath(folder);
    this.#columns = columns;
  }

  /** What is known of row `at` without reading it. */
  key(at: number): SampleKey {
    const { task, sample, verdict, errors, firstError } = this.#columns;
    return {
      taskIndex: task[at]!,
      sampleIndex: sample[at]!,
      verdict: SAMPLE_VERDICTS[verdict[at]!]!,
      errors: errors[at]!,
      firstError: firstError[at]!,
    };
  }

  /**
   * Reads rows one by one.
   * @throws userError EVALUATION_CHANGED when the file is no longer the one that was indexed
   */
  *read(positions: Iterable<number>): Generator<EvaluatedSample> {
    const file = openSamples(this.#path);
    try {
      for (const at of positions) yield this.#row(file, at);
    } finally {
      closeSync(file);
    }
  }

  #row(file: number, at: number): EvaluatedSample {
    const { taskIndex, sampleIndex, verdict } = this.key(at);
    const line = Buffer.alloc(this.#columns.bytes[at]!);
    const count = readSync(file, line, 0, line.length, this.#columns.offset[at]!);
    const row = parsed(line.toString('utf8', 0, count)) as EvaluatedSample | undefined;
    if (row?.task_id !== this.ids[taskIndex] || row?.sample_index !== sampleIndex) {
      throw userError(
        'EVALUATION_CHANGED',
        `${this.#path} as it was when it was opened`,
        'another content',
        'open it again',
      );
    }
    if (typeof row.response !== 'string') {
      const got = `a row without it in ${this.#path}`;
      throw userError('EVALUATION_ROW', 'a text in "response"', got, 'evaluate again, keeping responses');
    }
    return { ...row, task: this.tasks[taskIndex]!, verdict };
  }
}

/** The last folders that were opened, so that the next cell need not read them again. */
const opened = new Map<string, { version: string; evaluation: EvaluationIndex }>();
const MOST_OPENED = 4;

/**
 * Opens an evaluation folder (`samples.jsonl`, `tasks.jsonl`); a running one shows what is complete. The same files
 * are not read twice in a row.
 * @throws userError INPUT_UNREADABLE, JSONL_LINE, EVALUATION_ROW, EVALUATION_TASKS, TASK_RECORD
 */
export function openEvaluation(folder: string): EvaluationIndex {
  const paths = [samplesPath(folder), join(folder, 'tasks.jsonl')];
  const version = paths.map(versionOf).join(' ');
  const known = opened.get(resolve(folder));
  if (known?.version === version && known.evaluation.folder === folder) return known.evaluation;
  const tasks = [...readTasks(paths[1]!)];
  const ids = taskIds(tasks);
  const evaluation = new EvaluationIndex(folder, tasks, ids, indexSamples(paths[0]!, ids));
  opened.delete(resolve(folder));
  if (opened.size >= MOST_OPENED) opened.delete(opened.keys().next().value!);
  opened.set(resolve(folder), { version, evaluation });
  return evaluation;
}

function samplesPath(folder: string): string {
  return join(folder, 'samples.jsonl');
}

function versionOf(path: string): string {
  try {
    const { size, mtimeMs, ino } = statSync(path);
    return `${size}:${mtimeMs}:${ino}`;
  } catch (error) {
    const got = `${path} (${reason(error)})`;
    throw userError('INPUT_UNREADABLE', 'an evaluation folder', got, 'name a folder that evaluate made');
  }
}

function openSamples(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw userError('INPUT_UNREADABLE', 'readable samples', `${path} (${reason(error)})`, 'check the path');
  }
}

function indexSamples(path: string, ids: readonly string[]): Columns {
  const taskOf = new Map(ids.map((id, i) => [id, i]));
  const rows: number[][] = [[], [], [], [], [], [], []];
  for (const { text, offset, bytes, line, last } of linesOf(path)) {
    if (text.trim() === '') continue;
    const value = parsed(text);
    if (value === undefined) {
      if (last) break; // being written
      throw userError('JSONL_LINE', 'one JSON value per line', `${path} line ${line}`, 'repair that line');
    }
    const row = checkedRow(value, path, line);
    const task = taskOf.get(row.task_id);
    if (task === undefined) {
      const got = `no task ${row.task_id} for ${path} line ${line}`;
      throw userError('EVALUATION_TASKS', 'the tasks of the samples in tasks.jsonl', got, 'evaluate again');
    }
    const kind = row.first_error === null ? -1 : FIRST_ERROR_KINDS.indexOf(row.first_error.kind);
    const cells = [
      offset,
      bytes,
      task,
      row.sample_index,
      SAMPLE_VERDICTS.indexOf(verdictOfSample(row)),
      ERROR_TYPES.reduce((mask, type, i) => mask | (row.errors.includes(type) ? 1 << i : 0), 0),
      kind < 0 ? FIRST_ERROR_KINDS.length : kind,
    ];
    for (let c = 0; c < cells.length; c++) rows[c]!.push(cells[c]!);
  }
  return sortedColumns(rows);
}

/** Samples are saved as their tasks are complete: here they stand in task order. */
function sortedColumns([offset, bytes, task, sample, verdict, errors, firstError]: number[][]): Columns {
  const order = Uint32Array.from(task!.keys());
  order.sort((a, b) => task![a]! - task![b]! || sample![a]! - sample![b]!);
  const pick = (values: number[]) => (_: unknown, i: number) => values[order[i]!]!;
  const { length } = order;
  return {
    offset: Float64Array.from({ length }, pick(offset!)),
    bytes: Uint32Array.from({ length }, pick(bytes!)),
    task: Uint32Array.from({ length }, pick(task!)),
    sample: Float64Array.from({ length }, pick(sample!)),
    verdict: Uint8Array.from({ length }, pick(verdict!)),
    errors: Uint8Array.from({ length }, pick(errors!)),
    firstError: Uint8Array.from({ length }, pick(firstError!)),
  };
}

interface Line {
  text: string;
  offset: number;
  bytes: number;
  /** From 1. */
  line: number;
  /** Without a newline behind it. */
  last: boolean;
}

const CHUNK = 1 << 20;

/** Lines with their places in the file, in constant memory. */
function* linesOf(path: string): Generator<Line> {
  const file = openSamples(path);
  try {
    const chunk = Buffer.alloc(CHUNK);
    let rest: Buffer = Buffer.alloc(0);
    let offset = 0;
    let line = 0;
    for (;;) {
      const count = readSync(file, chunk, 0, CHUNK, null);
      if (count === 0) break;
      const data = Buffer.concat([rest, chunk.subarray(0, count)]);
      let start = 0;
      for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, start)) {
        const text = data.toString('utf8', start, end);
        yield { text, offset: offset + start, bytes: end - start, line: ++line, last: false };
        start = end + 1;
      }
      rest = data.subarray(start);
      offset += start;
    }
    yield { text: rest.toString('utf8'), offset, bytes: rest.length, line: line + 1, last: true };
  } finally {
    closeSync(file);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
