/**
 * The adapter of tfjs-node, with a stand-in for the package: its kernels are tfjs's own cpu kernels under the name
 * that the package registers. What the real library computes is not tested here (kernels.test.ts does where it is).
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { BackendMissing } from '../../src/backend/missing.ts';
import { registerTensorflow } from '../../src/backend/tensorflow.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** As the package does: kernels, then the backend, which makes itself the current one. It lacks Cumsum. */
const standIn = `
const tf = require('@tensorflow/tfjs-core');
const { MathBackendCPU } = require('@tensorflow/tfjs-backend-cpu');
for (const kernel of tf.getKernelsForBackend('cpu')) {
  if (kernel.kernelName !== 'Cumsum') tf.registerKernel({ ...kernel, backendName: 'tensorflow' });
}
tf.registerBackend('tensorflow', () => new MathBackendCPU(), 3);
tf.setBackend('tensorflow');
`;

/** What a script prints as JSON in a process of its own, where the package is installed as given. */
function run(install: { version: string; main: string }, script: string): unknown {
  const folder = mkdtempSync(path.join(tmpdir(), 'interplay-'));
  try {
    const home = path.join(folder, '@tensorflow', 'tfjs-node');
    mkdirSync(home, { recursive: true });
    const manifest = { name: '@tensorflow/tfjs-node', version: install.version, main: 'index.js' };
    writeFileSync(path.join(home, 'package.json'), JSON.stringify(manifest));
    writeFileSync(path.join(home, 'index.js'), install.main);
    const text = `
      import * as tf from '@tensorflow/tfjs-core';
      import { nativeFallbacks, probeBackend, useBackend } from './src/backend/index.ts';
      import { registerTensorflow } from './src/backend/tensorflow.ts';
      const failure = async (work) => { try { await work(); } catch (e) { return { code: e.code, message: e.message, remedy: e.remedy }; } };
      ${script}`;
    const args = ['--import', 'tsx', '--input-type=module', '-e', text];
    const nodePath = [folder, path.join(root, 'node_modules')].join(path.delimiter);
    const env = { ...process.env, NODE_PATH: nodePath };
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: root,
      env,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('tensorflow adapter', () => {
  it('takes the package, leaves the choice of backend alone, and lets cpu compute what it lacks', () => {
    const found = run(
      { version: tf.version_core, main: standIn },
      `
      await useBackend('cpu');
      const probe = await probeBackend('tensorflow');
      const between = tf.getBackend();
      const report = await useBackend('tensorflow');
      const x = tf.tensor1d([1, 2, 3]);
      const gradient = tf.grad((t) => tf.sum(tf.square(t)))(x);
      const sums = Array.from(tf.cumsum(x).dataSync());
      const old = await failure(() => registerTensorflow('23.1.0'));
      console.log(JSON.stringify({ probe, between, report, backend: tf.getBackend(), old,
        gradient: Array.from(gradient.dataSync()), sums, left: nativeFallbacks() }));`,
    );
    const reason = `@tensorflow/tfjs-node ${tf.version_core}`;
    assert.deepEqual(found, {
      probe: { name: 'tensorflow', available: true, reason },
      between: 'cpu',
      report: { name: 'tensorflow', requested: 'tensorflow', reason },
      backend: 'tensorflow',
      old: { message: `${reason} does not work on Node 23.1.0`, remedy: 'use Node 20 or 22' },
      gradient: [2, 4, 6],
      sums: [1, 3, 6],
      left: [{ kernel: 'Cumsum', calls: 1 }],
    });
  });

  it('says in one line why a package cannot be used, and what helps', () => {
    const name = '@tensorflow/tfjs-node';
    const folder = mkdtempSync(path.join(tmpdir(), 'interplay-'));
    const file = path.join(folder, 'broken.cjs');
    writeFileSync(file, "throw new Error('no addon at x.node.\\nPlease run');");
    const why = (version?: string) => {
      const find = (wanted: string) =>
        version === undefined || wanted !== name ? undefined : { name, version, file };
      try {
        registerTensorflow('20.19.0', find);
      } catch (error) {
        assert.ok(error instanceof BackendMissing, String(error));
        return `${error.message}: ${error.remedy}`;
      }
      return 'nothing';
    };
    try {
      const { version_core: version } = tf;
      const install = `npm install --no-save ${name}@${version}`;
      assert.equal(why(), `neither ${name}-gpu nor ${name} is installed: ${install}`);
      assert.equal(why('3.21.1'), `${name} 3.21.1 does not fit tfjs ${version}: ${install}`);
      assert.match(why(version), /^\S+ [\d.]+ does not load: no addon at x\.node\.: npm rebuild /);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
