/**
 * Child processes that would inherit the kernel's standard streams write where nobody looks. Their output is
 * piped instead and written to ours, which go to the notebook.
 */
import type childProcess from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { Readable } from 'node:stream';

type Stdio = unknown;
interface WithStdio {
  stdio?: Stdio;
  maxBuffer?: number;
}

/** Which of stdout (1) and stderr (2) a `stdio` option hands on, and the option that pipes them instead. */
export function pipeInherited(stdio: Stdio): { inherited: (1 | 2)[]; stdio: Stdio } {
  const list =
    typeof stdio === 'string' ? [stdio, stdio, stdio] : Array.isArray(stdio) ? [...stdio] : undefined;
  if (list === undefined) return { inherited: [], stdio };
  const isOurs = (entry: unknown) =>
    entry === 'inherit' || entry === 1 || entry === 2 || entry === process.stdout || entry === process.stderr;
  const inherited = ([1, 2] as const).filter((at) => isOurs(list[at]));
  for (const at of inherited) list[at] = 'pipe';
  return inherited.length === 0 ? { inherited, stdio } : { inherited, stdio: list };
}

/** From now on, inherited output of children comes through `process.stdout` and `process.stderr`. */
export function captureChildren(): void {
  // The module object itself: an import of it is a read-only view.
  const module = createRequire(import.meta.url)('node:child_process') as typeof childProcess;
  captureAsynchronous(module.ChildProcess.prototype as unknown as { spawn(options: WithStdio): unknown });
  for (const name of ['spawnSync', 'execSync', 'execFileSync'] as const) captureSynchronous(module, name);
  syncBuiltinESMExports();
}

/** spawn, exec, execFile and fork all end in this method. */
function captureAsynchronous(prototype: { spawn(options: WithStdio): unknown }): void {
  const original = prototype.spawn;
  prototype.spawn = function (this: ChildProcess, options: WithStdio) {
    const piped = pipeInherited(options.stdio);
    const result = original.call(this, { ...options, stdio: piped.stdio });
    for (const at of piped.inherited) {
      const target = at === 1 ? process.stdout : process.stderr;
      (this.stdio?.[at] as Readable | null)?.on('data', (chunk: Buffer) => target.write(chunk));
    }
    return result;
  };
}

type Output = string | Uint8Array | null | undefined;
interface SyncResult {
  output?: Output[] | null;
  stdout?: Output;
  stderr?: Output;
}

function captureSynchronous(module: object, name: string): void {
  const functions = module as Record<string, (...parameters: unknown[]) => unknown>;
  const original = functions[name]!;
  functions[name] = function (this: unknown, ...parameters: unknown[]) {
    const at = parameters.findIndex(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    );
    const options = parameters[at] as WithStdio | undefined;
    const piped = pipeInherited(options?.stdio);
    if (piped.inherited.length === 0) return original.apply(this, parameters);
    const changed = { ...options, stdio: piped.stdio, maxBuffer: Number.POSITIVE_INFINITY };
    const withOptions = parameters.map((value, index) => (index === at ? changed : value));
    try {
      const result = original.apply(this, withOptions);
      if (name === 'spawnSync') {
        passOn(result as SyncResult, piped.inherited);
        return result;
      }
      // The other two return the text of stdout, which is null when it was inherited; stderr they drop.
      if (!piped.inherited.includes(1)) return result;
      write(1, result as Output);
      return null;
    } catch (error) {
      passOn(error as SyncResult, piped.inherited);
      throw error;
    }
  };
}

/** Writes what a child wrote, and leaves the null that its caller expects of an inherited stream. */
function passOn(result: SyncResult, inherited: readonly (1 | 2)[]): void {
  for (const at of inherited) {
    const key = at === 1 ? 'stdout' : 'stderr';
    write(at, result[key]);
    result[key] = null;
    if (Array.isArray(result.output)) result.output[at] = null;
  }
}

function write(at: 1 | 2, text: Output): void {
  if (text !== null && text !== undefined) (at === 1 ? process.stdout : process.stderr).write(text);
}
