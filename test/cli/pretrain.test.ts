import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { interplay } from './commandLine.ts';

const program = fileURLToPath(new URL('../../bin/interplay.mjs', import.meta.url));

describe('interplay pretrain', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const settings = [
    'model={"hidden_size":8,"intermediate_size":16,"num_hidden_layers":1,"num_attention_heads":2,"num_key_value_heads":1,"vocab_size":420,"max_position_embeddings":512}',
    'tokenizer={"vocabulary":420,"tasks":100}',
    'data={"world":"micro","contexts":["zoo"],"ops":"2-3"}',
    'validation.tasks=0',
    'tokens=500',
    'batch_tokens=250',
  ].flatMap((setting) => ['--set', setting]);

  it('says what it is about to do, shows how it goes, and leaves a checkpoint', async () => {
    const out = join(folder, 'run');
    const { code, stdout, stderr } = await interplay('pretrain', '--out', out, ...settings, '--json');
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout);
    assert.equal(result.finished, true);
    const latest = readFileSync(join(out, 'checkpoints/latest'), 'utf8').trim();
    assert.equal(result.checkpoint, join(out, 'checkpoints', latest));
    // 8·420 of the embedding; q, o 2·64, k, v 2·32, gate, up, down 3·128, biases 8 + 2·4, norms 3·8.
    const matrices = 2 * 64 + 2 * 32 + 3 * 128;
    const inner = matrices + 16 + 24;
    const flops = (6 * (matrices + 8 * 420) * 500).toExponential(2);
    // Once, before the first step; 12·L·d·S more per token for attention over the longest sequence.
    const perToken = (6 * (matrices + 8 * 420) + 12 * 8 * 512) / 1e6;
    const [backend, model, work, firstStep] = stderr.split('\n');
    assert.match(backend!, /^backend: /);
    assert.equal(
      model,
      `model: ${(inner + 3360).toLocaleString('en-US')} parameters (${inner} without embedding), ` +
        `${perToken.toFixed(1)} MFLOP per trained token and ${(perToken / 3).toFixed(1)} forward at sequences of 512`,
    );
    assert.ok(work!.startsWith(`run: ${flops} FLOPs (6·P·T); matrix products at `), work);
    assert.match(firstStep!, /^train /);
    assert.equal(stderr.split(' parameters (').length, 2, 'the size is said once');
    for (const name of ['tokens_per_second', 'mfu', 'memory_mib', 'left'])
      assert.ok(stderr.includes(name), name);
  });

  it('refuses a run folder in use with one line', async () => {
    const { code, stdout, stderr } = await interplay('pretrain', '--out', join(folder, 'run'), ...settings);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^interplay: RUN_EXISTS: .*\n$/);
  });

  it('refuses a configuration that says a setting twice, or is no object', async () => {
    const config = join(folder, 'twice.json');
    for (const [text, got] of [
      ['{"tokens": 500, "batch_tokens": 250, "tokens": 5000}', '"tokens" twice'],
      ['[1]', 'with [1]'],
    ]) {
      writeFileSync(config, text!);
      const { code, stderr } = await interplay('pretrain', '--config', config, '--out', join(folder, 'no'));
      assert.equal(code, 2);
      assert.match(stderr, /^interplay: CONFIG: .*\n$/);
      assert.ok(stderr.includes(got!), stderr);
    }
    assert.equal(existsSync(join(folder, 'no')), false);
  });

  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`${signal} ends it after a step, with a checkpoint from which it goes on`, async function () {
      this.timeout(120_000); // a process that loads everything
      const out = join(folder, signal);
      const args = ['pretrain', '--out', out, ...settings, '--set', 'tokens=100000000', '--json'];
      const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (chunk) => {
        stdout += chunk;
      });
      child.stderr.on('data', (chunk) => {
        if (!/^train /m.test(stderr) && /^train /m.test(stderr + chunk)) child.kill(signal);
        stderr += chunk;
      });
      const [code] = await once(child, 'close');
      assert.equal(code, status, stderr);
      const result = JSON.parse(stdout);
      assert.equal(result.finished, false);
      const state = JSON.parse(readFileSync(join(result.checkpoint, 'state.json'), 'utf8'));
      assert.ok(state.step > 0 && state.step === result.steps, 'the checkpoint is of the last step');
      assert.equal(existsSync(join(out, 'lock')), false);
    });
  }
});
