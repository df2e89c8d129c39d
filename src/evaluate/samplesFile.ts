/**
 * `samples.jsonl` while it grows: rows are appended task by task, as tasks complete, and put into task order at the
 * end. Memory holds where each row stands, not the row.
 */
import { appendFileSync, existsSync, statSync } from 'node:fs';
import { userError } from '../core/errors.ts';
import { unwritable, type Write, writeAtomically } from '../core/files.ts';
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
   * @param samples How many every task will have, by id; rows of other tasks are dropped.
   * @throws JSONL_LINE
   */
  constructor(
    private readonly path: string,
    samples: ReadonlyMap<string, number>,
  ) {
    if (!existsSync(path)) return;
    for (const { text, line, start, end, isWhole } of readLines(path)) {
      if (!isWhole || text.trim() === '') continue;
      const { task_id, sample_index } = parse(text, path, line);
      const places = this.places.get(task_id) ?? [];
      this.places.set(task_id, places);
      places.push({ sampleIndex: sample_index, start, end });
      this.size = end;
    }
    let unchanged = this.size === statSync(path).size;
    for (const [id, places] of this.places) {
      if (places.length === samples.get(id)) continue;
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

  /** The rows of the given tasks, by task and sample index, with the line each stands in once the file is in this order. */
  *rows(ids: readonly string[]): Generator<{ row: EvaluationRow; line: number }> {
    let line = 0;
    for (const bytes of this.lines(ids)) yield { row: JSON.parse(bytes.toString('utf8')), line: ++line };
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

function parse(text: string, path: string, line: number): { task_id: string; sample_index: number } {
  let row: Partial<EvaluationRow> | null = null;
  try {
    row = JSON.parse(text);
  } catch {}
  const { task_id, sample_index } = row ?? {};
  if (typeof task_id === 'string' && Number.isInteger(sample_index)) {
    return { task_id, sample_index: sample_index! };
  }
  throw userError(
    'JSONL_LINE',
    'a sample with "task_id" and "sample_index" in every line',
    `${path} line ${line}: ${JSON.stringify(text.slice(0, 60))}`,
    'remove that line: its task is sampled again',
  );
}
