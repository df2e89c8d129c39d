// Compiles the engine (native/src) to native/build/interplay-<hash>.node. Plain Node, run by `npm install`:
//   node native/build.mjs [--force]
// Needs a C++17 compiler (g++, clang++ or $CXX); without one it says so in one line and ends well, because the
// software then works on the slower wasm backend. Several may run at once: each works in a folder of its own, and
// finished files appear by renaming.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { addonPath, buildFolder, sanitized, sourceFolder } from './addon-path.mjs';

const execute = promisify(execFile);
/** Compiled files by the hash of all they depend on: after an edit only what changed is compiled. */
const objectFolder = path.join(buildFolder, 'objects');

/** Compiled once per instruction set, with these flags; the rest once. No -march=native: the addon may move. */
const simdFiles = [
  'gemm',
  'elementwise',
  'rows',
  'layer',
  'attention',
  'decode',
  'sample',
  'loss',
  'optimizer',
];
const plainFiles = ['structure', 'memory', 'pool', 'addon'];
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
const sanitizerFlags = [
  '-fsanitize=address,undefined',
  '-fno-sanitize-recover=all',
  '-fno-omit-frame-pointer',
];
if (sanitized) flags.push('-O2', '-g1', '-DINTERPLAY_SANITIZE', ...sanitizerFlags);

const output = addonPath();
try {
  await main();
} catch (error) {
  const reason = String(error.message ?? error).split('\n')[0];
  const instead = existsSync(output)
    ? 'the one built before is kept'
    : 'the slower wasm backend will be used';
  console.error(`interplay: the native backend was not built (${reason}); ${instead}`);
}

async function main() {
  if (!process.argv.includes('--force') && existsSync(output)) return;
  const compiler = await findCompiler();
  const started = performance.now();
  mkdirSync(objectFolder, { recursive: true });
  const work = mkdtempSync(path.join(buildFolder, 'work-'));
  try {
    const objects = await compileAll(compiler, work);
    const linked = path.join(work, 'interplay.node');
    await run(compiler, [...linkFlags(), '-o', linked, ...objects.map((name) => path.join(work, name))]);
    // An addon that does not load is a failed build. (With checks it loads in a process that preloads their library.)
    if (!sanitized) createRequire(import.meta.url)(linked);
    if (addonPath() !== output) throw new Error('the sources changed meanwhile; build again');
    renameSync(linked, output);
    if (!sanitized) prune(objectFolder, (name) => objects.includes(name));
    const isSanitized = (name) => name.startsWith('interplay-sanitized-');
    prune(
      buildFolder,
      (name) =>
        name === path.basename(output) || isSanitized(name) !== sanitized || !/\.(node|json)$/.test(name),
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.error(`interplay: built the native backend with ${compiler} in ${seconds} s`);
}

/** Removes what earlier sources left. Nothing of a build that runs now is in these folders unfinished. */
function prune(folder, keep) {
  for (const name of readdirSync(folder)) {
    if (!keep(name)) rmSync(path.join(folder, name), { force: true });
  }
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

/** Compiles into `work`, or copies what an earlier build compiled; returns the names of the object files. */
async function compileAll(compiler, work) {
  const include = createRequire(import.meta.url)('node-api-headers').include_dir;
  const sets = process.arch === 'x64' ? Object.keys(instructionSets) : ['portable'];
  const headers = readdirSync(sourceFolder).filter((name) => !name.endsWith('.cpp'));
  const settings = JSON.stringify([compiler, flags, instructionSets]);
  const keyOf = (source) => {
    const hash = createHash('sha256').update(settings);
    for (const name of headers.sort()) hash.update(readFileSync(path.join(sourceFolder, name)));
    return hash.update(readFileSync(source)).digest('hex').slice(0, 16);
  };
  const jobs = [];
  const add = (name, label, extra) => {
    const source = path.join(sourceFolder, `${name}.cpp`);
    const key = keyOf(source);
    jobs.push({ source, extra, key, object: `${label}.${key}.o` });
  };
  // The slowest first, so that no core ends idle.
  for (const name of simdFiles) {
    for (const set of [...sets].reverse())
      add(name, `${name}.${set}`, [`-DISA=${set}`, ...instructionSets[set]]);
  }
  for (const name of plainFiles) add(name, name, [`-I${include}`]);

  let next = 0;
  const worker = async () => {
    while (next < jobs.length) {
      const { source, object, extra, key } = jobs[next++];
      const mine = path.join(work, object);
      const shared = path.join(objectFolder, object);
      if (copyIfThere(shared, mine)) continue;
      await run(compiler, [...flags, ...extra, '-c', source, '-o', mine]);
      if (keyOf(source) !== key) throw new Error('the sources changed meanwhile; build again');
      copyFileSync(mine, `${mine}.copy`);
      renameSync(`${mine}.copy`, shared);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, availableParallelism()) }, worker));
  return jobs.map(({ object }) => object);
}

function copyIfThere(from, to) {
  try {
    copyFileSync(from, to);
    return true;
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

function linkFlags() {
  const shared =
    process.platform === 'darwin'
      ? ['-bundle', '-undefined', 'dynamic_lookup']
      : ['-shared', '-Wl,--exclude-libs,ALL', ...(sanitized ? [] : ['-s'])];
  return [...shared, '-pthread', ...(sanitized ? sanitizerFlags : [])];
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
