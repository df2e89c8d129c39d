/** PDF and PNG of an SVG through Chromium. Both it and playwright-core are used if installed, never needed. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { userError } from '../core/errors.ts';
import { reason } from '../core/files.ts';

export type BrowserFormat = 'pdf' | 'png';

/** The part of playwright-core that is used here; the package itself is optional. */
interface Playwright {
  chromium: { launch(options: { executablePath: string; args: string[] }): Promise<Browser> };
}
interface Browser {
  newContext(options: object): Promise<{ newPage(): Promise<Page> }>;
  close(): Promise<void>;
}
interface Page {
  setContent(html: string): Promise<void>;
  screenshot(options: object): Promise<Uint8Array>;
  pdf(options: object): Promise<Uint8Array>;
}

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/**
 * The picture as a PDF of exactly its size with its fonts embedded, or as a PNG of `scale` pixels per px.
 * The browser is offline.
 * @throws FIGURE_BROWSER when playwright-core or Chromium is not there, naming which
 */
export async function printInBrowser(svg: string, format: BrowserFormat, scale: number): Promise<Uint8Array> {
  const size = /^<svg[^>]* width="([\d.]+)" height="([\d.]+)"/.exec(svg);
  const width = Math.ceil(Number(size?.[1]));
  const height = Math.ceil(Number(size?.[2]));
  const { chromium } = await loadPlaywright();
  const executablePath = findChromium();
  let browser: Browser;
  try {
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  } catch (error) {
    throw userError('FIGURE_BROWSER', 'a Chromium that starts', reason(error), `check ${executablePath}`);
  }
  try {
    const context = await browser.newContext({
      offline: true,
      viewport: { width, height },
      deviceScaleFactor: scale,
    });
    const page = await context.newPage();
    await page.setContent(
      `<!DOCTYPE html><style>@page{size:${width}px ${height}px;margin:0}body{margin:0}svg{display:block}</style>${svg}`,
    );
    return format === 'png'
      ? await page.screenshot({ type: 'png', clip: { x: 0, y: 0, width, height } })
      : await page.pdf({
          width: `${width}px`,
          height: `${height}px`,
          printBackground: true,
          pageRanges: '1',
        });
  } finally {
    await browser.close();
  }
}

async function loadPlaywright(): Promise<Playwright> {
  try {
    // A name in a variable: the package need not be there when types are checked.
    const name = 'playwright-core';
    const loaded = (await import(name)) as Playwright & { default?: Playwright };
    return loaded.chromium === undefined ? loaded.default! : loaded;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw userError(
      'FIGURE_BROWSER',
      'the package playwright-core for .pdf and .png',
      'none installed',
      'run npm install --no-save playwright-core, or save as .svg or .html',
    );
  }
}

function findChromium(): string {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) =>
    existsSync(path),
  );
  if (found !== undefined) return found;
  throw userError(
    'FIGURE_BROWSER',
    `Chromium on the PATH (${NAMES.slice(0, 3).join(', ')}) for .pdf and .png`,
    'none',
    'install the package chromium, or save as .svg or .html',
  );
}
