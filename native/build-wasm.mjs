// Compiles the engine (native/src and native/wasm) to native/wasm/interplay.wasm and, with fused multiply-adds,
// interplay-relaxed.wasm. Both are kept in the repository: they are what computes where no C++ compiler is. A
// maintainer's tool, plain Node:
//   node native/build-wasm.mjs
// Needs clang 16 or later with the WebAssembly target, its lld, and the headers and archives of wasi-libc and libc++
// for wasm32; on Debian 12: apt install clang-19 lld-19 wasi-libc libc++-14-dev-wasm32. $WASM_CXX and $WASI_SYSROOT
// name others. Nothing of WASI is called: the files import only their memory.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { wasmCompiler } from './wasm-compiler.mjs';
import { relaxedWasmFile, replaced, sourceHash, wasmFile, wasmFolder, wasmHashFile } from './wasm-path.mjs';

const execute = promisify(execFile);
const source = path.join(wasmFolder, '../src');
const sysroot = process.env.WASI_SYSROOT ?? '/usr';

/** Everything of native/src but what native/wasm replaces. */
const engineFiles = readdirSync(source)
  .filter((name) => name.endsWith('.cpp') && !replaced.includes(name))
  .map((name) => path.basename(name, '.cpp'))
  .sort();
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
  `-I${wasmFolder}`,
  `-I${path.join(wasmFolder, 'include')}`, // stands before the C++ library's headers of the same names
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

/** Those with products in their inner loops; the rest is the same in both files. */
const relaxedFiles = ['gemm'];

const compiler = wasmCompiler();
const work = mkdtempSync(path.join(tmpdir(), 'interplay-wasm-'));
try {
  if (compiler === undefined) throw new Error('no clang++ 16 or later with the wasm32 target; set WASM_CXX');
  const hash = sourceHash();
  const jobs = [
    ...engineFiles.map((name) => ({ name, file: path.join(source, `${name}.cpp`), extra: [] })),
    ...ownFiles.map((name) => ({
      name: `own-${name}`,
      file: path.join(wasmFolder, `${name}.cpp`),
      extra: [],
    })),
    ...relaxedFiles.map((name) => ({
      name: `${name}-relaxed`,
      file: path.join(source, `${name}.cpp`),
      extra: ['-mrelaxed-simd'],
    })),
  ];
  let next = 0;
  const worker = async () => {
    while (next < jobs.length) {
      const { name, file, extra } = jobs[next++];
      await run(compiler, [...flags, ...extra, '-c', file, '-o', path.join(work, `${name}.o`)]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  const both = [...engineFiles, ...ownFiles.map((name) => `own-${name}`)];
  const plain = await link(both, 'interplay');
  const relaxed = await link(
    both.map((name) => (relaxedFiles.includes(name) ? `${name}-relaxed` : name)),
    'interplay-relaxed',
  );
  const module = new WebAssembly.Module(plain);
  const imports = WebAssembly.Module.imports(module).map(({ module: from, name }) => `${from}.${name}`);
  if (imports.join() !== 'env.memory')
    throw new Error(`imports ${imports.join(', ')}: only env.memory may be`);
  if (sourceHash() !== hash) throw new Error('the sources changed meanwhile; build again');
  writeFileSync(wasmFile, plain);
  writeFileSync(relaxedWasmFile, relaxed);
  writeFileSync(wasmHashFile, `${hash}\n`);
  console.error(
    `interplay: built ${path.relative(process.cwd(), wasmFile)} (${plain.length} bytes) and ` +
      `${path.basename(relaxedWasmFile)} (${relaxed.length} bytes) with ${compiler}`,
  );
} catch (error) {
  console.error(`interplay: the wasm engine was not built: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function link(names, output) {
  const file = path.join(work, `${output}.wasm`);
  const objects = names.map((name) => path.join(work, `${name}.o`));
  const libraries = [`-L${path.join(sysroot, 'lib/wasm32-wasi')}`, '-lc++', '-lc'];
  await run(compiler, [flags[0], ...linkFlags, '-o', file, ...objects, ...libraries]);
  return readFileSync(file);
}

async function run(command, argv) {
  try {
    const { stderr } = await execute(command, argv, { maxBuffer: 16 * 1024 * 1024 });
    if (stderr) console.error(stderr);
  } catch (error) {
    throw new Error(error.stderr || error.message);
  }
}
