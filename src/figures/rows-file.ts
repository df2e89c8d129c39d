/** Rows from a file that `analyze` or a run wrote: CSV, a JSON array, or JSON lines (also as gzip). */
import { extname } from 'node:path';
import { userError } from '../core/errors.ts';
import { readUserFile } from '../core/files.ts';
import { readJsonFile } from '../core/json.ts';
import { readJsonLines } from '../core/jsonl.ts';
import { parseCsv } from './csv.ts';
import type { Row } from './frame.ts';

/**
 * The rows of a file; its ending says how to read it.
 * @throws INPUT_UNREADABLE, GZIP_INVALID, JSONL_LINE, JSON_FILE, FIGURE_INPUT
 */
export function readRows(path: string): Row[] {
  const lowered = path.toLowerCase();
  const ending = lowered.endsWith('.jsonl.gz') ? '.jsonl' : extname(lowered);
  const rows =
    ending === '.csv'
      ? fromCsv(path)
      : ending === '.json'
        ? fromJson(path)
        : ending === '.jsonl'
          ? fromJsonLines(path)
          : undefined;
  if (rows === undefined) {
    throw userError(
      'FIGURE_INPUT',
      'rows in a .csv, .json, .jsonl or .jsonl.gz file',
      path,
      'give one that analyze or a run wrote',
    );
  }
  const bad = rows.findIndex((row) => typeof row !== 'object' || row === null || Array.isArray(row));
  if (bad >= 0) {
    throw userError(
      'FIGURE_INPUT',
      'a row (a JSON object)',
      `${JSON.stringify(rows[bad])} as row ${bad + 1} of ${path}`,
      'repair the file',
    );
  }
  return rows as Row[];
}

function fromJson(path: string): unknown[] {
  const value = readJsonFile(path, 'table of rows');
  if (Array.isArray(value)) return value;
  throw userError(
    'FIGURE_INPUT',
    `an array of rows in ${path}`,
    typeof value,
    'give a table that analyze wrote',
  );
}

function fromJsonLines(path: string): unknown[] {
  return [...readJsonLines(path)].map(({ value }) => value);
}

function fromCsv(path: string): unknown[] {
  return parseCsv(readUserFile(path, 'CSV file of rows'), path);
}
