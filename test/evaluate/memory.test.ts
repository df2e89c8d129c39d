import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSamples } from '../../src/evaluate/index.ts';

describe('memory of an evaluation', () => {
  it('does not grow with its rows: twice as much in files as it may have, sampled, resumed and scored again', function () {
    this.timeout(120_000);
    const folder = mkdtempSync(join(tmpdir(), 'interplay-large-'));
    try {
      const script = fileURLToPath(new URL('./large.ts', import.meta.url));
      const flags = ['--max-old-space-size=96', '--no-experimental-require-module', '--import', 'tsx'];
      const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, script, folder, '80'], {
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr.slice(0, 2000));
      assert.equal(stdout, '8000 0.25\n'.repeat(3));
      const size = statSync(join(folder, 'samples.jsonl')).size;
      assert.ok(size > 2 * 96 * 2 ** 20, `${size / 2 ** 20} MiB`);
      const order: (readonly [string, number])[] = [];
      for (const { task_id, sample_index } of readSamples(folder)) order.push([task_id, sample_index]);
      assert.equal(order.length, 8000);
      const tasks = [...new Set(order.map(([task]) => task))];
      assert.deepEqual(
        order,
        tasks.flatMap((task) => Array.from({ length: 80 }, (_, i) => [task, i] as const)),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
