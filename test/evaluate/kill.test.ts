/** An evaluation killed with SIGKILL and started again, until it is done: the bytes of the uninterrupted one. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { useBackend } from '../../src/backend/index.ts';
import { writeJsonLines } from '../../src/core/jsonl.ts';
import { disposeQwen2, saveModel } from '../../src/model/index.ts';
import { bytesOf, microTasks, rowsOf, tinyLoaded } from './tasks.ts';

const program = fileURLToPath(new URL('../../bin/interplay.mjs', import.meta.url));

describe('kill -9 of an evaluation', () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  before(async () => {
    await useBackend('auto');
    folder = mkdtempSync(join(tmpdir(), 'interplay-kill-'));
    const tasks = microTasks(60);
    writeJsonLines(at('tasks.jsonl'), tasks);
    const { model, tokenizer } = tinyLoaded(tasks);
    saveModel(at('model'), model, tokenizer);
    disposeQwen2(model);
  });
  after(() => rmSync(folder, { recursive: true }));

  const start = (out: string): ChildProcess => {
    const flags = { model: at('model'), tasks: at('tasks.jsonl'), out, samples: 8, temperature: 1, slots: 8 };
    const args = Object.entries({ ...flags, 'max-tokens': 60 }).flatMap(([name, value]) => [
      `--${name}`,
      String(value),
    ]);
    return spawn(process.execPath, [program, 'evaluate', ...args], {
      stdio: 'ignore',
    });
  };
  const size = (path: string) => (existsSync(path) ? statSync(path).size : 0);

  it('and its repetition give the same samples and metrics, byte for byte', async function () {
    this.timeout(300_000); // four processes, each of which loads everything
    const [status] = await once(start(at('whole')), 'exit');
    assert.equal(status, 0);
    const samples = join(at('cut'), 'samples.jsonl');
    let kills = 0;
    for (let attempt = 0; attempt < 2; attempt++) {
      const before = size(samples);
      const child = start(at('cut'));
      const ended = once(child, 'exit');
      while (size(samples) <= before && child.exitCode === null) await sleep(1); // until it has written more
      child.kill('SIGKILL');
      const [, signal] = await ended;
      if (signal === 'SIGKILL') kills++;
    }
    assert.ok(kills > 0, 'it was killed while it ran');
    assert.ok(rowsOf(at('cut')).length > 0, 'some samples were there');
    assert.equal((await once(start(at('cut')), 'exit'))[0], 0);
    for (const name of ['samples.jsonl', 'metrics.json', 'tasks.jsonl', 'config.json']) {
      assert.equal(bytesOf(at('cut'), name), bytesOf(at('whole'), name), name);
    }
    assert.equal(rowsOf(at('cut')).length, 480);
    assert.equal(existsSync(join(at('cut'), 'lock')), false);
  });
});
