import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import {
  adamwStep,
  linear,
  linearCrossEntropy,
  nativeFallbacks,
  probeBackends,
  profileOperations,
  rmsNorm,
  useBackend,
} from '../../src/backend/index.ts';
import type { NativeBackend, NativeMemory } from '../../src/backend/native/backend.ts';
import { nativeKernels } from '../../src/backend/native/register.ts';
import { InterplayError } from '../../src/core/index.ts';
import { assertClose, describeNative, float, given, tensorOf, testedBackend } from './op-test.ts';

describe('choice of backend', () => {
  it('auto takes a working backend and says which', async () => {
    const report = await useBackend('auto');
    assert.ok(['native', 'wasm', 'cpu'].includes(report.name));
    assert.equal(tf.getBackend(), report.name);
    assert.ok(report.reason.length > 0 && !report.reason.includes('\n'));
  });

  it('an unavailable backend is a coded error, and nothing changes', async () => {
    const before = (await useBackend('cpu')).name;
    await assert.rejects(
      useBackend('cuda'),
      (error: unknown) => error instanceof InterplayError && error.code === 'BACKEND_UNAVAILABLE',
    );
    assert.equal(tf.getBackend(), before);
  });

  it('names what helps where a backend is missing', async () => {
    await assert.rejects(
      useBackend('cuda'),
      /cuda \(not built into this version\); choose tensorflow or webgpu for a graphics card; or choose /,
    );
    for (const { available, remedy } of await probeBackends()) {
      assert.ok(available || remedy === undefined || /^[^\n]+$/.test(remedy));
    }
  });

  it('probes every backend with a one-line reason', async () => {
    const probes = await probeBackends();
    assert.deepEqual(
      probes.map(({ name }) => name),
      ['native', 'wasm', 'cuda', 'tensorflow', 'webgpu', 'cpu'],
    );
    for (const { reason } of probes) assert.match(reason, /^[^\n]+$/);
  });
});

