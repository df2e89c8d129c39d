import assert from 'node:assert/strict';
import { interplay } from './commandLine.ts';

describe('interplay budget', () => {
  it("prints the paper's Table 3 by default", async () => {
    const { code, stdout, stderr } = await interplay('budget');
    assert.deepEqual([code, stderr], [0, '']);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.length, 1 + 7 * 5);
    assert.match(lines[0]!, /tokens +rl_share +mid_tokens +mid_steps +rl_tokens +rl_prompts +rl_steps$/);
    const row = lines.find((line) => /^ *4,194,304,000 +0\.2 /.test(line))!;
    assert.deepEqual(row.trim().split(/ {2,}/).slice(3), ['6,400', '838,860,800', '40,960', '40']);
  });

  it('takes budgets, shares and costs', async () => {
    const { stdout } = await interplay(
      'budget',
      ...['--tokens', '1B,20M', '--rl-share', '0.5', '--length', '600', '--rollouts', '4'],
      ...['--reference', '0', '--prompts-per-step', '100', '--parameters', '100M', '--json'],
    );
    const { rows, length } = JSON.parse(stdout);
    assert.equal(length, 600);
    assert.deepEqual(
      rows.map(({ tokens }: { tokens: number }) => tokens),
      [1e9, 2e7],
    );
    // Half of 1 B at (4/3)·4·600 = 3,200 a prompt; 6·P·T FLOPs.
    assert.ok(Math.abs(rows[0].rl_prompts - 5e8 / 3200) < 1e-6);
    assert.equal(rows[0].rl_steps, 1563);
    assert.equal(rows[0].flops, 6e17);
  });

  it('refuses numbers that are none', async () => {
    for (const options of [
      ['--tokens', 'many'],
      ['--tokens', '0'],
      ['--tokens', '1B,'],
      ['--rl-share', '1.5'],
      ['--rl-share', '0.2,x'],
      ['--rollouts', '0'],
      ['--length', '0'],
      ['--reference', '-1'],
      ['--batch-tokens', '1.5'],
      ['--parameters', ''],
    ]) {
      const { code, stderr, stdout } = await interplay('budget', ...options);
      assert.deepEqual([code, stdout], [2, ''], options.join(' '));
      assert.match(stderr, /^interplay: USAGE: /, options.join(' '));
      assert.equal(stderr.trimEnd().split('\n').length, 1);
    }
  });
});
