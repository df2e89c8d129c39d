/** Rows for a figure, from an arquero table or an array, with the columns checked. */
import { userError } from '../core/errors.ts';

export type Row = Record<string, unknown>;

/** An arquero table, or anything that gives its rows as objects, or the rows themselves. */
export type Frame = readonly object[] | { objects(options?: { limit?: number }): object[] };

/** The rows of a frame. */
export function rowsOf(frame: Frame): Row[] {
  const rows = isTable(frame) ? frame.objects({ limit: Number.POSITIVE_INFINITY }) : frame;
  if (!Array.isArray(rows)) {
    throw userError('FIGURE_FRAME', 'a table or an array of rows', typeof frame, 'pass an arquero table');
  }
  const bad = rows.findIndex((row) => typeof row !== 'object' || row === null || Array.isArray(row));
  if (bad >= 0) {
    throw userError(
      'FIGURE_FRAME',
      'rows that are objects',
      `row ${bad + 1}: ${JSON.stringify(rows[bad])}`,
      'pass {column: value} rows',
    );
  }
  return rows as Row[];
}

function isTable(frame: Frame): frame is { objects(options?: { limit?: number }): object[] } {
  return typeof (frame as { objects?: unknown } | null)?.objects === 'function';
}

/** Rows of a frame with at least one row, each with all `columns`. */
export function rowsWith(frame: Frame, figure: string, columns: readonly string[]): Row[] {
  const rows = rowsOf(frame);
  if (rows.length === 0) throw userError('FIGURE_EMPTY', `rows for ${figure}`, 'none', 'check the input');
  for (const [i, row] of rows.entries()) {
    const missing = columns.find((column) => row[column] === undefined);
    if (missing === undefined) continue;
    throw userError(
      'FIGURE_COLUMN',
      `${figure} to have the columns ${columns.join(', ')}`,
      `row ${i + 1} without "${missing}" (it has ${Object.keys(row).join(', ')})`,
      'rename or add the column',
    );
  }
  return rows;
}

/** A number of a row, or NaN where it is undefined (null and NaN are undefined statistics). */
export function numberIn(row: Row, column: string): number {
  const value = row[column];
  if (value === null || value === undefined) return Number.NaN;
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number === 'number') return number;
  throw userError('FIGURE_COLUMN', `numbers in "${column}"`, JSON.stringify(value), 'convert the column');
}

/** The different values of a column: numbers ascending first, then texts as they come. */
export function distinct(rows: readonly Row[], column: string): (number | string)[] {
  const values = [...new Set(rows.map((row) => row[column]))].map((value) =>
    typeof value === 'number' ? value : String(value),
  );
  const numbers = values.filter((value) => typeof value === 'number').sort((a, b) => a - b);
  return [...numbers, ...values.filter((value) => typeof value === 'string')];
}

/**
 * Rows of one verifier. When a frame has several, `verified` (every step right) is taken unless asked
 * otherwise, and the figure says which.
 */
export function ofVerifier(
  rows: readonly Row[],
  asked: string | undefined,
): { rows: readonly Row[]; verifier: string | undefined } {
  const names = distinct(
    rows.filter((row) => row.verifier !== undefined),
    'verifier',
  ).map(String);
  if (names.length === 0 && asked === undefined) return { rows, verifier: undefined };
  const verifier =
    asked ?? (names.includes('verified') ? 'verified' : names.length === 1 ? names[0] : undefined);
  if (verifier === undefined || !names.includes(verifier)) {
    throw userError(
      'FIGURE_VERIFIER',
      `one of the verifiers ${names.join(', ') || '(the frame has none)'}`,
      verifier ?? 'several and no choice',
      'set the option verifier',
    );
  }
  return { rows: rows.filter((row) => row.verifier === verifier), verifier };
}

/**
 * `n = 200 problems per op` (`180–200` when it varies) from the column n, with the samples of a column
 * `samples`; undefined when there is no count.
 */
export function countText(rows: readonly Row[], per: string): string | undefined {
  const problems = spread(rows, 'n');
  const samples = spread(rows, 'samples');
  if (problems === undefined) return undefined;
  return `n\u00a0=\u00a0${problems} problems${samples === undefined ? '' : ` (${samples} samples)`} per ${per}`;
}

function spread(rows: readonly Row[], column: string): string | undefined {
  const counts = rows.map((row) => numberIn(row, column)).filter((n) => Number.isFinite(n));
  if (counts.length === 0) return undefined;
  const least = counts.reduce((a, b) => Math.min(a, b));
  const most = counts.reduce((a, b) => Math.max(a, b));
  return least === most ? String(least) : `${least}–${most}`;
}
