/** Rows for a figure, from an arquero table or an array, with the columns checked. */
import { userError } from '../core/errors.ts';

export type Row = Record<string, unknown>;

/** An arquero table, or anything that gives its rows as objects, or the rows themselves. */
export type Frame = readonly object[] | Table;

/** The part of an arquero table that is used; columns are read in place, so that rows that are not drawn cost little. */
interface Table {
  objects(options?: { limit?: number }): object[];
  columnNames?(): string[];
  column?(name: string): { at(row: number): unknown } | undefined;
  indices?(): ArrayLike<number>;
  numRows?(): number;
  isFiltered?(): boolean;
  isOrdered?(): boolean;
}

/** Which rows of a frame are meant. */
export interface Selection {
  /** By column: the value, or the values, that rows must have. */
  where?: Readonly<Record<string, unknown>>;
  /**
   * Whose verdicts, when the frame has several verifiers: `verified` (every step right) unless asked otherwise, and the
   * figure says which.
   */
  verifier?: string;
  /** Only these values of the column `k`. */
  ks?: readonly number[];
}

/** Cells of a frame by row and column. */
export interface Columns {
  length: number;
  names: readonly string[];
  /** Reader of a column; undefined where a table has none of that name. */
  reader(name: string): ((row: number) => unknown) | undefined;
  /** Rows as objects: those at the positions, or all. */
  rows(positions?: readonly number[]): Row[];
}

/** A frame by columns. @throws FIGURE_FRAME */
export function columnsOf(frame: Frame): Columns {
  if (isTable(frame))
    return frame.column === undefined ? listColumns(allObjects(frame)) : tableColumns(frame);
  if (!Array.isArray(frame)) {
    throw userError('FIGURE_FRAME', 'a table or an array of rows', typeof frame, 'pass an arquero table');
  }
  const bad = frame.findIndex((row) => typeof row !== 'object' || row === null || Array.isArray(row));
  if (bad >= 0) {
    throw userError(
      'FIGURE_FRAME',
      'rows that are objects',
      `row ${bad + 1}: ${JSON.stringify(frame[bad])}`,
      'pass {column: value} rows',
    );
  }
  return listColumns(frame as Row[]);
}

function allObjects(table: Table): Row[] {
  return table.objects({ limit: Number.POSITIVE_INFINITY }) as Row[];
}

function listColumns(rows: Row[]): Columns {
  return {
    length: rows.length,
    names: Object.keys(rows[0] ?? {}),
    reader: (name) => (row) => rows[row]![name],
    rows: (positions) => (positions === undefined ? rows : positions.map((at) => rows[at]!)),
  };
}

function tableColumns(table: Table): Columns {
  const names = table.columnNames!();
  // The rows of a filtered or ordered table are not those of its columns.
  const order = table.isFiltered?.() || table.isOrdered?.() ? table.indices!() : undefined;
  const reader = (name: string) => {
    const column = names.includes(name) ? table.column!(name) : undefined;
    if (column === undefined) return undefined;
    return order === undefined ? (row: number) => column.at(row) : (row: number) => column.at(order[row]!);
  };
  return {
    length: order?.length ?? table.numRows!(),
    names,
    reader,
    rows(positions) {
      if (positions === undefined) return allObjects(table);
      const readers = names.map((name) => reader(name)!);
      return positions.map((at) => Object.fromEntries(names.map((name, i) => [name, readers[i]!(at)])));
    },
  };
}

/** The rows of a frame. */
export function rowsOf(frame: Frame): Row[] {
  return columnsOf(frame).rows();
}

function isTable(frame: Frame): frame is Table {
  return typeof (frame as { objects?: unknown } | null)?.objects === 'function';
}

/** The columns of a frame with at least one row, each with all of `names`. @throws FIGURE_EMPTY, FIGURE_COLUMN */
export function columnsWith(frame: Frame, figure: string, names: readonly string[]): Columns {
  const columns = columnsOf(frame);
  if (columns.length === 0) throw userError('FIGURE_EMPTY', `rows for ${figure}`, 'none', 'check the input');
  const has = (row: number) =>
    Array.isArray(frame) ? Object.keys((frame as Row[])[row]!).join(', ') : columns.names.join(', ');
  for (const name of names) {
    const read = columns.reader(name);
    const row = read === undefined ? 0 : firstUndefined(read, columns.length);
    if (row < 0) continue;
    throw userError(
      'FIGURE_COLUMN',
      `${figure} to have the columns ${names.join(', ')}`,
      `row ${row + 1} without "${name}" (it has ${has(row)})`,
      'rename or add the column',
    );
  }
  return columns;
}

function firstUndefined(read: (row: number) => unknown, length: number): number {
  for (let row = 0; row < length; row++) if (read(row) === undefined) return row;
  return -1;
}

/** Rows of a frame with at least one row, each with all `columns`. */
export function rowsWith(frame: Frame, figure: string, columns: readonly string[]): Row[] {
  return columnsWith(frame, figure, columns).rows();
}

/**
 * The rows of a frame that are meant, and whose verdicts they hold (undefined when the frame does not say).
 * @throws FIGURE_EMPTY, FIGURE_COLUMN, FIGURE_VERIFIER
 */
