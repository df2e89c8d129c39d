/**
 * Positions in error stacks. Cells and the TypeScript modules they import both run as generated JavaScript;
 * with {@link installStackMapper} every `error.stack` in the process speaks of the text the user wrote.
 */
import { findSourceMap } from 'node:module';
import type { Position } from './position.ts';

export interface CellSource {
  code: string;
  toCell(position: Position): Position;
}

/** Compiled cells by the file name their script was given. */
const cells = new Map<string, CellSource>();

export function registerCell(fileName: string, source: CellSource): void {
  cells.set(fileName, source);
}

/** The cell of a file name as it appears in a stack. */
export function findCell(fileName: string): CellSource | undefined {
  return cells.get(fileName);
}

/** From now on stacks show mapped positions. Node's own mapping knows modules, but no `vm` scripts. */
export function installStackMapper(): void {
  // The default of 10 frames often ends inside a library, before the line of the cell.
  Error.stackTraceLimit = 50;
  Error.prepareStackTrace = (error, sites) => {
    const frames = sites.map((site) => `\n    at ${describe(site)}`);
    return `${header(error)}${frames.join('')}`;
  };
}

function header(error: Error): string {
  try {
    return Error.prototype.toString.call(error);
  } catch (failure) {
    return `Error (its own message cannot be read: ${String(failure)})`;
  }
}

function describe(site: NodeJS.CallSite): string {
  const text = site.toString();
  const file = site.getFileName();
  const line = site.getLineNumber();
  const column = site.getColumnNumber();
  if (file === null || file === undefined || line === null || column === null) return text;
  const cell = cells.get(file);
  if (cell !== undefined) {
    const mapped = cell.toCell({ line: line - 1, column: column - 1 });
    return text.replace(`:${line}:${column}`, `:${mapped.line + 1}:${mapped.column + 1}`);
  }
  const entry = findSourceMap(file)?.findEntry(line - 1, column - 1);
  if (entry === undefined || !('originalLine' in entry)) return text;
  const original = `${entry.originalSource ?? file}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  return text.replace(`${file}:${line}:${column}`, original.replace(/^file:\/\//, ''));
}
