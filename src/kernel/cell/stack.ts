/**
 * Positions in error stacks. Cells and the TypeScript modules they import both run as generated JavaScript;
 * with {@link installStackMapper} every `error.stack` in the process speaks of the text the user wrote.
 */
import { findSourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Position } from './position.ts';

export interface CellSource {
  code: string;
  toCell(position: Position): Position;
}

/** Folder of the kernel's own code, with a separator at its end. */
const KERNEL_FOLDER = fileURLToPath(new URL('../', import.meta.url));

/** Folder of this package's code, the kernel's included. */
const PACKAGE_FOLDER = fileURLToPath(new URL('../../', import.meta.url));

/** Between the kernel and each cell, though not in the kernel's folder. */
const CANCELLATION = fileURLToPath(new URL('../../core/cancellation.ts', import.meta.url));

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
    const frames = withoutKernel(sites).map((site) => `\n    at ${describe(site)}`);
    return `${header(error)}${frames.join('')}`;
  };
}

/** Whether a place in a stack (a file, or a line that names one) belongs to the kernel rather than to the user. */
export function isKernelPlace(place: string): boolean {
  return place.includes(KERNEL_FOLDER) || place.includes(CANCELLATION);
}

/** Whether a line of a stack lies in this package. */
export function isPackagePlace(line: string): boolean {
  return line.includes(PACKAGE_FOLDER);
}

/**
 * The frames of a stack that has a cell in it, without what called the cell: an error that is shown as a value or
 * printed says as little of the kernel as one that was thrown. A stack without a cell is left whole.
 */
function withoutKernel(sites: readonly NodeJS.CallSite[]): readonly NodeJS.CallSite[] {
  const files = sites.map((site) => site.getFileName() ?? '');
  const outermost = files.findLastIndex((file) => cells.has(file));
  if (outermost < 0) return sites;
  const isOurs = (file: string, at: number) =>
    isKernelPlace(file) || (at > outermost && /^node:(internal|async_hooks)/.test(file));
  return sites.filter((_, at) => !isOurs(files[at]!, at));
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
