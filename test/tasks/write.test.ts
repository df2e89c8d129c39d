import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { runCancellable } from '../../src/core/cancellation.ts';
import type { ProgressReport } from '../../src/core/progress.ts';
import {
  createTaskSource,
  MICRO_WORLD,
  readTasks,
  type Task,
  type TaskSourceOptions,
  trainingText,
  type WriteTasksOptions,
  writeTasks,
  ZOO,
} from '../../src/tasks/index.ts';
import { countTokensWith, openTokenizer, PAPER_TOKENIZER } from '../../src/tokenizer/index.ts';

const SOURCE: TaskSourceOptions = { world: 'micro', ops: '2-6', seed: 3 };

describe('writing tasks', () => {
  let folder: string;
  let out: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-write-'));
    out = join(folder, 'tasks.jsonl');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  describe('by tokens', () => {
    const tokenizer = openTokenizer(PAPER_TOKENIZER);
    /** As training counts: the text and the end token (src/train/data.ts). */
    const tokensOf = (task: Task) => tokenizer.encode(trainingText(task)).length + 1;
    const tasks = createTaskSource(SOURCE).take(1200);
    const totals: number[] = [];
    for (const task of tasks) totals.push((totals.at(-1) ?? 0) + tokensOf(task));

    for (const workers of [1, 2]) {
      it(`stops after the first task that reaches the budget, with ${workers} worker(s)`, async () => {
        // Exactly the sum of 700 tasks (in the second chunk), and one token more.
        for (const [more, count] of workers === 1
          ? ([
              [0, 700],
              [1, 701],
            ] as const)
          : ([[0, 700]] as const)) {
          const budget = totals[699]! + more;
          const summary = await writeTasks({
            source: SOURCE,
            tokens: budget,
            counter: countTokensWith(),
            out,
            workers,
          });
          assert.deepEqual([summary.count, summary.tokens], [count, totals[count - 1]]);
          assert.deepEqual([...readTasks(out)], tasks.slice(0, count));
          assert.equal(summary.bytes, readFileSync(out).length);
        }
      });
    }

    it('writes one task for a budget of one token, and counts beside a number of tasks', async () => {
      const counter = countTokensWith();
      const one = await writeTasks({ source: SOURCE, tokens: 1, counter, out });
      assert.deepEqual([one.count, one.tokens], [1, totals[0]]);
      const some = await writeTasks({ source: SOURCE, count: 30, counter, out });
      assert.deepEqual([some.count, some.tokens], [30, totals[29]]);
      assert.equal((await writeTasks({ source: SOURCE, count: 30, out })).tokens, undefined);
    });

    it('counts what is kept when duplicates are left out', async () => {
      const source = { ...SOURCE, ops: '2', contexts: ['zoo'] };
      const summary = await writeTasks({
        source,
        tokens: 5000,
        counter: countTokensWith(),
        unique: 'graph',
        out,
      });
      const kept = [...readTasks(out)] as Task[];
      const sizes = kept.map(tokensOf);
      const total = sizes.reduce((a, b) => a + b);
      assert.deepEqual([summary.count, summary.tokens], [kept.length, total]);
      assert.ok(total >= 5000 && total - sizes.at(-1)! < 5000);
      assert.ok(summary.dropped! > 0);
    });

    it('reports progress in tokens', async () => {
      const reports: ProgressReport[] = [];
      await writeTasks({
        source: SOURCE,
        tokens: totals[699]!,
        counter: countTokensWith(),
        out,
        progress: (report) => reports.push(report),
      });
      assert.deepEqual(
        reports.map(({ done, total, unit }) => [done, total, unit]),
        [
          [totals[499], totals[699], 'token'],
          [totals[699], totals[699], 'token'],
        ],
      );
    });
  });

  it('hands every option of a source to its workers', async () => {
    const source: TaskSourceOptions = {
      world: { ...MICRO_WORLD, name: 'own', maxValue: 200 },
      contexts: [{ ...ZOO, name: 'own_zoo', alias: 'mine' }, 'school'],
      ops: [3, 5],
      opWeights: { 3: 2, 5: 1 },
      modes: ['forward', 'reverse'],
      depths: [2, 3],
      split: 'dev',
      splits: { fit: 0.5, dev: 0.3, last: 0.2 },
      identity: { context: true },
      heldOut: { contexts: ['school'] },
      seed: -4,
    };
    await writeTasks({ source, count: 1100, out, workers: 2 });
    const tasks = [...readTasks(out)];
    assert.deepEqual(tasks, createTaskSource(source).take(1100));
    assert.deepEqual([...new Set(tasks.map(({ template }) => template))], ['own_zoo']);
    assert.equal(new Set(tasks.map(({ mode, d }) => `${mode} ${d}`)).size, 4);
  });

  it('makes gzip of the same bytes with any number of workers, and the same lines as without', async () => {
    await writeTasks({ source: SOURCE, count: 2600, out });
    const files = [1, 2].map((workers) => [workers, join(folder, `${workers}.jsonl.gz`)] as const);
    for (const [workers, path] of files) {
      const { bytes } = await writeTasks({ source: SOURCE, count: 2600, out: path, workers });
      assert.equal(bytes, readFileSync(path).length);
    }
    const [one, two] = files.map(([, path]) => readFileSync(path));
    assert.ok(one!.equals(two!));
    assert.ok(gunzipSync(one!).equals(readFileSync(out)));
    assert.deepEqual([...readTasks(files[0]![1])], createTaskSource(SOURCE).take(2600));
  });

  it('stops when it is told to, and leaves nothing', async () => {
    for (const workers of [1, 2]) {
      const stop = new AbortController();
      const progress = () => stop.abort();
      const writing = runCancellable(stop.signal, () =>
        writeTasks({ source: SOURCE, count: 5000, out, workers, progress }),
      );
      await assert.rejects(writing, { code: 'CANCELLED', got: '500 of 5000' });
      assert.deepEqual(readdirSync(folder), []);
    }
  });

  it('names errors of its workers by their codes', async () => {
    // Beyond the largest index that there is, in the second chunk.
    const from = Number.MAX_SAFE_INTEGER - 700;
    for (const workers of [1, 2]) {
      await assert.rejects(writeTasks({ source: SOURCE, count: 1400, from, out, workers }), {
        code: 'TASK_INDEX',
        remedy: 'use an integer',
      });
      assert.deepEqual(readdirSync(folder), []);
    }
  });

  const counter = { module: 'none', argument: '' };
  const refused: [string, Partial<WriteTasksOptions>, string, RegExp][] = [
    ['neither count nor tokens', {}, 'OPTION_CONFLICT', /got neither/],
    ['both', { count: 1, tokens: 1, counter }, 'OPTION_CONFLICT', /got both/],
    ['tokens without a counter', { tokens: 1 }, 'OPTION_CONFLICT', /counter/],
    ['a count of none', { count: 0 }, 'WRITE_LIMIT', /count .* got 0; use 1/],
    ['half a task', { count: 2.5 }, 'WRITE_LIMIT', /count .* got 2.5; use 3/],
    ['no number', { count: Number.NaN }, 'WRITE_LIMIT', /count .* got NaN; use 1/],
    ['a negative budget', { tokens: -5, counter }, 'WRITE_LIMIT', /tokens .* got -5; use 1/],
    ['no workers', { count: 1, workers: 0 }, 'WRITE_LIMIT', /workers .* got 0; use 1/],
    ['a negative start', { count: 1, from: -1 }, 'WRITE_LIMIT', /from .* got -1; use 0/],
  ];
  for (const [what, options, code, message] of refused) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(writeTasks({ source: SOURCE, out, ...options }), { code, message });
      assert.ok(!existsSync(out));
    });
  }
});
