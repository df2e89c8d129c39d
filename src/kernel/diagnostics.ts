/** Type errors of a cell that is about to run, without those that only a module would have. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import ts from './typescript.mjs';
import type { VirtualFile } from './virtual.ts';

export interface CellDiagnostic {
  /** TypeScript's number of the error. */
  code: number;
  message: string;
  /** Offset in the cell, in UTF-16 units. */
  start: number;
  /** The name that was not found, which a cell may have put on the global object all the same. */
  missing?: string;
}

/**
 * What is no mistake in a cell: variables without a type that later cells see as `any` (7005, 7034), modules
 * without types (7016), `import x = require()` (1202), `export =` (1203), JSON without an attribute (1543),
 * and relative imports without an extension (2834, 2835); the loader takes all of these. Neither is what only our
 * ending `.mts` forbids: `<T>value` (7059) and `<T>(x: T) => x` (7060).
 */
const NO_MISTAKE: ReadonlySet<number> = new Set([7005, 7034, 7016, 1202, 1203, 1543, 2834, 2835, 7059, 7060]);
/** Cannot find name, namespace, name (did you mean, need types for …), value for a shorthand property. */
const NOT_FOUND: ReadonlySet<number> = new Set([2304, 2503, 2552, 2580, 2581, 2582, 2583, 2584, 18004]);
const NO_MODULE: ReadonlySet<number> = new Set([2307, 2792]);

/** The errors of `file`, whose code is `code`; none if it does not parse, since running it will say so. */
export function typeErrors(
  service: ts.LanguageService,
  file: VirtualFile,
  code: string,
  folder: string,
): CellDiagnostic[] {
  if (service.getSyntacticDiagnostics(file.path).length > 0) return [];
  const found: CellDiagnostic[] = [];
  for (const diagnostic of service.getSemanticDiagnostics(file.path)) {
    const start = (diagnostic.start ?? 0) - file.start;
    if (diagnostic.category !== ts.DiagnosticCategory.Error || NO_MISTAKE.has(diagnostic.code)) continue;
    // The lines around the cell are ours.
    if (start < 0 || start >= code.length) continue;
    const text = code.slice(start, start + (diagnostic.length ?? 0));
    const message = isFixed(diagnostic.code, text, file)
      ? `Cannot assign to '${text}': an earlier cell declares it as a constant, a function or a class.`
      : readable(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
    if (message.includes("'typeof globalThis'")) continue;
    if (NO_MODULE.has(diagnostic.code) && canLoad(text, folder)) continue;
    const isMissing = NOT_FOUND.has(diagnostic.code);
    // `typeof name` asks whether there is one.
    if (isMissing && /\btypeof[\s(]*$/.test(code.slice(0, start))) continue;
    if (isMissing && new RegExp(`\\bglobalThis\\.${text.replace(/\$/g, '\\$')}\\b`).test(code)) continue;
    found.push({ code: diagnostic.code, message, start, ...(isMissing ? { missing: text } : {}) });
  }
  return found;
}

/** Whether a cell assigns to what another one declares; to TypeScript that is an import (2632). */
function isFixed(code: number, name: string, { text, start }: VirtualFile): boolean {
  return code === 2632 && text.slice(0, start).includes(`import { ${name} } from './__interplay_cell_`);
}

/** Types of other cells are known by the files that stand for these. */
function readable(message: string): string {
  return message.replace(/import\("[^"]*__interplay_cell_\w+"\)\./g, '');
}

/** Whether Node finds a module of which TypeScript knows nothing: a URL, or a file without types. */
function canLoad(quoted: string, folder: string): boolean {
  const specifier = quoted.replace(/^['"`]|['"`]$/g, '');
  if (/^[a-z][a-z0-9+.-]+:/i.test(specifier)) return true;
  try {
    createRequire(join(folder, 'cell.ts')).resolve(specifier);
    return true;
  } catch {
    return false; // it is not there, which is the error to be shown
  }
}
