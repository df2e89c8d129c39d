import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '../../src/backend/index.ts';
import { runCancellable } from '../../src/core/cancellation.ts';
import { writeJsonLines } from '../../src/core/jsonl.ts';
import { evaluate, evaluateRun, type Metrics } from '../../src/evaluate/index.ts';
import { disposeQwen2, loadModel, saveModel } from '../../src/model/index.ts';
import { interplay } from '../cli/commandLine.ts';
import { bytesOf, microTasks, tinyLoaded } from './tasks.ts';

describe('checkpoint sweep', () => {
  let folder: string;
  let run: string;
  const tasks = microTasks(4);
  const options = {
    samples: 2,
    k: [1, 2],
    temperature: 1,
    maxTokens: 5,
    seed: 5,
    ranges: { two: [2, 2], three: [3, 3] },
  } as const;
  const at = (name: string) => join(folder, name);

  before(async () => {
    await useBackend('auto');
    folder = mkdtempSync(join(tmpdir(), 'interplay-sweep-'));
    run = at('run');
    for (const step of [20, 100, 3]) {
      const { model, tokenizer } = tinyLoaded(tasks, step);
      const checkpoint = join(run, 'checkpoints', `step-${step}`);
      saveModel(checkpoint, model, tokenizer);
      disposeQwen2(model);
      writeFileSync(join(checkpoint, 'state.json'), JSON.stringify({ step, tokens: step * 1000 }));
    }
    mkdirSync(join(run, 'checkpoints', 'step-200')); // being written
    const losses = [
      { step: 3, tokens: 3000, loss: 2 },
      { step: 20, validation_loss: 1.25 },
      { step: 100, loss: 1 },
    ];
    writeFileSync(
      join(run, 'metrics.jsonl'),
      `${losses.map((line) => JSON.stringify(line)).join('\n')}\n{"step": 2`,
    );
    writeJsonLines(at('tasks.jsonl'), tasks);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('evaluates every complete checkpoint as evaluate does, into one table', async () => {
    const { rows, finished, folders } = await evaluateRun(run, tasks, { ...options, out: at('all') });
    assert.equal(finished, true);
    assert.deepEqual([...folders.keys()], [3, 20, 100]);
    const loaded = loadModel(join(run, 'checkpoints', 'step-20'));
    await evaluate(loaded, tasks, { ...options, out: at('alone') });
    disposeQwen2(loaded.model);
    for (const name of ['samples.jsonl', 'metrics.json', 'config.json']) {
      assert.equal(bytesOf(at('all/step-20'), name), bytesOf(at('alone'), name), name);
    }
    // 3 steps × (ranges and all) × (3 verifiers × 2 k + 2 shares)
    const metrics = JSON.parse(bytesOf(at('alone'), 'metrics.json')) as Metrics;
    const ranges = [...Object.keys(metrics.by_range), 'all'];
    assert.equal(rows.length, 3 * ranges.length * 8);
    const find = (step: number, statistic: string, k: number) =>
      rows.find(
        (row) => row.step === step && row.range === 'all' && row.statistic === statistic && row.k === k,
      )!;
    const { n: _n, ...truncated } = metrics.overall.errors.truncated;
    assert.deepEqual(find(20, 'truncated', 1), {
      step: 20,
      tokens: 20_000,
      validation_loss: 1.25,
      range: 'all',
      problems: 4,
      statistic: 'truncated',
      k: 1,
      ...truncated,
    });
    assert.equal(find(20, 'answer', 2).value, metrics.overall.pass_at_k.answer['2']!.value);
    assert.deepEqual(
      [find(3, 'verified', 1).validation_loss, find(100, 'verified', 1).tokens],
      [null, 100_000],
    );
    // The files say the same.
    assert.deepEqual(JSON.parse(bytesOf(at('all'), 'sweep.json')), JSON.parse(JSON.stringify(rows)));
    const [header, ...lines] = bytesOf(at('all'), 'sweep.csv').trimEnd().split('\n');
    assert.equal(header, 'step,tokens,validation_loss,range,problems,statistic,k,value,low,high');
    assert.equal(lines.length, rows.length);
    assert.ok(lines[0]!.startsWith('3,3000,,'), lines[0]);
  });

  it('stops after a task and goes on to the same table', async () => {
    const stop = new AbortController();
    const cut = await runCancellable(stop.signal, () =>
      evaluateRun(run, tasks, {
        ...options,
        out: at('cut'),
        progress: ({ stage, done }) => stage.startsWith('step 20') && done === 2 && stop.abort(),
      }),
    );
    assert.deepEqual([cut.finished, [...cut.folders.keys()]], [false, [3]]);
    const before = statSync(at('cut/step-3/samples.jsonl')).mtimeMs;
    await evaluateRun(run, tasks, { ...options, out: at('cut') });
    assert.equal(statSync(at('cut/step-3/samples.jsonl')).mtimeMs, before, 'not done again');
    for (const name of ['sweep.csv', 'sweep.json', 'step-20/samples.jsonl']) {
      assert.equal(bytesOf(at('cut'), name), bytesOf(at('all'), name), name);
    }
  });

  it('takes the checkpoints that are asked for', async () => {
    const steps = async (checkpoints: { everySteps: number } | number[]) => {
      const out = at(`some-${JSON.stringify(checkpoints)}`);
      return [
        ...(await evaluateRun(run, tasks.slice(0, 1), { ...options, out, checkpoints })).folders.keys(),
      ];
    };
    assert.deepEqual(await steps({ everySteps: 20 }), [20, 100]);
    assert.deepEqual(await steps([100, 3]), [3, 100]);
    await assert.rejects(steps([4, 20]), { code: 'SWEEP_CHECKPOINTS', got: '4' });
    await assert.rejects(steps({ everySteps: 7 }), { code: 'SWEEP_CHECKPOINTS' });
    const none = evaluateRun(at('none'), tasks, { ...options, out: at('x') });
    await assert.rejects(none, { code: 'SWEEP_CHECKPOINTS' });
    assert.equal(existsSync(at('x')), false);
  });

  it('names the damaged line of a run log', async () => {
    const path = join(run, 'metrics.jsonl');
    const whole = readFileSync(path, 'utf8');
    writeFileSync(path, whole.replace('{"step":20', '{"step":20,,'));
    const message = /metrics\.jsonl line 2/;
    await assert.rejects(evaluateRun(run, tasks, { ...options, out: at('damaged') }), {
      code: 'JSONL_LINE',
      message,
    });
    assert.equal(existsSync(at('damaged')), false);
    writeFileSync(path, whole);
  });

  it('is a command, and its folder can be analysed', async () => {
    const flags = ['--samples', '2', '--temperature', '1', '--max-tokens', '5', '--seed', '5', '--k', '1,2'];
    const args = ['evaluate', '--run', run, '--tasks', at('tasks.jsonl'), '--out', at('cli'), ...flags];
    const { code, stdout } = await interplay(...args, '--checkpoints', '3,100');
    assert.equal(code, 0);
    const lines = stdout.split('\n');
    assert.match(lines[0]!, /^step +tokens +loss +id pass@1 +id pass@2 +id answer@1 +all pass@1/);
    assert.deepEqual(
      lines.slice(1, 3).map((line) => line.split(/ +/).slice(0, 4)),
      [
        ['3', '3000', '–', '0.000'],
        ['100', '100000', '–', '0.000'],
      ],
    );
    const analysed = await interplay('analyze', at('cli'), '--out', at('tables'));
    assert.equal(analysed.code, 0);
    const table = JSON.parse(readFileSync(at('tables/pass_at_k_by_range.json'), 'utf8')) as {
      evaluation: string;
    }[];
    assert.deepEqual(
      [...new Set(table.map(({ evaluation }) => evaluation))],
      [at('cli/step-3'), at('cli/step-100')],
    );
  });
});
