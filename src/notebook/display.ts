/**
 * Showing things in a notebook. The same calls work in our kernel, in stock tslab, and as plain text in a
 * terminal: whoever runs the code puts a {@link DisplayHost} on the global object, or nobody does.
 */
import { createRequire } from 'node:module';
import { inspect } from 'node:util';
import { isProxy } from 'node:util/types';
import { libraryRows, tableBundle } from './table-html.ts';

/** Representations of one thing by MIME type; a front end picks the richest it can show. */
export type MimeBundle = Readonly<Record<string, unknown>>;

/** A method of this name gives an object's {@link MimeBundle} (a promise of one is fine). */
export const DISPLAY_METHOD: unique symbol = Symbol.for('Jupyter.display') as never;

/** Implemented by the kernel. */
export interface DisplayHost {
  publish(type: 'display_data' | 'update_display_data', bundle: MimeBundle, displayId?: string): void;
  clear(wait: boolean): void;
  /** Asks the user for one line. */
  input(prompt: string, password: boolean): Promise<string>;
}

const HOST = Symbol.for('interplay.display.host');

/** The host of this process, if it runs in a notebook of ours. */
export function displayHost(): DisplayHost | undefined {
  return (globalThis as unknown as Record<symbol, DisplayHost | undefined>)[HOST];
}

/** Puts a host in charge of all displays of this process; called by the kernel. */
export function setDisplayHost(host: DisplayHost | undefined): void {
  (globalThis as unknown as Record<symbol, DisplayHost | undefined>)[HOST] = host;
}

/** True where an update replaces what was shown, rather than adding a line to a terminal. */
export function hasRichDisplay(): boolean {
  return displayHost() !== undefined || tslab() !== undefined;
}

/** Shows a MIME bundle (`{ 'text/html': '<b>x</b>' }`), an object that has a display method, or any value. */
export function display(value: unknown): void {
  show(value, undefined, 'display_data');
}

/** Shows HTML, with a text for front ends that show none. */
export function displayHtml(html: string, text = '[HTML]'): void {
  display({ 'text/html': html, 'text/plain': text });
}

/** Removes the output of the current cell; with `wait`, only when the next output comes. */
export function clearOutput({ wait = false }: { wait?: boolean } = {}): void {
  displayHost()?.clear(wait);
}

/** Asks the user of the notebook for one line of text. */
export async function input(prompt = '', { password = false }: { password?: boolean } = {}): Promise<string> {
  const host = displayHost();
  if (host === undefined) throw new Error('input() needs a notebook front end');
  return host.input(prompt, password);
}

/** A place in the output whose content can be replaced. */
export interface DisplayHandle {
  /** Shows `value` (as {@link display} takes it) in place of what is there. */
  update(value: unknown): void;
}

let handles = 0;

/** A display that is empty until its first update. */
export function newDisplay(): DisplayHandle {
  const id = `interplay-${process.pid}-${++handles}`;
  const stock = displayHost() === undefined ? tslab()?.newDisplay() : undefined;
  let isShown = false;
  return {
    update(value) {
      if (stock !== undefined) {
        whenReady(toBundle(value), (bundle) => showInTslab(stock, bundle));
        return;
      }
      show(value, id, isShown ? 'update_display_data' : 'display_data');
      isShown = true;
    },
  };
}

function show(value: unknown, id: string | undefined, type: 'display_data' | 'update_display_data'): void {
  whenReady(toBundle(value), (bundle) => {
    const host = displayHost();
    const stock = tslab();
    if (host !== undefined) host.publish(type, bundle, id);
    else if (stock !== undefined) showInTslab(stock.display, bundle);
    else process.stdout.write(`${String(bundle['text/plain'] ?? '[no text]')}\n`);
  });
}

/**
 * Representations of any value: a bundle is taken as it is, an object's own display method is asked, a table of
 * arquero or danfojs comes in pages, everything else is text as Node prints it.
 */
export function toBundle(value: unknown): MimeBundle | Promise<MimeBundle> {
  if (!isProxy(value)) return bundleOf(value);
  try {
    return bundleOf(value);
  } catch {
    // A proxy may answer any question with an error; Node prints its target without asking it.
    return textBundle(value);
  }
}

function bundleOf(value: unknown): MimeBundle | Promise<MimeBundle> {
  if (isMimeBundle(value)) return value;
  const method = displayMethod(value);
  if (method !== undefined) {
    const shown: unknown = method.call(value);
    return shown instanceof Promise ? shown.then(checkBundle) : checkBundle(shown);
  }
  const rows = libraryRows(value);
  return rows === undefined ? textBundle(value) : tableBundle(rows);
}

function textBundle(value: unknown): MimeBundle {
  return { 'text/plain': inspect(value, { maxArrayLength: 100 }) };
}

/** A plain object of which every key is a MIME type. */
export function isMimeBundle(value: unknown): value is MimeBundle {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key) => /^[a-z]+\/[\w.+-]+$/.test(key));
}

type DisplayMethod = (this: unknown) => unknown;

function displayMethod(value: unknown): DisplayMethod | undefined {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  const method = (value as Record<symbol, unknown>)[DISPLAY_METHOD];
  return typeof method === 'function' ? (method as DisplayMethod) : undefined;
}

function checkBundle(shown: unknown): MimeBundle {
  if (isMimeBundle(shown)) return shown;
  throw new TypeError(
    `the Jupyter.display method must return a MIME bundle, got ${inspect(shown, { depth: 0 })}`,
  );
}

function whenReady<T>(value: T | Promise<T>, use: (value: T) => void): void {
  if (value instanceof Promise) void value.then(use);
  else use(value);
}

interface TslabDisplay {
  raw(mimeType: string, content: unknown): void;
}
interface Tslab {
  display: TslabDisplay;
  newDisplay(): TslabDisplay;
}

/** tslab's display functions, when this process is a tslab kernel. */
function tslab(): Tslab | undefined {
  const known = (globalThis as { tslab?: Tslab }).tslab;
  if (typeof known?.newDisplay === 'function') return known;
  const program = process.argv[1] ?? '';
  if (!/[\\/]tslab[\\/]/.test(program)) return undefined;
  return createRequire(program)('tslab') as Tslab;
}

/** tslab takes one representation per call, so it gets the richest. */
function showInTslab(place: TslabDisplay, bundle: MimeBundle): void {
  const type = ['text/html', 'image/png', 'image/svg+xml', 'text/markdown'].find((mime) => mime in bundle);
  const chosen = type ?? Object.keys(bundle)[0]!;
  place.raw(chosen, bundle[chosen]);
}
