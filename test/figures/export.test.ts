import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromiumPath } from '../../src/figures/chromium.ts';
import { GraphFigure } from '../../src/figures/graph/index.ts';
import { drawGraph, passAtKByOp, pixels, saveFigure, saveFigures } from '../../src/figures/index.ts';
import { gold } from './graph/graphs.ts';
import { readPdf } from './pdf.ts';
import { byOp } from './rows.ts';

/** A committed picture as something to save. */
function stored(svg: string): GraphFigure {
  const [, width, height] = /^<svg[^>]* width="([\d.]+)" height="([\d.]+)"/.exec(svg)!;
  return new GraphFigure(svg, { width: Number(width), height: Number(height) }, 'stored');
}

describe('saving figures', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-figure-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const at = (name: string) => join(folder, name);

  it('writes SVG, specification and a page that needs nothing else', async () => {
    const figure = passAtKByOp(byOp, { title: 'A & B' });
    for (const ending of ['svg', 'json', 'html']) await saveFigure(figure, at(`f.${ending}`));
    assert.equal(readFileSync(at('f.svg'), 'utf8'), figure.svg);
    assert.deepEqual(
      JSON.parse(readFileSync(at('f.json'), 'utf8')),
      JSON.parse(JSON.stringify({ data: figure.data, layout: figure.layout })),
    );
    const page = readFileSync(at('f.html'), 'utf8');
    assert.match(page, /^<!DOCTYPE html>/);
    assert.match(page, /<title>A &amp; B<\/title>/);
    assert.ok(page.includes('__ipPlotly'));
    assert.ok(!/(?:src|href)="https?:/.test(page), 'nothing is loaded from a network');
    assert.deepEqual(readdirSync(folder).sort(), ['f.html', 'f.json', 'f.svg']);
  });

  it('gives the same page again', async () => {
    const figure = passAtKByOp(byOp);
    await saveFigure(figure, at('a.html'));
    await saveFigure(figure, at('b.html'));
    assert.ok(readFileSync(at('a.html')).equals(readFileSync(at('b.html'))));
  });

  it('writes graphs as SVG and HTML', async () => {
    const graph = drawGraph(gold);
    await saveFigure(graph, at('g.svg'));
    await saveFigure(graph, at('g.html'));
    assert.ok(readFileSync(at('g.html'), 'utf8').includes(graph.svg));
    await assert.rejects(saveFigure(graph, at('g.json')), { code: 'FIGURE_FORMAT' });
  });

  it('refuses other endings and writes nothing', async () => {
    await assert.rejects(saveFigure(passAtKByOp(byOp), at('f.bmp')), { code: 'FIGURE_FORMAT' });
    await assert.rejects(saveFigure(passAtKByOp(byOp), at('figure')), { code: 'FIGURE_FORMAT' });
    assert.deepEqual(readdirSync(folder), []);
  });

  describe('in Chromium', function () {
    this.timeout(120_000);
    before(function () {
      if (chromiumPath() === undefined) this.skip();
    });

    it('prints every picture of the gallery at the asked size, fonts embedded', async () => {
      const gallery = fileURLToPath(new URL('../../figures/gallery/', import.meta.url));
      const names = readdirSync(gallery).filter((name) => name.endsWith('.svg'));
      assert.ok(names.length > 8, `${names.length} pictures`);
      const widths = ['85mm', 'column', 'textwidth'] as const;
      const jobs = names.map((name, i) => ({
        figure: stored(readFileSync(join(gallery, name), 'utf8')),
        path: at(name.replace(/svg$/, 'pdf')),
        width: widths[i % widths.length]!,
      }));
      await saveFigures(jobs);
      for (const { figure, path, width } of jobs) {
        const { pages, fonts } = readPdf(readFileSync(path));
        const expected = { '85mm': 85, column: 3.25 * 25.4, textwidth: 6.75 * 25.4 }[width];
        assert.equal(pages.length, 1, path);
        const [page] = pages;
        assert.ok(Math.abs(page!.width - expected) < 1e-3, `${path}: ${page!.width} mm wide`);
        const height = (expected * figure.height) / figure.width;
        assert.ok(Math.abs(page!.height - height) < 1e-3, `${path}: ${page!.height} of ${height} mm high`);
        assert.ok(fonts.length > 0, `${path} has no font`);
        for (const { name, embedded } of fonts) assert.ok(embedded, `${path}: ${name} is not embedded`);
      }
    });

    it('makes PNGs of as many pixels as the paper has dots', async () => {
      const graph = drawGraph(gold);
      await saveFigures([
        { figure: graph, path: at('a.png'), width: '85mm', dpi: 600 },
        { figure: graph, path: at('b.png') },
      ]);
      const sizes = ['a.png', 'b.png'].map((name) => {
        const png = readFileSync(at(name));
        assert.equal(png.subarray(37, 41).toString('latin1'), 'pHYs');
        return [png.readUInt32BE(16), Math.round(png.readUInt32BE(41) * 0.0254)];
      });
      assert.deepEqual(sizes, [
        [Math.round((85 / 25.4) * 600), 600],
        [Math.round((graph.width / 96) * 300), 300],
      ]);
    });

    it('gives the same bytes again', async () => {
      const figure = passAtKByOp(byOp);
      const jobs = ['a.pdf', 'b.pdf', 'a.png', 'b.png'].map((name) => ({ figure, path: at(name) }));
      await saveFigures(jobs);
      for (const ending of ['pdf', 'png']) {
        assert.ok(readFileSync(at(`a.${ending}`)).equals(readFileSync(at(`b.${ending}`))), ending);
      }
    });
  });

  it('names the package to install where there is no Chromium, and writes nothing', async () => {
    const { PATH, CHROME_PATH } = process.env;
    try {
      process.env.PATH = folder;
      delete process.env.CHROME_PATH;
      const graph = drawGraph(gold);
      for (const path of [at('g.pdf'), at('g.png')]) {
        await assert.rejects(
          saveFigures([
            { figure: graph, path: at('g.svg') },
            { figure: graph, path },
          ]),
          {
            code: 'FIGURE_BROWSER',
            message: /install the package chromium/,
          },
        );
      }
      process.env.CHROME_PATH = at('none');
      await assert.rejects(saveFigure(graph, at('g.pdf')), { code: 'FIGURE_BROWSER', message: /ENOENT/ });
      writeFileSync(at('broken'), '#!/bin/sh\necho cannot open display >&2\nexit 3\n', { mode: 0o755 });
      process.env.CHROME_PATH = at('broken');
      process.env.PATH = PATH;
      await assert.rejects(saveFigure(graph, at('g.pdf')), {
        code: 'FIGURE_BROWSER',
        message: /ended|EPIPE|ECONNRESET/, // whatever is noticed first
      });
      assert.deepEqual(readdirSync(folder), ['broken']);
    } finally {
      process.env.PATH = PATH;
      if (CHROME_PATH === undefined) delete process.env.CHROME_PATH;
      else process.env.CHROME_PATH = CHROME_PATH;
    }
  });

  it('scales an SVG to a printed width and leaves its drawing alone', async () => {
    const graph = drawGraph(gold);
    await saveFigure(graph, at('g.svg'), { width: '85mm' });
    const svg = readFileSync(at('g.svg'), 'utf8');
    const height = Math.round(((85 * graph.height) / graph.width) * 1000) / 1000;
    assert.ok(svg.includes(`width="85mm" height="${height}mm" viewBox="0 0 ${graph.width} ${graph.height}"`));
    assert.equal(svg.slice(svg.indexOf('viewBox')), graph.svg.slice(graph.svg.indexOf('viewBox')));
  });

  it('reads widths of paper', () => {
    for (const [width, px] of [
      ['25.4mm', 96],
      ['2.54cm', 96],
      ['72.27pt', 96],
      ['72bp', 96],
      ['1in', 96],
      ['300px', 300],
      [300, 300],
      ['column', 312],
      ['textwidth', 648],
      ['page', 528],
    ] as const) {
      assert.ok(Math.abs(pixels(width) - px) < 1e-9, `${width}: ${pixels(width)}`);
    }
    for (const width of ['85', '85 mm'] as const) assert.ok(pixels(width as '85px') > 0, width);
    for (const width of ['', 'wide', '-85mm', '0mm', '1e9mm', '85em', 'toString', Number.NaN]) {
      assert.throws(() => pixels(width as '1mm'), { code: 'FIGURE_WIDTH' }, String(width));
    }
  });

  it('refuses a width where nothing is printed, and checks all before it writes any', async () => {
    const figure = passAtKByOp(byOp);
    for (const bad of [
      { path: at('f.html'), width: '85mm' as const },
      { path: at('f.png'), dpi: 0 },
      { path: at('f.pdf'), width: 'broad' as 'page' },
    ]) {
      await assert.rejects(
        saveFigures([
          { figure, path: at('f.svg') },
          { figure, ...bad },
        ]),
        {
          code: 'FIGURE_WIDTH',
        },
      );
    }
    assert.deepEqual(readdirSync(folder), []);
  });
});