export function selectRows(
  frame: Frame,
  figure: string,
  names: readonly string[],
  { where = {}, verifier: asked, ks }: Selection = {},
): { rows: Row[]; verifier: string | undefined } {
  const columns = columnsWith(frame, figure, [...names, ...Object.keys(where)]);
  const verifier = verifierOf(columns, asked);
  const conditions = Object.entries(where).map(([name, value]) => condition(columns, name, value));
  if (ks !== undefined) conditions.push(condition(columns, 'k', ks));
  if (verifier?.several) conditions.push(condition(columns, 'verifier', verifier.name));
  if (conditions.length === 0) return { rows: columns.rows(), verifier: verifier?.name };
  const kept: number[] = [];
  for (let row = 0; row < columns.length; row++) if (conditions.every((holds) => holds(row))) kept.push(row);
  if (kept.length === 0) {
    const wanted = { ...where, ...(ks === undefined ? {} : { k: ks }) };
    const values = Object.keys(wanted).map(
      (name) => `${name} = ${distinctIn(columns, name).slice(0, 12).join(', ')}`,
    );
    const words = Object.entries(wanted).map(([name, value]) => `${name} = ${[value].flat().join(', ')}`);
    throw userError(
      'FIGURE_EMPTY',
      `rows with ${words.join(' and ')}`,
      values.join('; '),
      'choose from these',
    );
  }
  return { rows: columns.rows(kept), verifier: verifier?.name };
}

function condition(columns: Columns, name: string, wanted: unknown): (row: number) => boolean {
  const read = columns.reader(name)!;
  const values = new Set([wanted].flat().map(String));
  return (row) => values.has(String(read(row)));
}

/** The different values of a column, as they come. */
function distinctIn(columns: Columns, name: string): unknown[] {
  const read = columns.reader(name);
  const values = new Set<unknown>();
  if (read !== undefined) for (let row = 0; row < columns.length; row++) values.add(read(row));
  return [...values];
}

/** @throws FIGURE_VERIFIER */
function verifierOf(
  columns: Columns,
  asked: string | undefined,
): { name: string; several: boolean } | undefined {
  const names = distinctIn(columns, 'verifier')
    .filter((name) => name !== undefined)
    .map(String);
  if (names.length === 0 && asked === undefined) return undefined;
  const name = asked ?? (names.includes('verified') ? 'verified' : names.length === 1 ? names[0] : undefined);
  if (name !== undefined && names.includes(name)) return { name, several: names.length > 1 };
  throw userError(
    'FIGURE_VERIFIER',
    `one of the verifiers ${names.join(', ') || '(the frame has none)'}`,
    name ?? 'several and no choice',
    'set the option verifier',
  );
}

/** A number of a row, or NaN where it is undefined (null and NaN are undefined statistics). */
export function numberIn(row: Row, column: string): number {
  return asNumber(row[column], column);
}

/** Reader of a column of numbers; undefined where a table has none of that name. */
export function numericReader(columns: Columns, name: string): ((row: number) => number) | undefined {
  const read = columns.reader(name);
  return read && ((row) => asNumber(read(row), name));
}

function asNumber(value: unknown, column: string): number {
  if (typeof value === 'number') return value;
  if (value === null || value === undefined) return Number.NaN;
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number === 'number') return number;
  throw userError('FIGURE_COLUMN', `numbers in "${column}"`, JSON.stringify(value), 'convert the column');
}

/**
 * Refuses per cent where shares are drawn: they would lie far outside of the axis.
 * @throws FIGURE_COLUMN
 */
export function checkShares(rows: readonly Row[], column: string): void {
  for (const row of rows) {
    const share = numberIn(row, column);
    if (Math.abs(share) > 1 + 1e-9) {
      throw userError(
        'FIGURE_COLUMN',
        `shares of 0 to 1 in "${column}"`,
        String(share),
        'divide per cent by 100',
      );
    }
  }
}

/** The different values of a column: numbers ascending first, then texts as they come. */
export function distinct(rows: readonly Row[], column: string): (number | string)[] {
  const seen = new Set<unknown>();
  for (const row of rows) seen.add(row[column]);
  const values = [...seen].map((value) => (typeof value === 'number' ? value : String(value)));
  const numbers = values.filter((value) => typeof value === 'number').sort((a, b) => a - b);
  return [...numbers, ...values.filter((value) => typeof value === 'string')];
}

/**
 * `n = 200 problems per op` (`180–200` when it varies) from the column n, with the samples of a column
 * `samples`; undefined when there is no count.
 */
export function countText(rows: readonly Row[], per: string, counted = 'problems'): string | undefined {
  const problems = spread(rows, 'n');
  const samples = spread(rows, 'samples');
  if (problems === undefined) return undefined;
  return `n\u00a0=\u00a0${problems} ${counted}${samples === undefined ? '' : ` (${samples} samples)`} per ${per}`;
}

function spread(rows: readonly Row[], column: string): string | undefined {
  return spreadOf((row) => numberIn(rows[row]!, column), rows.length);
}

/** `n = 6144 responses per step` from a column of counts; undefined when there is none. */
export function countsText(columns: Columns, name: string, what: string, per: string): string | undefined {
  const read = numericReader(columns, name);
  const counts = read === undefined ? undefined : spreadOf(read, columns.length);
  return counts === undefined ? undefined : `n\u00a0=\u00a0${counts} ${what} per ${per}`;
}

function spreadOf(read: (row: number) => number, length: number): string | undefined {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < length; row++) {
    const count = read(row);
    if (!Number.isFinite(count)) continue;
    if (count < least) least = count;
    if (count > most) most = count;
  }
  if (least > most) return undefined;
  return least === most ? String(least) : `${least}–${most}`;
}
