/**
 * Reloading of local modules that have changed since a cell imported them. Files are looked at when a cell
 * imports something, there are no watchers. ES modules: reload-hooks.mjs. CommonJS modules live in a cache of
 * the main thread, from which the changed ones and whatever requires them are removed here.
 */
import { statSync } from 'node:fs';
import { createRequire, register } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageChannel, type MessagePort } from 'node:worker_threads';

/** CommonJS modules by file name. */
const cache = createRequire(import.meta.url).cache as Record<string, NodeModule | undefined>;

export class ModuleReloader {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, (stale: string[]) => void>();
  readonly #stamps = new Map<string, string>();
  /** CommonJS modules that were removed, by URL, but not yet told to the loader. */
  readonly #untold = new Set<string>();
  #tickets = 0;
  /** The last import has not succeeded, or not yet. */
  #hasFailed = false;

  /** From now on the process follows changes of the modules it loads. */
  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    register('./reload-hooks.mjs', import.meta.url, { data: { port: port2 }, transferList: [port2] });
    port1.on('message', ({ ticket, stale }: { ticket: number; stale: string[] }) => {
      this.#waiting.get(ticket)?.(stale);
      this.#waiting.delete(ticket);
    });
    port1.unref();
  }

  /** Runs an `import()`, after which changed modules are new ones. */
  async load<T>(importModule: () => Promise<T>): Promise<T> {
    this.#dropChanged();
    const changed = [...this.#untold];
    this.#untold.clear();
    const ticket = ++this.#tickets;
    const stale = await new Promise<string[]>((resolve) => {
      this.#waiting.set(ticket, resolve);
      this.#port.postMessage({ ticket, changed, isRetry: this.#hasFailed });
    });
    this.#hasFailed = true;
    for (const url of stale) delete cache[fileURLToPath(url)];
    try {
      const module = await importModule();
      this.#hasFailed = false;
      return module;
    } finally {
      this.#note();
    }
  }

  /** Runs a `require()`. */
  require<T>(load: () => T): T {
    this.#dropChanged();
    try {
      return load();
    } finally {
      this.#note();
    }
  }

  /** Remembers what the files of modules that are new in the cache look like. */
  #note(): void {
    for (const file of Object.keys(cache)) {
      if (isLocal(file) && !this.#stamps.has(file)) this.#stamps.set(file, stampOf(file));
    }
  }

  #dropChanged(): void {
    const stale = new Set<string>();
    for (const [file, stamp] of this.#stamps) {
      if (stampOf(file) !== stamp) stale.add(file);
    }
    if (stale.size === 0) return;
    const loaded = Object.entries(cache).filter(([file]) => isLocal(file));
    // A set is walked to its end also while it grows.
    for (const child of stale) {
      for (const [file, module] of loaded) {
        if (module?.children.some(({ filename }) => filename === child)) stale.add(file);
      }
    }
    for (const file of stale) {
      delete cache[file];
      this.#stamps.delete(file);
      this.#untold.add(pathToFileURL(file).href);
    }
  }
}

function isLocal(file: string): boolean {
  return !/[\\/]node_modules[\\/]/.test(file);
}

function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? 'none' : `${stat.mtimeMs} ${stat.size}`;
}
