/** TypeScript's language service over the cells of a session and the project around the notebook. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HELPERS } from './helpers.ts';
import { outline } from './outline.ts';
import { ProjectFiles } from './project-files.ts';
import ts from './typescript.mjs';
import type { VirtualCells } from './virtual.ts';

/** Cells run in Node, whatever the project's `types` say: its own `@types/node`, or the one beside the kernel. */
function nodeTypes(folder: string): string {
  for (const from of [join(folder, 'cell.ts'), import.meta.url]) {
    try {
      const found = createRequire(from).resolve('@types/node/package.json');
      return `/// <reference path=${JSON.stringify(join(dirname(found), 'index.d.ts'))} />\n`;
    } catch {
      // not there: the next one
    }
  }
  return '';
}

/** Names that are visible in every cell, for completion only; code that mentions one gets it imported. */
function globalsText(): string {
  const lines = Object.entries(HELPERS).map(([name, { about }]) => `/** ${about} */ var ${name}: unknown;`);
  return `export {}; declare global { ${lines.join('\n')}\n }`;
}

const DEFAULT_LIB = ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'].map((name) => `lib.${name}.d.ts`);

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
    // Without `lib` a project has the DOM, and with it `URL` and `fetch`; `using` needs its declarations.
    lib: [...new Set([...(base.lib ?? DEFAULT_LIB), 'lib.esnext.disposable.d.ts'])],
  };
}

/** What the compiler asks its host for and leaves out of the type it publishes (`LanguageServiceHost`, TypeScript 5.9). */
interface Host extends ts.LanguageServiceHost {
  getModuleResolutionCache(): ts.ModuleResolutionCache;
  hasInvalidatedResolutions(path: string): boolean;
}

/**
 * A language service whose files are the draft and whatever it imports, cells included. `look` makes it see files of
 * the project as they were at most so many milliseconds ago.
 */
export function createService(
  folder: string,
  cells: VirtualCells,
): { service: ts.LanguageService; look: (maxAge: number) => void } {
  const options = compilerOptions(folder);
  const globalsPath = join(folder, '__interplay_globals.d.mts');
  const globals = nodeTypes(folder) + globalsText();
  const project = new ProjectFiles();
  // Where modules are, and what package.json says of each of a thousand files: asked for every program that is built.
  const modules = ts.createModuleResolutionCache(folder, canonical, options);
  let areModulesStale = false;
  const look = (maxAge: number) => {
    if (!project.look(maxAge)) return;
    areModulesStale = project.hasMoved;
    if (areModulesStale) modules.clear();
  };

  const isVirtual = (path: string) => path === globalsPath || cells.files.has(path);
  const textOf = (path: string): string | undefined =>
    path === globalsPath ? globals : (cells.files.get(path)?.text ?? project.read(path));
  const seen = (path: string, text: string) => (cells.files.has(path) ? text : outline(path, text));
  const versionOf = (path: string): string =>
    cells.files.get(path)?.text ?? (path === globalsPath ? '1' : project.version(path));
  const snapshots = new Map<string, { version: string; snapshot: ts.IScriptSnapshot }>();

  // In TypeScript it says nothing about types; documentation.ts reads what is asked for.
  const jsDocParsingMode = ts.JSDocParsingMode.ParseForTypeInfo;
  const registry = ts.createDocumentRegistry(undefined, undefined, jsDocParsingMode);
  const host: Host = {
    getCompilationSettings: () => options,
    getScriptFileNames: () => [globalsPath, cells.keepPath, cells.draftPath],
    // As long as it is the same, the compiler asks about no file at all.
    getProjectVersion: () => `${cells.version} ${project.changes}`,
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
    resolveModuleNameLiterals: (names, from, redirected, settings, source) =>
      names.map((name) => {
        const mode = ts.getModeForUsageLocation(source, name, settings);
        return ts.resolveModuleName(name.text, from, settings, host, modules, redirected, mode);
      }),
    getModuleResolutionCache: () => modules,
    hasInvalidatedResolutions: () => areModulesStale,
    getCurrentDirectory: () => folder,
    jsDocParsingMode,
    useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
    getDefaultLibFileName: (settings) => ts.getDefaultLibFilePath(settings),
    fileExists: (path) => isVirtual(path) || project.fileExists(path),
    readFile: textOf,
    readDirectory: ts.sys.readDirectory,
    directoryExists: (path) => project.folderExists(path),
    getDirectories: ts.sys.getDirectories,
    realpath: (path) => (isVirtual(path) ? path : (ts.sys.realpath?.(path) ?? path)),
  };
  return { service: ts.createLanguageService(host, registry), look };
}

function canonical(path: string): string {
  return ts.sys.useCaseSensitiveFileNames ? path : path.toLowerCase();
}
