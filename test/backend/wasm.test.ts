import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { sourceFolder } from '../../native/addon-path.mjs';
import { wasmCompiler } from '../../native/wasm-compiler.mjs';
import { relaxedWasmFile, sourceHash, wasmFile, wasmHashFile } from '../../native/wasm-path.mjs';
import { setThreadCount, threadCount, useBackend } from '../../src/backend/index.ts';
import { loadWasmEngine, type WasmEngine } from '../../src/backend/wasm/engine.ts';
import { createQwen2, disposeQwen2, parseModelConfig, tokenLosses } from '../../src/model/index.ts';
import { AdamW, pack, toTensors } from '../../src/train/index.ts';
import { backendsHere } from '../backends.ts';
import { float, tensorOf } from './op-test.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('native/wasm/interplay.wasm', () => {
  it('was made from the present sources', function () {
    if (wasmCompiler() === undefined) this.skip(); // who cannot rebuild it can do nothing about it
    const made = readFileSync(wasmHashFile, 'utf8').trim();
    assert.equal(made, sourceHash(), 'it is stale: node native/build-wasm.mjs');
  });

  it('holds every operation of native/src/ops.def, imports its memory alone, and is small', () => {
    for (const file of [wasmFile, relaxedWasmFile]) {
      const bytes = readFileSync(file);
      assert.ok(bytes.length <= 300_000, `${bytes.length} bytes`);
      if (!WebAssembly.validate(bytes)) continue; // relaxed SIMD, which this Node does not know
      const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
      assert.deepEqual(imports, [{ module: 'env', name: 'memory', kind: 'memory' }]);
    }
    assert.ok(WebAssembly.validate(readFileSync(wasmFile)));
    const definitions = readFileSync(path.join(sourceFolder, 'ops.def'), 'utf8');
    const names = [...definitions.matchAll(/^(?:SIMD|PLAIN)_OP\((\w+)\)/gm)].map((match) => match[1]!);
    assert.ok(names.length > 0);
    assert.deepEqual(
      names.filter((name) => loadWasmEngine().op[name] === undefined),
      [],
    );
  });
});

