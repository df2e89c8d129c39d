/** The main job, end to end: the quickstart notebook through the command line, on its quick budget. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Output {
  output_type: string;
  data?: Record<string, unknown>;
}
interface Cell {
  cell_type: string;
  execution_count?: number | null;
  outputs?: Output[];
}

describe('quickstart notebook', function () {
  this.timeout(300_000);
  let folder: string;
  let cells: Cell[];
  const outputs = () => cells.flatMap((cell) => cell.outputs ?? []);
  const text = (output: Output) => [output.data?.['text/plain'] ?? ''].flat().join('');

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    const executed = join(folder, 'executed.ipynb');
    const result = spawnSync(
      process.execPath,
      ['bin/interplay.mjs', 'run', 'notebooks/quickstart.ipynb', '--out', executed],
      { cwd: root, encoding: 'utf8', env: { ...process.env, INTERPLAY_BUDGET: 'quick' } },
    );
    assert.equal(result.status, 0, result.stderr);
    cells = (JSON.parse(readFileSync(executed, 'utf8')) as { cells: Cell[] }).cells;
  });
  after(() => rmSync(folder, { recursive: true }));

  it('executes every cell once, in order, without an error', () => {
    const code = cells.filter((cell) => cell.cell_type === 'code');
    assert.deepEqual(
      code.map((cell) => cell.execution_count),
      code.map((_, i) => i + 1),
    );
    assert.deepEqual(
      outputs().filter((output) => output.output_type === 'error'),
      [],
    );
  });

  it('finds no test graph among the training graphs', () => {
    const table = outputs()
      .map(text)
      .find((content) => content.startsWith('Held-out problems\n'))!;
    const rows = table
      .split('\n')
      .slice(2)
      .filter((line) => line.trim() !== '');
    assert.equal(rows.length, 5);
    for (const row of rows) assert.match(row, /^\s*\d+\s+2\s+[12]\s+0\s*$/);
  });

  it('shows interactive figures, one live display per long job, and the graphs', () => {
    const figures = outputs().filter(
      (output) => output.data?.['application/vnd.plotly.v1+json'] !== undefined,
    );
    assert.equal(figures.length, 3);
    const live = outputs().filter((output) => /^(Pre-training|Evaluating) [\d,]+\/[\d,]+/.test(text(output)));
    assert.deepEqual(
      live.map((output) => /\(\d+ %\)/.exec(text(output))![0]),
      ['(100 %)', '(100 %)'],
    );
    const pages = outputs().map((output) => [output.data?.['text/html'] ?? ''].flat().join(''));
    assert.ok(pages.filter((page) => page.includes('data:image/svg+xml')).length >= 2);
  });

  it('writes four SVG figures and every sample', () => {
    const figures = join(root, 'out/quickstart-quick/figures');
    assert.deepEqual(readdirSync(figures).sort(), [
      'error-types.svg',
      'gold-and-predicted.svg',
      'pass-at-k.svg',
      'training-curve.svg',
    ]);
    for (const name of readdirSync(figures))
      assert.match(readFileSync(join(figures, name), 'utf8'), /^<svg [\s\S]*<\/svg>\s*$/);
    const samples = readFileSync(join(root, 'out/quickstart-quick/evaluation/samples.jsonl'), 'utf8');
    assert.equal(samples.trimEnd().split('\n').length, 10 * 16);
  });
});
