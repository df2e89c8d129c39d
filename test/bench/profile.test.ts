import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { layOut, record } from '../../bench/profile.ts';
import { useBackend } from '../../src/backend/index.ts';
import { currentNative } from '../../src/backend/native/backend.ts';

describe('profile', () => {
  before(async function () {
    await useBackend('auto');
    if (currentNative() === undefined) this.skip();
  });

  it('names matrix products by shape, adds up to the whole and leaves the engine as it was', () => {
    const { engine } = currentNative()!;
    const { run, allocate } = engine;
    const profile = record(engine, () => {
      tf.tidy(() => {
        const a = tf.ones([64, 128]);
        const b = tf.ones([32, 128]);
        tf.matMul(tf.matMul(a, b, false, true), tf.exp(b));
        tf.matMul(a, b, false, true);
      });
    });
    const line = (kernel: string) => profile.lines.find((one) => one.kernel === kernel);
    assert.equal(line('gemm 64×128×32 NT')?.calls, 2);
    assert.equal(line('gemm 64×128×32 NT')?.operations, 2 * 2 * 64 * 128 * 32);
    assert.equal(line('gemm 64×32×128 NN')?.calls, 1);
    assert.equal(line('unary')?.operations, undefined);
    const sum = profile.lines.reduce((total, { milliseconds }) => total + milliseconds, 0);
    assert.ok(Math.abs(sum - profile.total) < 1e-6);
    assert.ok(profile.lines.at(-1)!.milliseconds >= 0);
    assert.equal(engine.run, run);
    assert.equal(engine.allocate, allocate);
    const text = layOut(profile, 1e12);
    assert.match(text, /gemm 64×128×32 NT.*GFLOP\/s, \d+ % of the peak/);
    assert.match(text, /JavaScript and engine/);
  });
});
