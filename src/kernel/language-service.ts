/** TypeScript's language service over the cells of a session and the project around the notebook. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HELPERS } from './helpers.ts';
import { outline } from './outline.ts';
import ts from './typescript.mjs';
import type { VirtualCells } from './virtual.ts';

/** What is known about the project's files is asked again after this time; they change while one works. */
const RECHECK_MS = 2000;

/** Answers about files; those about installed packages hold for the session. */
class Remembered<T> {
  readonly #ask: (path: string) => T;
  readonly #known = new Map<string, { answer: T; at: number }>();

  constructor(ask: (path: string) => T) {
    this.#ask = ask;
  }

  get(path: string): T {
    const known = this.#known.get(path);
    if (known !== undefined && performance.now() - known.at < RECHECK_MS) return known.answer;
    const answer = this.#ask(path);
    this.#known.set(path, {
      answer,
      at: path.includes('/node_modules/') ? Number.POSITIVE_INFINITY : performance.now(),
    });
    return answer;
  }

  /** Makes the next answer about each file of the project a fresh one. */
  forget(): void {
    for (const [path, { at }] of this.#known) {
      if (at !== Number.POSITIVE_INFINITY) this.#known.delete(path);
    }
  }
}

/** Names that are visible in every cell, for completion only; code that mentions one gets it imported. */
function globalsText(): string {
  const lines = Object.entries(HELPERS).map(([name, { about }]) => `/** ${about} */ var ${name}: unknown;`);
  return `export {}; declare global { ${lines.join('\n')}\n }`;
}

/** Options of the project's tsconfig.json, with what notebooks need otherwise. */
export function compilerOptions(folder: string): ts.CompilerOptions {
  const file = ts.findConfigFile(folder, ts.sys.fileExists);
  const base: ts.CompilerOptions =
    file === undefined
      ? {
          strict: true,
          target: ts.ScriptTarget.ES2023,
          lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
          types: ['node'],
          typeRoots: [fileURLToPath(new URL('../../node_modules/@types', import.meta.url))],
        }
      : ts.parseJsonConfigFileContent(ts.readConfigFile(file, ts.sys.readFile).config, ts.sys, dirname(file))
          .options;
  return {
    ...base,
    // What is declared for a later cell looks unused in its own, and types are imported like values.
    noUnusedLocals: false,
    noUnusedParameters: false,
    verbatimModuleSyntax: false,
    isolatedModules: false,
    noEmit: true,
    declaration: false,
    composite: false,
    isolatedDeclarations: false,
    allowImportingTsExtensions: true,
    resolveJsonModule: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ESNext,
    ...(file === undefined
      ? { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }
      : {}),
    // `using` needs its declarations.
    lib: [...new Set([...(base.lib ?? ['lib.es2023.d.ts']), 'lib.esnext.disposable.d.ts'])],
  };
}

/**
 * A language service whose files are the draft and whatever it imports, cells included. `lookAgain` makes it
 * see files of the project as they are now.
 */
export function createService(
  folder: string,
  cells: VirtualCells,
): { service: ts.LanguageService; lookAgain: () => void } {
  const options = compilerOptions(folder);
  const globalsPath = join(folder, '__interplay_globals.d.mts');
  const globals = globalsText();
  const versions = new Remembered((path) => String(ts.sys.getModifiedTime?.(path)?.getTime() ?? 0));
  const packages = new Remembered((path) => ts.sys.readFile(path));
  const existing = new Remembered((path) => ts.sys.fileExists(path));
  const folders = new Remembered((path) => ts.sys.directoryExists(path));
  /** The compiler asks for the package of each of its thousand files each time it is asked anything. */
  const read = (path: string) => (path.endsWith('package.json') ? packages.get(path) : ts.sys.readFile(path));
  const textOf = (path: string): string | undefined =>
    path === globalsPath ? globals : (cells.files.get(path)?.text ?? read(path));
  const seen = (path: string, text: string) => (cells.files.has(path) ? text : outline(path, text));

  const versionOf = (path: string): string =>
    cells.files.get(path)?.text ?? (path === globalsPath ? '1' : versions.get(path));
  const snapshots = new Map<string, { version: string; snapshot: ts.IScriptSnapshot }>();

  const host: ts.LanguageServiceHost = {
    getCompilationSettings: () => options,
    getScriptFileNames: () => [globalsPath, cells.keepPath, cells.draftPath],
    getScriptVersion: versionOf,
    getScriptSnapshot: (path) => {
      const version = versionOf(path);
      const known = snapshots.get(path);
      if (known?.version === version) return known.snapshot;
      const text = textOf(path);
      if (text === undefined) return undefined;
      const snapshot = ts.ScriptSnapshot.fromString(seen(path, text));
      snapshots.set(path, { version, snapshot });
      return snapshot;
    },
    getCurrentDirectory: () => folder,
    getDefaultLibFileName: (settings) => ts.getDefaultLibFilePath(settings),
    fileExists: (path) => path === globalsPath || cells.files.has(path) || existing.get(path),
    readFile: textOf,
    readDirectory: ts.sys.readDirectory,
    directoryExists: (path) => folders.get(path),
    getDirectories: ts.sys.getDirectories,
    realpath: (path) => (cells.files.has(path) ? path : (ts.sys.realpath?.(path) ?? path)),
  };
  const lookAgain = () => {
    for (const memory of [versions, packages, existing, folders]) memory.forget();
  };
  return { service: ts.createLanguageService(host, ts.createDocumentRegistry()), lookAgain };
}
