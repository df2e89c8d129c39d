/** A table as a value: shown in notebooks, and written as CSV, Markdown or LaTeX (booktabs). */
import { extname } from 'node:path';
import { userError } from '../../core/errors.ts';
import { writeFileAtomically } from '../../core/files.ts';
import { escapeMarkup } from '../svg/markup.ts';
import type { MimeBundle } from '../types.ts';

export interface TableColumn {
  title: string;
  /** Numbers stand at the right (default left). */
  align?: 'left' | 'right';
}

export const TABLE_FORMATS = ['.csv', '.md', '.tex', '.html'] as const;

export class FigureTable {
  readonly title: string;
  readonly caption: string;
  readonly columns: readonly TableColumn[];
  /** Cells as they are written. */
  readonly rows: readonly (readonly string[])[];

  constructor(
    title: string,
    caption: string,
    columns: readonly TableColumn[],
    rows: readonly (readonly string[])[],
  ) {
    this.title = title;
    this.caption = caption;
    this.columns = columns;
    this.rows = rows;
  }

  private get titles(): string[] {
    return this.columns.map(({ title }) => title);
  }

  /** Comma-separated values (RFC 4180). Thousands are not grouped there, so that numbers are numbers. */
  get csv(): string {
    const cell = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const plain = (text: string) =>
      /^\d{1,3}(,\d{3})+(\.\d+)?$/.test(text) ? text.replaceAll(',', '') : text;
    return [this.titles, ...this.rows]
      .map((line) => `${line.map((text) => cell(plain(text))).join(',')}\n`)
      .join('');
  }

  get markdown(): string {
    const line = (cells: readonly string[]) =>
      `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
    const rule = this.columns.map(({ align }) => (align === 'right' ? '---:' : '---'));
    return `${[line(this.titles), line(rule), ...this.rows.map(line)].join('\n')}\n\n${this.caption}\n`;
  }

  /** A `table` environment; the document needs `\usepackage{booktabs}`. */
  get latex(): string {
    const line = (cells: readonly string[]) => `${cells.map(escapeLatex).join(' & ')} \\\\`;
    const align = this.columns.map((column) => (column.align === 'right' ? 'r' : 'l')).join('');
    return [
      '\\begin{table}',
      '\\centering',
      `\\caption{${escapeLatex(`${this.title}. ${this.caption}`)}}`,
      `\\begin{tabular}{${align}}`,
      '\\toprule',
      line(this.titles),
      '\\midrule',
      ...this.rows.map(line),
      '\\bottomrule',
      '\\end{tabular}',
      '\\end{table}',
      '',
    ].join('\n');
  }

  get html(): string {
    const cells = (tag: 'th' | 'td', line: readonly string[]) =>
      line
        .map(
          (text, i) =>
            `<${tag} style="text-align:${this.columns[i]!.align ?? 'left'}">${escapeMarkup(text)}</${tag}>`,
        )
        .join('');
    const body = this.rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('\n');
    return `<table>\n<caption style="text-align:left"><b>${escapeMarkup(this.title)}.</b> ${escapeMarkup(this.caption)}</caption>\n<thead><tr>${cells('th', this.titles)}</tr></thead>\n<tbody>\n${body}\n</tbody>\n</table>\n`;
  }

  [Symbol.for('Jupyter.display')](): MimeBundle {
    return {
      'text/html': this.html,
      'text/markdown': this.markdown,
      'text/latex': this.latex,
      'text/plain': this.markdown,
    };
  }

  /**
   * Writes the table, whole or not at all; the ending says as what: .csv, .md, .tex, .html.
   * @throws FIGURE_FORMAT, OUTPUT_UNWRITABLE
   */
  save(path: string): void {
    writeFileAtomically(
      path,
      { '.csv': this.csv, '.md': this.markdown, '.tex': this.latex, '.html': this.html }[tableFormat(path)],
    );
  }
}

/** The path's ending if tables can be saved so. @throws FIGURE_FORMAT */
export function tableFormat(path: string): (typeof TABLE_FORMATS)[number] {
  const format = TABLE_FORMATS.find((known) => known === extname(path).toLowerCase());
  if (format !== undefined) return format;
  throw userError(
    'FIGURE_FORMAT',
    `a path that ends in ${TABLE_FORMATS.join(', ')} for a table`,
    path,
    'rename the output',
  );
}

/** Text for LaTeX: its special characters escaped, dashes and signs as it writes them. */
export function escapeLatex(text: string): string {
  return text
    .replace(/[\\{}$&#%_^~]/g, (sign) => (/[\\^~]/.test(sign) ? LATEX_NAMES[sign]! : `\\${sign}`))
    .replaceAll('–', '--')
    .replaceAll('−', '$-$')
    .replaceAll('×', '$\\times$')
    .replaceAll('\u00a0', '~');
}

const LATEX_NAMES: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '^': '\\textasciicircum{}',
  '~': '\\textasciitilde{}',
};

/** 103170816 as `103,170,816`. */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