describe('wasm engine', () => {
  let engine: WasmEngine;
  let threadsBefore: number;
  before(async function () {
    if (!(await backendsHere()).includes('wasm')) this.skip();
    await useBackend('wasm');
    engine = loadWasmEngine();
    threadsBefore = threadCount();
  });
  afterEach(() => setThreadCount(threadsBefore));

  it('gives the same bits with 1, 2 and 3 threads, forward and backward', async () => {
    const results: Uint32Array[][] = [];
    for (const threads of [1, 2, 3, 2]) {
      setThreadCount(threads);
      await workersStarted();
      results.push(manyOperations());
    }
    for (const other of results.slice(1)) assert.deepEqual(other, results[0]);
  });

  it('trains as the other backends: ten steps', async () => {
    const here = await backendsHere();
    const wasm = await trainingLosses('wasm');
    assert.ok(wasm.at(-1)! < wasm[0]!, `losses ${wasm}`);
    for (const name of ['native', 'cpu'].filter((backend) => here.includes(backend))) {
      const expected = await trainingLosses(name);
      // Rounding differs; ten small steps of a smooth loss keep it within a few units of float32.
      wasm.forEach((loss, i) => {
        assert.ok(Math.abs(loss - expected[i]!) < 1e-4, `step ${i}: ${loss}, ${name} ${expected[i]}`);
      });
    }
    await useBackend('wasm');
  });

  it('hands arrays of any size in and out', () => {
    const { args, op, run } = engine;
    // copyRows: destination, source, bytes per row, rows, strides. 100,000 numbers are more than the fixed region.
    for (const length of [0, 1, 17, 100_000]) {
      const from = Float32Array.from({ length }, (_, i) => i + 0.5);
      const to = new Float32Array(length);
      args.set([engine.output(to), engine.input(from), length * 4, 1, 0, 0]);
      run(op.copyRows!);
      assert.deepEqual(to, from);
      const both = Float32Array.from(from, (x) => -x);
      args.set([engine.address(both), engine.input(from), Math.min(4, length * 4), 1, 0, 0]);
      run(op.copyRows!);
      assert.deepEqual(
        [...both],
        [...from].map((x, i) => (i === 0 ? x : -x)),
      );
    }
    // A view of part of an array: what is beside it stays.
    const whole = new Int32Array(9).fill(7);
    args.set([engine.output(whole.subarray(3, 5)), engine.input(Int32Array.of(1, 2)), 8, 1, 0, 0]);
    run(op.copyRows!);
    assert.deepEqual([...whole], [7, 7, 7, 1, 2, 7, 7, 7, 7]);
  });

  it('turns what the engine refuses into the error of the addon, and goes on', async () => {
    setThreadCount(3);
    await workersStarted();
    const expected = manyOperations();
    for (let round = 0; round < 10; round++) {
      const table = tensorOf(float('table', [3, 2]));
      assert.throws(
        () => tf.gather(table, tf.tensor1d([0, 3], 'int32')),
        /^Error: gather: an index is outside the table$/,
      );
      // An operation that does not exist, met by several threads in the middle of a job.
      const [out, a, b] = [0, 0, 0].map(() => engine.allocate(400_000 * 4));
      engine.args.set([99, out!, a!, b!, 2, 200_000, 2, 2, 2, 1, 1]);
      assert.throws(() => engine.run(engine.op.integerBinary!), /^Error: unknown integer operation$/);
      // An address that is no address.
      engine.args.set([4294967200, 4294967200, 1e6, 1, 0, 0]);
      assert.throws(
        () => engine.run(engine.op.copyRows!),
        /^Error: the wasm backend failed \(.*out of bounds/,
      );
      for (const address of [out, a, b]) engine.release(address!);
      table.dispose();
    }
    assert.deepEqual(manyOperations(), expected);
  });

  it('says OUT_OF_MEMORY for what 32-bit addresses cannot reach, on every thread', () => {
    const ask = () => {
      const segments = engine.input(Int32Array.of(0, 2 ** 31 - 1));
      engine.args.set([0, 0, 0, 0, 0, 8, 8, 2 ** 20, segments, 1]);
      return engine.run(engine.op.attention!);
    };
    for (let i = 0; i < 5; i++) assert.throws(ask, { code: 'OUT_OF_MEMORY' });
    assert.throws(() => engine.allocate(2 ** 32), { code: 'OUT_OF_MEMORY' });
    assert.throws(() => engine.allocate(2 ** 53), { code: 'OUT_OF_MEMORY' });
    assert.throws(() => engine.allocate(Number.NaN), { code: 'OUT_OF_MEMORY' });
    assert.deepEqual([...tf.add(tf.tensor1d([1, 2]), 1).dataSync()], [2, 3]);
  });

  it('refuses an operation that the file lacks', () => {
    assert.throws(() => engine.run(engine.op.notThere!), /the WebAssembly file lacks/);
  });

  it('is as before after execution was terminated in the middle of an operation', async () => {
    setThreadCount(3);
    await workersStarted();
    const expected = manyOperations();
    const [a, b, c] = [0, 0, 0].map(() => engine.allocate(1500 * 1500 * 4));
    const endless = globalThis as { interplayTestEndless?: () => void };
    endless.interplayTestEndless = () => {
      for (;;) {
        engine.args.set([1500, 1500, 1500, a!, b!, c!, 0, 0, 1, 0, 0, 0, 0]);
        engine.run(engine.op.gemm!);
      }
    };
    for (const timeout of [20, 35, 50]) {
      const script = new Script('interplayTestEndless()');
      assert.throws(() => script.runInThisContext({ timeout }), { code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' });
      assert.deepEqual(manyOperations(), expected);
    }
    delete endless.interplayTestEndless;
    for (const address of [a, b, c]) engine.release(address!);
  });

  it('allocates blocks that do not overlap, counts them exactly and joins what is freed', () => {
    const { memory } = engine;
    const inUse = memory(0);
    const buffers = memory(2);
    const size = fc.oneof(fc.constantFrom(0, 1, 63, 64, 65, 960, 1024), fc.integer({ min: 0, max: 300_000 }));
    const step = fc.record({ size, free: fc.integer({ min: 0, max: 20 }), release: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const held: { address: number; size: number; mark: number }[] = [];
        const letGo = (i: number) => {
          const [{ address, size, mark }] = held.splice(i, 1) as [(typeof held)[0]];
          const bytes = new Uint8Array(size);
          engine.read(address, bytes);
          assert.ok(
            bytes.every((byte) => byte === mark),
            'another block was written over this one',
          );
          engine.release(address);
        };
        steps.forEach(({ size, free, release }, i) => {
          const address = engine.allocate(size);
          assert.equal(address % 64, 0);
          engine.write(address, new Uint8Array(size).fill(i + 1));
          held.push({ address, size, mark: i + 1 });
          assert.equal(memory(2), buffers + held.length);
          assert.ok(memory(0) >= inUse + held.reduce((sum, block) => sum + block.size, 0));
          if (release) letGo(free % held.length);
        });
        while (held.length > 0) letGo(held.length - 1);
        assert.deepEqual([memory(0), memory(2)], [inUse, buffers]);
      }),
      { numRuns: 60 },
    );
    // Room for 60 MB, cut into parts that are freed in any order, is room for 60 MB again.
    engine.release(engine.allocate(60e6));
    const idle = memory(1);
    const parts = Array.from({ length: 13 }, () => engine.allocate(4e6));
    for (const i of [3, 1, 0, 7, 2, 9, 8, 5, 4, 6, 11, 10, 12]) engine.release(parts[i]!);
    assert.equal(memory(1), idle);
    engine.release(engine.allocate(60e6));
    assert.equal(memory(1), idle, 'memory grew');
  });

  it('keeps tensors that arrive from another backend', async () => {
    await useBackend('cpu');
    const x = tf.tensor1d([1, 2, 3]);
    await useBackend('wasm');
    const y = tf.square(x);
    await useBackend('cpu');
    assert.deepEqual([...tf.add(y, 1).dataSync()], [2, 5, 10]);
    await useBackend('wasm');
  });

  it('keeps no process alive', () => {
    const code = `
      const { useBackend } = await import('./src/backend/index.ts');
      const tf = await import('@tensorflow/tfjs-core');
      const { reason } = await useBackend('wasm');
      console.log(reason, tf.matMul(tf.ones([300, 300]), tf.ones([300, 300])).dataSync()[0]);`;
    const options = { cwd: root, encoding: 'utf8', timeout: 60_000 } as const;
    const env = { ...process.env, INTERPLAY_THREADS: '3' };
    const argv = ['--no-experimental-require-module', '--import', 'tsx', '--input-type=module', '-e', code];
    const run = spawnSync(process.execPath, argv, { ...options, env });
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stdout, /^(simd128|relaxed-simd), 3 threads 300\n$/);
  });
});

/** Workers start by themselves; a moment lets them take part in what follows. Nothing depends on it. */
function workersStarted(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 200));
}

