/**
 * `samples.jsonl` while it grows: rows are appended task by task, as tasks complete, and put into task order at the
 * end. Memory holds where each row stands, not the row.
 */
import { appendFileSync, existsSync, statSync } from 'node:fs';
import { userError } from '../core/errors.ts';
import { unwritable, type Write, writeAtomically } from '../core/files.ts';
import { checkedTaskRow, repeatedSample, type TaskSamples } from './checkedRow.ts';
import { type Place, readLines, readPlaces } from './lines.ts';
import type { EvaluationRow } from './rows.ts';

/** Where a row stands, newline included. */
interface RowPlace extends Place {
  sampleIndex: number;
}

export class SamplesFile {
  private readonly places = new Map<string, RowPlace[]>();
  private size = 0;

  /**
   * Opens the file, or a new one. Tasks that lack samples are dropped from it, as is a line that a kill cut short.
   * @param tasks What is known of every task's rows, by id; rows of other tasks are dropped.
   * @param judged Whether the verdicts are to be used as they are.
   * @throws JSONL_LINE, EVALUATION_ROW
   */
  constructor(
    private readonly path: string,
    tasks: ReadonlyMap<string, TaskSamples>,
    judged: boolean,
  ) {
    if (!existsSync(path)) return;
    let unchanged = true;
    for (const { text, line, start, end, isWhole } of readLines(path)) {
      if (!isWhole || text.trim() === '') continue;
      const value = parse(text, path, line);
      this.size = end;
      const task = tasks.get(value.task_id);
      if (task === undefined) {
        unchanged = false;
        continue;
      }
      const row = checkedTaskRow(value, task, path, line, judged);
      const places = this.places.get(row.task_id) ?? [];
      this.places.set(row.task_id, places);
      if (isIn(places, row.sample_index)) throw repeatedSample(row, path, line);
      places.push({ sampleIndex: row.sample_index, start, end });
    }
    if (this.size !== statSync(path).size) unchanged = false;
    for (const [id, places] of this.places) {
      if (places.length === tasks.get(id)!.count) continue;
      this.places.delete(id);
      unchanged = false;
    }
    if (!unchanged) this.rewrite([...this.places.keys()]);
  }

  /** Whether all samples of a task are here. */
  has(id: string): boolean {
    return this.places.has(id);
  }

  /** Tasks that are here. */
  get tasks(): number {
    return this.places.size;
  }

  /** Appends all rows of one task, in the order of their sample indices. */
  append(id: string, rows: readonly EvaluationRow[]): void {
    const places: RowPlace[] = [];
    let text = '';
    let end = this.size;
    for (const row of rows) {
      const line = `${JSON.stringify(row)}\n`;
      const start = end;
      end += Buffer.byteLength(line);
      places.push({ sampleIndex: row.sample_index, start, end });
      text += line;
    }
    try {
      appendFileSync(this.path, text);
    } catch (error) {
      throw unwritable(this.path, error);
    }
    this.places.set(id, places);
    this.size = end;
  }

  /** The rows of the given tasks, by task and sample index. */
  *rows(ids: readonly string[]): Generator<EvaluationRow> {
    for (const bytes of this.lines(ids)) yield JSON.parse(bytes.toString('utf8')) as EvaluationRow;
  }

  /** Puts the file into the order of `ids`, then of sample indices; `ids` are all that are here. */
  sort(ids: readonly string[]): void {
    let at = 0;
    for (const { start, end } of this.inOrder(ids)) {
      if (start !== at) {
        this.rewrite(ids);
        return;
      }
      at = end;
    }
  }

  /** As {@link sort}, with every row replaced by what `change` makes of it. */
  replace(ids: readonly string[], change: (row: EvaluationRow) => EvaluationRow): void {
    this.rewrite(ids, (line) =>
      Buffer.from(`${JSON.stringify(change(JSON.parse(line.toString('utf8')) as EvaluationRow))}\n`),
    );
  }

  private rewrite(ids: readonly string[], change = (line: Buffer): Buffer => line): void {
    const moved: Place[] = [];
    let at = 0;
    writeAtomically(this.path, (write: Write) => {
      for (const line of this.lines(ids)) {
        const bytes = change(line);
        write(bytes);
        moved.push({ start: at, end: at + bytes.length });
        at += bytes.length;
      }
    });
    let next = 0;
    for (const place of this.inOrder(ids)) {
      const { start, end } = moved[next++]!;
      place.start = start;
      place.end = end;
    }
    this.size = at;
  }

  private lines(ids: readonly string[]): Iterable<Buffer> {
    return this.size === 0 ? [] : readPlaces(this.path, this.inOrder(ids));
  }

  private *inOrder(ids: readonly string[]): Generator<RowPlace> {
    for (const id of ids) {
      const places = this.places.get(id) ?? [];
      yield* places.sort((a, b) => a.sampleIndex - b.sampleIndex);
    }
  }
}

/** Whether a sample is among these; at once where they came in the order of their indices, as they are saved. */
function isIn(places: readonly RowPlace[], index: number): boolean {
  const last = places.at(-1);
  if (last === undefined || last.sampleIndex < index) return false;
  return places.some(({ sampleIndex }) => sampleIndex === index);
}

function parse(text: string, path: string, line: number): { task_id: string } {
  let row: Partial<EvaluationRow> | null = null;
  try {
    row = JSON.parse(text);
  } catch {}
  if (typeof row?.task_id === 'string') return row as { task_id: string };
  throw userError(
    'JSONL_LINE',
    'a sample with "task_id" in every line',
    `${path} line ${line}: ${JSON.stringify(text.slice(0, 60))}`,
    'remove that line: its task is sampled again',
  );
}
