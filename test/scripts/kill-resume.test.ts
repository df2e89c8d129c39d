/** scripts/kill-resume.mjs with three kills of two small runs; the script itself makes twenty of larger ones. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { useBackend } from '../../src/backend/index.ts';
import { thinkingBase, thinkingSettings } from '../rl/rmt/base.ts';

const script = fileURLToPath(new URL('../../scripts/kill-resume.mjs', import.meta.url));

describe('kill -9', () => {
  it('at random moments and --resume give the bytes of the uninterrupted run', function () {
    this.timeout(300_000); // five processes, each of which loads everything
    const out = mkdtempSync(join(tmpdir(), 'interplay-'));
    const settings = [
      'model={"hidden_size":16,"intermediate_size":32,"num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":1,"max_position_embeddings":512}',
      'tokenizer={"vocabulary":420,"tasks":100}',
      'data={"world":"micro","contexts":["zoo"],"ops":"2-3"}',
      'validation.tasks=2',
      'tokens=20000',
      'batch_tokens=500',
      'micro_batch_tokens=250',
      'save_every_tokens=2000',
      'keep_last=2',
    ].flatMap((setting) => ['--set', setting]);
    try {
      const args = [
        script,
        '--kills',
        '3',
        '--runs',
        '2',
        '--seed',
        '0',
        '--out',
        join(out, 'runs'),
        ...settings,
      ];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, /3 of 3 kills left nothing behind: 2 runs compared with the uninterrupted one\n$/);
    } finally {
      rmSync(out, { recursive: true });
    }
  });

  it('of rmt: metrics, weights and thoughts are those of the uninterrupted run', async function () {
    this.timeout(300_000);
    const out = mkdtempSync(join(tmpdir(), 'interplay-'));
    try {
      await useBackend('auto');
      const settings = { ...thinkingSettings(await thinkingBase(out)), steps: 40, keep_last: 2 };
      const sets = Object.entries(settings).flatMap(([key, value]) => [
        '--set',
        `${key}=${JSON.stringify(value)}`,
      ]);
      const args = [
        '--program',
        'rmt',
        '--kills',
        '2',
        '--runs',
        '1',
        '--seed',
        '1',
        '--out',
        join(out, 'runs'),
      ];
      const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args, ...sets], {
        encoding: 'utf8',
      });
      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, /2 of 2 kills left nothing behind/);
    } finally {
      rmSync(out, { recursive: true });
    }
  });
});
