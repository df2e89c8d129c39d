/** A drawing as a value: SVG text, what a notebook shows for it, and saving. */
import { extname } from 'node:path';
import { userError } from '../../core/errors.ts';
import { writeFileAtomically } from '../../core/files.ts';
import { nextId } from '../plotly/bundle.ts';
import { escapeMarkup, svgDataUri } from '../svg/markup.ts';
import type { MimeBundle } from '../types.ts';
import { hoverScript } from './hover.ts';

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

  /**
   * A picture that scripts, where they run, make answer to the pointer. An `<img>` rather than inline SVG: pages that
   * clean a notebook's HTML would empty the latter.
   */
  [Symbol.for('Jupyter.display')](): MimeBundle {
    const id = nextId(this.svg);
    const alternative = escapeMarkup(this.#title);
    return {
      'text/html': `<div id="${id}" class="interplay-graph"><img src="${svgDataUri(this.svg)}" width="${this.width}" height="${this.height}" style="max-width:100%;height:auto" alt="${alternative}"></div>${hoverScript(id)}`,
      'text/plain': this.summary,
    };
  }

  /** The drawing as an HTML document that needs nothing else and answers to the pointer. */
  get page(): string {
    return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeMarkup(this.#title)}</title></head>
<body style="margin:0;background:#ffffff">
<div id="figure">
${this.svg}</div>
${hoverScript('figure')}
</body>
</html>
`;
  }

  get #title(): string {
    return this.summary.split('\n')[0] ?? '';
  }

  /** Writes the SVG to `path` (.svg), whole or not at all. For other formats see saveFigure. */
  save(path: string): void {
    if (extname(path).toLowerCase() !== '.svg') {
      throw userError('FIGURE_FORMAT', 'a path that ends in .svg', path, 'use saveFigure for other formats');
    }
    writeFileAtomically(path, this.svg);
  }
}
