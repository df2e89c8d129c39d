import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from '../../src/backend/index.ts';
import { runCancellable } from '../../src/core/cancellation.ts';
import type { ProgressReport } from '../../src/core/progress.ts';
import { disposeQwen2, loadModel } from '../../src/model/index.ts';
import { type PretrainInput, type PretrainOptions, pretrain, readMetrics } from '../../src/train/index.ts';

const settings: PretrainInput = {
  model: {
    hidden_size: 8,
    intermediate_size: 16,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    max_position_embeddings: 512,
  },
  tokenizer: { vocabulary: 420, tasks: 100 },
  data: { world: 'micro', contexts: ['zoo'], ops: '2-3' },
  validation: { tasks: 2 },
  tokens: 2500,
  batch_tokens: 250,
  learning_rate: 3e-2,
  log_every: 4, // not a multiple of save_every: an average is under way when a checkpoint is written
  save_every: 3,
  seed: 7,
};

describe('pretrain', () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  const run = async (input: PretrainInput, options: PretrainOptions) => {
    const result = await pretrain(input, options);
    disposeQwen2(result.model);
    return result;
  };
  /** Bytes of everything that must not depend on how the run was cut. */
  const traces = (name: string) =>
    [
      'metrics.jsonl',
      'checkpoints/latest',
      ...['model.safetensors', 'optimizer.safetensors', 'state.json'].map(
        (file) => `checkpoints/${last}/${file}`,
      ),
    ].map((file) => readFileSync(join(at(name), file)).toString('base64'));
  /** Calls `act` at the end of step `step` of this call. */
  const afterStep = (step: number, act: () => void) => {
    let steps = 0;
    return (_report: ProgressReport) => {
      if (++steps === step) act();
    };
  };
  let last: string;
  /** Every `every`-th step of the whole run, and its last. */
  const multiples = (every: number) => {
    const end = Number(last.slice('step-'.length));
    return Array.from({ length: end }, (_, i) => i + 1).filter((step) => step % every === 0 || step === end);
  };

  before(async () => {
    await useBackend('auto'); // what the program does is the same on every backend; the fastest here serves
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    const whole = await run(settings, { out: at('whole') });
    last = `step-${whole.steps}`;
    assert.ok(whole.tokens >= 2500 && whole.tokens < 2750, 'the budget is spent, and at most a batch more');
  });
  after(() => {
    if (folder) rmSync(folder, { recursive: true });
  });

  it('learns: the loss falls well below that of a uniform guess', () => {
    const lines = readMetrics(at('whole'));
    const steps = lines.map((line) => line.step);
    assert.deepEqual(steps, multiples(4));
    assert.ok(lines[0]!.loss! < Math.log(420) + 0.5);
    assert.ok(lines.at(-1)!.loss! < 5.4, `${lines.at(-1)!.loss}`);
    assert.ok(lines.at(-1)!.validation_loss! < 5.6);
  });

  it('writes the run folder of the contract, and nothing else', () => {
    assert.deepEqual(readdirSync(at('whole')).sort(), [
      'checkpoints',
      'config.json',
      'env.json',
      'metrics.jsonl',
      'timing.jsonl',
    ]);
    assert.deepEqual(
      readdirSync(at('whole/checkpoints')).sort(),
      ['latest', ...multiples(3).map((step) => `step-${step}`)].sort(),
    );
    assert.equal(readFileSync(at('whole/checkpoints/latest'), 'utf8'), `${last}\n`);
    assert.deepEqual(readdirSync(at(`whole/checkpoints/${last}`)).sort(), [
      'config.json',
      'model.safetensors',
      'optimizer.safetensors',
      'state.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });

  it('gives the same bytes again', async () => {
    await run(settings, { out: at('again') });
    assert.deepEqual(traces('again'), traces('whole'));
  });

  it('stopped and resumed equals the uninterrupted run, bit for bit', async () => {
    const stop = new AbortController();
    const progress = afterStep(5, () => stop.abort());
    const first = await runCancellable(stop.signal, () => run(settings, { out: at('cut'), progress }));
    assert.equal(first.finished, false);
    assert.equal(first.steps, 5);
    const second = await run(settings, { out: at('cut'), resume: true });
    assert.equal(second.finished, true);
    assert.deepEqual(traces('cut'), traces('whole'));
  });

  it('killed between checkpoints and resumed equals it too', async () => {
    const killed = afterStep(8, () => {
      throw new Error('killed'); // the last checkpoint is of step 6
    });
    await assert.rejects(run(settings, { out: at('killed'), progress: killed }), /killed/);
    await run(settings, { out: at('killed'), resume: true });
    assert.deepEqual(traces('killed'), traces('whole'));
  });

  it('killed before its first checkpoint it begins again, with the same settings only', async () => {
    const killed = afterStep(2, () => {
      throw new Error('killed');
    });
    await assert.rejects(run(settings, { out: at('early'), progress: killed }), /killed/);
    await assert.rejects(run({ ...settings, seed: 8 }, { out: at('early'), resume: true }), {
      code: 'RESUME_CONFIG',
    });
    await run(settings, { out: at('early'), resume: true });
    assert.deepEqual(traces('early'), traces('whole'));
  });

  it('puts back a checkpoint that a kill left between two renames', async () => {
    await run(settings, { out: at('torn') });
    const folder = at(`torn/checkpoints/${last}`);
    renameSync(folder, `${folder}.tmp-old-0123456789ab`);
    mkdirSync(`${folder}.tmp-ba9876543210`);
    const again = await run(settings, { out: at('torn'), resume: true });
    assert.equal(again.steps, Number(last.slice(5)));
    assert.deepEqual(traces('torn'), traces('whole'));
    assert.ok(again.loss > 0, 'a finished run still knows its loss');
  });

  it('starts mid-training from a model folder', async () => {
    const init = at(`whole/checkpoints/${last}`);
    const { model: _model, tokenizer: _tokenizer, ...midSettings } = settings;
    const result = await pretrain({ ...midSettings, init, tokens: 250 }, { out: at('mid') });
    const before = readMetrics(at('whole')).at(-1)!.validation_loss!;
    assert.ok(readMetrics(at('mid'))[0]!.loss! < before + 0.5, 'it goes on from trained weights');
    assert.equal(result.tokenizer.vocabularySize, loadModel(init).tokenizer.vocabularySize);
    disposeQwen2(result.model);
  });

  it('refuses a used folder, other settings on resume, and nothing to resume', async () => {
    await assert.rejects(run(settings, { out: at('whole') }), { code: 'RUN_EXISTS' });
    await assert.rejects(run({ ...settings, seed: 8 }, { out: at('whole'), resume: true }), {
      code: 'RESUME_CONFIG',
    });
    await assert.rejects(run(settings, { out: at('nothing'), resume: true }), { code: 'RESUME_NOTHING' });
    assert.equal(existsSync(at('nothing')), false);
  });

  it('refuses what cannot be trained before it writes anything', async () => {
    const empty = at('empty.jsonl');
    writeFileSync(empty, '');
    const refused: [string, PretrainInput][] = [
      ['NO_TASKS', { ...settings, data: { files: [empty] } }],
      ['CONFIG', { ...settings, init: at('whole') }],
      ['CONFIG', { ...settings, beta1: 1 }],
      [
        'SEQUENCE_TOO_LONG',
        { ...settings, model: { ...(settings.model as object), max_position_embeddings: 16 } },
      ],
    ];
    for (const [code, input] of refused) await assert.rejects(run(input, { out: at('refused') }), { code });
    assert.equal(existsSync(at('refused')), false);
    await assert.rejects(run(settings, { out: empty }), { code: 'OUTPUT_UNWRITABLE' });
  });

  it('leaves only its parameters in memory', async () => {
    const before = tf.memory().numTensors;
    const result = await pretrain({ ...settings, tokens: 250 }, { out: at('memory') });
    assert.equal(tf.memory().numTensors, before + result.model.parameters.size);
    disposeQwen2(result.model);
    assert.equal(tf.memory().numTensors, before);
  });
});
