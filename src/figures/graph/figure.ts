/** A drawing as a value: SVG text, what a notebook shows for it, and saving. */
import { extname } from 'node:path';
import { userError } from '../../core/errors.ts';
import { writeFileAtomically } from '../../core/files.ts';
import { escapeMarkup, svgDataUri } from '../svg/markup.ts';
import type { MimeBundle } from '../types.ts';

export class GraphFigure {
  /** The whole SVG document. */
  readonly svg: string;
  readonly width: number;
  readonly height: number;
  /** The drawing in words, a node a line. */
  readonly summary: string;

  constructor(svg: string, size: { width: number; height: number }, summary: string) {
    this.svg = svg;
    this.width = size.width;
    this.height = size.height;
    this.summary = summary;
  }

  /** An `<img>` rather than inline SVG: pages that clean a notebook's HTML would empty the latter. */
  [Symbol.for('Jupyter.display')](): MimeBundle {
    const alternative = escapeMarkup(this.summary.split('\n')[0] ?? '');
    return {
      'text/html': `<img src="${svgDataUri(this.svg)}" width="${this.width}" height="${this.height}" style="max-width:100%;height:auto" alt="${alternative}">`,
      'text/plain': this.summary,
    };
  }

  /** Writes the SVG to `path` (.svg), whole or not at all. For other formats see saveFigure. */
  save(path: string): void {
    if (extname(path).toLowerCase() !== '.svg') {
      throw userError('FIGURE_FORMAT', 'a path that ends in .svg', path, 'use saveFigure for other formats');
    }
    writeFileAtomically(path, this.svg);
  }
}
