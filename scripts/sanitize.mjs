// Runs the tests of the native kernels on an addon built with address and undefined-behaviour checks: a wild read or
// write, or arithmetic that C++ does not define, ends the run. Needs g++ or clang++ with their sanitizer library;
// without, it says so and ends well. `node scripts/sanitize.mjs [mocha arguments]`
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ensureInstalled, root, run } from './install.mjs';

ensureInstalled();
const library = sanitizerLibrary();
if (library === undefined) {
  process.stdout.write('  SKIPPED: no compiler with an address sanitizer library here\n');
} else {
  process.env.INTERPLAY_SANITIZE = '1';
  const built = run(process.execPath, ['native/build.mjs']);
  Object.assign(process.env, {
    LD_PRELOAD: library,
    // Node itself does not free all at its end; tests ask for more memory than there is.
    ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1',
    UBSAN_OPTIONS: 'print_stacktrace=1',
  });
  const mocha = [
    '--no-experimental-require-module',
    '--import',
    'tsx',
    'node_modules/mocha/bin/mocha.js',
    '--timeout',
    '300000',
    '--spec',
    'test/backend/*.test.ts',
    ...process.argv.slice(2),
  ];
  process.exitCode = built || run(process.execPath, mocha);
}

/** Path of the run-time library that must be loaded first; undefined where there is none. */
function sanitizerLibrary() {
  if (process.platform !== 'linux') return undefined;
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const names = ['libasan.so', `libclang_rt.asan-${machine}.so`];
  const compilers = process.env.CXX ? [process.env.CXX] : ['g++', 'clang++'];
  for (const compiler of compilers) {
    for (const name of names) {
      const { stdout } = spawnSync(compiler, [`-print-file-name=${name}`], { cwd: root, encoding: 'utf8' });
      const file = stdout?.trim() ?? '';
      if (path.isAbsolute(file) && existsSync(file)) return file;
    }
  }
  return undefined;
}
