/** A notebook in the classic Jupyter Notebook, as a user sees it; skipped where there is no Jupyter or browser. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FrontEnd, findFrontEnd, PATIENCE_MS } from './front-end.ts';

const CELLS = [
  `const rows = ['A', 'B'].flatMap((exposure) => [1, 2, 3].map((tokens) => ({ exposure, tokens, value: 1 / tokens })));
figures.lossCurves(rows, { by: 'exposure', title: 'Loss in the browser' })`,
  `let step = 0;
const place = newDisplay();
for (;;) {
  step++;
  place.update(\`step \${step}\`);
  await new Promise((resolve) => setTimeout(resolve, 20));
}`,
  '"still here after " + (step > 0)',
  'step.toFixd()',
];

describe('a notebook in a browser', function () {
  this.timeout(3 * PATIENCE_MS);
  let folder: string;
  let frontEnd: FrontEnd;

  before(async function () {
    if (findFrontEnd() === undefined) this.skip();
    folder = mkdtempSync(join(tmpdir(), 'interplay-browser-'));
    const kernelspec = { name: 'interplay', display_name: 'TypeScript (Interplay)', language: 'typescript' };
    const about = { cell_type: 'code', metadata: {}, execution_count: null, outputs: [] };
    const cells = CELLS.map((source) => ({ ...about, source }));
    const notebook = { nbformat: 4, nbformat_minor: 4, metadata: { kernelspec }, cells };
    writeFileSync(join(folder, 'page.ipynb'), JSON.stringify(notebook));
    frontEnd = await FrontEnd.open(folder, 'page.ipynb');
  });
  afterEach(async function () {
    if (this.currentTest !== undefined) await frontEnd.keepPicture(this.currentTest);
  });
  after(async () => {
    await frontEnd?.close();
    if (folder !== undefined)
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  it('draws a figure', async () => {
    await frontEnd.run(0);
    await frontEnd.page.until("document.querySelector('.output svg.main-svg')", PATIENCE_MS);
    assert.match(await frontEnd.text(0), /Loss in the browser/);
  });

  it('updates one display in place, and Stop ends the cell', async () => {
    await frontEnd.run(1);
    await frontEnd.shows(1, /step \d{2,}/);
    await frontEnd.stop();
    await frontEnd.shows(1, /Interrupted/);
    const shown = await frontEnd.text(1);
    assert.equal(shown.match(/step \d+/g)?.length, 1, shown);
  });

  it('runs a further cell with the state of the stopped one', async () => {
    await frontEnd.run(2);
    await frontEnd.shows(2, /still here after true/);
    await frontEnd.ended(2);
    const prompt = "Jupyter.notebook.get_cell(2).element.find('.input_prompt').text()";
    assert.match(await frontEnd.page.evaluate<string>(prompt), /In\s\[3\]/);
  });

  it('shows a type error with the line', async () => {
    await frontEnd.run(3);
    await frontEnd.shows(3, /TS2551/);
    assert.match(await frontEnd.text(3), /> 1 \| step\.toFixd\(\)/);
  });
});
