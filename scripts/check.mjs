// `npm test`: format, lint, types, all tests with coverage. One command, the same in continuous integration.
// `npm test -- quick` leaves out the coverage report.
import { spawnSync } from 'node:child_process';
import { ensureInstalled, root, run } from './install.mjs';

ensureInstalled();
const bin = (name) => `node_modules/${name}`;
const mocha = [
  '--import',
  'tsx',
  bin('mocha/bin/mocha.js'),
  ...process.argv.slice(2).filter((a) => a !== 'quick'),
];
const quick = process.argv.includes('quick');

const steps = [
  ['format and lint', [bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.']],
  ['types', [bin('typescript/bin/tsc'), '--noEmit']],
  ['tests', quick ? mocha : [bin('c8/bin/c8.js'), '--reporter=text-summary', process.execPath, ...mocha]],
];
const failed = [];
for (const [name, args] of steps) {
  const started = Date.now();
  process.stdout.write(`\n▸ ${name}\n`);
  if (run(process.execPath, args) !== 0) failed.push(name);
  process.stdout.write(`  ${name}: ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}
const dirty = spawnSync('git', ['status', '--porcelain', '--untracked-files=no'], {
  cwd: root,
  encoding: 'utf8',
});
if (process.env.CI === 'true' && dirty.status === 0 && dirty.stdout !== '') {
  process.stdout.write(`\nThe tests changed tracked files:\n${dirty.stdout}`);
  failed.push('clean tree');
}
process.stdout.write(failed.length === 0 ? '\nAll checks passed.\n' : `\nFailed: ${failed.join(', ')}\n`);
process.exit(failed.length === 0 ? 0 : 1);
