/** Saving figures: the ending of the path says as what. */
import { extname } from 'node:path';
import { userError } from '../core/errors.ts';
import { writeFileAtomically } from '../core/files.ts';
import { type BrowserFormat, printInBrowser } from './browser.ts';
import { Figure } from './figure.ts';
import type { GraphFigure } from './graph/index.ts';
import { standalonePage } from './plotly/page.ts';
import { escapeMarkup } from './svg/markup.ts';

export const FIGURE_FORMATS = ['.svg', '.html', '.json', '.pdf', '.png'] as const;

export interface SaveOptions {
  /** Pixels of a PNG per px of the figure (default 3.125: 300 to the inch). */
  scale?: number;
}

/**
 * Saves a figure or a drawn graph, whole or not at all. `.svg` is drawn without a browser, `.html` needs no
 * network, `.json` is plotly's specification; `.pdf` and `.png` need playwright-core and Chromium.
 * @throws FIGURE_FORMAT, FIGURE_BROWSER, OUTPUT_UNWRITABLE
 */
export async function saveFigure(
  figure: Figure | GraphFigure,
  path: string,
  options: SaveOptions = {},
): Promise<void> {
  const format = figureFormat(path);
  if (format === '.svg') writeFileAtomically(path, figure.svg);
  else if (format === '.html') writeFileAtomically(path, pageOf(figure));
  else if (format === '.json') writeFileAtomically(path, `${JSON.stringify(specOf(figure, path))}\n`);
  else {
    const name = format.slice(1) as BrowserFormat;
    writeFileAtomically(path, await printInBrowser(figure.svg, name, options.scale ?? 300 / 96));
  }
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
  if (figure instanceof Figure) return standalonePage(figure, figure.title, figure.svg);
  const title = escapeMarkup(figure.summary.split('\n')[0]!);
  return `<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>${title}</title></head>\n<body style="margin:0;background:#ffffff">\n${figure.svg}</body>\n</html>\n`;
}

function specOf(figure: Figure | GraphFigure, path: string): object {
  if (figure instanceof Figure) return figure.toJSON();
  throw userError(
    'FIGURE_FORMAT',
    'a path that ends in .svg, .html, .pdf, .png for a graph',
    path,
    'rename the output',
  );
}
