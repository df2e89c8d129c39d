/** The committed pictures under figures/gallery are both the gallery and what tests compare with. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../figures/gallery/', import.meta.url));

/** Compares bytes; with UPDATE_SNAPSHOTS=1 in the environment it writes them instead. */
export function matchesGallery(name: string, svg: string): void {
  const path = `${folder}${name}.svg`;
  if (process.env.UPDATE_SNAPSHOTS === '1') {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, svg);
    return;
  }
  assert.ok(existsSync(path), `${path} is missing; make it with UPDATE_SNAPSHOTS=1 and look at it`);
  assert.equal(svg, readFileSync(path, 'utf8'), `${path} differs; if that is meant, UPDATE_SNAPSHOTS=1`);
}
