// Compiles the engine (native/src and native/wasm) to native/wasm/interplay.wasm, which is kept in the repository:
// it is what computes where no C++ compiler is. A maintainer's tool, plain Node:
//   node native/build-wasm.mjs
// Needs clang with the WebAssembly target (14 or later), lld, and the headers and archives of wasi-libc, libc++ and
// compiler-rt for wasm32; on Debian: apt install clang lld wasi-libc libc++-14-dev-wasm32 libclang-rt-14-dev-wasm32.
// $WASM_CXX and $WASI_SYSROOT name others. Nothing of WASI is called: the file imports only its memory.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { sourceHash, wasmFile, wasmFolder, wasmHashFile } from './wasm-path.mjs';

const execute = promisify(execFile);
const source = path.join(wasmFolder, '../src');
const sysroot = process.env.WASI_SYSROOT ?? '/usr';

/** Everything of native/src but what native/wasm replaces. */
const engineFiles = ['gemm', 'elementwise', 'rows', 'attention', 'loss', 'optimizer', 'structure', 'sample'];
const ownFiles = ['main', 'memory', 'pool'];
const flags = [
  '--target=wasm32-wasi',
  '-std=c++17',
  '-O3',
  '-msimd128',
  '-matomics',
  '-mbulk-memory',
  '-mnontrapping-fptoint',
  '-msign-ext',
  '-mmutable-globals',
  '-fno-exceptions',
  '-fno-math-errno',
  '-fno-trapping-math',
  '-ffp-contract=off', // there is no fused multiply-add to contract to
  '-fvisibility=hidden',
  '-ftls-model=local-exec',
  '-Wall',
  '-Wno-unused-function',
  '-DISA=portable',
  `-I${source}`,
  '-isystem',
  path.join(sysroot, 'include/wasm32-wasi/c++/v1'),
  '-isystem',
  path.join(sysroot, 'include/wasm32-wasi'),
];
const linkFlags = [
  '-nostdlib',
  '-Wl,--no-entry',
  '-Wl,--import-memory',
  '-Wl,--shared-memory',
  '-Wl,--no-check-features', // the archives' objects know nothing of atomics, and need not
  '-Wl,--initial-memory=2097152',
  '-Wl,--max-memory=4294967296',
  '-Wl,--stack-first',
  '-Wl,-z,stack-size=1048576',
  '-Wl,--export=__stack_pointer',
  '-Wl,--export=__wasm_init_tls',
  '-Wl,--export=__tls_size',
  '-Wl,--strip-all',
  '-Wl,--gc-sections',
];

const compiler = await findCompiler();
const work = mkdtempSync(path.join(tmpdir(), 'interplay-wasm-'));
try {
  const hash = sourceHash();
  const jobs = [
    ...engineFiles.map((name) => ({ name, file: path.join(source, `${name}.cpp`) })),
    ...ownFiles.map((name) => ({ name: `own-${name}`, file: path.join(wasmFolder, `${name}.cpp`) })),
  ];
  let next = 0;
  const worker = async () => {
    while (next < jobs.length) {
      const { name, file } = jobs[next++];
      await run(compiler, [...flags, '-c', file, '-o', path.join(work, `${name}.o`)]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  const objects = jobs.map(({ name }) => path.join(work, `${name}.o`));
  const linked = path.join(work, 'interplay.wasm');
  await run(compiler, [
    flags[0],
    ...linkFlags,
    '-o',
    linked,
    ...objects,
    `-L${path.join(sysroot, 'lib/wasm32-wasi')}`,
    '-lc++',
    '-lc',
  ]);
  const bytes = readFileSync(linked);
  const module = new WebAssembly.Module(bytes);
  const imports = WebAssembly.Module.imports(module).map(({ module: from, name }) => `${from}.${name}`);
  if (imports.join() !== 'env.memory')
    throw new Error(`imports ${imports.join(', ')}: only env.memory may be`);
  if (sourceHash() !== hash) throw new Error('the sources changed meanwhile; build again');
  writeFileSync(wasmFile, bytes);
  writeFileSync(wasmHashFile, `${hash}\n`);
  console.error(`interplay: built ${path.relative(process.cwd(), wasmFile)}, ${bytes.length} bytes`);
} catch (error) {
  console.error(`interplay: the wasm engine was not built: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function findCompiler() {
  const candidates = process.env.WASM_CXX ? [process.env.WASM_CXX] : ['clang++', 'clang++-14'];
  for (const candidate of candidates) {
    try {
      const { stdout } = await execute(candidate, ['--print-targets']);
      if (stdout.includes('wasm32')) return candidate;
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
  }
  console.error(`interplay: no clang++ with the wasm32 target, looked for ${candidates.join(', ')}`);
  process.exit(1);
}

async function run(command, argv) {
  try {
    const { stderr } = await execute(command, argv, { maxBuffer: 16 * 1024 * 1024 });
    if (stderr) console.error(stderr);
  } catch (error) {
    throw new Error(error.stderr || error.message);
  }
}
