/**
 * What the compiled text of a cell calls: every `await`, `for await` and import goes through here, and
 * always on behalf of the cell that is running, which need not be the one that defined the code.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Position } from './position.ts';
import { Interrupted } from './traceback.ts';

/** One execution of one cell, as long as anything it started is alive. */
export class CellExecution {
  readonly serial: number;
  readonly count: number;
  readonly allowStdin: boolean;
  readonly abort = new AbortController();
  /** Rejections of the awaits that are pending; called when the cell is ended by force. */
  readonly pending = new Set<(reason: Interrupted) => void>();
  /** The cell was told to end: from now on each `await` of its code throws. */
  ended = false;

  constructor(serial: number, count: number, allowStdin: boolean) {
    this.serial = serial;
    this.count = count;
    this.allowStdin = allowStdin;
  }

  /** Makes all awaits of the cell throw, pending ones at once. */
  end(): void {
    this.ended = true;
    this.abort.abort();
    const pending = [...this.pending];
    this.pending.clear();
    for (const reject of pending) reject(new Interrupted());
  }
}

const executions = new AsyncLocalStorage<CellExecution>();

/** The cell on whose behalf the current code runs, also in a timer or a promise callback it started. */
export function currentExecution(): CellExecution | undefined {
  return executions.getStore();
}

export function runInExecution<T>(execution: CellExecution, work: () => T): T {
  return executions.run(execution, work);
}

/** Turns the tracking on; before the first use Node has no async hooks at all. */
export function enableExecutions(): void {
  executions.run(new CellExecution(0, 0, false), () => {});
}

export type LoadModule = <T>(importModule: () => Promise<T>) => Promise<T>;

/** The parameter of a compiled cell. */
export class CellRuntime {
  readonly meta: { url: string; filename: string; dirname: string; resolve(specifier: string): string };
  readonly #fileName: string;
  readonly #awaits: readonly Position[];

  /** `load`: runs an import of the cell; changed modules are loaded anew first. */
  constructor(
    fileName: string,
    awaits: readonly Position[],
    readonly load: LoadModule,
  ) {
    this.#fileName = fileName;
    this.#awaits = awaits;
    const url = pathToFileURL(fileName).href;
    const { resolve } = createRequire(fileName);
    this.meta = {
      url,
      filename: fileName,
      dirname: dirname(fileName),
      resolve: (specifier) => {
        const found = /^\.{0,2}\//.test(specifier) ? new URL(specifier, url).href : resolve(specifier);
        return found.startsWith('/') ? pathToFileURL(found).href : found;
      },
    };
  }

  /** A function under its own name, without the suffix its declaration was given. */
  named<F extends (...parameters: never[]) => unknown>(target: F, name: string): F {
    return Object.defineProperty(target, 'name', { value: name, configurable: true });
  }

  /**
   * `await value` of a cell. A rejection gets the place of the await added to its stack, since the step
   * through this function hides the caller from V8; Stop rejects at once instead of waiting for `value`.
   */
  wait<T>(value: T | PromiseLike<T>, site: number): T | Promise<T> {
    const execution = currentExecution();
    if (execution?.ended) throw new Interrupted();
    if (!isThenable(value)) return value;
    return new Promise<T>((resolve, reject) => {
      execution?.pending.add(reject);
      value.then(
        (result) => {
          execution?.pending.delete(reject);
          if (execution?.ended) reject(new Interrupted());
          else resolve(result);
        },
        (error) => {
          execution?.pending.delete(reject);
          reject(this.#located(error, site));
        },
      );
    });
  }

  /** The iterable of a `for await` of a cell. */
  async *iterate<T>(
    values: AsyncIterable<T> | Iterable<T | PromiseLike<T>>,
    site: number,
  ): AsyncGenerator<T> {
    const iterator =
      Symbol.asyncIterator in values ? values[Symbol.asyncIterator]() : values[Symbol.iterator]();
    try {
      for (;;) {
        const step = await this.wait(iterator.next() as PromiseLike<IteratorResult<T>>, site);
        if (step.done) return;
        yield await this.wait(step.value, site);
      }
    } finally {
      const execution = currentExecution();
      // Not awaited once the cell is ended: a stopped source may never answer.
      const closed = iterator.return?.();
      if (!execution?.ended) await closed;
      else if (isThenable(closed)) closed.then(undefined, () => {});
    }
  }

  /**
   * The wanted exports of a module. A CommonJS module keeps its names on `default` when Node cannot see
   * them. A name that does not exist is an error if the cell uses it as a value; otherwise it was a type.
   */
  exports(module: Record<string, unknown>, specifier: string, wanted: readonly [string, boolean][]) {
    const fallback = module.default as Record<string, unknown> | undefined;
    const found: Record<string, unknown> = {};
    for (const [name, used] of wanted) {
      if (name in module) found[name] = module[name];
      else if (fallback !== null && typeof fallback === 'object' && name in fallback)
        found[name] = fallback[name];
      else if (name === 'default') found[name] = module;
      else if (used)
        throw new SyntaxError(`The module '${specifier}' does not provide an export named '${name}'`);
    }
    return found;
  }

  #located(error: unknown, site: number): unknown {
    const position = this.#awaits[site];
    if (!(error instanceof Error) || position === undefined || typeof error.stack !== 'string') return error;
    const place = `${this.#fileName}:${position.line + 1}:${position.column + 1}`;
    const frozen = !Object.getOwnPropertyDescriptor(error, 'stack')?.writable;
    if (!error.stack.includes(place) && !frozen) error.stack += `\n    at async ${place}`;
    return error;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
