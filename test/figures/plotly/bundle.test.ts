import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import { passAtKByOp } from '../../../src/figures/index.ts';
import {
  figureHtml,
  forgetLibrary,
  plotlyBundle,
  scriptJson,
  takeLibrary,
} from '../../../src/figures/plotly/bundle.ts';
import { plotlyScript, plotlySource } from '../../../src/figures/plotly/library.ts';
import type { MimeBundle } from '../../../src/figures/types.ts';
import { byOp } from '../rows.ts';

const spec = {
  data: [{ type: 'scatter', x: [1], y: [2], name: '</script><b>\u2028' }],
  layout: { height: 300 },
};

function show(figure: object): MimeBundle {
  return (figure as Record<symbol, () => MimeBundle>)[Symbol.for('Jupyter.display')]!();
}

const scripts = (html: string) =>
  [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, code]) => code!);

describe('plotly in notebooks', () => {
  beforeEach(() => forgetLibrary());

  it('gives the specification, HTML and text', () => {
    const figure = passAtKByOp(byOp);
    const bundle = show(figure);
    assert.deepEqual(Object.keys(bundle), ['application/vnd.plotly.v1+json', 'text/html', 'text/plain']);
    const json = bundle['application/vnd.plotly.v1+json'] as { data: unknown; layout: unknown };
    assert.deepEqual(JSON.parse(JSON.stringify(json.data)), JSON.parse(JSON.stringify(figure.data)));
    assert.deepEqual(json.layout, figure.layout);
    assert.equal(bundle['text/plain'], figure.text);
  });

  it('brings plotly along once, and again when asked', () => {
    const length = (figure: object) => String(show(figure)['text/html']).length;
    const figure = passAtKByOp(byOp);
    assert.ok(length(figure) > 1_000_000);
    assert.ok(length(figure) < 60_000);
    assert.ok(length(passAtKByOp(byOp, { selfContained: true })) > 1_000_000);
    assert.equal(takeLibrary(), '');
  });

  it('shows a still picture where scripts do not run', () => {
    takeLibrary();
    const figure = passAtKByOp(byOp);
    const data = /<div[^>]*><img src="data:image\/svg\+xml;base64,([^"]+)"/.exec(
      String(show(figure)['text/html']),
    )![1]!;
    assert.equal(Buffer.from(data, 'base64').toString(), figure.svg);
  });

  it('lets no text end the script', () => {
    const html = figureHtml(spec, { title: '"><script>x</script>' });
    assert.equal(html.match(/<script/g)!.length, 1);
    assert.equal(html.match(/<\/script/g)!.length, 1);
    assert.deepEqual(JSON.parse(scriptJson(spec)), spec);
    assert.ok(!scriptJson(spec).includes('\u2028'));
  });

  it('draws into its own place as soon as plotly is there', () => {
    const html = figureHtml(spec, { title: 'x' });
    const id = /<div id="([^"]+)"/.exec(html)![1]!;
    const waiting: (() => void)[] = [];
    const drawn: unknown[][] = [];
    const place = { innerHTML: 'still', style: {} as Record<string, string> };
    const window: Record<string, unknown> = {};
    const document = { getElementById: (wanted: string) => (wanted === id ? place : null) };
    runInNewContext(scripts(html)[0]!, {
      window,
      document,
      setTimeout: (call: () => void) => waiting.push(call),
    });
    assert.equal(drawn.length, 0);
    assert.equal(place.innerHTML, 'still');
    window.__ipPlotly = { newPlot: (...given: unknown[]) => drawn.push(given) };
    waiting.pop()!();
    assert.equal(drawn.length, 1);
    assert.equal(drawn[0]![0], place);
    assert.equal(JSON.stringify(drawn[0]!.slice(1, 3)), JSON.stringify([spec.data, spec.layout]));
    assert.equal(place.innerHTML, '');
    assert.equal(place.style.height, '300px');
    assert.equal(waiting.length, 0);
  });

  it('gives figures ids of their own', () => {
    const ids = [1, 2].map(() => /<div id="([^"]+)"/.exec(figureHtml(spec, { title: 'x' }))![1]);
    assert.notEqual(ids[0], ids[1]);
  });

  it('unpacks plotly itself, once per page, and leaves a page’s own plotly alone', async () => {
    const html = plotlyScript();
    assert.equal(html.match(/<\/script/g)!.length, 1);
    const added: { text?: string }[] = [];
    const own = { own: true };
    const window: Record<string, unknown> = { Plotly: own };
    const context = {
      window,
      document: {
        createElement: () => ({}),
        head: {
          appendChild: (tag: { text?: string }) => {
            added.push(tag);
            window.Plotly = { plotly: true };
          },
        },
      },
      atob,
      Uint8Array,
      Blob,
      Response,
      DecompressionStream,
    };
    runInNewContext(scripts(html)[0]!, context);
    runInNewContext(scripts(html)[0]!, context);
    for (let i = 0; added.length === 0 && i < 200; i++) await new Promise((done) => setTimeout(done, 10));
    assert.equal(added.length, 1);
    const hash = (text: string) => createHash('sha256').update(text).digest('hex');
    const code = /^\(function\(define,exports,module\)\{([\s\S]*)\n\}\)\.call\(window\);$/.exec(
      added[0]!.text!,
    )![1]!;
    assert.equal(hash(code), hash(plotlySource()));
    assert.deepEqual(window.__ipPlotly, { plotly: true });
    assert.equal(window.Plotly, own);
  });

  it('shows specifications that it knows nothing of', () => {
    const bundle = plotlyBundle({ data: [{ type: 'sankey' }], layout: {} }, { title: 'flow', text: 'flow' });
    assert.match(String(bundle['text/html']), /sankey/);
  });
});
