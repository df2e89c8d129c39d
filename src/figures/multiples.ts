/** Small multiples: which rows a panel shows, what it is called, and where it stands in the grid. */
import { userError } from '../core/errors.ts';
import { distinct, type Row } from './frame.ts';
import type { Hole } from './layout.ts';

/** A column whose values are panels, or two: rows of the grid and its columns. */
export type Panels = string | readonly [rows: string, columns: string];

/** What values of the frame are called in the figure, by value: `{ id: 'op 2–10' }`. */
export type Labels = Readonly<Record<string, string>>;

export interface Spot {
  /** Above the panel; undefined for none. */
  title?: string;
  /** What the panel's row of the grid is called, for its y axis. */
  rowName?: string;
  rows: readonly Row[];
  /** Counted from 0 without holes: the panel's axes. */
  number: number;
  /** Place in the grid. */
  row: number;
  column: number;
}

export interface Multiples {
  /** Row by row. */
  grid: (Spot | Hole)[];
  spots: Spot[];
  columns: number;
}

/** Known kinds of errors in reading order, with their titles. */
export const ERROR_KINDS: Readonly<Record<string, string>> = {
  correct: 'correct',
  missing_nodes: 'missing nodes',
  dependency_mismatch: 'wrong parents',
  value_mismatch: 'wrong value',
  extra_nodes: 'extra nodes',
  answer_mismatch: 'wrong answer',
  unparsed: 'not parsed',
  truncated: 'truncated',
};

/** What a value of a column is called. */
export function nameOf(column: string, value: unknown, labels: Labels = {}): string {
  const text = String(value);
  if (Object.hasOwn(labels, text)) return labels[text]!;
  if (column === 'op') return `op ${text}`;
  if (column === 'k') return `pass@${text}`;
  if (column === 'type') return ERROR_KINDS[text] ?? text.replaceAll('_', ' ');
  return text;
}

/** A column's name for titles: `hard_ratio` as `Hard ratio`. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1).replaceAll('_', ' ');
}

/** Panels of the values of one column (at most four in a row unless told), or the grid of two. */
export function multiplesOf(
  rows: readonly Row[],
  panels: Panels | undefined,
  options: { columns?: number | undefined; labels?: Labels | undefined } = {},
): Multiples {
  if (panels === undefined) return gridOf([[{ rows }]]);
  if (typeof panels !== 'string') return crossed(rows, panels, options.labels);
  const values = distinct(rows, panels);
  const parts = partition(rows, panels);
  const all = values.map((value) => ({
    title: nameOf(panels, value, options.labels),
    rows: parts.get(String(value))!,
  }));
  const columns = Math.min(options.columns ?? 4, all.length);
  const lines = Array.from({ length: Math.ceil(all.length / columns) }, (_, row) =>
    all.slice(row * columns, (row + 1) * columns),
  );
  return gridOf(lines);
}

function crossed(
  rows: readonly Row[],
  [down, across]: readonly [string, string],
  labels?: Labels,
): Multiples {
  const columns = distinct(rows, across);
  const parts = partition(rows, down);
  return gridOf(
    distinct(rows, down).map((value, row) => {
      const inRow = partition(parts.get(String(value))!, across);
      return columns.map((column) => {
        const own = inRow.get(String(column));
        const name = nameOf(across, column, labels);
        // Titles of columns stand once, above the grid.
        return (
          own && { ...(row === 0 ? { title: name } : {}), rowName: nameOf(down, value, labels), rows: own }
        );
      });
    }),
  );
}

/** A grid of given rows of panels, each filled with holes to the width of the widest. */
export function gridOf(
  lines: readonly (readonly (Pick<Spot, 'title' | 'rowName' | 'rows'> | undefined)[])[],
): Multiples {
  const columns = Math.max(...lines.map((line) => line.length));
  const spots: Spot[] = [];
  const grid = lines.flatMap((line, row) =>
    Array.from({ length: columns }, (_, column): Spot | Hole => {
      const part = line[column];
      if (part === undefined) return null;
      const spot = { ...part, number: spots.length, row, column };
      spots.push(spot);
      return spot;
    }),
  );
  while (grid.at(-1) === null) grid.pop();
  return { grid, spots, columns };
}

/** Rows by the text of a column's value. */
export function partition(rows: readonly Row[], column: string): Map<string, Row[]> {
  const parts = new Map<string, Row[]>();
  for (const row of rows) {
    const value = String(row[column]);
    const part = parts.get(value);
    if (part === undefined) parts.set(value, [row]);
    else part.push(row);
  }
  return parts;
}

/** The names of a panel's axes, `x3` and `y3` for number 2. */
export function axesOf({ number }: Spot): { xaxis: string; yaxis: string } {
  const suffix = number === 0 ? '' : number + 1;
  return { xaxis: `x${suffix}`, yaxis: `y${suffix}` };
}

/** Refuses two rows for one mark. @throws FIGURE_AMBIGUOUS */
export function checkUnique(sorted: readonly Row[], x: string, where: readonly string[]): void {
  const twice = sorted.find((row, i) => i > 0 && row[x] === sorted[i - 1]![x]);
  if (twice === undefined) return;
  const columns = [...new Set(where)];
  throw userError(
    'FIGURE_AMBIGUOUS',
    `one row for each ${[...columns, x].join(' and ')}`,
    `several for ${[...columns, x].map((column) => `${column} = ${twice[column]}`).join(', ')}`,
    'filter the frame first (option where: context, mode, run) or name the column in the option by or panels',
  );
}
