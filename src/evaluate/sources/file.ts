/**
 * Responses that another program saved: JSON lines (also as gzip) or Parquet, a row per response or per task. Names of
 * fields are those of our own samples, of lm-evaluation-harness, inspect_ai, vLLM and OpenAI's batches
 * (docs/evaluation.md).
 *
 * The file is read twice: first every row is checked and its place noted, then the rows of each task are fetched, so that
 * memory does not hold the texts. (Of a gzip or Parquet file, which has no places to go to, it does.)
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { internalError, userError } from '../../core/errors.ts';
import { isGzipPath } from '../../core/gzip.ts';
import { readJsonLines } from '../../core/jsonl.ts';
import { promptText, type ReferenceTask } from '../../tasks/index.ts';
import { readParquetRows } from '../../tasks/parquet.ts';
import { type Place, readLines, readPlaces } from '../lines.ts';
import { isFields, RESPONSE_FIELDS, responsesOf } from './fields.ts';
import { TaskIndex } from './match.ts';
import type { GivenResponse, ResponseRequest, ResponseSource, TaskResponses } from './source.ts';

type Fields = Record<string, unknown>;

export interface ResponsesFileOptions {
  /** Rows about tasks that are not evaluated are left out instead of refused. */
  ignoreUnmatched?: boolean;
}

/** Where a row can be read again, or the row. */
type Kept = Place | { row: unknown };

/** A row of the file: what it says, and where it stands. */
interface FileRow {
  value: unknown;
  /** For messages. */
  where: string;
  kept: Kept;
}

/** Rows of one task, each with the index of its first sample. */
type TaskRows = { kept: Kept; first: number }[];

/**
 * The responses in a file as a source. Rows are matched with tasks by id or by the text of the problem; samples without
 * an index are counted in the order of the file.
 *
 * What {@link evaluate} throws with it: INPUT_UNREADABLE, JSONL_LINE, RESPONSES_ROW (a row that cannot be read),
 * RESPONSES_TASK (a row about no task, or no row about any).
 */
export function responsesFile(
  path: string,
  { ignoreUnmatched = false }: ResponsesFileOptions = {},
): ResponseSource {
  const content = createHash('sha256');
  let rows: ReadonlyMap<string, TaskRows> | undefined;
  let most = Number.POSITIVE_INFINITY;
  let unmatched = 0;
  const digest = () => content.copy().digest('hex').slice(0, 16);
  return {
    get identity() {
      return ['responses', digest()];
    },
    get facts() {
      return { responses: { file: basename(path), sha256: digest(), unmatched } };
    },
    relevant: ({ samples, seed }) => ({ samples, seed }),
    counts(tasks, ids, wanted) {
      most = wanted ?? most;
      const index = indexRows(path, tasks, ids, ignoreUnmatched, (text) => content.update(text));
      rows = new Map(ids.map((id, i) => [id, index.rows[i]!]));
      unmatched = index.unmatched;
      return index.samples.map((samples) => [...samples].filter((sample) => sample < most).length);
    },
    *responses(requests: readonly ResponseRequest[]): Generator<TaskResponses> {
      for (const [request, { id, task }] of requests.entries()) {
        const own = rows?.get(id);
        if (own === undefined) throw internalError('counts() of these tasks comes first');
        yield { request, responses: responsesTo(path, task, own, most) };
      }
    },
  };
}

interface RowIndex {
  /** By task. */
  rows: TaskRows[];
  /** Sample indices of each task. */
  samples: Set<number>[];
  /** Rows about none of the tasks. */
  unmatched: number;
}

