import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '../../src/backend/index.ts';
import { runCancellable } from '../../src/core/cancellation.ts';
import { type EvaluateOptions, evaluate } from '../../src/evaluate/index.ts';
import { createQwen2, disposeQwen2, type LoadedModel, resolveModelConfig } from '../../src/model/index.ts';
import { createTaskSource, type Task, trainingText } from '../../src/tasks/index.ts';
import { trainTokenizer } from '../../src/tokenizer/index.ts';

describe('evaluation run', () => {
  let folder: string;
  let loaded: LoadedModel;
  let tasks: Task[];
  const at = (name: string) => join(folder, name);
  const options = (out: string): EvaluateOptions => ({
    out: at(out),
    samples: 3,
    k: [1, 3],
    temperature: 1,
    maxTokens: 6,
    seed: 5,
    slots: 4,
  });
  const bytes = (out: string) => readFileSync(join(at(out), 'samples.jsonl'), 'utf8');

  before(async () => {
    await useBackend('auto');
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    tasks = createTaskSource({ world: 'micro', contexts: ['zoo'], ops: '2-3', split: 'test', seed: 3 }).take(
      5,
    );
    const tokenizer = trainTokenizer(tasks.map(trainingText), { vocabularySize: 350 });
    const model = createQwen2(
      resolveModelConfig(
        {
          hidden_size: 8,
          intermediate_size: 16,
          num_hidden_layers: 1,
          num_attention_heads: 2,
          num_key_value_heads: 1,
        },
        { vocab_size: tokenizer.vocabularySize },
      ),
      1,
    );
    loaded = { model, tokenizer, hash: 'abc' };
    await evaluate(loaded, tasks, options('whole'));
  });
  after(() => {
    if (loaded) disposeQwen2(loaded.model);
    if (folder) rmSync(folder, { recursive: true });
  });

  it('overwrites evaluations, also damaged ones, and nothing else', async () => {
    mkdirSync(at('run'));
    writeFileSync(at('run/config.json'), '{"model":"micro"}');
    await assert.rejects(evaluate(loaded, tasks, { ...options('run'), overwrite: true }), {
      code: 'EVALUATION_EXISTS',
      message: /config\.json of something else/,
    });
    assert.equal(readFileSync(at('run/config.json'), 'utf8'), '{"model":"micro"}');
    await evaluate(loaded, tasks, { ...options('damaged'), seed: 9 });
    writeFileSync(at('damaged/config.json'), '{"key":');
    await assert.rejects(evaluate(loaded, tasks, options('damaged')), { code: 'JSON_FILE' });
    await evaluate(loaded, tasks, { ...options('damaged'), overwrite: true });
    assert.equal(bytes('damaged'), bytes('whole'));
  });

  it('saves every sample with its verdict, in task order', () => {
    const rows = bytes('whole')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      rows.map((row) => [row.task_id, row.sample_index]),
      tasks.flatMap((task) => [0, 1, 2].map((s) => [task.id, s])),
    );
    for (const row of rows) {
      assert.equal(row.verified, false, 'six tokens solve nothing');
      assert.equal((row.errors as string[]).includes('truncated'), row.stop_reason === 'length');
    }
  });

  it('writes metrics with failures in the denominator', () => {
    const metrics = JSON.parse(readFileSync(join(at('whole'), 'metrics.json'), 'utf8')) as object;
    assert.ok(JSON.stringify(metrics).includes('"value":0'));
  });

  it('killed in the middle and run again gives the same bytes', async () => {
    const stop = new AbortController();
    const cut = await runCancellable(stop.signal, () =>
      evaluate(loaded, tasks, { ...options('cut'), progress: (report) => report.done === 2 && stop.abort() }),
    );
    assert.equal(cut.finished, false);
    appendFileSync(join(at('cut'), 'samples.jsonl'), '{"task_id": "half a li'); // as a kill leaves it
    const whole = await evaluate(loaded, tasks, options('cut'));
    assert.equal(whole.finished, true);
    assert.equal(bytes('cut'), bytes('whole'));
  });

  it('does not depend on the number of slots', async () => {
    await evaluate(loaded, tasks, { ...options('slots'), slots: 1 });
    assert.equal(bytes('slots'), bytes('whole'));
  });

  it('re-scores saved samples without sampling', async () => {
    await evaluate(loaded, tasks, options('rescore'));
    const path = join(at('rescore'), 'samples.jsonl');
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('"verified":false', '"verified":true'));
    await evaluate(loaded, tasks, { ...options('rescore'), rescore: true });
    assert.equal(bytes('rescore'), bytes('whole'));
  });

  it('refuses another evaluation in the folder, repeated ids, k out of range and no tasks', async () => {
    await assert.rejects(evaluate(loaded, tasks, { ...options('whole'), seed: 6 }), {
      code: 'EVALUATION_EXISTS',
    });
    await assert.rejects(evaluate(loaded, [tasks[0]!, tasks[0]!], options('new')), { code: 'TASK_IDS' });
    await assert.rejects(evaluate(loaded, tasks, { ...options('new'), k: [4] }), { code: 'PASS_K' });
    await assert.rejects(evaluate(loaded, [], options('new')), { code: 'NO_TASKS' });
  });
});
