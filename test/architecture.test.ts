/** What the folders promise: imports point one way, no hidden randomness or clock, every error code documented. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const src = join(root, 'src');

/** A folder may import itself and folders of a lower rank (docs/architecture.md). */
const RANK: Readonly<Record<string, number>> = {
  core: 0,
  tasks: 1,
  tokenizer: 1,
  backend: 1,
  verify: 2,
  model: 2,
  sample: 3,
  train: 3,
  evaluate: 4,
  export: 4,
  analysis: 5,
  rl: 6,
  figures: 6,
  notebook: 7,
  kernel: 8,
  cli: 9,
};
/** The tokenizer's and the model's commands and files read tasks for their text; that is beside, not above. */
const BESIDE = new Set(['tokenizer>tasks', 'train>sample']);

interface Source {
  path: string;
  folder: string;
  text: string;
}

const sources: Source[] = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({
    path: name,
    folder: dirname(name).split('/')[0]!,
    text: readFileSync(join(src, name), 'utf8'),
  }));

describe('architecture', () => {
  it('has a rank for every folder', () => {
    const folders = new Set(sources.map((s) => s.folder).filter((folder) => folder !== '.'));
    assert.deepEqual(
      [...folders].filter((folder) => !(folder in RANK)),
      [],
    );
  });

  it('imports point down', () => {
    const wrong: string[] = [];
    for (const { path, folder, text } of sources) {
      if (folder === '.') continue; // src/index.ts, the public face of everything
      for (const [, target] of text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
        const other = relative(src, resolve(src, dirname(path), target!)).split('/')[0]!;
        if (other === folder || BESIDE.has(`${folder}>${other}`)) continue;
        if (folder === 'backend' && /\/native\/(addon|wasm)-path\.mjs$/.test(target!)) continue; // its engines
        if (!(RANK[other]! < RANK[folder]!)) wrong.push(`${path} imports ${target}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  it('names no process-wide randomness and no wall clock outside the edges', () => {
    const edges = new Set(['notebook', 'kernel', 'cli']);
    const wrong = sources
      .filter(
        ({ folder, text }) => !edges.has(folder) && /Math\.random\(|Date\.now\(|new Date\(\)/.test(text),
      )
      .map(({ path }) => path);
    assert.deepEqual(wrong, []);
  });

  it('documents every error code, and no other', () => {
    const used = new Set<string>();
    const benches = readdirSync(join(root, 'bench')).filter((name) => name.endsWith('.ts'));
    const texts = [
      ...sources.map(({ text }) => text),
      ...benches.map((name) => readFileSync(join(root, 'bench', name), 'utf8')),
    ];
    for (const text of texts) {
      for (const [, code] of text.matchAll(/(?:userError|InterplayError)\(\s*'([A-Z][A-Z0-9_]+)'/g))
        used.add(code!);
    }
    const documented = new Set(
      [...readFileSync(join(root, 'docs', 'errors.md'), 'utf8').matchAll(/^\| `([A-Z][A-Z0-9_]+)` \|/gm)].map(
        ([, c]) => c!,
      ),
    );
    const missing = [...used].filter((code) => !documented.has(code)).sort();
    const stale = [...documented].filter((code) => !used.has(code)).sort();
    assert.deepEqual({ missing, stale }, { missing: [], stale: [] });
  });
});

describe('package-lock.json', () => {
  it('has an entry for every optional platform package (npm 11 refuses a partial lock)', () => {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string>; resolved?: string }>;
    };
    const paths = Object.keys(packages);
    const missing = Object.values(packages)
      .flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}))
      .filter((name) => !paths.some((path) => path.endsWith(`node_modules/${name}`)));
    assert.deepEqual(missing, []);
    assert.ok(
      Object.values(packages).every((entry) => entry.resolved === undefined),
      'names no registry',
    );
  });
});
