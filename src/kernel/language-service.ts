/** TypeScript's language service over the cells of a session and the project around the notebook. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import type { VirtualCells } from './virtual.ts';

/** A file on disk is looked at again after this time; imported modules change while one works. */
const RECHECK_MS = 2000;

/** Names that are visible in every cell. */
function globalsText(): string {
  const display = fileURLToPath(new URL('../notebook/display.ts', import.meta.url));
  const names = ['display', 'displayHtml', 'newDisplay', 'clearOutput', 'input'];
  const lines = names.map((name) => `var ${name}: typeof import(${JSON.stringify(display)}).${name};`);
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

/** A language service whose files are the cells (as they are now) and whatever they import. */
export function createService(folder: string, cells: VirtualCells): ts.LanguageService {
  const options = compilerOptions(folder);
  const globalsPath = join(folder, '__interplay_globals.d.mts');
  const globals = globalsText();
  const seen = new Map<string, { version: string; at: number }>();

  const diskVersion = (path: string): string => {
    const known = seen.get(path);
    const isFixed = path.includes('/node_modules/');
    if (known !== undefined && (isFixed || performance.now() - known.at < RECHECK_MS)) return known.version;
    const version = String(ts.sys.getModifiedTime?.(path)?.getTime() ?? 0);
    seen.set(path, { version, at: performance.now() });
    return version;
  };
  const textOf = (path: string): string | undefined =>
    path === globalsPath ? globals : (cells.files.get(path)?.text ?? ts.sys.readFile(path));

  const host: ts.LanguageServiceHost = {
    getCompilationSettings: () => options,
    getScriptFileNames: () => [globalsPath, ...cells.files.keys()],
    getScriptVersion: (path) =>
      cells.files.get(path)?.text ?? (path === globalsPath ? '1' : diskVersion(path)),
    getScriptSnapshot: (path) => {
      const text = textOf(path);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => folder,
    getDefaultLibFileName: (settings) => ts.getDefaultLibFilePath(settings),
    fileExists: (path) => path === globalsPath || cells.files.has(path) || ts.sys.fileExists(path),
    readFile: textOf,
    readDirectory: ts.sys.readDirectory,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
    realpath: (path) => (cells.files.has(path) ? path : (ts.sys.realpath?.(path) ?? path)),
  };
  return ts.createLanguageService(host, ts.createDocumentRegistry());
}
