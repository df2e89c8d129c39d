/** Chromium without a window, driven over its debugging pipe: no package needed for it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';

/** The first Chromium or Chrome of the usual places. */
export function findChromium(): string | undefined {
  const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  return [process.env.CHROME_PATH ?? '', ...places].find((place) => place !== '' && existsSync(place));
}

interface Reply {
  id?: number;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** One page of a browser of its own. */
export class Page {
  readonly #browser: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  #session: string | undefined;
  #last = 0;

  private constructor(program: string, profile: string) {
    const flags = [
      '--headless=new',
      '--window-size=1200,900',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
    ];
    this.#browser = spawn(
      program,
      [...flags, '--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank'],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
    );
    let text = '';
    (this.#browser.stdio[4] as Readable).setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const messages = text.split('\0');
      text = messages.pop()!;
      for (const message of messages) this.#settle(JSON.parse(message) as Reply);
    });
    this.#browser.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the browser has ended'));
    });
  }

  /** `profile`: an empty folder the browser may fill. */
  static async open(program: string, profile: string, url: string): Promise<Page> {
    const page = new Page(program, profile);
    const { targetId } = await page.#send<{ targetId: string }>('Target.createTarget', { url });
    const parameters = { targetId, flatten: true };
    page.#session = (await page.#send<{ sessionId: string }>('Target.attachToTarget', parameters)).sessionId;
    return page;
  }

  /** Value of an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const parameters = { expression, returnByValue: true, awaitPromise: true };
    const { result, exceptionDetails } = await this.#send<{
      result: { value: T };
      exceptionDetails?: { exception?: { description?: string } };
    }>('Runtime.evaluate', parameters);
    if (exceptionDetails !== undefined) {
      throw new Error(exceptionDetails.exception?.description ?? `${expression} failed in the page`);
    }
    return result.value;
  }

  /** Resolves once the expression is true; an error in it counts as not yet. */
  async until(expression: string, milliseconds: number): Promise<void> {
    const end = performance.now() + milliseconds;
    while (
      !(await this.evaluate<boolean>(`(() => { try { return !!(${expression}) } catch { return false } })()`))
    ) {
      if (performance.now() > end) throw new Error(`not true within ${milliseconds} ms: ${expression}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** A press of the left button in the middle of the first element that `selector` finds, which must be visible. */
  async click(selector: string): Promise<void> {
    const [x, y] = await this.evaluate<[number, number]>(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      element?.scrollIntoView({ block: 'nearest' });
      const box = element?.getBoundingClientRect();
      if (!box?.width) throw new Error('nothing to click at: ' + ${JSON.stringify(selector)});
      return [box.x + box.width / 2, box.y + box.height / 2];
    })()`);
    for (const type of ['mousePressed', 'mouseReleased']) {
      await this.#send('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 });
    }
  }

  /** What is seen of the page, as PNG. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.#send<{ data: string }>('Page.captureScreenshot', {});
    return Buffer.from(data, 'base64');
  }

  async close(): Promise<void> {
    if (this.#browser.exitCode !== null) return;
    const exited = new Promise((resolve) => this.#browser.once('exit', resolve));
    this.#browser.kill('SIGTERM');
    await exited;
  }

  #send<T>(method: string, params: Record<string, unknown>): Promise<T> {
    const id = ++this.#last;
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    const text = JSON.stringify({ id, method, params, ...session });
    (this.#browser.stdio[3] as Writable).write(`${text}\0`);
    return new Promise<T>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #settle({ id, result, error }: Reply): void {
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id!);
    if (error === undefined) waiting.resolve(result as never);
    else waiting.reject(new Error(error.message));
  }
}
