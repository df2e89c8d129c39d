/** Rows as an aligned text table. */
import type { Row } from './frame.ts';

const MOST_ROWS = 24;

/** Columns in order of first appearance; numbers right-aligned with at most four decimals; long tables are cut. */
export function plainTable(rows: readonly Row[], most = MOST_ROWS): string {
  if (rows.length === 0) return '(no rows)';
  const shown = rows.slice(0, most);
  const columns = [...new Set(shown.flatMap((row) => Object.keys(row)))];
  const cells = shown.map((row) => columns.map((column) => cellText(row[column])));
  const numeric = columns.map((column) =>
    shown.every((row) => row[column] === undefined || isNumber(row[column])),
  );
  const widths = columns.map((column, i) =>
    Math.max(column.length, ...cells.map((row) => [...row[i]!].length)),
  );
  const line = (texts: readonly string[]) =>
    texts
      .map((text, i) => {
        const space = ' '.repeat(widths[i]! - [...text].length);
        return numeric[i] ? space + text : text + space;
      })
      .join('  ')
      .trimEnd();
  const more = rows.length > most ? [`… ${rows.length - most} more rows`] : [];
  return [line(columns), ...cells.map(line), ...more].join('\n');
}

function isNumber(value: unknown): boolean {
  return value === null || typeof value === 'number' || typeof value === 'bigint';
}

/** One value for reading: numbers with at most four decimals, undefined statistics as NaN, objects as JSON. */
export function cellText(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'number') {
    if (Number.isInteger(value) || !Number.isFinite(value)) return String(value);
    const size = Math.abs(value);
    return size < 1e-4 || size >= 1e9 ? value.toExponential(3) : String(Math.round(value * 1e4) / 1e4);
  }
  if (typeof value === 'object' && value !== null) {
    return value instanceof Date ? value.toISOString() : JSON.stringify(value);
  }
  return String(value).replace(/\s+/g, ' ');
}
