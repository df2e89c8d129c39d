/** How rows look in a notebook: pages of a table, without a script, so that they open in saved notebooks too. */
import type { Row } from '../figures/frame.ts';
import { cellText, plainTable } from '../figures/plain.ts';
import { escapeHtml, PAPER } from './html.ts';

const ROWS_PER_PAGE = 20;
/** A page of the notebook should stay light; who wants more selects rows. */
const MOST_ROWS = 1000;

const CELL = 'padding:3px 10px;border:none;white-space:nowrap';

/** The first page is open. `rows`: of a page. */
export function tableBundle(
  all: readonly Row[],
  { rows: size = ROWS_PER_PAGE, title }: { rows?: number; title?: string } = {},
): { 'text/html': string; 'text/plain': string } {
  const text = plainTable(all, size);
  return {
    'text/html': tableHtml(all, size, title),
    'text/plain': title === undefined ? text : `${title}\n${text}`,
  };
}

function tableHtml(all: readonly Row[], size: number, title: string | undefined): string {
  const most = Math.max(size, MOST_ROWS);
  const shown = all.slice(0, most);
  const columns = [...new Set(shown.flatMap((row) => Object.keys(row)))];
  const numeric = columns.map((column) =>
    shown.every(
      (row) => row[column] === undefined || row[column] === null || typeof row[column] === 'number',
    ),
  );
  const look: Look = {
    columns,
    align: numeric.map((isNumeric) => (isNumeric ? NUMBERS : 'text-align:left')),
  };
  const caption =
    title === undefined ? '' : `<div style="font-weight:bold;margin:0 0 6px">${escapeHtml(title)}</div>`;
  const pages = [pageHtml(shown.slice(0, size), look)];
  for (let from = size; from < shown.length; from += size) {
    const page = shown.slice(from, from + size);
    const label = `rows ${from + 1}–${from + page.length} of ${all.length}`;
    pages.push(
      `<details><summary style="color:#5f6368;cursor:pointer">${label}</summary>${pageHtml(page, look)}</details>`,
    );
  }
  const rest = all.length - shown.length;
  const more =
    rest > 0
      ? `<div style="color:#5f6368;margin-top:4px">… ${rest} more ${rest === 1 ? 'row' : 'rows'}</div>`
      : '';
  return `<div style="${PAPER};overflow-x:auto">${caption}${pages.join('\n')}${more}</div>`;
}

interface Look {
  columns: readonly string[];
  /** By column. */
  align: readonly string[];
}

const NUMBERS = 'text-align:right;font-variant-numeric:tabular-nums';

function pageHtml(rows: readonly Row[], { columns, align }: Look): string {
  const head = columns
    .map(
      (column, i) =>
        `<th style="${CELL};${align[i]};border-bottom:1.5px solid #444444">${escapeHtml(column)}</th>`,
    )
    .join('');
  const body = rows
    .map((row, r) => {
      const cells = columns.map(
        (column, i) => `<td style="${CELL};${align[i]}">${escapeHtml(cut(cellText(row[column])))}</td>`,
      );
      return `<tr style="background:${r % 2 === 0 ? '#ffffff' : '#f6f7f8'}">${cells.join('')}</tr>`;
    })
    .join('\n');
  return `<table style="border-collapse:collapse;margin:0;color:inherit">
<thead><tr style="background:#ffffff">${head}</tr></thead>
<tbody>
${body}
</tbody></table>`;
}

/** A cell is one line: long texts (problems, solutions) are cut. */
function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** The rows of a table of a data-frame library (arquero, danfojs); undefined for anything else. */
export function libraryRows(value: unknown): Row[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { objects, numRows, columns, values, shape } = value as Record<string, unknown>;
  if (typeof objects === 'function' && typeof numRows === 'function') {
    return objects.call(value, { limit: Number.POSITIVE_INFINITY }) as Row[];
  }
  // A plain object with such names may be anything.
  const isPlain = [Object.prototype, null].includes(Object.getPrototypeOf(value));
  if (isPlain || !Array.isArray(columns) || !Array.isArray(values) || !Array.isArray(shape)) return undefined;
  const { index } = value as { index?: unknown };
  const label = (row: number) => (Array.isArray(index) ? { '': index[row] } : {});
  const isSeries = shape.length === 1;
  return values.map((row, at) => {
    const cells: unknown[] = isSeries ? [row] : row;
    return { ...label(at), ...Object.fromEntries(columns.map((column, i) => [String(column), cells[i]])) };
  });
}
