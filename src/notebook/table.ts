/** Tables in notebooks: typed rows with aligned, rounded numbers. */
import { type Frame, type Row, rowsOf } from '../figures/frame.ts';
import { Displayable } from './displayable.ts';
import { tableBundle } from './table-html.ts';

export interface TableOptions {
  /** Rows of a page (default 20). */
  rows?: number;
  title?: string;
  /** Only these columns, in this order. */
  columns?: readonly string[];
}

/**
 * Shows an arquero table or an array of rows. Numbers are right-aligned with at most four decimals, undefined
 * statistics say NaN. The first page is open, the pages below it open with a click; rows after the thousandth are counted.
 */
export function showTable(frame: Frame, options: TableOptions = {}): Displayable {
  const rows = pick(rowsOf(frame), options.columns);
  return new Displayable(() => tableBundle(rows, options));
}

function pick(rows: Row[], columns: readonly string[] | undefined): Row[] {
  if (columns === undefined) return rows;
  return rows.map((row) => Object.fromEntries(columns.map((column) => [column, row[column]])));
}
