// Compiles the engine (native/src) to native/build/interplay.node. Plain Node, run by `npm install`:
//   node native/build.mjs [--force]
// Needs a C++17 compiler (g++, clang++ or $CXX); without one it says so in one line and ends well, because the
// software then works on the slower cpu backend.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const here = path.dirname(fileURLToPath(import.meta.url));
const sources = path.join(here, 'src');
const build = path.join(here, 'build');
const output = path.join(build, 'interplay.node');
const stampFile = path.join(build, 'stamp.json');

/** Compiled once per instruction set, with these flags; the rest once. No -march=native: the addon may move. */
const simdFiles = ['gemm', 'elementwise', 'rows', 'attention', 'loss', 'optimizer'];
const plainFiles = ['structure', 'sample', 'memory', 'pool', 'addon'];
const instructionSets = {
  portable: [],
  avx2: ['-mavx2', '-mfma'],
  avx512: ['-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mavx2', '-mfma', '-mprefer-vector-width=512'],
};
// No -ffast-math: NaN and infinities must propagate.
const flags = ['-std=c++17', '-O3', '-fPIC', '-fno-math-errno', '-fno-trapping-math', '-ffp-contract=fast', '-Wall'];

try {
  await main();
} catch (error) {
  const reason = String(error.message ?? error).split('\n')[0];
  console.error(`interplay: the native backend was not built (${reason}); the slower cpu backend will be used`);
}

async function main() {
  const stamp = fingerprint();
  if (!process.argv.includes('--force') && isCurrent(stamp)) return;
  const compiler = await findCompiler();
  const started = performance.now();
  mkdirSync(build, { recursive: true });
  const work = path.join(build, `work-${process.pid}`);
  mkdirSync(work);
  try {
    const objects = await compileAll(compiler, work);
    const linked = path.join(work, 'interplay.node');
    await run(compiler, [...linkFlags(), '-o', linked, ...objects]);
    createRequire(import.meta.url)(linked); // an addon that does not load is a failed build
    // Stamp last: an interrupted build is not current.
    rmSync(stampFile, { force: true });
    renameSync(linked, output);
    writeFileSync(stampFile, JSON.stringify(stamp));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.error(`interplay: built the native backend with ${compiler} in ${seconds} s`);
}

/** What the build depends on, besides the compiler: sources, this file, the platform. */
function fingerprint() {
  const hash = createHash('sha256');
  for (const file of [...readdirSync(sources).sort().map((name) => path.join(sources, name)), fileURLToPath(import.meta.url)]) {
    hash.update(path.basename(file)).update('\0').update(readFileSync(file)).update('\0');
  }
  return { sources: hash.digest('hex'), platform: `${process.platform}-${process.arch}` };
}

function isCurrent(stamp) {
  if (!existsSync(output) || !existsSync(stampFile)) return false;
  return readFileSync(stampFile, 'utf8') === JSON.stringify(stamp);
}

async function findCompiler() {
  if (process.platform === 'win32') throw new Error('Windows is not supported yet');
  const candidates = process.env.CXX ? [process.env.CXX] : ['g++', 'clang++', 'c++'];
  for (const candidate of candidates) {
    try {
      await execute(candidate, ['--version']);
      return candidate;
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
  }
  throw new Error(`no C++ compiler found, looked for ${candidates.join(', ')}; install g++ or set CXX`);
}

async function compileAll(compiler, work) {
  const include = createRequire(import.meta.url)('node-api-headers').include_dir;
  const sets = process.arch === 'x64' ? Object.keys(instructionSets) : ['portable'];
  const jobs = [];
  // The slowest first, so that no core ends idle.
  for (const name of simdFiles) {
    for (const set of [...sets].reverse()) jobs.push({ name, object: `${name}.${set}.o`, extra: [`-DISA=${set}`, ...instructionSets[set]] });
  }
  for (const name of plainFiles) jobs.push({ name, object: `${name}.o`, extra: [`-I${include}`] });
  let next = 0;
  const worker = async () => {
    while (next < jobs.length) {
      const { name, object, extra } = jobs[next++];
      await run(compiler, [...flags, ...extra, '-c', path.join(sources, `${name}.cpp`), '-o', path.join(work, object)]);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, availableParallelism()) }, worker));
  return jobs.map(({ object }) => path.join(work, object));
}

function linkFlags() {
  const shared = process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-Wl,--exclude-libs,ALL', '-s'];
  return [...shared, '-pthread'];
}

async function run(command, argv) {
  try {
    const { stderr } = await execute(command, argv, { maxBuffer: 16 * 1024 * 1024 });
    if (stderr && process.env.INTERPLAY_BUILD_VERBOSE) console.error(stderr);
  } catch (error) {
    if (process.env.INTERPLAY_BUILD_VERBOSE) console.error(error.stderr);
    const line = String(error.stderr ?? error.message).split('\n').find((text) => /error/i.test(text));
    throw new Error(`${path.basename(command)}: ${line ?? `ended with ${error.code}`}`);
  }
}
