// Where the engine as WebAssembly is, and what tells whether it was made from the present sources. Plain Node.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
export const wasmFolder = path.join(here, 'wasm');
/** For every engine since Node 16.4. */
export const wasmFile = path.join(wasmFolder, 'interplay.wasm');
/** The same with fused multiply-adds (relaxed SIMD): Node 21 and later. */
export const relaxedWasmFile = path.join(wasmFolder, 'interplay-relaxed.wasm');
/** Holds `sourceHash()` of the sources that both were compiled from. */
export const wasmHashFile = path.join(wasmFolder, 'interplay.wasm.sources');
/** Of native/src: what native/wasm replaces. */
export const replaced = ['addon.cpp', 'memory.cpp', 'pool.cpp'];

/** A hash of all that the WebAssembly files depend on, but the compiler. */
export function sourceHash() {
  const hash = createHash('sha256');
  const list = (folder) => readdirSync(path.join(here, folder)).map((name) => `${folder}/${name}`);
  const files = [...list('src'), ...list('wasm'), ...list('wasm/include')].filter(
    (name) => /(\.(cpp|h|def)|include\/\w+)$/.test(name) && !replaced.some((file) => name === `src/${file}`),
  );
  for (const name of [...files.sort(), 'build-wasm.mjs']) {
    hash
      .update(name)
      .update('\0')
      .update(readFileSync(path.join(here, name)))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}
