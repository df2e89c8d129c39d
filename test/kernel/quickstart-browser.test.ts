/**
 * The quickstart notebook in the classic Jupyter Notebook: run, looked at, stopped while it trains, gone on with.
 * Skipped where there is no Jupyter or browser.
 */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FrontEnd, findFrontEnd, PATIENCE_MS } from './front-end.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const NOTEBOOK = 'notebooks/quickstart.ipynb';

interface Picture {
  width: number;
  height: number;
  /** Lines and bars that a reader sees, of more than a point. */
  marks: number;
}

describe('the quickstart in a browser', function () {
  this.timeout(3 * PATIENCE_MS);
  let folder: string;
  let frontEnd: FrontEnd;
  /** By the beginning of its first line. */
  let cells: { type: string; source: string }[];
  const cell = (start: string) => {
    const at = cells.findIndex(({ type, source }) => type === 'code' && source.startsWith(start));
    assert.ok(at >= 0, `no cell begins with ${start}`);
    return at;
  };

  before(async function () {
    if (findFrontEnd() === undefined) this.skip();
    // The same project in another place, so that nothing is written into this one.
    folder = mkdtempSync(join(tmpdir(), 'interplay-quickstart-'));
    for (const name of ['src', 'native', 'node_modules', 'package.json', 'tsconfig.json']) {
      symlinkSync(join(root, name), join(folder, name));
    }
    mkdirSync(join(folder, 'notebooks'));
    copyFileSync(join(root, NOTEBOOK), join(folder, NOTEBOOK));
    const notebook = JSON.parse(readFileSync(join(folder, NOTEBOOK), 'utf8')) as {
      cells: { cell_type: string; source: string | string[] }[];
    };
    cells = notebook.cells.map(({ cell_type: type, source }) => ({ type, source: [source].flat().join('') }));
    frontEnd = await FrontEnd.open(folder, NOTEBOOK, { INTERPLAY_BUDGET: 'quick' });
  });
  afterEach(async function () {
    if (this.currentTest !== undefined) await frontEnd.keepPicture(this.currentTest);
  });
  after(async () => {
    await frontEnd?.close();
    if (folder !== undefined)
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  it('runs to its end, every cell once and without an error', async () => {
    await frontEnd.page.evaluate('void Jupyter.notebook.clear_all_output()');
    await frontEnd.runAll();
    const last = cells.findLastIndex(({ type }) => type === 'code');
    await frontEnd.page.until(
      `Jupyter.notebook.get_cell(${last}).input_prompt_number > 0 || document.querySelector('.output_error')`,
      PATIENCE_MS,
    );
    assert.equal(await frontEnd.page.evaluate("$('.output_error').text()"), '');
    assert.deepEqual(
      await frontEnd.page.evaluate(
        "Jupyter.notebook.get_cells().filter((cell) => cell.cell_type === 'code').map((cell) => cell.input_prompt_number)",
      ),
      cells.filter(({ type }) => type === 'code').map((_, at) => at + 1),
    );
  });

  it('shows its figures, drawn by plotly', async () => {
    for (const [start, title] of [
      ['const curve = trainingCurve', 'Pre-training loss'],
      ['const evaluation = await evaluate', 'Held-out problems solved'],
      ['const errorFigure = errorTypes', 'Error types by op'],
    ] as const) {
      const at = cell(start);
      await frontEnd.page.until(`${element(at)}.querySelector('svg.main-svg')`, PATIENCE_MS);
      const { width, height, marks } = await frontEnd.page.evaluate<Picture>(picture(at));
      assert.ok(width > 300 && height > 200, `${title}: ${width} × ${height} pixels`);
      assert.ok(marks > 0, `${title}: nothing is drawn`);
      assert.ok((await frontEnd.text(at)).includes(title), `${title} is not written in it`);
    }
  });

  it('shows its graphs', async () => {
    for (const start of ['drawGraph(example.graph', 'const predicted = parseSolution']) {
      // The picture has become part of the page, so that it answers to the pointer.
      const size = `(() => {
        const drawing = ${element(cell(start))}.querySelector('.interplay-graph svg');
        const { width, height } = drawing.getBoundingClientRect();
        return [width, height, drawing.querySelectorAll('text').length];
      })()`;
      const [width, height, texts] = await frontEnd.page.evaluate<[number, number, number]>(size);
      assert.ok(width > 100 && height > 100, `${start}: ${width} × ${height} pixels`);
      assert.ok(texts > 3, `${start}: ${texts} texts in it`);
    }
  });

  it('stops training at the Stop button, with a checkpoint and what it has', async () => {
    const training = cell('const run = await pretrain');
    await frontEnd.edit(training, 'tokens: full ? 3_400_000 : 40_000', 'tokens: 400_000_000');
    await frontEnd.run(training);
    await frontEnd.shows(training, /Pre-training [\d,]{5,}\/400,000,000 tokens[\s\S]*validation_loss/);
    await frontEnd.stop();
    await frontEnd.shows(training, /Interrupted/);
    await frontEnd.ended(training);
    const shown = await frontEnd.text(training);
    // One display, updated in place.
    assert.equal(shown.match(/\/400,000,000 tokens/g)?.length, 1, shown);
    assert.match(shown, /was stopped and has returned what it had/);
  });

  it('runs further cells with what the stopped one has returned', async () => {
    const further = cell('showTable(firstErrorsFrame');
    const source =
      'console.log(JSON.stringify({ tokens: run.tokens, checkpoint: run.checkpoint, cells: [seed, test.length] }))';
    await frontEnd.edit(further, cells[further]!.source, source);
    await frontEnd.run(further);
    await frontEnd.shows(further, /"cells"/);
    const state = JSON.parse(await frontEnd.text(further)) as Record<string, unknown>;
    assert.ok(Number(state.tokens) > 0 && Number(state.tokens) < 400_000_000, JSON.stringify(state));
    assert.deepEqual(state.cells, [1, 10]);
    const checkpoint = resolve(folder, 'notebooks', String(state.checkpoint));
    assert.ok(existsSync(join(checkpoint, 'model.safetensors')), `${checkpoint} is no checkpoint`);
    // The curve of the stopped run.
    const curve = cell('const curve = trainingCurve');
    await frontEnd.run(curve);
    await frontEnd.ended(curve);
    await frontEnd.page.until(`(${picture(curve)}).marks > 0`, PATIENCE_MS);
  });
});

const element = (cell: number) => `Jupyter.notebook.get_cell(${cell}).element[0]`;

/** What plotly has drawn in the output of a cell, as the browser has laid it out. */
const picture = (cell: number) => `(() => {
  const output = ${element(cell)}.querySelector('.output');
  const { width, height } = output.querySelector('svg.main-svg').getBoundingClientRect();
  const boxes = [...output.querySelectorAll('.trace path, .trace .point path')].map((path) => path.getBoundingClientRect());
  return { width, height, marks: boxes.filter((box) => box.width + box.height > 3).length };
})()`;
