/** The wire thread's side of the language thread: starts it when it is wanted, and again when it has died. */
import { Worker } from 'node:worker_threads';
import type { LanguageQuestion, LanguageReply, LanguageRequest } from './language.ts';
import type { JsonObject } from './protocol.ts';

export class LanguageThread {
  readonly #folder: string;
  #worker: Worker | undefined;
  #lastQuestion = 0;
  readonly #asked = new Map<number, (content: JsonObject) => void>();
  /** Every cell so far, for a thread that is started later, or again. */
  readonly #cells: LanguageRequest[] = [];

  /** `folder`: where cells resolve their imports from. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A cell that begins to run; later ones see what it declares. */
  note(serial: number, code: string): void {
    const note: LanguageRequest = { kind: 'cell', serial, code };
    this.#cells.push(note);
    this.#worker?.postMessage(note);
  }

  /** The content of the reply, with status `error` when the thread fails. */
  ask(type: LanguageQuestion, content: JsonObject): Promise<JsonObject> {
    this.#worker ??= this.#start();
    const id = ++this.#lastQuestion;
    this.#worker.postMessage({ kind: 'ask', id, type, content } satisfies LanguageRequest);
    return new Promise<JsonObject>((resolve) => this.#asked.set(id, resolve));
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker-boot.mjs', import.meta.url), {
      workerData: { entry: new URL('./language.ts', import.meta.url).href, folder: this.#folder },
      execArgv: ['--no-force-async-hooks-checks', '--disable-warning=ExperimentalWarning'],
      // The young generation would grow to three times 16 MB, and keep it.
      resourceLimits: { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 2048 },
    });
    worker.on('message', ({ id, content }: LanguageReply) => {
      this.#asked.get(id)?.(content);
      this.#asked.delete(id);
    });
    // It may run out of memory. Nobody may wait for it then, and the next question gets a fresh one.
    const fail = (error?: Error) => {
      if (this.#worker === worker) this.#worker = undefined;
      const evalue = `the language service ended (${error?.message ?? 'without a reason'})`;
      const content = { status: 'error', ename: 'LanguageService', evalue, traceback: [] };
      for (const resolve of this.#asked.values()) resolve(content);
      this.#asked.clear();
    };
    worker.on('error', fail);
    worker.on('exit', () => fail());
    for (const note of this.#cells) worker.postMessage(note);
    return worker;
  }
}
