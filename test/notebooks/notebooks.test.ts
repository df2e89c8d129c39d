/** The other notebooks, executed through the command line on their quick budget. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Output {
  output_type: string;
  data?: Record<string, unknown>;
  text?: string | string[];
}

/** Runs a notebook and gives the text of each output. */
function textsOf(name: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'interplay-'));
  try {
    const executed = join(folder, 'executed.ipynb');
    const result = spawnSync(
      process.execPath,
      ['bin/interplay.mjs', 'run', `notebooks/${name}.ipynb`, '--out', executed],
      { cwd: root, encoding: 'utf8', env: { ...process.env, INTERPLAY_BUDGET: 'quick' } },
    );
    assert.equal(result.status, 0, result.stderr);
    const { cells } = JSON.parse(readFileSync(executed, 'utf8')) as { cells: { outputs?: Output[] }[] };
    return cells
      .flatMap(({ outputs }) => outputs ?? [])
      .map(({ data, text }) => [data?.['text/plain'] ?? text ?? ''].flat().join(''));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('notebooks', function () {
  this.timeout(300_000);

  it('exposure-sweep compares four shares of a second context', () => {
    const texts = textsOf('exposure-sweep');
    const table = texts.find((text) => text.startsWith('After the last step'))!;
    const shares = [...table.matchAll(/^([\d.]+ %)/gm)].map(([, share]) => share);
    assert.deepEqual(shares, ['0 %', '0.1 %', '1 %', '10 %']);
    const losses = texts.find((text) => text.startsWith('Held-out loss by share'))!;
    assert.ok(losses.split('\n').length > 2 * 4, 'several checkpoints of four runs in two contexts');
    assert.equal(texts.filter((text) => text.startsWith('pass@k in context')).length, 2);
  });

  it('evaluation counts, draws and browses samples', () => {
    const texts = textsOf('evaluation');
    assert.ok(texts.some((text) => text.includes('20 problems (20 graphs), 160 samples in')));
    const table = texts.find((text) => text.startsWith('By op'))!;
    assert.deepEqual(
      [...table.matchAll(/^ *(\d) /gm)].map(([, op]) => op),
      ['2', '3', '4', '5', '6'],
    );
    const [all, rightAnswers] = texts.filter((text) => text.startsWith('Samples of'));
    assert.match(all!, /^60 of 160 samples, of 20 problems: spread over/m);
    assert.ok(rightAnswers !== undefined, 'a filtered selection');
    assert.match(texts.find((text) => text.startsWith('Where'))!, /^Where \d+ of 160 samples first fail/);
  });

  it('export writes for three programs and pays rewards', () => {
    const texts = textsOf('export');
    assert.ok(texts.some((text) => text.includes('the same model: true')));
    assert.ok(texts.some((text) => text.includes('train_from_scratch: true')));
    assert.ok(texts.some((text) => text.includes('adv_estimator: grpo')));
    const rewards = texts.find((text) => text.startsWith('Rewards'))!;
    assert.match(rewards, /^right +1 +1 +1$/m);
    assert.match(rewards, /^right answer, no steps +1 +0\.2 +0$/m);
  });
});
