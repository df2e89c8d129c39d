/**
 * What a notebook gets for a plotly figure. Front ends that know plotly use the specification; all others use
 * HTML: a still picture that a script replaces by the interactive figure as soon as plotly is on the page. So
 * a page that runs no scripts (an untrusted notebook, a preview) still shows the figure.
 */
import { sha256 } from '../../core/hash.ts';
import { escapeMarkup, svgDataUri } from '../svg/markup.ts';
import type { MimeBundle } from '../types.ts';
import { PAGE_NAME, plotlyScript } from './library.ts';

/** A specification as plotly takes it; `data` and `layout` may be of any plotly type. */
export interface PlotlySpec {
  data: unknown;
  layout: unknown;
}

export interface BundleOptions {
  title: string;
  /** SVG to show where scripts do not run; without one the title stands there. */
  fallback?: string;
  text: string;
  /** Whether the HTML brings plotly along; by default only the first figure of a process does. */
  selfContained?: boolean;
}

/**
 * Whether this process has put plotly on the page. It lives on `globalThis` so that a module loaded twice (a
 * notebook that reloads an edited file) does not send plotly twice.
 */
const SENT = Symbol.for('interplay.plotly.sent');
const COUNT = Symbol.for('interplay.plotly.count');
const session = globalThis as unknown as { [SENT]?: boolean; [COUNT]?: number };

/** The MIME bundle of a figure. */
export function plotlyBundle(spec: PlotlySpec, options: BundleOptions): MimeBundle {
  return {
    'application/vnd.plotly.v1+json': { data: spec.data, layout: spec.layout, config: CONFIG },
    'text/html': takeLibrary(options.selfContained) + figureHtml(spec, options),
    'text/plain': options.text,
  };
}

/** Plotly's script if the page needs it now, and remembers that it has it. */
export function takeLibrary(always = false): string {
  if (session[SENT] === true && !always) return '';
  session[SENT] = true;
  return `${plotlyScript()}\n`;
}

/** Forgets that plotly was sent, for a page that was opened anew. */
export function forgetLibrary(): void {
  session[SENT] = false;
}

const CONFIG = { displaylogo: false, responsive: false };

type FigureHtmlOptions = Pick<BundleOptions, 'title' | 'fallback'> & { id?: string };

/** The figure without the library: a picture, and the script that waits for plotly and replaces it. */
export function figureHtml(spec: PlotlySpec, options: FigureHtmlOptions): string {
  const json = scriptJson({ data: spec.data, layout: spec.layout, config: CONFIG });
  const id = options.id ?? nextId(json);
  const title = escapeMarkup(options.title);
  const still =
    options.fallback === undefined
      ? title
      : `<img src="${svgDataUri(options.fallback)}" alt="${title}" style="max-width:100%">`;
  return `<div id="${id}" class="interplay-figure">${still}</div>
<script>
(function(){
var figure=${json},tries=0;
function draw(){
var place=document.getElementById(${JSON.stringify(id)});
if(place&&window.${PAGE_NAME}){place.innerHTML='';if(figure.layout.height)place.style.height=figure.layout.height+'px';window.${PAGE_NAME}.newPlot(place,figure.data,figure.layout,figure.config);}
else if(tries++<600)setTimeout(draw,100);
}
draw();
})();
</script>`;
}

/** Different for every figure of a page, the same whenever the same notebook is run. */
export function nextId(content: string): string {
  session[COUNT] = (session[COUNT] ?? 0) + 1;
  return `ip-figure-${session[COUNT]}-${sha256(content, 8)}`;
}

/** JSON that can stand inside a `<script>`: no tag can begin in it, no line separator can end a string. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value)
    .replace(/</g, '\\u003c')
    .replace(/\u2028/g, '\\u2028')
    .replace(/\u2029/g, '\\u2029');
}
