/** An error as a notebook shows it: name, message, the line of the cell, the calls that led there. */
import { inspect } from 'node:util';
import { InterplayError } from '../../core/index.ts';
import { codeFrame } from './position.ts';
import { findCell, isKernelPlace, isPackagePlace } from './stack.ts';
import { CellSyntaxError } from './syntax-error.ts';
import { CellTypeError } from './type-error.ts';

/** A cause shows this many of its frames, innermost first. */
const MOST_CAUSE_FRAMES = 5;

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
  const frames = visibleFrames(error);
  // A mistake of the user is at the call; where this package noticed it says nothing to them.
  const at = error instanceof InterplayError ? frames.findIndex((line) => !isPackagePlace(line)) : 0;
  const shown = at < 0 ? [] : frames.slice(at);
  const traceback = [`${ename}: ${evalue}`, ...cellFrame(shown), ...withoutRepetition(shown)];
  for (const cause of causes(error, shown)) traceback.push(`Caused by: ${cause}`);
  const extra = details(error);
  if (extra !== '') traceback.push(extra);
  return { ename, evalue, traceback };
}

/** Lines of the stack of `error` that speak of the user's code. */
function visibleFrames(error: Error): string[] {
  const stack = safely(() => String(error.stack ?? ''));
  const message = safely(() => String(error.message));
  // The message comes first, and may have lines that look like frames.
  const at = stack.indexOf(message);
  const frames = stack.slice(at < 0 ? 0 : at + message.length).split('\n');
  return frames.filter((line) => /^\s+at /.test(line) && !isInternal(line));
}

/** A recursion shows one of its equal frames, and how many there are. */
function withoutRepetition(frames: readonly string[]): string[] {
  const lines: string[] = [];
  for (let at = 0, end = 0; at < frames.length; at = end) {
    while (frames[end] === frames[at]) end++;
    lines.push(frames[at]!);
    if (end - at === 2) lines.push(frames[at]!);
    else if (end - at > 2) lines.push(`    ... the same call ${end - at - 1} more times`);
  }
  return lines;
}

function isErrorLike(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

/** The kernel's own frames and Node's loader say nothing about the user's code. */
function isInternal(line: string): boolean {
  return (
    isKernelPlace(line) ||
    /node:internal|node:async_hooks|\bnode:vm\b|CellRuntime|node_modules\/tsx\/|processTicksAndRejections/.test(
      line,
    )
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

/** What an error was caused by, each with the frames that lead from the error's own to it. */
function* causes(error: Error, frames: readonly string[]): Generator<string> {
  const seen = new Set<unknown>([error]);
  let cause = error.cause;
  for (let depth = 0; depth < 5 && cause !== undefined && !seen.has(cause); depth++) {
    seen.add(cause);
    yield causeText(cause, frames);
    cause = isErrorLike(cause) ? cause.cause : undefined;
  }
  if (error instanceof AggregateError) {
    for (const inner of error.errors.slice(0, 10)) yield causeText(inner, frames);
  }
}

function causeText(cause: unknown, known: readonly string[]): string {
  if (!isErrorLike(cause)) return safely(() => inspect(cause, { depth: 1 }));
  const own = withoutRepetition(visibleFrames(cause).filter((frame) => !known.includes(frame)));
  return [safely(() => `${cause.name}: ${cause.message}`), ...own.slice(0, MOST_CAUSE_FRAMES)].join('\n');
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