/** Bits of values and gradients of operations large enough to be divided among threads. */
function manyOperations(): Uint32Array[] {
  const results: Uint32Array[] = [];
  tf.tidy(() => {
    const x = tensorOf(float('x', [210, 190])) as tf.Tensor2D;
    const w = tensorOf(float('w', [190, 330])) as tf.Tensor2D;
    const loss = (a: tf.Tensor, b: tf.Tensor): tf.Scalar =>
      tf.mean(tf.square(tf.softmax(tf.add(tf.matMul(a, b), tf.sum(a)))));
    const { value, grads } = tf.valueAndGrads(loss)([x, w]);
    const sums = tf.sum(tf.matMul(x, x, true, false), 0);
    for (const tensor of [value, ...grads, sums, tf.exp(x)]) {
      results.push(new Uint32Array(Float32Array.from(tensor.dataSync()).buffer));
    }
  });
  return results;
}

/** Losses of ten steps of training a tiny model on three packed sequences. */
async function trainingLosses(backend: string): Promise<number[]> {
  await useBackend(backend as 'cpu');
  const settings = {
    model_type: 'qwen2',
    hidden_size: 32,
    intermediate_size: 64,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: 50,
    max_position_embeddings: 64,
  };
  const model = createQwen2(parseModelConfig(settings, 'the test'), 3);
  const optimizer = new AdamW(model.parameters, {
    beta1: 0.9,
    beta2: 0.95,
    epsilon: 1e-8,
    weightDecay: 0.1,
    clip: 1,
  });
  const batch = pack([5, 11, 7].map((length) => Array.from({ length }, (_, i) => (i * i + length) % 50)));
  const losses: number[] = [];
  for (let step = 0; step < 10; step++) {
    tf.tidy(() => {
      const { targets, ...inputs } = toTensors(batch);
      const { value, grads } = tf.variableGrads(
        () => tf.mean(tokenLosses(model, inputs, targets)) as tf.Scalar,
        [...model.parameters.values()],
      );
      optimizer.update(new Map([...model.parameters].map(([key, v]) => [key, grads[v.name]!])), 1e-3);
      losses.push(value.dataSync()[0]!);
    });
  }
  optimizer.dispose();
  disposeQwen2(model);
  return losses;
}
