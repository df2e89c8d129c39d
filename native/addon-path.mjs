// Which file the engine compiled from these sources is: its name holds a hash of all it depends on, so an addon
// built from other sources, whose operations may take other arguments, is never loaded. Shared by the build and
// the loader; plain Node.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
export const sourceFolder = path.join(here, 'src');
export const buildFolder = path.join(here, 'build');

/** INTERPLAY_SANITIZE=1: build and load the addon with address and undefined-behaviour checks (scripts/sanitize.mjs). */
export const sanitized = process.env.INTERPLAY_SANITIZE === '1';

/** The addon's path, whether it is there or not: sources, build script and platform make its name. */
export function addonPath() {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}\0`);
  const files = readdirSync(sourceFolder).map((name) => path.join(sourceFolder, name));
  for (const file of [...files.sort(), path.join(here, 'build.mjs')]) {
    hash.update(path.basename(file)).update('\0').update(readFileSync(file)).update('\0');
  }
  const kind = sanitized ? 'sanitized-' : '';
  return path.join(buildFolder, `interplay-${kind}${hash.digest('hex').slice(0, 16)}.node`);
}
