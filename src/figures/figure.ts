/** A figure as a value: plotly's data and layout, what a notebook shows for it, and saving. */

import type { Row } from './frame.ts';
import { plainTable } from './plain.ts';
import { plotlyBundle } from './plotly/bundle.ts';
import { renderSvg } from './svg/render.ts';
import type { FigureLayout, FigureSpec, MimeBundle, Trace } from './types.ts';

export class Figure implements FigureSpec {
  readonly data: Trace[];
  readonly layout: FigureLayout;
  /** What the figure is called in alternative texts and page titles. */
  readonly title: string;
  private source: readonly Row[] | (() => readonly Row[]);

  /** Whether the notebook output brings plotly along even when another figure already did. */
  readonly selfContained: boolean;

  /** `rows` may be a function, for frames whose rows cost more to make than the figure. */
  constructor(
    spec: FigureSpec,
    title: string,
    rows: readonly Row[] | (() => readonly Row[]),
    selfContained = false,
  ) {
    this.data = spec.data;
    this.layout = spec.layout;
    this.title = title;
    this.source = rows;
    this.selfContained = selfContained;
  }

  /** The rows that are drawn, for the text form. */
  get rows(): readonly Row[] {
    if (typeof this.source === 'function') this.source = this.source();
    return this.source;
  }

  /** What stands under the title: n, intervals, whose verdicts; for a caption in a paper. */
  get caption(): string {
    return this.layout.meta.caption;
  }

  /** The figure as an SVG document, drawn without a browser. */
  get svg(): string {
    return renderSvg(this, this.title);
  }

  /** The drawn rows as an aligned text table. */
  get text(): string {
    return `${this.title}\n${plainTable(this.rows)}`;
  }

  /** Interactive in a notebook; a still picture where scripts do not run; a table where there are no pictures. */
  [Symbol.for('Jupyter.display')](): MimeBundle {
    return plotlyBundle(this, {
      title: this.title,
      fallback: this.svg,
      text: this.text,
      selfContained: this.selfContained,
    });
  }

  /** `JSON.stringify(figure)` is the plain plotly specification. */
  toJSON(): FigureSpec {
    return { data: this.data, layout: this.layout };
  }
}
