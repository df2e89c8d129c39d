/** The training program on every kind of data: resumed runs equal whole ones, files and shards train the same model. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '../../src/backend/index.ts';
import { runCancellable } from '../../src/core/cancellation.ts';
import { writeJsonLines } from '../../src/core/jsonl.ts';
import { disposeQwen2 } from '../../src/model/index.ts';
import { createTaskSource, trainingText } from '../../src/tasks/index.ts';
import { trainTokenizer } from '../../src/tokenizer/index.ts';
import {
  type PretrainInput,
  type PretrainOptions,
  pretrain,
  readMetrics,
  writeShards,
} from '../../src/train/index.ts';
import { SMALLEST } from './tiny.ts';

describe('pretrain on other data', () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  const settings: PretrainInput = {
    model: SMALLEST,
    validation: { tasks: 12, data: { world: 'micro', ops: '2' }, by: ['context'] },
    tokens: 6000,
    batch_tokens: 1000,
    row_tokens: 500,
    save_every: 2,
    log_every: 1,
  };
  const run = async (input: PretrainInput, options: PretrainOptions) => {
    const result = await pretrain(input, options);
    disposeQwen2(result.model);
    return result;
  };
  const traces = (name: string, steps: number) =>
    ['metrics.jsonl', `checkpoints/step-${steps}/model.safetensors`].map((file) =>
      readFileSync(join(at(name), file)).toString('base64'),
    );

  before(async () => {
    await useBackend('auto');
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    const tasks = createTaskSource({ world: 'micro', ops: '2-3', modes: ['forward', 'reverse'] }).take(40);
    writeJsonLines(at('tasks.jsonl'), tasks);
    const tokenizer = trainTokenizer(tasks.map(trainingText), { vocabularySize: 420 });
    await writeShards({
      data: { files: [at('tasks.jsonl')] },
      seed: 0,
      tokenizer,
      out: at('shards'),
      shardTokens: 3000,
    });
  });
  after(() => {
    if (folder) rmSync(folder, { recursive: true });
  });

  it('trains the same model from shards as from the files that they were written from', async () => {
    const shards = await run({ ...settings, data: { shards: at('shards') } }, { out: at('from-shards') });
    const files = { files: [at('tasks.jsonl')] };
    await run({ ...settings, data: files, tokenizer: at('shards') }, { out: at('from-files') });
    assert.deepEqual(traces('from-files', shards.steps), traces('from-shards', shards.steps));
    const last = readMetrics(at('from-shards')).at(-1)!;
    assert.deepEqual(Object.keys(last.validation_loss_by_group!), [
      'context=crazy_zootopia',
      'context=movie_festival_awards',
      'context=teachers_in_school',
    ]);
    assert.ok(Object.values(last.validation_loss_by_group!).every((loss) => loss > 0));
  });

  const variants: Record<string, PretrainInput> = {
    'packing paper on shards, loss on the solution': { packing: 'paper', loss_on: 'solution' },
    'a mixture with thoughts in rows': {
      packing: 'first-fit',
      tokenizer: { vocabulary: 420, tasks: 60 },
      data: {
        world: 'micro',
        mixture: { components: [{ contexts: ['zoo'], ops: '2-3' }] },
        thinking: { share: 0.5, length: 'short' },
      },
    },
  };
  for (const [name, variant] of Object.entries(variants)) {
    it(`${name}: stopped and resumed equals the uninterrupted run, bit for bit`, async () => {
      const input = { ...settings, data: { shards: at('shards') }, ...variant };
      const whole = await run(input, { out: at(`whole ${name}`) });
      const stop = new AbortController();
      let steps = 0;
      const progress = () => {
        if (++steps === 3) stop.abort();
      };
      const cut = await runCancellable(stop.signal, () => run(input, { out: at(`cut ${name}`), progress }));
      assert.equal(cut.finished, false);
      await run(input, { out: at(`cut ${name}`), resume: true });
      assert.deepEqual(traces(`cut ${name}`, whole.steps), traces(`whole ${name}`, whole.steps));
      assert.ok(readMetrics(at(`whole ${name}`))[0]!.loss! < Math.log(420) + 0.5);
    });
  }
});
