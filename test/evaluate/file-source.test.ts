import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type EvaluateOptions, evaluate, type Metrics, responsesFile } from '../../src/evaluate/index.ts';
import { promptText, responseText, type Task } from '../../src/tasks/index.ts';
import { bytesOf, microTasks, rowsOf } from './tasks.ts';

describe('responses of another program', () => {
  let folder: string;
  const tasks = microTasks(3);
  const [first, second, third] = tasks as [Task, Task, Task];
  let made = 0;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-responses-'));
    made = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (rows: readonly unknown[], name = `responses-${made++}.jsonl`): string => {
    const path = join(folder, name);
    writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return path;
  };
  const run = (path: string, options: Partial<EvaluateOptions> = {}) =>
    evaluate(responsesFile(path), tasks, { out: join(folder, `out-${made++}`), ...options });
  /** (task, sample, verified, stop reason, tokens) of every row. */
  const outline = (out: string) =>
    rowsOf(out).map((row) => [
      tasks.findIndex(({ id }) => id === row.task_id),
      row.sample_index,
      row.verified,
      row.stop_reason,
      row.tokens,
    ]);
  const right = (task: Task) => responseText(task);

  it('one row per response: matched, judged and counted like our own', async () => {
    const rows = tasks.flatMap((task, i) =>
      [0, 1].map((sample) => ({
        task_id: task.id,
        response: sample <= i - 1 ? right(task) : 'no idea',
        tokens: 7,
        stop_reason: 'stop',
      })),
    );
    const { metrics, finished, out } = await run(write(rows));
    assert.equal(finished, true);
    assert.deepEqual(outline(out), [
      [0, 0, false, 'stop', 7],
      [0, 1, false, 'stop', 7],
      [1, 0, true, 'stop', 7],
      [1, 1, false, 'stop', 7],
      [2, 0, true, 'stop', 7],
      [2, 1, true, 'stop', 7],
    ]);
    // 0, 1 and 2 of 2 right: pass@1 = (0 + 1/2 + 1)/3, pass@2 = (0 + 1 + 1)/3.
    const { verified } = metrics!.overall.pass_at_k;
    assert.ok(Math.abs(verified['1']!.value - 0.5) < 1e-12 && Math.abs(verified['2']!.value - 2 / 3) < 1e-12);
    const config = JSON.parse(bytesOf(out, 'config.json'));
    assert.deepEqual([config.samples, config.k, config.temperature], [2, [1, 2], undefined]);
    assert.match(config.responses.sha256, /^[0-9a-f]{16}$/);
    // Again: nothing changes; other responses are another evaluation.
    const before = bytesOf(out);
    await evaluate(responsesFile(write(rows)), tasks, { out });
    assert.equal(bytesOf(out), before);
    const other = responsesFile(write(rows.slice(1)));
    await assert.rejects(evaluate(other, tasks, { out }), { code: 'EVALUATION_EXISTS' });
  });

  it('reads what common programs write', async () => {
    const wrong = 'Define nothing.';
    const forms: Record<string, unknown[]> = {
      'a list per task': tasks.map((task) => ({ id: task.id, responses: [right(task), wrong] })),
      'lists beside the list': tasks.map(({ id, ...task }) => ({
        task_id: id,
        responses: [right(task as Task), wrong],
        finish_reasons: ['stop', 'length'],
        tokens: [5, 9],
      })),
      'by problem and question': tasks.flatMap((task) => [
        { problem: task.problem, question: task.question, response: right(task) },
        { problem: ` ${task.problem} `, question: task.question, completion: wrong },
      ]),
      'by prompt, with the prompt in the text': tasks.flatMap((task) => [
        { prompt: promptText(task), generated_text: promptText(task) + right(task) },
        { prompt: promptText(task), generated_text: wrong },
      ]),
      'lm-evaluation-harness, two filters': ['strict-match', 'flexible-extract'].flatMap((filter) =>
        tasks.map((task, i) => ({
          doc_id: i,
          doc: task,
          arguments: {},
          resps: [[right(task), wrong]],
          filtered_resps: ['1'],
          filter,
        })),
      ),
      'inspect_ai samples': tasks.flatMap((task, i) =>
        [1, 2].map((epoch) => ({
          id: i + 1,
          epoch,
          metadata: { task_id: task.id },
          output: {
            completion: epoch === 1 ? right(task) : wrong,
            choices: [
              {
                message: {
                  role: 'assistant',
                  content: [{ type: 'text', text: epoch === 1 ? right(task) : wrong }],
                },
                stop_reason: epoch === 1 ? 'stop' : 'max_tokens',
              },
            ],
            usage: { input_tokens: 3, output_tokens: epoch === 1 ? 5 : 9 },
          },
        })),
      ),
      'vLLM outputs': tasks.map((task) => ({
        request_id: '0',
        prompt: promptText(task),
        outputs: [
          { index: 0, text: right(task), token_ids: [1, 2, 3, 4, 5], finish_reason: 'stop' },
          { index: 1, text: wrong, token_ids: [1, 2, 3, 4, 5, 6, 7, 8, 9], finish_reason: 'length' },
        ],
      })),
      'an OpenAI batch': tasks.map((task) => ({
        custom_id: task.id,
        response: {
          status_code: 200,
          body: {
            choices: [
              { index: 0, message: { role: 'assistant', content: right(task) }, finish_reason: 'stop' },
              { index: 1, message: { role: 'assistant', content: wrong }, finish_reason: 'length' },
            ],
            usage: { completion_tokens: 14 },
          },
        },
        error: null,
      })),
    };
    for (const [name, rows] of Object.entries(forms)) {
      const { out } = await run(write(rows));
      const saved = rowsOf(out);
      assert.deepEqual(
        saved.map(({ sample_index, response }) => [sample_index, response]),
        tasks.flatMap((task) => [
          [0, right(task)],
          [1, wrong],
        ]),
        name,
      );
      const told = /lists beside|inspect|vLLM/.test(name);
      assert.deepEqual(
        saved.slice(0, 2).map(({ tokens }) => tokens),
        told ? [5, 9] : [null, null],
        name,
      );
      const reasons = told || /batch/.test(name) ? ['stop', 'length'] : ['unknown', 'unknown'];
      assert.deepEqual(
        saved.slice(0, 2).map(({ stop_reason }) => stop_reason),
        reasons,
        name,
      );
      assert.equal(saved[1]!.errors.includes('truncated'), reasons[1] === 'length', name);
    }
  });

  it('reads gzip as well', async () => {
    const path = join(folder, 'r.jsonl.gz');
    const text = tasks.map((task) => `${JSON.stringify({ id: task.id, response: right(task) })}\n`).join('');
    writeFileSync(path, gzipSync(text));
    assert.equal((await run(path)).metrics!.overall.verified.value, 1);
  });

  it('takes samples in any order and the first --samples of them', async () => {
    const rows = [2, 0, 1].flatMap((sample_index) =>
      tasks.map(({ id }) => ({ task_id: id, sample_index, response: `sample ${sample_index}` })),
    );
    const { out } = await run(write(rows), { samples: 2 });
    assert.deepEqual(
      rowsOf(out).map(({ response }) => response),
      tasks.flatMap(() => ['sample 0', 'sample 1']),
    );
  });

  it('makes undefined what a task has too few samples for, and counts tasks without any', async () => {
    const path = write([
      { task_id: first.id, responses: [right(first), right(first), 'x'] },
      { task_id: second.id, response: right(second) },
      { custom_id: third.id, response: null, error: { message: 'timed out' } },
    ]);
    const { metrics, out, finished } = await run(path, { ranges: { all: [2, 3] } });
    assert.deepEqual([finished, metrics!.k, metrics!.overall.problems], [true, [1, 2, 3], 3]);
    assert.deepEqual([metrics!.overall.missing, metrics!.overall.samples], [1, 4]);
    const all = (one: Metrics) => one.overall.pass_at_k.verified;
    // Not 1 over the two that were answered: the third was not left out.
    for (const k of ['1', '2', '3']) assert.ok(Number.isNaN(all(metrics!)[k]!.value), `pass@${k}`);
    assert.ok(Number.isNaN(metrics!.overall.verified.value));
    assert.deepEqual(JSON.parse(bytesOf(out, 'config.json')).tasks_without_samples, [third.id]);

    const wrong = await run(path, { missing: 'wrong' });
    assert.deepEqual(
      outline(wrong.out).map(([task, sample, verified]) => [task, sample, verified]),
      [
        [0, 0, true],
        [0, 1, true],
        [0, 2, false],
        [1, 0, true],
        [1, 1, false],
        [1, 2, false],
        [2, 0, false],
        [2, 1, false],
        [2, 2, false],
      ],
    );
    // 2, 1 and 0 of 3 right.
    const values = [1, 2, 3].map((k) => all(wrong.metrics!)[k]!.value);
    for (const [i, expected] of [1 / 3, (1 + 2 / 3) / 3, 2 / 3].entries()) {
      assert.ok(Math.abs(values[i]! - expected) < 1e-12, `pass@${i + 1} = ${values[i]}`);
    }
    assert.equal(wrong.metrics!.overall.missing, 0);
  });

  it('names the line of what it cannot use, and writes nothing', async () => {
    const good = { task_id: first.id, response: 'x' };
    const cases: [unknown[], string, RegExp][] = [
      [[good, 'text'], 'RESPONSES_ROW', /object, got text in .*line 2/],
      [[good, { task_id: second.id }], 'RESPONSES_ROW', /a response in one of .*line 2/],
      [[good, { task_id: second.id, response: 5 }], 'RESPONSES_ROW', /line 2/],
      [[good, { task_id: second.id, sample_index: -1, response: 'x' }], 'RESPONSES_ROW', /-1 in .*line 2/],
      [
        [{ ...good, sample_index: 0 }, good, { ...good, sample_index: 1 }],
        'RESPONSES_ROW',
        /sample 1 of .* again in .*line 3/,
      ],
      [[good, { task_id: 'other', response: 'x' }], 'RESPONSES_TASK', /"other" in .*line 2/],
      [[good, { response: 'x' }], 'RESPONSES_TASK', /neither in .*line 2/],
      [[], 'RESPONSES_TASK', /none in/],
    ];
    for (const [rows, code, message] of cases) {
      const path = write(rows);
      await assert.rejects(run(path), (error: Error & { code?: string }) => {
        assert.equal(error.code, code, error.message);
        assert.match(error.message, message);
        return true;
      });
    }
    const path = join(folder, 'half.jsonl');
    writeFileSync(path, `${JSON.stringify(good)}\n{"task_id": "`);
    await assert.rejects(run(path), { code: 'JSONL_LINE' });
    await assert.rejects(run(join(folder, 'none.jsonl')), { code: 'INPUT_UNREADABLE' });
    assert.ok(!readdirSync(folder).some((name) => name.startsWith('out-')), readdirSync(folder).join());
  });

  it('leaves rows about other tasks out when told', async () => {
    const rows = [...tasks, ...microTasks(2, 8)].map((task) => ({ id: task.id, response: right(task) }));
    const source = responsesFile(write(rows), { ignoreUnmatched: true });
    const out = join(folder, 'some');
    const { metrics } = await evaluate(source, tasks, { out });
    assert.deepEqual([metrics!.overall.problems, metrics!.overall.verified.value], [3, 1]);
    assert.equal(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')).responses.unmatched, 2);
    assert.equal(existsSync(join(out, 'lock')), false);
  });

  it('has nothing for a cache', async () => {
    const path = write([{ id: first.id, response: 'x' }]);
    await assert.rejects(run(path, { cache: join(folder, 'cache') }), { code: 'CACHE_SOURCE' });
  });
});
