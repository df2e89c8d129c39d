import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { readNll } from '../../src/analysis/index.ts';
import { useBackend } from '../../src/backend/index.ts';
import { writeJsonLines } from '../../src/core/jsonl.ts';
import { goldNll } from '../../src/evaluate/index.ts';
import { disposeQwen2, forward, type LoadedModel, saveModel } from '../../src/model/index.ts';
import { promptText, type TaskRecord, trainingText } from '../../src/tasks/index.ts';
import { encodeText, pack, toTensors } from '../../src/train/index.ts';
import { interplay } from '../cli/commandLine.ts';
import { microTasks, tinyLoaded } from './tasks.ts';

/** Sum of −log softmax over the tokens behind the prompt, one text at a time, from the logits. */
function bruteForce({ model, tokenizer }: LoadedModel, task: TaskRecord): { tokens: number; nll: number } {
  const ids = encodeText(trainingText(task), tokenizer);
  const prompt = tokenizer.encode(promptText(task)).length;
  const logits = tf.tidy(() => {
    const { targets: _, ...inputs } = toTensors(pack([ids]));
    return forward(model, inputs).arraySync();
  });
  let nll = 0;
  for (let i = prompt; i < ids.length; i++) {
    const row = logits[i - 1]!;
    const most = Math.max(...row);
    nll += most + Math.log(row.reduce((sum, x) => sum + Math.exp(x - most), 0)) - row[ids[i]!]!;
  }
  return { tokens: ids.length - prompt, nll };
}

describe('NLL of gold solutions', () => {
  let folder: string;
  let loaded: LoadedModel;
  const tasks = microTasks(5);
  before(async () => {
    await useBackend('auto');
    folder = mkdtempSync(join(tmpdir(), 'interplay-nll-'));
    loaded = tinyLoaded(tasks, 1) as LoadedModel;
    saveModel(join(folder, 'model'), loaded.model, loaded.tokenizer);
    writeJsonLines(join(folder, 'tasks.jsonl'), tasks);
  });
  after(() => {
    disposeQwen2(loaded.model);
    rmSync(folder, { recursive: true });
  });

  it('is that of the logits, whatever the batches', () => {
    for (const batchTokens of [1, 8192]) {
      const rows = goldNll(loaded, tasks, { batchTokens });
      for (const [i, row] of rows.entries()) {
        const { tokens, nll } = bruteForce(loaded, tasks[i]!);
        assert.equal(row.tokens, tokens);
        assert.ok(Math.abs(row.nll / nll - 1) < 1e-5, `${row.nll} and ${nll}: single precision`);
        assert.equal(row.op, tasks[i]!.op);
      }
    }
  });

  it('is written by the command, and drawn against a base model', async () => {
    const out = (name: string) => join(folder, name);
    const flags = ['--model', out('model'), '--tasks', out('tasks.jsonl'), '--json'];
    const run = await interplay('nll', ...flags, '--out', out('base.jsonl'));
    assert.equal(run.code, 0, run.stderr);
    const rows = readNll(out('base.jsonl'));
    assert.deepEqual(
      rows.map(({ nll }) => nll),
      goldNll(loaded, tasks).map(({ nll }) => nll),
    );
    writeJsonLines(
      out('op 2.jsonl'),
      rows.map((row) => ({ ...row, nll: row.nll - row.tokens * 0.25 })),
    );
    const files = [out('base.jsonl'), out('op 2.jsonl')];
    const figure = await interplay('figure', 'figure_10', '--in', ...files, '--out', out('x.json'));
    assert.equal(figure.code, 0, figure.stderr);
    const { data } = JSON.parse(readFileSync(out('x.json'), 'utf8')) as {
      data: { y: string[]; z: number[][] }[];
    };
    assert.deepEqual(data[0]!.y, ['op 2']);
    assert.ok(
      data[0]!.z[0]!.every((value) => Math.abs(value - 0.25) < 1e-12),
      'a quarter nat per token',
    );
    assert.throws(() => readNll(out('tasks.jsonl')), { code: 'NLL_ROW', message: /line 1/ });
  });
});
