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
/** Compiled files by the hash of all they depend on: after an edit only what changed is compiled. */
const objectFolder = path.join(build, 'objects');

/** Compiled once per instruction set, with these flags; the rest once. No -march=native: the addon may move. */
const simdFiles = ['gemm', 'elementwise', 'rows', 'attention', 'loss', 'optimizer'];
const plainFiles = ['structure', 'sample', 'memory', 'pool', 'addon'];
const instructionSets = {
  portable: [],
  avx2: ['-mavx2', '-mfma'],
  avx512: [
    '-mavx512f',
    '-mavx512bw',
    '-mavx512dq',
    '-mavx512vl',
    '-mavx2',
    '-mfma',
    '-mprefer-vector-width=512',
  ],
};
// No -ffast-math: NaN and infinities must propagate.
const flags = [
  '-std=c++17',
  '-O3',
  '-fPIC',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-ffp-contract=fast',
  '-Wall',
];

try {
  await main();
} catch (error) {
  const reason = String(error.message ?? error).split('\n')[0];
  console.error(
    `interplay: the native backend was not built (${reason}); the slower cpu backend will be used`,
  );
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
    const objects = await compileAll(compiler);
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
  const files = readdirSync(sources)
    .sort()
    .map((name) => path.join(sources, name));
  for (const file of [...files, fileURLToPath(import.meta.url)]) {
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

async function compileAll(compiler) {
  const include = createRequire(import.meta.url)('node-api-headers').include_dir;
  const sets = process.arch === 'x64' ? Object.keys(instructionSets) : ['portable'];
  const headers = readdirSync(sources).filter((name) => !name.endsWith('.cpp'));
  const shared = createHash('sha256').update(JSON.stringify([compiler, flags, instructionSets]));
  for (const name of headers.sort()) shared.update(readFileSync(path.join(sources, name)));
  const jobs = [];
  const add = (name, label, extra) => {
    const source = path.join(sources, `${name}.cpp`);
    const key = shared.copy().update(readFileSync(source)).digest('hex').slice(0, 16);
    jobs.push({ source, extra, object: path.join(objectFolder, `${label}.${key}.o`) });
  };
  // The slowest first, so that no core ends idle.
  for (const name of simdFiles) {
    for (const set of [...sets].reverse())
      add(name, `${name}.${set}`, [`-DISA=${set}`, ...instructionSets[set]]);
  }
  for (const name of plainFiles) add(name, name, [`-I${include}`]);

  mkdirSync(objectFolder, { recursive: true });
  let next = 0;
  const worker = async () => {
    while (next < jobs.length) {
      const { source, object, extra } = jobs[next++];
      if (existsSync(object)) continue;
      const partial = `${object}.${process.pid}`;
      await run(compiler, [...flags, ...extra, '-c', source, '-o', partial]);
      renameSync(partial, object);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, availableParallelism()) }, worker));
  const wanted = new Set(jobs.map(({ object }) => path.basename(object)));
  for (const name of readdirSync(objectFolder)) {
    if (!wanted.has(name)) rmSync(path.join(objectFolder, name), { force: true });
  }
  return jobs.map(({ object }) => object);
}

function linkFlags() {
  const shared =
    process.platform === 'darwin'
      ? ['-bundle', '-undefined', 'dynamic_lookup']
      : ['-shared', '-Wl,--exclude-libs,ALL', '-s'];
  return [...shared, '-pthread'];
}

async function run(command, argv) {
  try {
    const { stderr } = await execute(command, argv, { maxBuffer: 16 * 1024 * 1024 });
    if (stderr && process.env.INTERPLAY_BUILD_VERBOSE) console.error(stderr);
  } catch (error) {
    if (process.env.INTERPLAY_BUILD_VERBOSE) console.error(error.stderr);
    const line = String(error.stderr ?? error.message)
      .split('\n')
      .find((text) => /error/i.test(text));
    throw new Error(`${path.basename(command)}: ${line ?? `ended with ${error.code}`}`);
  }
}
