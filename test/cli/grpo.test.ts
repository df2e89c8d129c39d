import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '../../src/backend/index.ts';
import { tinyBase, tinySettings } from '../rl/base.ts';
import { interplay } from './commandLine.ts';

describe('interplay grpo', () => {
  let folder: string;
  let config: string;
  before(async () => {
    await useBackend('auto');
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    config = join(folder, 'grpo.json');
    writeFileSync(config, JSON.stringify({ ...tinySettings(await tinyBase(folder)), reward: 'process' }));
  });
  after(() => rmSync(folder, { recursive: true }));
  const run = (out: string, ...more: string[]) =>
    interplay('grpo', '--config', config, '--out', join(folder, out), '--set', 'steps=2', ...more);

  it('trains, shows how it goes, leaves a checkpoint, and sums it up', async () => {
    const { code, stdout, stderr } = await run('run', '--json');
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout);
    assert.deepEqual([result.finished, result.steps, result.updates, result.rollouts], [true, 2, 4, 24]);
    assert.equal(result.checkpoint, join(folder, 'run/checkpoints/step-2'));
    assert.equal(result.validationBefore, 0);
    assert.match(stderr, /^backend: /);
    for (const word of [
      'generated tasks',
      '5 held out',
      'reward',
      'pass_rate',
      'kl',
      'entropy',
      'tokens_per_second',
    ])
      assert.ok(stderr.includes(word), `${word} in ${stderr}`);
  });

  it('goes on where it stands', async () => {
    const { code, stdout, stderr } = await run('run', '--resume');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Trained 2 steps, 24 rollouts, .*\nModel: .*step-2\n$/);
  });

  it('refuses a run folder in use, and wrong settings by the file’s name, with one line', async () => {
    const used = await run('run');
    assert.equal(used.code, 2);
    assert.match(used.stderr, /^interplay: RUN_EXISTS: .*\n$/);
    const wrong = await run('other', '--set', 'group_size=0', '--set', 'rate=1');
    assert.equal(wrong.code, 2);
    assert.equal(wrong.stdout, '');
    assert.match(wrong.stderr, /^interplay: CONFIG: .*grpo\.json.*group_size.*rate.*\n$/);
    assert.equal(existsSync(join(folder, 'other')), false);
  });
});
