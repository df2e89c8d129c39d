/** An error as a notebook shows it: name, message, the line of the cell, the calls that led there. */
import { inspect } from 'node:util';
import { InterplayError } from '../../core/index.ts';
import { codeFrame } from './position.ts';
import { findCell } from './stack.ts';
import { CellSyntaxError } from './syntax-error.ts';
import { CellTypeError } from './type-error.ts';

export interface ErrorContent {
  ename: string;
  evalue: string;
  traceback: string[];
}

/** Thrown into a cell that was stopped. */
export class Interrupted extends Error {
  constructor(message = 'the cell was stopped; variables keep their values') {
    super(message);
    this.name = 'Interrupted';
  }
}

/** Content of an `error` message for whatever a cell threw. Never throws itself. */
export function describeError(error: unknown): ErrorContent {
  if (error instanceof CellSyntaxError) {
    const evalue = `${error.message} (${error.place})`;
    return { ename: error.name, evalue, traceback: [`SyntaxError: ${evalue}`, ...error.frame()] };
  }
  if (error instanceof CellTypeError) {
    return {
      ename: error.name,
      evalue: error.message,
      traceback: [...error.report, 'The cell has not run; // @ts-nocheck as its first line makes it.'],
    };
  }
  if (!isErrorLike(error)) {
    const evalue = safely(() => inspect(error, { depth: 2 }));
    return { ename: 'Thrown', evalue, traceback: [`Thrown: ${evalue}`] };
  }
  const ename = error instanceof InterplayError ? error.code : safely(() => String(error.name || 'Error'));
  const evalue = safely(() => String(error.message));
  if (error instanceof Interrupted) return { ename, evalue, traceback: [`${ename}: ${evalue}`] };
  const stack = safely(() => String(error.stack ?? ''));
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  const shown = frames.filter((line) => !isInternal(line));
  const traceback = [`${ename}: ${evalue}`, ...cellFrame(shown), ...shown];
  for (const cause of causes(error)) traceback.push(`Caused by: ${cause}`);
  const extra = details(error);
  if (extra !== '') traceback.push(extra);
  return { ename, evalue, traceback };
}

function isErrorLike(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

/** The kernel's own frames and Node's loader say nothing about the user's code. */
function isInternal(line: string): boolean {
  return /node:internal|node:async_hooks|\/core\/cancellation\.ts|\bnode:vm\b|\/src\/kernel\/|CellRuntime|node_modules\/tsx\/|processTicksAndRejections/.test(
    line,
  );
}

/** The lines around the innermost frame that lies in a cell. */
function cellFrame(frames: readonly string[]): string[] {
  for (const frame of frames) {
    const match = /(?:\(|at (?:async )?)([^()]*cell-\d+\.ts):(\d+):(\d+)\)?$/.exec(frame);
    const cell = match === null ? undefined : findCell(match[1]!);
    if (cell !== undefined) {
      return codeFrame(cell.code, { line: Number(match![2]) - 1, column: Number(match![3]) - 1 });
    }
  }
  return [];
}

function* causes(error: Error): Generator<string> {
  let cause = error.cause;
  for (let depth = 0; depth < 5 && cause !== undefined; depth++) {
    yield safely(() =>
      isErrorLike(cause) ? `${cause.name}: ${cause.message}` : inspect(cause, { depth: 1 }),
    );
    cause = isErrorLike(cause) ? cause.cause : undefined;
  }
  if (error instanceof AggregateError) {
    for (const inner of error.errors.slice(0, 10)) yield safely(() => String(inner));
  }
}

/** Properties an error carries beside the usual ones (`code`, `errno`…), as Node prints them. */
function details(error: Error): string {
  if (error instanceof InterplayError) return '';
  const own = Object.entries(error).filter(
    ([key]) => !['name', 'message', 'stack', 'cause', 'errors'].includes(key),
  );
  return own.length === 0
    ? ''
    : safely(() => inspect(Object.fromEntries(own), { depth: 1, breakLength: 100 }));
}

/** User errors may have throwing getters; an error report may not fail because of them. */
function safely(read: () => string): string {
  try {
    return read();
  } catch (failure) {
    return `(cannot be shown: ${String((failure as Error)?.message ?? failure)})`;
  }
}
