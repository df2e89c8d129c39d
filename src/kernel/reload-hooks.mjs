// Runs in the thread of the module loader. ES modules are evaluated once per URL, so a changed file gets
// another URL (`?interplay=2`), and so does every module that imports it, directly or not; all others keep
// theirs and with it their state. Who imports whom is learnt as modules are resolved.
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { IdleCollection } from './idle-collection.mjs';

const PARAMETER = 'interplay';

/** By URL of the file: what it was when it was loaded, how often it was changed, who imports it. */
const modules = new Map();
/** Loaded since the last refresh. */
const loaded = new Set();
/** The TypeScript loader compiles in this thread. */
const collection = new IdleCollection();

export function initialize({ port }) {
  port.on('message', ({ ticket, changed, isRetry }) => {
    port.postMessage({ ticket, stale: refresh(changed, isRetry) });
  });
  port.unref();
}

export async function resolve(specifier, context, next) {
  const result = await next(specifier, context);
  if (!result.url.startsWith('file:') || result.url.includes('/node_modules/')) return result;
  const { base, search } = split(result.url);
  const known = modules.get(base) ?? { stamp: stampOf(base), version: 0, importers: new Set() };
  modules.set(base, known);
  const parent = context.parentURL === undefined ? undefined : split(context.parentURL).base;
  // A cell is no module, and asks again each time.
  if (modules.has(parent)) known.importers.add(parent);
  if (known.version > 0) search.set(PARAMETER, String(known.version));
  const query = search.size === 0 ? '' : `?${search}`;
  return known.version === 0 ? result : { ...result, url: `${base}${query}` };
}

export async function load(url, context, next) {
  collection.postpone();
  const { base } = split(url);
  const known = modules.get(base);
  if (known !== undefined) {
    loaded.add(base);
    // Before it is read: a change in between is then seen as one.
    known.stamp = stampOf(base);
  }
  return next(url, context);
}

/**
 * Gives what has changed, and everything above it, the next version; returns the files. A failure is kept for
 * a URL, so after one what was loaded for the first time gets another, too.
 */
function refresh(changed, isRetry) {
  const stale = new Set(changed.filter((base) => modules.has(base)));
  if (isRetry) for (const base of loaded) stale.add(base);
  loaded.clear();
  for (const [base, known] of modules) {
    const stamp = stampOf(base);
    if (stamp === known.stamp) continue;
    known.stamp = stamp;
    stale.add(base);
  }
  // A set is walked to its end also while it grows.
  for (const base of stale) for (const importer of modules.get(base).importers) stale.add(importer);
  for (const base of stale) modules.get(base).version++;
  return [...stale];
}

function split(url) {
  const at = url.indexOf('?');
  const search = new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
  search.delete(PARAMETER);
  return { base: at < 0 ? url : url.slice(0, at), search };
}

function stampOf(base) {
  const stat = statSync(fileURLToPath(base), { throwIfNoEntry: false });
  return stat === undefined ? 'none' : `${stat.mtimeMs} ${stat.size}`;
}
