import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drawGraph, passAtKByOp, saveFigure } from '../../src/figures/index.ts';
import { gold } from './graph/graphs.ts';
import { byOp } from './rows.ts';

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

  it('names what to install for PNG and PDF, or makes them', async () => {
    const graph = drawGraph(gold);
    for (const [ending, magic] of [
      ['png', '\x89PNG'],
      ['pdf', '%PDF-'],
    ] as const) {
      try {
        await saveFigure(graph, at(`g.${ending}`));
        assert.equal(
          readFileSync(at(`g.${ending}`))
            .subarray(0, magic.length)
            .toString('latin1'),
          magic,
        );
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'FIGURE_BROWSER', String(error));
        assert.match((error as Error).message, /playwright-core|Chromium/);
        assert.ok(!existsSync(at(`g.${ending}`)));
      }
    }
  });
});
