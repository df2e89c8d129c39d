/**
 * plotly.js itself as a script for a page. Its 4.8 MB are sent compressed (2 MB) and unpacked by the browser,
 * so that notebooks stay small; nothing is loaded from a network.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { userError } from '../../core/errors.ts';
import { reason } from '../../core/files.ts';

/** The page-wide name under which figures find plotly; pages may have another plotly of their own. */
export const PAGE_NAME = '__ipPlotly';

let script: string | undefined;

/** Source text of plotly.js. */
export function plotlySource(): string {
  try {
    return readFileSync(createRequire(import.meta.url).resolve('plotly.js-dist-min'), 'utf8');
  } catch (error) {
    throw userError('PLOTLY_MISSING', 'the package plotly.js-dist-min', reason(error), 'run npm install');
  }
}

/**
 * A `<script>` that defines `window.__ipPlotly`, once per page however often it stands there. `define`,
 * `exports` and `module` are hidden from plotly: the classic notebook has an AMD loader, which plotly would
 * otherwise register with instead of the page. Base64 contains no `</script`.
 */
export function plotlyScript(): string {
  script ??= `<script>
(function(){
if(window.${PAGE_NAME}||window.${PAGE_NAME}Loading)return;
window.${PAGE_NAME}Loading=true;
var packed=${JSON.stringify(gzipSync(plotlySource(), { level: 9 }).toString('base64'))};
var bytes=Uint8Array.from(atob(packed),function(c){return c.charCodeAt(0)});
new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text().then(function(code){
var before=window.Plotly;
var tag=document.createElement('script');
tag.text='(function(define,exports,module){'+code+'\\n}).call(window);';
document.head.appendChild(tag);
window.${PAGE_NAME}=window.Plotly;
if(before)window.Plotly=before;
});
})();
</script>`;
  return script;
}
