// `npm test`: format, lint, types, sanitized kernels, all tests. One command, the same in continuous integration.
// `npm test -- quick` leaves out the sanitizers. `npm run coverage` runs the tests with a coverage report, which takes
// a fifth as long again and decides nothing.
import { spawnSync } from 'node:child_process';
import { ensureInstalled, root, run } from './install.mjs';

ensureInstalled();
const bin = (name) => `node_modules/${name}`;
// Tests are loaded as ES modules only: required ones would see a second copy of every module.
const mocha = [
  '--no-experimental-require-module',
  '--import',
  'tsx',
  bin('mocha/bin/mocha.js'),
  '--spec',
  'test/**/*.test.ts',
  ...process.argv.slice(2).filter((a) => a !== 'quick'),
];
const quick = process.argv.includes('quick');

const steps = [
  ['format and lint', [bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.']],
  ['types', [bin('typescript/bin/tsc'), '--noEmit']],
  ['native kernels with sanitizers', ['scripts/sanitize.mjs']],
  ['tests', mocha],
];
/** Tracked files that differ from the last commit. */
const changed = () =>
  spawnSync('git', ['status', '--porcelain', '--untracked-files=no'], { cwd: root, encoding: 'utf8' })
    .stdout ?? '';
const before = changed();

const failed = [];
for (const [name, args] of steps) {
  if (quick && args[0] === 'scripts/sanitize.mjs') continue;
  const started = Date.now();
  process.stdout.write(`\n▸ ${name}\n`);
  if (run(process.execPath, args) !== 0) failed.push(name);
  process.stdout.write(`  ${name}: ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}
if (changed() !== before) {
  process.stdout.write(`\nThe tests changed tracked files:\n${changed()}`);
  failed.push('clean tree');
}
process.stdout.write(failed.length === 0 ? '\nAll checks passed.\n' : `\nFailed: ${failed.join(', ')}\n`);
process.exit(failed.length === 0 ? 0 : 1);
