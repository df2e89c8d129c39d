import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { responseText, type Task } from '../../src/tasks/index.ts';
import { readParquetRows } from '../../src/tasks/parquet.ts';
import { verify } from '../../src/verify/index.ts';
import { generatedTasks } from '../verify/samples.ts';
import { interplay } from './commandLine.ts';

describe('interplay analyze: similarity and edge of competence', () => {
  let folder: string;
  let tasks: Task[];
  before(() => {
    tasks = generatedTasks(4, { ops: [12], modes: ['forward', 'reverse'] });
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-analyze-'));
    // Task i of four has i right samples of four.
    const rows = tasks.flatMap((task, i) =>
      [0, 1, 2, 3].map((sample) => {
        const response = sample < i ? responseText(task) : 'no idea';
        const { id: task_id, op, template, mode, fingerprint } = task;
        return {
          task_id,
          sample_index: sample,
          op,
          template,
          mode,
          fingerprint,
          response,
          ...verify(task, response),
        };
      }),
    );
    write('samples.jsonl', rows);
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ k: [1, 2], seed: 3 }));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (name: string, rows: readonly unknown[]): string => {
    const path = join(folder, name);
    writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return path;
  };
  const table = (name: string) => JSON.parse(readFileSync(join(folder, 'out', `${name}.json`), 'utf8'));
  const analyze = (...options: string[]) =>
    interplay('analyze', folder, '--out', join(folder, 'out'), ...options);

  it('pairs evaluations with a baseline by task', async () => {
    // The evaluation against itself: no gain, and room on both sides.
    const { code } = await analyze('--baseline', folder, '--k', '1,2');
    assert.equal(code, 0);
    const rows = table('gains') as Record<string, unknown>[];
    assert.ok(rows.length > 0 && rows.every(({ gain, evaluation }) => gain === 0 && evaluation === folder));
    const all = rows.find(({ by, verifier, k }) => by === 'overall' && verifier === 'verified' && k === 1)!;
    // Task i of four has i right samples of four.
    assert.deepEqual([all.before, all.after, all.n], [0.375, 0.375, 4]);
    assert.ok((all.low as number) < 0 && (all.high as number) > 0, `${all.low} to ${all.high}`);
  });

  it('writes every table as CSV, JSON and Parquet with the same rows', async () => {
    const { code } = await analyze();
    assert.equal(code, 0);
    const names = readdirSync(join(folder, 'out'));
    for (const name of ['pass_at_k', 'error_types']) {
      assert.ok(names.includes(`${name}.csv`) && names.includes(`${name}.json`));
      const rows = [...readParquetRows(join(folder, 'out', `${name}.parquet`))];
      assert.deepEqual(JSON.parse(JSON.stringify(rows)), table(name));
    }
  });

  it('says how alike right responses are to training tasks', async () => {
    // Two of the three tasks with right responses are training tasks: 5 of the 6 responses.
    const train = `${write('a.jsonl', [tasks[2]])},${write('b.jsonl', [tasks[3]])}`;
    const { code, stderr } = await analyze('--train', train);
    assert.deepEqual([code, stderr], [0, '']);
    const [id, edge] = table('topology_similarity');
    assert.deepEqual([id.range, id.n, id.samples, id.similarity], ['id', 0, 0, null]);
    assert.deepEqual([edge.range, edge.n, edge.samples], ['edge', 3, 6]);
    // By problem, not by response.
    assert.ok(Math.abs(edge.isomorphic - 2 / 3) < 1e-12);
    assert.ok(edge.similarity > 2 / 3 && edge.similarity < 1 && edge.low <= edge.similarity);
    const bins = table('topology_similarity_histogram').filter(
      ({ range }: { range: string }) => range === 'edge',
    );
    assert.equal(bins.length, 20);
    assert.deepEqual([bins[19].bin_high, bins[19].samples], [1, 5]);
    assert.ok(
      Math.abs(bins.reduce((sum: number, { share }: { share: number }) => sum + share, 0) - 1) < 1e-12,
    );
  });

  it('names the tasks at the edge and writes them as an RL set', async () => {
    // pass@1 of 0, .25, .5, .75; pass@2 of 0, .5, 5/6, 1.
    const files = `${write('one.jsonl', tasks.slice(2))},${write('two.jsonl', tasks.slice(0, 2))}`;
    const { code, stdout } = await analyze('--edge', '2,0.5,0.5', '--edge-tasks', files, '--json');
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout).edge_tasks, 2);
    assert.deepEqual(
      table('edge_of_competence').map(({ task_id }: { task_id: string }) => task_id),
      [tasks[1]!.id, tasks[2]!.id],
    );
    const written = readFileSync(join(folder, 'out', 'edge_tasks.jsonl'), 'utf8');
    // The records as they were, in the order of the files.
    assert.equal(written, [tasks[2], tasks[1]].map((task) => `${JSON.stringify(task)}\n`).join(''));
    const none = await analyze('--edge', '2,0,0.9', '--edge-tasks', files);
    assert.match(none.stdout, /edge_tasks\.jsonl: 0 tasks/);
    assert.equal(readFileSync(join(folder, 'out', 'edge_tasks.jsonl'), 'utf8'), '');
  });

  it('refuses what it cannot do, and writes nothing', async () => {
    const all = write('all.jsonl', tasks);
    const few = write('few.jsonl', tasks.slice(0, 2));
    const edge = ['--edge', '2,0.5,0.5'];
    const cases: [string[], string, RegExp?][] = [
      [['--edge', '8,0.5,0.5'], 'EDGE_SAMPLES', /at least 8 samples/],
      [['--edge', '2,0.5'], 'USAGE'],
      [['--edge', '2,0.5,1.5'], 'USAGE'],
      [['--edge', '0,0.5,0.5'], 'USAGE'],
      [['--edge', '2,0.5,0.5,1'], 'USAGE'],
      [[...edge, '--edge-tasks', few], 'EDGE_TASKS', /no \d-.*-2;/],
      [['--edge-tasks', all], 'EDGE_TASKS', /no --edge/],
      [[folder, ...edge, '--edge-tasks', all], 'EDGE_TASKS', /2 evaluations/],
      [['--train', join(folder, 'none.jsonl')], 'INPUT_UNREADABLE'],
      [['--train', write('empty.jsonl', [])], 'SIMILARITY_TRAINING'],
      [['--train', write('bad.jsonl', [{ problem: 'p' }])], 'TASK_RECORD'],
    ];
    for (const [options, code, message] of cases) {
      const result = await analyze(...options);
      assert.equal(result.code, 2, options.join(' '));
      assert.match(result.stderr, new RegExp(`^interplay: ${code}: `), options.join(' '));
      if (message) assert.match(result.stderr, message);
      assert.equal(existsSync(join(folder, 'out')), false, readdirSync(folder).join());
    }
    // Saved without their texts.
    const rows = readFileSync(join(folder, 'samples.jsonl'), 'utf8').replaceAll('"response":', '"text":');
    writeFileSync(join(folder, 'samples.jsonl'), rows);
    assert.match((await analyze('--train', all)).stderr, /^interplay: EVALUATION_ROW: .*"response"/);
  });
});
