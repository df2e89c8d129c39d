/** The classic Jupyter Notebook with our kernel installed, and a browser that has one notebook open in it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../src/kernel/connection.ts';
import { installKernelspec } from '../../src/kernel/kernelspec.ts';
import { findChromium, Page } from './chromium.ts';

const JUPYTER = '/usr/bin/jupyter-notebook';
/** Milliseconds a slow machine gets for anything. */
export const PATIENCE_MS = 300_000;

/**
 * The programs, or undefined where they are not installed. Installed ones that do not work are an error in
 * continuous integration, where a skipped test would not be missed.
 */
export function findFrontEnd(): { jupyter: string; chromium: string } | undefined {
  const chromium = findChromium();
  if (chromium === undefined || !existsSync(JUPYTER)) return undefined;
  for (const program of [JUPYTER, chromium]) {
    const { status, stderr } = spawnSync(program, ['--version'], { encoding: 'utf8' });
    if (status === 0) continue;
    assert.ok(process.env.CI !== 'true', `${program} is installed and does not run: ${stderr}`);
    return undefined;
  }
  return { jupyter: JUPYTER, chromium };
}

/** One notebook in a browser, with a server and a kernel of its own. */
export class FrontEnd {
  readonly page: Page;
  readonly #server: ChildProcess;
  readonly #folder: string;

  private constructor(page: Page, server: ChildProcess, folder: string) {
    this.page = page;
    this.#server = server;
    this.#folder = folder;
  }

  /** Opens `notebook`, a path below `folder`; `environment` is added to the kernel's. Resolves when cells can be run. */
  static async open(
    folder: string,
    notebook: string,
    environment: Record<string, string> = {},
  ): Promise<FrontEnd> {
    const programs = findFrontEnd();
    assert.ok(programs, 'no front end is installed');
    const own = mkdtempSync(join(tmpdir(), 'interplay-front-end-'));
    installKernelspec('interplay', { dataDirectory: own });
    const [port] = await freePorts(1);
    const settings = [`--port=${port}`, '--NotebookApp.token=secret', `--notebook-dir=${folder}`];
    const server = spawn(programs.jupyter, ['--allow-root', '--no-browser', '--ip=127.0.0.1', ...settings], {
      stdio: 'ignore',
      env: {
        ...process.env,
        ...environment,
        JUPYTER_PATH: own,
        JUPYTER_RUNTIME_DIR: own,
        JUPYTER_CONFIG_DIR: own,
      },
    });
    const at = `http://127.0.0.1:${port}`;
    try {
      await answers(`${at}/api/status?token=secret`, server);
      const url = `${at}/notebooks/${notebook}?token=secret`;
      const page = await Page.open(programs.chromium, join(own, 'profile'), url);
      const frontEnd = new FrontEnd(page, server, own);
      await page.until(
        'Jupyter.notebook.kernel.is_connected() && Jupyter.notebook._fully_loaded',
        PATIENCE_MS,
      );
      return frontEnd;
    } catch (error) {
      server.kill('SIGTERM');
      throw error;
    }
  }

  /** Selects a cell by its place in the notebook and presses the toolbar's Run. */
  async run(cell: number): Promise<void> {
    await this.page.evaluate(`void Jupyter.notebook.select(${cell})`);
    await this.page.click(button('run-cell-and-select-next'));
  }

  /** Cell → Run All, in the menu. */
  async runAll(): Promise<void> {
    await this.page.click('#celllink');
    await this.page.click('#run_all_cells a');
  }

  /** Presses the toolbar's Stop. */
  async stop(): Promise<void> {
    await this.page.click(button('interrupt-kernel'));
  }

  /** Replaces text of a cell, as typing would. */
  async edit(cell: number, old: string, text: string): Promise<void> {
    const at = `Jupyter.notebook.get_cell(${cell})`;
    const source = await this.page.evaluate<string>(`${at}.get_text()`);
    assert.ok(source.includes(old), `cell ${cell} has no ${old}`);
    await this.page.evaluate(`void ${at}.set_text(${JSON.stringify(source.replace(old, () => text))})`);
  }

  /** Text of a cell's output. */
  text(cell: number): Promise<string> {
    return this.page.evaluate(shownText(cell));
  }

  /** Resolves once the text of a cell's output matches. */
  shows(cell: number, pattern: RegExp): Promise<void> {
    return this.page.until(`${pattern}.test(${shownText(cell)})`, PATIENCE_MS);
  }

  /** Resolves once a cell has a number, which it has not while it runs. */
  ended(cell: number): Promise<void> {
    return this.page.until(`Jupyter.notebook.get_cell(${cell}).input_prompt_number > 0`, PATIENCE_MS);
  }

  /** After a test that has failed: writes what was seen into the system's temporary folder, and says where. */
  async keepPicture({ state, title }: { state?: string | undefined; title: string }): Promise<void> {
    if (state !== 'failed') return;
    const file = join(tmpdir(), `interplay-${title.replace(/\W+/g, '-')}.png`);
    writeFileSync(file, await this.page.screenshot());
    process.stderr.write(`what the browser showed: ${file}\n`);
  }

  async close(): Promise<void> {
    await this.page.close();
    if (this.#server.exitCode === null) {
      const exited = new Promise((resolve) => this.#server.once('exit', resolve));
      this.#server.kill('SIGTERM');
      await exited;
    }
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

const button = (action: string) => `#maintoolbar button[data-jupyter-action="jupyter-notebook:${action}"]`;
const shownText = (cell: number) => `Jupyter.notebook.get_cell(${cell}).element.find('.output').text()`;

async function answers(url: string, server: ChildProcess): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; ; ) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    assert.ok(performance.now() < end && server.exitCode === null, 'the notebook server has not started');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
