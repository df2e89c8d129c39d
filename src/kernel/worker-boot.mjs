// Entry of the kernel's worker threads. The TypeScript loader would cost each of them a second thread for its
// hooks and a helper process (45 MB, half a second); one bundle of the thread's sources costs neither.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { workerData } from 'node:worker_threads';

// Else esbuild would keep a thread and a helper process for further calls.
process.env.ESBUILD_WORKER_THREADS = '0';
const { buildSync } = await import('esbuild');

const entry = fileURLToPath(workerData.entry);
const { outputFiles } = buildSync({
  entryPoints: [entry],
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'cjs',
  target: `node${process.versions.node}`,
  // Every file that asks where it is lies in this folder.
  define: { 'import.meta.url': '__url' },
  write: false,
  sourcemap: false,
});
const run = vm.compileFunction(outputFiles[0].text, ['require', 'module', 'exports', '__url'], {
  filename: entry,
});
const module = { exports: {} };
run(createRequire(import.meta.url), module, module.exports, workerData.entry);
