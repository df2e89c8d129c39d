import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { addonPath } from '../../native/addon-path.mjs';
import { probeBackends } from '../../src/backend/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const compilers = process.env.CXX ? [process.env.CXX] : ['g++', 'clang++', 'c++'];
const hasCompiler = () => compilers.some((name) => spawnSync(name, ['--version']).status === 0);
const nativeProbe = async () => (await probeBackends()).find(({ name }) => name === 'native')!;

describe('native/build.mjs', () => {
  let copy: string;
  beforeEach(() => {
    copy = mkdtempSync(path.join(tmpdir(), 'interplay-build-'));
    cpSync(path.join(root, 'native'), path.join(copy, 'native'), { recursive: true });
    symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  });
  afterEach(() => rmSync(copy, { recursive: true, force: true }));

  const build = (CXX: string, ...options: string[]) => {
    const env = { ...process.env, CXX };
    const script = path.join(copy, 'native/build.mjs');
    return spawnSync(process.execPath, [script, ...options], { env, encoding: 'utf8' });
  };
  /** Whether the loader, were it in the copy, would find an addon. */
  const builtInCopy = async () => {
    const url = pathToFileURL(path.join(copy, 'native/addon-path.mjs')).href;
    const loader = (await import(url)) as { addonPath(): string };
    return existsSync(loader.addonPath());
  };

  it('without a compiler: one line that says so, a good end, and what was built stays', () => {
    const built = path.join(copy, 'native/build', path.basename(addonPath()));
    const state = () => (existsSync(built) ? statSync(built).mtimeMs : undefined);
    const before = state();
    const run = build('/nonexistent/compiler', '--force');
    assert.equal(run.status, 0);
    assert.equal(run.stdout, '');
    const instead = before === undefined ? 'wasm backend will be used' : 'built before is kept';
    assert.match(run.stderr, new RegExp(`^interplay: [^\\n]*no C\\+\\+ compiler[^\\n]*${instead}\\n$`));
    assert.equal(state(), before);
  });

  it('an addon of other sources is not loaded', async () => {
    assert.equal(await builtInCopy(), (await nativeProbe()).available);
    appendFileSync(path.join(copy, 'native/src/engine.h'), '// changed\n');
    assert.match(build('/bin/false').stderr, /wasm backend will be used\n$/);
    assert.equal(await builtInCopy(), false);
  });

  it('two at once do not disturb each other', async function () {
    if (!(await nativeProbe()).available) this.skip(); // the compiler below links by copying a real addon
    const addon = path.join(copy, 'addon.bin');
    cpSync(addonPath(), addon);
    rmSync(path.join(copy, 'native/build'), { recursive: true, force: true });
    // Pretends to compile for as long as DELAY says, and to link: every input must be there.
    const compiler = path.join(copy, 'compiler.sh');
    const script = `#!/bin/sh
      [ "$1" = --version ] && exit 0
      out=; compiles=
      while [ $# -gt 0 ]; do
        case "$1" in
          -o) out="$2"; shift;;
          -c) compiles=1;;
          *.o) [ -s "$1" ] || { echo "error: $1 is gone" >&2; exit 1; };;
        esac
        shift
      done
      if [ -n "$compiles" ]; then echo object > "$out"; sleep $DELAY; else cp ${addon} "$out"; fi\n`;
    writeFileSync(compiler, script, { mode: 0o755 });
    const start = (DELAY: string) =>
      new Promise<string>((resolve, reject) => {
        const env = { ...process.env, CXX: compiler, DELAY };
        execFile(process.execPath, [path.join(copy, 'native/build.mjs')], { env }, (error, _, stderr) =>
          error === null ? resolve(stderr) : reject(error),
        );
      });
    for (const said of await Promise.all([start('0.01'), start('0.1'), start('0.03')])) {
      assert.match(said, /^interplay: built the native backend [^\n]*\n$/);
    }
    const left = readdirSync(path.join(copy, 'native/build')).sort();
    assert.deepEqual(left, [path.basename(addonPath()), 'objects']);
  });

  it('continuous integration with a compiler has the addon: its suites must not be skipped', async function () {
    if (process.env.CI !== 'true' || !hasCompiler()) this.skip();
    const { available, reason } = await nativeProbe();
    assert.ok(available, `native is not available: ${reason}`);
  });
});
