import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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

  it('reads TypeScript rewards outside of any package, and says what is wrong in one', function () {
    this.timeout(60_000); // processes of their own: here another hook compiles
    const module = join(folder, 'pay.ts');
    const command = fileURLToPath(new URL('../../bin/interplay.mjs', import.meta.url));
    const error = (text: string) => {
      writeFileSync(module, text);
      const settings = ['init=none', `reward=[{"module":${JSON.stringify(module)}}]`];
      const argv = settings.flatMap((setting) => ['--set', setting]);
      const out = ['--out', join(folder, 'paid')];
      const { stderr, status } = spawnSync(process.execPath, [command, 'grpo', ...out, ...argv]);
      assert.equal(status, 2, String(stderr));
      return String(stderr);
    };
    assert.match(error('export default (_: unknown): number => 1;\n'), /MODEL_FOLDER: .*none/);
    assert.match(
      error('export default (_: unknown) => {{ 1;\n'),
      /REWARD_MODULE: .*pay\.ts:2:0: ERROR: Unexpected end/,
    );
  });
});
