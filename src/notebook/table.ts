/** Tables in notebooks: typed rows with aligned, rounded numbers. */
import { type Frame, type Row, rowsOf } from '../figures/frame.ts';
import { cellText, plainTable } from '../figures/plain.ts';
import { Displayable } from './displayable.ts';
import { escapeHtml, PAPER } from './html.ts';

export interface TableOptions {
  /** How many rows to show (default 20). */
  rows?: number;
  title?: string;
  /** Only these columns, in this order. */
  columns?: readonly string[];
}

/**
 * Shows an arquero table or an array of rows. Numbers are right-aligned with at most four decimals, undefined
 * statistics say NaN; rows that are not shown are counted.
 */
export function showTable(frame: Frame, options: TableOptions = {}): Displayable {
  const rows = pick(rowsOf(frame), options.columns);
  const most = options.rows ?? 20;
  const text = plainTable(rows, most);
  return new Displayable(() => ({
    'text/html': tableHtml(rows, most, options.title),
    'text/plain': options.title === undefined ? text : `${options.title}\n${text}`,
  }));
}

function pick(rows: Row[], columns: readonly string[] | undefined): Row[] {
  if (columns === undefined) return rows;
  return rows.map((row) => Object.fromEntries(columns.map((column) => [column, row[column]])));
}

const CELL = 'padding:3px 10px;border:none;white-space:nowrap';

function tableHtml(rows: readonly Row[], most: number, title: string | undefined): string {
  const shown = rows.slice(0, most);
  const columns = [...new Set(shown.flatMap((row) => Object.keys(row)))];
  const numeric = columns.map((column) =>
    shown.every(
      (row) => row[column] === undefined || row[column] === null || typeof row[column] === 'number',
    ),
  );
  const align = (i: number) =>
    numeric[i] ? 'text-align:right;font-variant-numeric:tabular-nums' : 'text-align:left';
  const head = columns
    .map(
      (column, i) =>
        `<th style="${CELL};${align(i)};border-bottom:1.5px solid #444444">${escapeHtml(column)}</th>`,
    )
    .join('');
  const body = shown
    .map((row, r) => {
      const cells = columns.map(
        (column, i) => `<td style="${CELL};${align(i)}">${escapeHtml(cut(cellText(row[column])))}</td>`,
      );
      return `<tr style="background:${r % 2 === 0 ? '#ffffff' : '#f6f7f8'}">${cells.join('')}</tr>`;
    })
    .join('\n');
  const caption =
    title === undefined ? '' : `<div style="font-weight:bold;margin:0 0 6px">${escapeHtml(title)}</div>`;
  const rest = rows.length - shown.length;
  const more =
    rest > 0
      ? `<div style="color:#5f6368;margin-top:4px">… ${rest} more ${rest === 1 ? 'row' : 'rows'}</div>`
      : '';
  return `<div style="${PAPER};overflow-x:auto">${caption}<table style="border-collapse:collapse;margin:0;color:inherit">
<thead><tr style="background:#ffffff">${head}</tr></thead>
<tbody>
${body}
</tbody></table>${more}</div>`;
}

/** A cell is one line: long texts (problems, solutions) are cut. */
function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
