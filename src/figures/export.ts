/** Saving figures: the ending of the path says as what. */
import { extname } from 'node:path';
import { userError } from '../core/errors.ts';
import { writeFileAtomically } from '../core/files.ts';
import { type BrowserFormat, Printer } from './browser.ts';
import { Figure } from './figure.ts';
import type { GraphFigure } from './graph/index.ts';
import { standalonePage } from './plotly/page.ts';
import { inches, type PaperWidth } from './print-width.ts';

export const FIGURE_FORMATS = ['.svg', '.html', '.json', '.pdf', '.png'] as const;

export interface SaveOptions {
  /**
   * Printed width of `.svg`, `.pdf` and `.png`; everything in the figure is scaled with it. By default a figure is as
   * large as it was drawn, at 96 px to the inch. Draw it at `pixels(width)` to keep its text at 9 points.
   */
  width?: PaperWidth;
  /** Pixels of a PNG to the printed inch (default 300). */
  dpi?: number;
}

export interface SaveJob extends SaveOptions {
  figure: Figure | GraphFigure;
  path: string;
}

/**
 * Saves a figure or a drawn graph, whole or not at all. `.svg` is drawn without a browser, `.html` needs no network,
 * `.json` is plotly's specification; `.pdf` (fonts embedded) and `.png` need Chromium, which is started for it.
 * @throws FIGURE_FORMAT, FIGURE_WIDTH, FIGURE_BROWSER, OUTPUT_UNWRITABLE
 */
export function saveFigure(
  figure: Figure | GraphFigure,
  path: string,
  options: SaveOptions = {},
): Promise<void> {
  return saveFigures([{ figure, path, ...options }]);
}

/**
 * {@link saveFigure} for several at once, which start one browser between them. All paths and widths are checked
 * before the first file is written.
 */
export async function saveFigures(jobs: readonly SaveJob[]): Promise<void> {
  const plans = jobs.map(plan);
  let printer: Printer | undefined;
  try {
    // Opened first, so that nothing is written when there is no browser for some of them.
    if (plans.some(({ format }) => format === '.pdf' || format === '.png')) printer = await Printer.open();
    for (const planned of plans) {
      writeFileAtomically(planned.path, await contentOf(planned, printer));
    }
  } finally {
    await printer?.close();
  }
}

interface Plan {
  figure: Figure | GraphFigure;
  path: string;
  format: (typeof FIGURE_FORMATS)[number];
  svg: string;
  /** As it was drawn, in px. */
  size: { width: number; height: number };
  /** Printed inches, when they are asked for. */
  width: number | undefined;
  dpi: number;
}

function plan({ figure, path, width, dpi = 300 }: SaveJob): Plan {
  const format = figureFormat(path);
  const printed = format !== '.html' && format !== '.json';
  if (width !== undefined && !printed) {
    throw userError('FIGURE_WIDTH', 'a width for .svg, .pdf or .png only', path, 'leave the width out');
  }
  if (!(dpi >= 30 && dpi <= 2400)) {
    throw userError('FIGURE_WIDTH', 'dpi of 30 to 2400', String(dpi), 'use 300 or 600');
  }
  if (format === '.json' && !(figure instanceof Figure)) {
    throw userError(
      'FIGURE_FORMAT',
      'a path that ends in .svg, .html, .pdf, .png for a graph',
      path,
      'rename the output',
    );
  }
  const svg = printed ? figure.svg : '';
  const size = /^<svg[^>]* width="([\d.]+)" height="([\d.]+)"/.exec(svg);
  return {
    figure,
    path,
    format,
    svg,
    size: { width: Number(size?.[1]), height: Number(size?.[2]) },
    width: width === undefined ? undefined : inches(width),
    dpi,
  };
}

async function contentOf(planned: Plan, printer: Printer | undefined): Promise<string | Uint8Array> {
  const { figure, format, svg, size, width, dpi } = planned;
  const scale = width === undefined ? 1 : (width * 96) / size.width;
  if (format === '.svg') return width === undefined ? svg : resized(svg, width, size);
  if (format === '.html') return pageOf(figure);
  if (format === '.json') return `${JSON.stringify(figure)}\n`;
  return printer!.print({ svg, format: format.slice(1) as BrowserFormat, size, scale, dpi });
}

/** The document with its width and height in millimetres; what is in it stays as it is. */
function resized(svg: string, width: number, size: { width: number; height: number }): string {
  const mm = (length: number) => `${Math.round(length * 25.4 * 1000) / 1000}mm`;
  const height = (width * size.height) / size.width;
  return svg.replace(/ width="[\d.]+" height="[\d.]+"/, ` width="${mm(width)}" height="${mm(height)}"`);
}

/** The path's ending if figures can be saved so. */
export function figureFormat(path: string): (typeof FIGURE_FORMATS)[number] {
  const ending = extname(path).toLowerCase();
  const format = FIGURE_FORMATS.find((known) => known === ending);
  if (format !== undefined) return format;
  throw userError(
    'FIGURE_FORMAT',
    `a path that ends in ${FIGURE_FORMATS.join(', ')}`,
    path,
    'rename the output',
  );
}

function pageOf(figure: Figure | GraphFigure): string {
  return figure instanceof Figure ? standalonePage(figure, figure.title, figure.svg) : figure.page;
}
