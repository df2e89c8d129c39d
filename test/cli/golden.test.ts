/**
 * The loss curve of a small run through the command line, against the same run in transformers and PyTorch
 * (test/fixtures/golden/make.py): text, tokens, batches, model, loss, clipping, AdamW, schedule and held-out loss in one.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readMetrics, type TrainMetrics } from '../../src/train/index.ts';
import { interplay } from './commandLine.ts';

interface Step {
  step: number;
  tokens: number;
  loss: number;
  gradient_norm: number;
  learning_rate: number;
}

describe('golden loss curve', () => {
  const at = (name: string) => fileURLToPath(new URL(`../fixtures/golden/${name}`, import.meta.url));
  const golden = JSON.parse(readFileSync(at('curve.json'), 'utf8')) as {
    steps: Step[];
    validation_loss: number;
  };
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** Runs the settings of the fixture, whose paths are those from the root of the project. */
  const curveOf = async (name: string, ...options: string[]) => {
    const paths = {
      init: at('model'),
      'data.files': JSON.stringify([at('train.jsonl')]),
      'validation.files': JSON.stringify([at('validation.jsonl')]),
    };
    const sets = Object.entries(paths).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
    const out = join(folder, name);
    const args = ['pretrain', '--config', at('settings.json'), ...sets, '--out', out, ...options];
    const { code, stderr } = await interplay(...args);
    assert.equal(code, 0, stderr);
    return readMetrics(out);
  };
  /** Differences are those of float32 sums in another order: 2e-7 when this was written. */
  const near = (value: number, expected: number, what: string) =>
    assert.ok(Math.abs(value - expected) <= 1e-5 * Math.abs(expected), `${what}: ${value}, not ${expected}`);
  const compare = (lines: TrainMetrics[]) => {
    assert.equal(lines.length, golden.steps.length);
    golden.steps.forEach((expected, i) => {
      const line = lines[i]!;
      assert.deepEqual([line.step, line.tokens], [expected.step, expected.tokens]);
      for (const name of ['loss', 'gradient_norm', 'learning_rate'] as const) {
        near(line[name]!, expected[name], `${name} of step ${expected.step}`);
      }
    });
    near(lines.at(-1)!.validation_loss!, golden.validation_loss, 'held-out loss');
  };

  it('is that of PyTorch', async () => {
    compare(await curveOf('plain'));
  });

  it('is that of PyTorch in pieces of a quarter batch, with layers computed again, and with batches made ahead', async () => {
    compare(await curveOf('pieces', '--set', 'micro_batch_tokens=100'));
    compare(await curveOf('recompute', '--set', 'recompute=true'));
    compare(await curveOf('ahead', '--workers', '2'));
  });
});
