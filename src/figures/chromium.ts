/**
 * Chromium as a program that is told what to do over a pipe, in its own DevTools protocol: nothing but the browser
 * has to be installed, no port is opened, and no host name resolves in it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { userError } from '../core/errors.ts';
import { reason } from '../core/files.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
/** Where macOS keeps programs that are not on the PATH. */
const APPLICATIONS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

const ARGUMENTS = [
  '--headless',
  '--remote-debugging-pipe',
  '--no-sandbox', // it would not start as root; it is shown nothing but our own pages
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-extensions',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--hide-scrollbars',
  '--force-color-profile=srgb',
  '--host-resolver-rules=MAP * ~NOTFOUND',
];

/** How long an answer may take, in ms; a machine under load starts Chromium in some seconds. */
const PATIENCE = 60_000;

type Answer = Record<string, unknown>;

/** A running browser. {@link Chromium.close} ends it; so does the end of this process. */
export class Chromium {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<
    number,
    { resolve: (answer: Answer) => void; reject: (error: Error) => void }
  >();
  #sent = 0;
  #unread = '';
  #failure: Error | undefined;
  #complaint = '';

  /** @throws FIGURE_BROWSER when there is none, naming the package to install, or it does not start */
  static async start(): Promise<Chromium> {
    const browser = new Chromium(findChromium());
    try {
      await browser.send('Browser.getVersion');
    } catch (error) {
      await browser.close();
      throw error;
    }
    return browser;
  }

  private constructor(program: string) {
    this.#profile = mkdtempSync(join(tmpdir(), 'interplay-chromium-'));
    this.#process = spawn(program, [...ARGUMENTS, `--user-data-dir=${this.#profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    });
    const fail = (got: string) => {
      this.#failure ??= userError('FIGURE_BROWSER', 'a Chromium that works', got, `check ${program}`);
      for (const { reject } of this.#waiting.values()) reject(this.#failure);
      this.#waiting.clear();
    };
    this.#process.on('error', (error) => fail(reason(error)));
    this.#process.on('exit', (code, signal) =>
      fail(`it ended (${signal ?? code}) ${this.#complaint}`.trim()),
    );
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = text.trim().split('\n').at(-1)!.slice(0, 200);
    });
    const [, , , , output] = this.#process.stdio as [null, null, Readable, Writable, Readable];
    this.#input.on('error', (error) => fail(reason(error)));
    output.setEncoding('utf8').on('data', (text: string) => this.#read(text));
  }

  get #input(): Writable {
    return this.#process.stdio[3] as Writable;
  }

  /** One command of the DevTools protocol, to the browser or to an attached page (`sessionId`), and its result. */
  send(method: string, params: object = {}, sessionId?: string): Promise<Answer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const id = ++this.#sent;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#waiting.delete(id);
        reject(
          userError('FIGURE_BROWSER', `an answer to ${method}`, 'none', 'try again on a calmer machine'),
        );
      }, PATIENCE);
      const done =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          clearTimeout(late);
          settle(value);
        };
      this.#waiting.set(id, { resolve: done(resolve), reject: done(reject) });
      this.#input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  /** Messages are JSON texts, each followed by a NUL. */
  #read(text: string): void {
    const messages = (this.#unread + text).split('\0');
    this.#unread = messages.pop()!;
    for (const message of messages) {
      const { id, result, error } = JSON.parse(message) as {
        id?: number;
        result?: Answer;
        error?: { message: string };
      };
      const waiting = id === undefined ? undefined : this.#waiting.get(id);
      if (waiting === undefined) continue; // an event
      this.#waiting.delete(id!);
      if (error === undefined) waiting.resolve(result ?? {});
      else waiting.reject(userError('FIGURE_BROWSER', 'a Chromium that works', error.message, 'update it'));
    }
  }

  async close(): Promise<void> {
    const running = this.#process.exitCode === null && this.#process.signalCode === null;
    if (running && this.#process.pid !== undefined) {
      const ended = new Promise((resolve) => this.#process.once('exit', resolve));
      const late = setTimeout(() => this.#process.kill('SIGKILL'), 5000);
      this.send('Browser.close').catch(() => {});
      await ended;
      clearTimeout(late);
    }
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Whether {@link Chromium.start} has something to start. */
export function chromiumPath(): string | undefined {
  const chosen = process.env.CHROME_PATH;
  if (chosen !== undefined && chosen !== '') return chosen;
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...candidates, ...APPLICATIONS].find((path) => existsSync(path));
}

function findChromium(): string {
  const found = chromiumPath();
  if (found !== undefined) return found;
  throw userError(
    'FIGURE_BROWSER',
    `Chromium on the PATH (${NAMES.slice(0, 3).join(', ')}) or in CHROME_PATH for .pdf and .png`,
    'none',
    'install the package chromium (apt-get install chromium), or save as .svg or .html',
  );
}
