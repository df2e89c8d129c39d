/** Mixtures by name (datasets/mixtures.json: the reference's presets and the paper's recipes) or from a file. */
import { existsSync, readFileSync } from 'node:fs';
import { userError } from '../core/errors.ts';
import { readJsonFile } from '../core/json.ts';
import { type Mixture, resolveMixture } from './mixture.ts';
import { resolveWorld, type World } from './world.ts';

/**
 * All presets by name. A task source takes their weights as shares of tasks; the reference means shares of tokens, and
 * so does training (src/train/tokenShares.ts).
 * A name that ends in `@as-released` keeps an error of the released file that the plain name corrects.
 */
export function mixturePresets(): Readonly<Record<string, Mixture>> {
  const file = new URL('../../datasets/mixtures.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, Mixture>;
}

/**
 * A preset, or the mixture in a JSON file.
 * @throws MIXTURE_UNKNOWN, JSON_FILE, and the errors of {@link resolveMixture}
 */
export function loadMixture(nameOrFile: string): Mixture {
  const presets = mixturePresets();
  if (Object.hasOwn(presets, nameOrFile)) return presets[nameOrFile]!;
  if (!nameOrFile.endsWith('.json') && !existsSync(nameOrFile)) {
    throw userError(
      'MIXTURE_UNKNOWN',
      'the name of a preset in datasets/mixtures.json or a JSON file',
      `'${nameOrFile}'`,
      `use one like ${nearest(nameOrFile, Object.keys(presets)).join(' or ')}`,
    );
  }
  const mixture = readJsonFile(nameOrFile, 'mixture file') as Mixture;
  resolveMixture(mixture);
  return mixture;
}

/**
 * A world preset, or the world in a JSON file.
 * @throws WORLD_UNKNOWN, JSON_FILE, and the errors of {@link resolveWorld}
 */
export function loadWorld(nameOrFile: string): World {
  return resolveWorld(
    nameOrFile.endsWith('.json') ? (readJsonFile(nameOrFile, 'world file') as World) : nameOrFile,
  );
}

/** The two names that share the longest beginning with what was typed. */
function nearest(typed: string, names: readonly string[]): string[] {
  const shared = (name: string): number => {
    let i = 0;
    while (i < name.length && name[i] === typed[i]) i++;
    return i;
  };
  return [...names].sort((a, b) => shared(b) - shared(a)).slice(0, 2);
}
