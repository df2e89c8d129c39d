import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { type LaunchedKernel, launchKernel } from '../../src/kernel/launch.ts';
import type { JsonObject, Message } from '../../src/kernel/protocol.ts';

const FOLDER = fileURLToPath(new URL('../..', import.meta.url));

/**
 * A variable x = (1, 2, 3) and two differentiable operations; the gradient of Σ x² is 2 x = (2, 4, 6). The
 * gradients are ours since registering all of tfjs's takes five seconds.
 */
const SETUP = `
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { variableGradients } from './src/backend/index.ts';
await tf.setBackend('cpu');
tf.registerGradient({ kernelName: 'Square', inputsToSave: ['x'],
  gradFunc: (dy, [x]) => ({ x: () => tf.mul(dy, tf.mul(x, 2)) }) });
tf.registerGradient({ kernelName: 'Sum', inputsToSave: ['x'],
  gradFunc: (dy, [x]) => ({ x: () => tf.mul(dy, tf.onesLike(x)) }) });
const forever = (): never => { for (;;); };
const x = tf.variable(tf.tensor1d([1, 2, 3]), true, 'x');
const loss = () => tf.sum(tf.square(x));
const gradient = () => tf.tidy(() => Array.from(tf.variableGrads(loss).grads.x.dataSync()));`;

describe('stop in the middle of a tfjs computation', function () {
  this.timeout(60_000);
  let kernel: LaunchedKernel;
  const run = (code: string, options = {}) => kernel.client.execute(code, options);
  const value = async (code: string): Promise<unknown> => {
    const { reply, messages } = await run(code);
    assert.equal(reply.status, 'ok', JSON.stringify(reply));
    const result = messages.find(({ header }) => header.msg_type === 'execute_result');
    return (result?.content.data as JsonObject | undefined)?.['text/plain'];
  };
  /** Runs `code` and presses Stop 100 ms after it began. */
  const stopped = async (code: string) => {
    const { reply } = await run(code, {
      onMessage: (message: Message) => {
        if (message.header.msg_type === 'execute_input') setTimeout(() => kernel.client.interrupt(), 100);
      },
    });
    assert.equal(reply.ename, 'Interrupted', JSON.stringify(reply));
  };

  before(async () => {
    // Stop is counted from the start of the cell, and these cells say little about their types.
    kernel = await launchKernel({ cwd: FOLDER, typeCheck: 'off' });
    assert.equal((await run(SETUP)).reply.status, 'ok');
  });
  after(() => kernel.close());

  const GRADIENT = '[ 2, 4, 6 ]';
  const cuts: [string, string][] = [
    ['in the forward pass', 'tf.variableGrads(() => { const y = loss(); forever(); return y; });'],
    ['in an operation', 'tf.variableGrads(tf.customGrad(() => { tf.square(x); forever(); }));'],
    [
      'in the backward pass',
      `const f = tf.customGrad((y, save) => { save([y]); return { value: tf.sum(y), gradFunc: forever }; });
      tf.tidy(() => { tf.variableGrads(() => f(tf.square(x))); });`,
    ],
    [
      'in the forward pass of variableGradients',
      "variableGradients(() => { const y = loss(); forever(); return y; }, new Map([['x', x]]));",
    ],
    [
      'in the backward pass of variableGradients',
      `const g = tf.customGrad((y, save) => { save([y]); return { value: tf.sum(y), gradFunc: forever }; });
      tf.tidy(() => { variableGradients(() => g(tf.square(x)), new Map([['x', x]])); });`,
    ],
    ['in tidy', 'tf.tidy(() => { tf.square(x); tf.tidy(() => { tf.square(x); forever(); }); });'],
    [
      'in a timer',
      'setTimeout(() => tf.variableGrads(() => { loss(); forever(); })); await new Promise(() => {});',
    ],
  ];
  for (const [where, code] of cuts) {
    it(`${where}: gradients are right and no tensor is left`, async () => {
      const before = await value('tf.memory().numTensors');
      await stopped(code);
      assert.equal(await value('[gradient(), tf.memory().numTensors]'), `[ ${GRADIENT}, ${before} ]`);
    });
  }

  it('twice in a row', async () => {
    const before = await value('tf.memory().numTensors');
    for (let press = 0; press < 2; press++) {
      await stopped('tf.tidy(() => { tf.variableGrads(() => { loss(); forever(); }); });');
    }
    assert.equal(await value('[gradient(), tf.memory().numTensors]'), `[ ${GRADIENT}, ${before} ]`);
  });

  it('in a loop of gradients, wherever it happens to be', async () => {
    const before = Number(await value('tf.memory().numTensors'));
    await stopped('for (;;) tf.tidy(() => { tf.variableGrads(loss); });');
    assert.equal(await value('gradient()'), GRADIENT);
    // What the operation under way was just handing over (a result, a saved input) may stay, see repair().
    const left = Number(await value('tf.memory().numTensors')) - before;
    assert.ok(Math.abs(left) <= 2, `${left} tensors left`);
  });

  it('leaves alone what was kept, and scopes that were open before', async () => {
    await run(`let kept: tf.Tensor, outside: tf.Tensor, cleaned: tf.Tensor;
      tf.engine().startScope('mine'); outside = tf.square(x); 0`);
    await stopped('tf.tidy(() => { kept = tf.keep(tf.square(x)); forever(); });');
    assert.equal(await value('[kept.isDisposed, outside.isDisposed]'), '[ false, false ]');
    assert.equal(await value('tf.engine().endScope(); kept.dispose(); outside.isDisposed'), 'true');
  });

  it('is over before the cell cleans up: what its finally computes stays', async () => {
    await stopped(`let saved: tf.Tensor;
      setTimeout(() => tf.tidy(() => { tf.square(x); forever(); }));
      try { await new Promise(() => {}); } finally { saved = tf.square(x); }`);
    assert.equal(await value('Array.from(saved.dataSync())'), '[ 1, 4, 9 ]');
    await run('saved.dispose()');
  });

  it('in a timer of an idle kernel', async () => {
    const before = await value('tf.memory().numTensors');
    await run('setTimeout(() => tf.variableGrads(() => { loss(); forever(); }), 50); 0');
    await new Promise((resolve) => setTimeout(resolve, 200));
    await kernel.client.interrupt();
    assert.equal(await value('gradient()'), GRADIENT);
    assert.equal(await value('tf.memory().numTensors'), before);
  });
});