function indexRows(
  path: string,
  tasks: readonly ReferenceTask[],
  ids: readonly string[],
  ignoreUnmatched: boolean,
  digest: (text: string) => void,
): RowIndex {
  const byTask = new TaskIndex(tasks, ids);
  const index: RowIndex = { rows: tasks.map(() => []), samples: tasks.map(() => new Set()), unmatched: 0 };
  let filter: unknown;
  for (const { value, where, kept } of readRows(path)) {
    digest(`${JSON.stringify(value)}\n`);
    if (!isFields(value)) throw unusable('a row that is an object', value, where);
    // lm-evaluation-harness repeats a task's responses for every filter of its answers.
    if (typeof value.filter === 'string') filter ??= value.filter;
    if (value.filter !== undefined && value.filter !== filter) continue;
    const task = byTask.find(value);
    if (task === null) {
      if (!ignoreUnmatched) throw unknownTask(value, where);
      index.unmatched++;
      continue;
    }
    const found = responsesOf(value);
    if (found === null && value.error) continue; // a request that failed: its samples are missing
    if (found === null) throw unusable(`a response in one of ${RESPONSE_FIELDS.join(', ')}`, value, where);
    const taken = index.samples[task]!;
    const first = firstIndex(value, where) ?? taken.size;
    for (let i = first; i < first + found.length; i++) {
      if (taken.has(i)) throw unusable(`a sample once`, `sample ${i} of ${ids[task]} again`, where);
      taken.add(i);
    }
    index.rows[task]!.push({ kept, first });
  }
  if (index.samples.every(({ size }) => size === 0)) {
    throw userError(
      'RESPONSES_TASK',
      'responses to the tasks',
      `none in ${path}`,
      'name the tasks that were asked',
    );
  }
  return index;
}

/** The index that a row gives its (first) sample: `sample_index` from 0, or inspect_ai's `epoch` from 1. */
function firstIndex(row: Fields, where: string): number | undefined {
  const { sample_index: index, epoch } = row;
  const value = index ?? (epoch === undefined || epoch === null ? undefined : Number(epoch) - 1);
  if (value === undefined || value === null) return undefined;
  if (Number.isInteger(value) && (value as number) >= 0) return value as number;
  throw unusable('an integer of 0 or more in "sample_index" (1 or more in "epoch")', index ?? epoch, where);
}

function responsesTo(path: string, task: ReferenceTask, rows: TaskRows, most: number): GivenResponse[] {
  const echo = promptText(task);
  const responses = rows.flatMap(({ kept, first }) => {
    const found = responsesOf(fetch(path, kept));
    if (found === null) throw internalError('a row changed while it was used');
    return found.map(
      ({ text, tokens, stop }, i): GivenResponse => ({
        sample_index: first + i,
        // Some programs save the prompt with its continuation.
        response: text.startsWith(echo) ? text.slice(echo.length) : text,
        tokens,
        stop_reason: stop,
      }),
    );
  });
  return responses
    .filter(({ sample_index }) => sample_index < most)
    .sort((a, b) => a.sample_index - b.sample_index);
}

function fetch(path: string, kept: Kept): Fields {
  if ('row' in kept) return kept.row as Fields;
  const [bytes] = readPlaces(path, [kept]);
  return JSON.parse(bytes!.toString('utf8')) as Fields;
}

function* readRows(path: string): Generator<FileRow> {
  if (path.endsWith('.parquet')) {
    let row = 0;
    for (const value of readParquetRows(path)) {
      yield { value, where: `${path} row ${++row}`, kept: { row: value } };
    }
  } else if (isGzipPath(path)) {
    for (const { value, line } of readJsonLines(path)) {
      yield { value, where: `${path} line ${line}`, kept: { row: value } };
    }
  } else {
    for (const { text, line, start, end } of readLines(path)) {
      const where = `${path} line ${line}`;
      if (text.trim() !== '') yield { value: parsed(text, where), where, kept: { start, end } };
    }
  }
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw userError(
      'JSONL_LINE',
      'one JSON value per line',
      `${where}: ${JSON.stringify(text.slice(0, 60))}`,
      'repair or remove that line (a file cut in the middle ends like this)',
    );
  }
}

function unusable(expected: string, got: unknown, where: string): Error {
  const shown = typeof got === 'string' ? got : (JSON.stringify(got) ?? 'nothing').slice(0, 100);
  return userError('RESPONSES_ROW', expected, `${shown} in ${where}`, 'repair or remove that row');
}

function unknownTask(row: Fields, where: string): Error {
  const name = row.task_id ?? row.id ?? row.custom_id ?? row.doc_id ?? row.prompt ?? row.problem;
  return userError(
    'RESPONSES_TASK',
    'the id or the text of one of the tasks',
    `${(JSON.stringify(name) ?? 'neither').slice(0, 80)} in ${where}`,
    'name the task file that was asked, or leave such rows out (--ignore-unmatched)',
  );
}
