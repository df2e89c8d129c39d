import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runCancellable } from '../../src/core/cancellation.ts';
import { createTaskSource, responseText } from '../../src/tasks/index.ts';
import { type TinyRun, tinyRun } from '../export/run.ts';
import { interplay } from './commandLine.ts';

describe('interplay export, import and reward', () => {
  let run: TinyRun;
  before(async () => {
    run = await tinyRun({ validation: { tasks: 2 } });
  });
  after(() => run.remove());
  const at = (name: string) => join(run.folder, name);

  it('export and import say what they wrote', async () => {
    const hf = await interplay(
      'export',
      '--model',
      run.checkpoint,
      '--to',
      'hf',
      '--out',
      at('hf'),
      '--json',
    );
    assert.equal(hf.code, 0, hf.stderr);
    const { hash, ...written } = JSON.parse(hf.stdout);
    assert.deepEqual(written, { to: 'hf', out: at('hf'), parameters: written.parameters });
    const back = await interplay('import', '--from', 'hf', at('hf'), '--out', at('back'), '--json');
    assert.deepEqual(JSON.parse(back.stdout), {
      out: at('back'),
      hash,
      droppedTokens: [],
      parameters: written.parameters,
    });

    const lf = await interplay(
      'export',
      '--model',
      run.checkpoint,
      '--to',
      'llamafactory',
      '--out',
      at('lf'),
      '--count',
      '3',
    );
    assert.match(lf.stdout, /3 training and 2 held-out tasks/);
    const verl = await interplay(
      'export',
      '--model',
      run.checkpoint,
      '--to',
      'verl',
      '--out',
      at('verl'),
      '--json',
    );
    const { prompts, heldOutPrompts, reward } = JSON.parse(verl.stdout);
    assert.deepEqual([prompts, heldOutPrompts, reward], [10_240, 2, 'strict']);
  });

  it('refuses options of other targets, and unknown targets', async () => {
    const base = ['export', '--model', run.checkpoint, '--out', at('never')];
    for (const [args, message] of [
      [['--to', 'hf', '--tasks', 'x'], /OPTION_CONFLICT: expected --tasks with --to llamafactory or verl/],
      [['--to', 'verl', '--shard-size', '5G'], /OPTION_CONFLICT: expected --shard-size with --to hf/],
      [['--to', 'onnx'], /USAGE.*hf, llamafactory, verl/],
      [[], /USAGE.*--to/],
    ] as const) {
      const { code, stderr } = await interplay(...base, ...args);
      assert.equal(code, 2);
      assert.match(stderr, message);
    }
    assert.ok(!existsSync(at('never')));
  });

  it('reward serves until it is stopped', async () => {
    const stop = new AbortController();
    const { write } = process.stdout;
    const address = new Promise<string>((resolve) => {
      process.stdout.write = ((text: string) => {
        resolve(JSON.parse(text).url);
        return true;
      }) as typeof write;
    });
    const { main } = await import('../../src/cli/main.ts');
    const ended = runCancellable(stop.signal, () => main(['reward', '--port', '0', '--json']));
    const url = await address;
    process.stdout.write = write;
    const task = createTaskSource({ world: 'micro', ops: '2', split: 'train', seed: 1 }).at(0);
    const body = JSON.stringify({ solution: task.solution, response: responseText(task) });
    const reply = await fetch(`${url}/reward`, { method: 'POST', body });
    const { results } = (await reply.json()) as { results: { rewards: { strict: number } }[] };
    assert.equal(results[0]!.rewards.strict, 1);
    stop.abort();
    assert.equal(await ended, 0);
    await assert.rejects(fetch(url));
  });
});
