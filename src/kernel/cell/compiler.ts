/** Cells of one session, compiled one after the other against the same globals. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import vm from 'node:vm';
import type { Position } from './position.ts';
import { CellRuntime, type LoadModule } from './runtime.ts';
import { registerCell } from './stack.ts';
import { CellSyntaxError } from './syntax-error.ts';
import { type CompiledCell, transformCell } from './transform.ts';

/** What cells get from the process they run in. */
export interface CompilerHost {
  /** Names that cells may use without declaring them. */
  helpers: ReadonlySet<string>;
  loadHelper(name: string): Promise<unknown>;
  /** Runs an import of a cell. */
  load: LoadModule;
  /** Runs a `require` of a cell. */
  require<T>(load: () => T): T;
}

const NO_HOST: CompilerHost = {
  helpers: new Set(),
  loadHelper: async () => undefined,
  load: (importModule) => importModule(),
  require: (load) => load(),
};

export class CellCompiler {
  readonly #folder: string;
  readonly #builtins = new Set(Object.getOwnPropertyNames(globalThis));
  readonly #hidden = new Set<string>();
  readonly #host: CompilerHost;
  /** Values of helpers on the global object; a variable of a cell may have taken the name of one. */
  readonly #loaded = new Map<string, unknown>();

  /** `folder`: where relative imports of cells start, the folder of the notebook. */
  constructor(folder: string, host: CompilerHost = NO_HOST) {
    this.#folder = folder;
    this.#host = host;
    const require = createRequire(join(folder, 'cell.ts'));
    define(
      'require',
      Object.assign((id: string) => host.require(() => require(id)), require),
    );
    define('__dirname', folder);
    define('__filename', join(folder, 'notebook.ts'));
  }

  /**
   * A function that runs the cell and resolves to its last expression. Throws {@link CellSyntaxError};
   * then nothing has changed.
   */
  compile(code: string, cellName: string): () => Promise<unknown> {
    const cell = this.#transform(code, cellName);
    const fileName = join(this.#folder, cellName);
    const script = this.#script(cell, code, cellName, fileName);
    registerCell(fileName, { code, toCell: cell.toCell });
    const run = script.runInThisContext() as (runtime: CellRuntime) => Promise<unknown>;
    const runtime = new CellRuntime(fileName, cell.awaits, this.#host.load);
    return async () => {
      for (const name of cell.helpers) await this.#provide(name);
      for (const name of cell.hidden) this.#hidden.add(name);
      for (const name of cell.globals) {
        if (!Object.hasOwn(globalThis, name)) define(name, undefined);
      }
      return run(runtime);
    };
  }

  async #provide(name: string): Promise<void> {
    const isTaken = Object.hasOwn(globalThis, name);
    if (isTaken && (!this.#loaded.has(name) || this.#loaded.get(name) !== globalValue(name))) return;
    // Again for each cell: the module may have been changed.
    const value = await this.#host.loadHelper(name);
    this.#loaded.set(name, value);
    define(name, value);
  }

  #transform(code: string, cellName: string): CompiledCell {
    const { helpers } = this.#host;
    const options = { cellName, builtins: this.#builtins, hidden: this.#hidden, helpers };
    try {
      return transformCell(code, options);
    } catch (error) {
      // `{ a: 1, b: 2 }` is a block to the grammar, but never meant as one when it does not parse.
      if (!(error instanceof CellSyntaxError) || !/^\s*\{[\s\S]*\}\s*$/.test(code)) throw error;
      try {
        return transformCell(`(${code})`, options);
      } catch (second) {
        if (second instanceof CellSyntaxError) throw error;
        throw second;
      }
    }
  }

  #script(cell: CompiledCell, code: string, cellName: string, filename: string): vm.Script {
    try {
      return new vm.Script(cell.js, {
        filename,
        importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
      });
    } catch (error) {
      // Errors the TypeScript parser leaves to the engine, such as `break` outside a loop.
      if (!(error instanceof SyntaxError)) throw error;
      throw new CellSyntaxError(error.message, cellName, code, cell.toCell(enginePosition(error, filename)));
    }
  }
}

/** V8 writes the place of a syntax error in front of the stack: `file:line`, the line, a line of carets. */
function enginePosition(error: SyntaxError, filename: string): Position {
  const [place = '', , carets = ''] = (error.stack ?? '').split('\n');
  const line = Number(place.startsWith(filename) ? place.slice(filename.length + 1) : 1);
  return { line: (Number.isInteger(line) ? line : 1) - 1, column: Math.max(0, carets.indexOf('^')) };
}

function globalValue(name: string): unknown {
  return (globalThis as unknown as Record<string, unknown>)[name];
}

function define(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
}
