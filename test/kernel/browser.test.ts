/** A notebook in the classic Jupyter Notebook, as a user sees it; skipped where there is no Jupyter or browser. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../src/kernel/connection.ts';
import { installKernelspec } from '../../src/kernel/kernelspec.ts';
import { findChromium, Page } from './chromium.ts';

const JUPYTER = '/usr/bin/jupyter-notebook';
const PATIENCE_MS = 120_000;

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
  let server: ChildProcess;
  let page: Page;
  const output = (cell: number) => `Jupyter.notebook.get_cell(${cell}).element.find('.output').text()`;
  const run = (cell: number) => page.evaluate(`void Jupyter.notebook.execute_cells([${cell}])`);

  before(async function () {
    const chromium = findChromium();
    if (chromium === undefined || spawnSync(JUPYTER, ['--version']).status !== 0) this.skip();
    folder = mkdtempSync(join(tmpdir(), 'interplay-browser-'));
    installKernelspec('interplay', { dataDirectory: folder });
    const kernelspec = { name: 'interplay', display_name: 'TypeScript (Interplay)', language: 'typescript' };
    const cells = CELLS.map((source) => ({
      cell_type: 'code',
      metadata: {},
      source,
      execution_count: null,
      outputs: [],
    }));
    const notebook = { nbformat: 4, nbformat_minor: 4, metadata: { kernelspec }, cells };
    writeFileSync(join(folder, 'page.ipynb'), JSON.stringify(notebook));
    const [port] = await freePorts(1);
    server = spawn(
      JUPYTER,
      [
        '--allow-root',
        '--no-browser',
        '--ip=127.0.0.1',
        `--port=${port}`,
        '--NotebookApp.token=secret',
        `--notebook-dir=${folder}`,
      ],
      {
        stdio: 'ignore',
        env: {
          ...process.env,
          JUPYTER_PATH: folder,
          JUPYTER_RUNTIME_DIR: folder,
          JUPYTER_CONFIG_DIR: folder,
        },
      },
    );
    const at = `http://127.0.0.1:${port}`;
    for (let waited = 0; ; waited += 200) {
      const answer = await fetch(`${at}/api/status?token=secret`).catch(() => undefined);
      if (answer?.ok) break;
      assert.ok(waited < PATIENCE_MS && server.exitCode === null, 'the notebook server has not started');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    page = await Page.open(chromium, join(folder, 'profile'), `${at}/notebooks/page.ipynb?token=secret`);
    await page.until('Jupyter.notebook.kernel.is_connected() && Jupyter.notebook._fully_loaded', PATIENCE_MS);
  });
  after(async () => {
    await page?.close();
    if (server?.exitCode === null) {
      const exited = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGTERM');
      await exited;
    }
    if (folder !== undefined)
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  it('draws a figure', async () => {
    await run(0);
    await page.until("document.querySelector('.output svg.main-svg')", PATIENCE_MS);
    assert.match(await page.evaluate<string>(output(0)), /Loss in the browser/);
  });

  it('updates one display in place, and Stop ends the cell', async () => {
    await run(1);
    await page.until(`/step \\d{2,}/.test(${output(1)})`, PATIENCE_MS);
    await page.evaluate(
      'void document.querySelector(\'button[data-jupyter-action="jupyter-notebook:interrupt-kernel"]\').click()',
    );
    await page.until(`/Interrupted/.test(${output(1)})`, PATIENCE_MS);
    const shown = await page.evaluate<string>(output(1));
    assert.equal(shown.match(/step \d+/g)?.length, 1, shown);
  });

  it('runs a further cell with the state of the stopped one', async () => {
    await run(2);
    await page.until(`/still here after true/.test(${output(2)})`, PATIENCE_MS);
    const prompt = await page.evaluate<string>(
      "Jupyter.notebook.get_cell(2).element.find('.input_prompt').text()",
    );
    assert.match(prompt, /In\s\[3\]/);
  });

  it('shows a type error with the line', async () => {
    await run(3);
    await page.until(`/TS2551/.test(${output(3)})`, PATIENCE_MS);
    assert.match(await page.evaluate<string>(output(3)), /> 1 \| step\.toFixd\(\)/);
  });
});