describeNative('backend', () => {
  it('round-trips every type, also empty tensors and strings', async () => {
    await tf.setBackend(testedBackend());
    assert.deepEqual([...tf.tensor1d([1.5, -2]).dataSync()], [1.5, -2]);
    assert.deepEqual([...tf.tensor1d([1, -2], 'int32').dataSync()], [1, -2]);
    assert.deepEqual([...tf.tensor1d([true, false], 'bool').dataSync()], [1, 0]);
    assert.deepEqual(tf.tensor2d([], [0, 3]).dataSync().length, 0);
    assert.deepEqual(tf.tensor1d(['a', 'żółć']).dataSync<'string'>(), ['a', 'żółć']);
    assert.deepEqual([...(await tf.scalar(7).data())], [7]);
  });

  it('moves tensors between backends', async () => {
    await tf.setBackend('cpu');
    const x = tf.tensor1d([1, 2, 3]);
    await tf.setBackend(testedBackend());
    assert.deepEqual([...tf.mul(x, 2).dataSync()], [2, 4, 6]);
    await tf.setBackend('cpu');
    assert.deepEqual([...tf.mul(x, 3).dataSync()], [3, 6, 9]);
  });

  it('docs/backends.md lists what it computes', () => {
    const text = readFileSync(new URL('../../docs/backends.md', import.meta.url), 'utf8');
    const listed = /names of tfjs's\s+kernels; `wasm` has the same\):([^.]*)\./
      .exec(text)![1]!
      .trim()
      .split(/,\s+/);
    const own = Object.keys(nativeKernels).filter((name) => !name.startsWith('Interplay'));
    assert.deepEqual(listed, own.sort());
  });

  it('tf.memory() shows the high-water mark', async () => {
    await tf.setBackend(testedBackend());
    const memory = () => tf.memory() as tf.MemoryInfo & NativeMemory;
    const before = memory().bytesInUse;
    const large = tf.zeros([2 ** 20]);
    assert.equal(memory().bytesInUse - before >= 4 * 2 ** 20, true);
    large.dispose();
    const { bytesInUse, peakBytes } = memory();
    assert.equal(bytesInUse, before);
    assert.ok(peakBytes >= before + 4 * 2 ** 20);
  });

  it('computes what it lacks on cpu, and counts it', async () => {
    await tf.setBackend(testedBackend());
    const calls = () => nativeFallbacks().find(({ kernel }) => kernel === 'LinSpace')?.calls ?? 0;
    const before = calls();
    assertClose(tf.linspace(0, 1, 3).dataSync(), [0, 0.5, 1], { absolute: 0, relative: 0 }, 'linspace');
    assert.equal(calls(), before + 1);
  });

  it('a training-like loop leaks nothing and stays off the cpu backend', async () => {
    await tf.setBackend(testedBackend());
    const weight = tf.variable(tensorOf(float('w', [8, 8])) as tf.Tensor2D);
    const norm = tf.variable(tf.ones([8]) as tf.Tensor1D);
    const parameters = [weight, norm].map((variable) => ({
      variable: variable as tf.Variable,
      m: tf.variable(tf.zerosLike(variable)),
      v: tf.variable(tf.zerosLike(variable)),
      decay: true,
    }));
    const x = tensorOf(float('x', [20, 8])) as tf.Tensor2D;
    const losses: number[] = [];
    const step = (n: number) => {
      const { value, grads } = tf.variableGrads(
        () => tf.mean(tf.square(tf.sub(linear(rmsNorm(x, norm, 1e-6), weight), x))) as tf.Scalar,
        [weight, norm] as tf.Variable[],
      );
      adamwStep(
        parameters,
        [weight, norm].map((v) => grads[v.name]!),
        {
          step: n,
          learningRate: 0.05,
          beta1: 0.9,
          beta2: 0.99,
          epsilon: 1e-8,
          weightDecay: 0,
          gradientScale: 1,
        },
      );
      losses.push(value.dataSync()[0]!);
      tf.dispose([value, grads as never]);
    };
    const fallbacks = () => nativeFallbacks().reduce((sum, { calls }) => sum + calls, 0);
    step(1);
    const backend = tf.backend() as NativeBackend;
    const [tensors, bytes, buffers, fallen] = [
      tf.memory().numTensors,
      backend.memory().bytesInUse,
      backend.memory().buffers,
      fallbacks(),
    ];
    for (let n = 2; n <= 30; n++) step(n);
    assert.deepEqual(
      [tf.memory().numTensors, backend.memory().bytesInUse, backend.memory().buffers, fallbacks()],
      [tensors, bytes, buffers, fallen],
    );
    assert.ok(losses.at(-1)! < losses[0]! / 4, `loss ${losses[0]} → ${losses.at(-1)}`);
  });

  it('profiles by operation', async () => {
    await tf.setBackend(testedBackend());
    const rows = profileOperations(() => tf.tidy(() => tf.matMul(tf.ones([4, 4]), tf.ones([4, 4]))));
    assert.equal(rows.find(({ operation }) => operation === 'gemm')!.calls, 1);
  });

  it('refuses shapes that do not fit, before native code reads beyond them', async () => {
    await tf.setBackend(testedBackend());
    const x = tensorOf(float('x', [3, 4])) as tf.Tensor2D;
    const w = tensorOf(float('w', [2, 5])) as tf.Tensor2D;
    assert.throws(() => linear(x, w), /linear: shapes \[3,4\], \[2,5\]/);
    assert.throws(() => rmsNorm(x, tf.ones([5]), 1e-6), /rmsNorm/);
  });

  it('refuses an index outside the table, and frees what the operation had made', async () => {
    await tf.setBackend(testedBackend());
    const table = tensorOf(float('t', [3, 2]));
    const ids = tensorOf(given([3], 'int32')) as tf.Tensor1D;
    const hidden = tensorOf(float('h', [3, 2])) as tf.Tensor2D;
    const targets = tensorOf(given([0, 1, 3], 'int32')) as tf.Tensor1D;
    const before = (tf.backend() as NativeBackend).memory().buffers;
    for (let i = 0; i < 3; i++) {
      assert.throws(() => tf.gather(table, ids), /outside/);
      // Its three rows have a target each; the last lies outside the vocabulary.
      assert.throws(() => linearCrossEntropy(hidden, table as tf.Tensor2D, targets), /outside/);
    }
    const after = (tf.backend() as NativeBackend).memory().buffers;
    tf.dispose([table, ids, hidden, targets]);
    assert.equal(after, before);
  });
});
