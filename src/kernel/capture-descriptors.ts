/**
 * Some libraries (loggers above all) and users write to the descriptors 1 and 2 themselves, past `process.stdout` and
 * `process.stderr`. That reaches the notebook too: the call goes to the null device, which checks its parameters and
 * counts its bytes as ever, and what it wrote goes the way of the streams.
 */
import type fs from 'node:fs';
import { openSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { devNull } from 'node:os';

type Parameters = readonly unknown[];
type Operation = (...parameters: unknown[]) => unknown;
/** The bytes that a call which was accepted writes, by its parameters behind the descriptor. */
type Written = (parameters: Parameters) => Uint8Array[];
type Target = (bytes: Uint8Array) => unknown;

const WRITES: Readonly<Record<string, Written>> = {
  write: bytesOfWrite,
  writeSync: bytesOfWrite,
  writev: ([list]) => (list as ArrayBufferView[]).map(bytesOf),
  writevSync: ([list]) => (list as ArrayBufferView[]).map(bytesOf),
  writeFile: bytesOfFile,
  writeFileSync: bytesOfFile,
  appendFile: bytesOfFile,
  appendFileSync: bytesOfFile,
};

/** From now on, what `node:fs` is told to write to 1 and 2 goes to the standard streams as they are now. */
export function captureDescriptors(): void {
  // The module object itself: an import of it is a read-only view.
  const module = createRequire(import.meta.url)('node:fs') as typeof fs;
  const operations = module as unknown as Record<string, Operation>;
  // Bound now: whoever replaces `process.stdout.write` by a write to 1 must not get it back.
  const targets = new Map<unknown, Target>([
    [1, process.stdout.write.bind(process.stdout) as Target],
    [2, process.stderr.write.bind(process.stderr) as Target],
  ]);
  const sink = openSync(devNull, 'w');
  for (const [name, written] of Object.entries(WRITES)) {
    const original = operations[name]!;
    operations[name] = named(original, function (this: unknown, descriptor, ...rest) {
      const target = targets.get(descriptor);
      if (target === undefined) return original.call(this, descriptor, ...rest);
      const result = original.call(this, sink, ...rest);
      for (const bytes of written(rest)) target(bytes);
      return result;
    });
  }
  keepOpen(operations, (descriptor) => targets.has(descriptor));
  syncBuiltinESMExports();
}

/** The next file that is opened would get the number, and what is written to it would be shown instead. */
function keepOpen(operations: Record<string, Operation>, isOurs: (descriptor: unknown) => boolean): void {
  const { close, closeSync } = operations as { close: Operation; closeSync: Operation };
  operations.closeSync = named(closeSync, (descriptor) =>
    isOurs(descriptor) ? undefined : closeSync(descriptor),
  );
  operations.close = named(close, (descriptor, ...rest) => {
    if (!isOurs(descriptor)) return close(descriptor, ...rest);
    const [callback] = rest;
    if (typeof callback === 'function') process.nextTick(callback as () => void, null);
    return undefined;
  });
}

/** `replacement` with what others find on `original`: its name, and the promise version that `promisify` asks for. */
function named(original: Operation, replacement: Operation): Operation {
  return Object.defineProperties(replacement, Object.getOwnPropertyDescriptors(original));
}

/** `(data, offset?, length?, position?)`, `(data, { offset, length, position })` or `(text, position?, encoding?)`. */
function bytesOfWrite([data, second, third]: Parameters): Uint8Array[] {
  if (typeof data === 'string') return [Buffer.from(data, encodingOf(third))];
  const all = bytesOf(data as ArrayBufferView);
  const given = typeof second === 'object' && second !== null ? second : { offset: second, length: third };
  const { offset, length } = given as { offset?: unknown; length?: unknown };
  const from = typeof offset === 'number' ? offset : 0;
  return [all.subarray(from, typeof length === 'number' ? from + length : undefined)];
}

/** `(data, options?)`; of data that are neither text nor bytes (streams, iterables) nothing is known. */
function bytesOfFile([data, options]: Parameters): Uint8Array[] {
  if (ArrayBuffer.isView(data)) return [bytesOf(data)];
  const encoding =
    typeof options === 'object' ? (options as { encoding?: unknown } | null)?.encoding : options;
  return typeof data === 'string' ? [Buffer.from(data, encodingOf(encoding))] : [];
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function encodingOf(value: unknown): BufferEncoding {
  return typeof value === 'string' && Buffer.isEncoding(value) ? value : 'utf8';
}
