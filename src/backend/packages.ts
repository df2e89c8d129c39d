/** Packages that are not dependencies: they are used where the user has installed them. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** An installed package. */
export interface FoundPackage {
  name: string;
  version: string;
  /** The file that `require` of the package would load. */
  file: string;
}

/**
 * Looks a package up as `require` does from this installation, and then in the folders of NODE_PATH.
 * @returns undefined when it is not installed
 */
export function findPackage(name: string): FoundPackage | undefined {
  const require = createRequire(import.meta.url);
  let file: string;
  try {
    file = require.resolve(name);
  } catch (error) {
    if ((error as { code?: string }).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
  return { name, file, version: versionAbove(file, name) };
}

/** The version in the manifest of the package that a file belongs to; not every package exports its manifest. */
function versionAbove(file: string, name: string): string {
  for (let folder = path.dirname(file); path.dirname(folder) !== folder; folder = path.dirname(folder)) {
    try {
      const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (manifest.name === name) return manifest.version ?? 'unknown';
    } catch {
      // No manifest here; further up.
    }
  }
  return 'unknown';
}
