/** Comma-separated values (RFC 4180) as rows; a broken file is refused with its line. */
import { userError } from '../core/errors.ts';
import type { Row } from './frame.ts';

/**
 * Rows of a CSV text with a header line. A column of numbers (`NaN` and empty cells among them) becomes
 * numbers; empty cells are null. `path` is for messages.
 * @throws FIGURE_INPUT
 */
export function parseCsv(text: string, path: string): Row[] {
  const [header, ...lines] = records(text.replace(/^\ufeff/, ''), path);
  if (header === undefined || lines.length === 0) {
    throw userError('FIGURE_INPUT', `a header and rows in ${path}`, 'none', 'write it again');
  }
  const names = header.cells;
  for (const { cells, line } of lines) {
    if (cells.length === names.length) continue;
    throw userError(
      'FIGURE_INPUT',
      `${names.length} cells in every line`,
      `${cells.length} in ${path} line ${line}`,
      'repair or write it again (a file cut in the middle looks like this)',
    );
  }
  const numeric = names.map((_, i) => lines.every(({ cells }) => isNumeric(cells[i]!)));
  return lines.map(({ cells }) =>
    Object.fromEntries(
      names.map((name, i) => [name, cells[i] === '' ? null : numeric[i] ? Number(cells[i]) : cells[i]]),
    ),
  );
}

function isNumeric(cell: string): boolean {
  return cell === '' || cell === 'NaN' || (cell.trim() !== '' && !Number.isNaN(Number(cell)));
}

interface Line {
  cells: string[];
  /** Where it begins; the first line is 1. */
  line: number;
}

/** The lines' cells, unquoted. Blank lines are skipped. */
function records(text: string, path: string): Line[] {
  const found: Line[] = [];
  let cells: string[] = [];
  let line = 1;
  let start = 1;
  const cell = /"((?:[^"]|"")*)"(,|\r?\n|$)|([^",\r\n]*)(,|\r?\n|$)/gy;
  while (cell.lastIndex < text.length || cells.length > 0) {
    const match = cell.exec(text);
    if (match === null) {
      throw userError(
        'FIGURE_INPUT',
        'cells between commas, quotes closed',
        `${path} line ${line}`,
        'repair the file',
      );
    }
    const quoted = match[1];
    cells.push(quoted === undefined ? match[3]! : quoted.replaceAll('""', '"'));
    line += match[0].split('\n').length - 1;
    if ((match[2] ?? match[4]) === ',') continue;
    if (cells.length > 1 || cells[0] !== '' || quoted !== undefined) found.push({ cells, line: start });
    cells = [];
    start = line;
    if (cell.lastIndex >= text.length) break;
  }
  return found;
}
