import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '../../src/backend/index.ts';
import { thinkingBase, thinkingSettings } from '../rl/rmt/base.ts';
import { interplay } from './commandLine.ts';

describe('interplay rmt', () => {
  let folder: string;
  let config: string;
  before(async () => {
    await useBackend('auto');
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    config = join(folder, 'rmt.json');
    writeFileSync(config, JSON.stringify(thinkingSettings(await thinkingBase(folder))));
  });
  after(() => rmSync(folder, { recursive: true }));
  const run = (out: string, ...more: string[]) =>
    interplay('rmt', '--config', config, '--out', join(folder, out), '--set', 'steps=2', ...more);

  it('trains, shows how it goes, leaves a checkpoint, sums it up, and goes on where it stands', async () => {
    const { code, stdout, stderr } = await run('run', '--json');
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout);
    assert.deepEqual([result.finished, result.steps, result.updates, result.rollouts], [true, 2, 2, 36]);
    assert.equal(result.checkpoint, join(folder, 'run/checkpoints/step-2'));
    assert.match(stderr, /^backend: /);
    for (const word of ['9 tokens of 4 texts held out', 'reward', 'thought_length', 'next_token_loss'])
      assert.ok(stderr.includes(word), `${word} in ${stderr}`);
    const again = await run('run', '--resume');
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stdout, /^Trained 2 steps, .* tokens of text, 36 thoughts, .*\nModel: .*step-2\n$/);
  });

  it('says nothing of rewards where no token could be drawn', async () => {
    const nats = 'positions={"by":"entropy","least":50,"edges":[51,52]}';
    const { code, stdout } = await run('none', '--set', 'validation.tasks=0', '--set', nats);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^Trained 2 steps, .* tokens of text, 0 thoughts, [\d,.]+ token equivalents\nModel: /,
    );
  });

  it('refuses wrong settings by the file’s name, with one line', async () => {
    const wrong = await run('other', '--set', 'group_size=0', '--set', 'rate=1');
    assert.equal(wrong.code, 2);
    assert.equal(wrong.stdout, '');
    assert.match(wrong.stderr, /^interplay: CONFIG: .*rmt\.json.*group_size.*rate.*\n$/);
    assert.equal(existsSync(join(folder, 'other')), false);
  });
});
