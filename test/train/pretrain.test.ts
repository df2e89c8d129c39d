import assert from 'node:assert/strict';
import {
  cpSync,
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
import { configHash } from '../../src/train/runFolder.ts';
import { SMALLEST } from './tiny.ts';

const settings: PretrainInput = {
  model: SMALLEST,
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
  const traces = (name: string, steps?: number) =>
    [
      'metrics.jsonl',
      'checkpoints/latest',
      ...['model.safetensors', 'optimizer.safetensors', 'state.json'].map(
        (file) => `checkpoints/${steps === undefined ? last : `step-${steps}`}/${file}`,
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

  it('ends at a budget of token equivalents, in which the passes of ReMiT count', async () => {
    const { model: _model, tokenizer: _tokenizer, tokens: _tokens, ...mid } = settings;
    const init = at(`whole/checkpoints/${last}`);
    const reference = at('whole/checkpoints/step-3');
    const cases = [
      { name: 'plain', cost: 1, more: {} },
      { name: 'remit', cost: 4 / 3, more: { remit: { reference } } },
      { name: 'base', cost: 5 / 3, more: { remit: { reference, delta_source: 'frozen_base' } } },
    ] as const;
    for (const { name, cost, more } of cases) {
      const all = { ...mid, init, ...more };
      const byTokens = await run({ ...all, tokens: 1500 }, { out: at(`${name}-tokens`) });
      const budget = { token_equivalents: 1500 * cost };
      const byBudget = await run({ ...all, budget }, { out: at(`${name}-budget`) });
      const metrics = (how: string) => readFileSync(join(at(`${name}-${how}`), 'metrics.jsonl'), 'utf8');
      assert.equal(metrics('budget'), metrics('tokens'), name);
      assert.equal(byBudget.tokens, byTokens.tokens);
      assert.ok(Math.abs(byBudget.tokenEquivalents - cost * byBudget.tokens) < 1e-6, name);
      assert.ok(byBudget.tokenEquivalents >= budget.token_equivalents, name);
      const line = readMetrics(at(`${name}-budget`)).at(-1)!;
      assert.equal(line.token_equivalents, byBudget.tokenEquivalents);
    }
    // A stop and a resume under a budget.
    const all = { ...mid, init, budget: { token_equivalents: 2000 }, remit: { reference } };
    const stop = new AbortController();
    const progress = afterStep(3, () => stop.abort());
    await runCancellable(stop.signal, () => run(all, { out: at('remit-budget'), overwrite: true, progress }));
    await run(all, { out: at('remit-budget'), resume: true });
    for (const file of ['metrics.jsonl', 'checkpoints/latest']) {
      assert.equal(
        readFileSync(join(at('remit-budget'), file), 'utf8'),
        readFileSync(join(at('remit-tokens'), file), 'utf8'),
      );
    }
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

  describe('with everything switched on', () => {
    /** Mid-training with ReMiT against the frozen base, in pieces, on growing lengths, with rotating checkpoints. */
    const everything = (): PretrainInput => {
      const { model: _model, tokenizer: _tokenizer, ...rest } = settings;
      return {
        ...rest,
        init: at(`whole/checkpoints/${last}`),
        remit: { reference: at('whole/checkpoints/step-3'), delta_source: 'frozen_base' },
        micro_batch_tokens: 120,
        length_warmup: { from: 16, to: 64, steps: 6 },
        schedule: 'wsd',
        decay_all: true,
        save_every: 2,
        save_every_tokens: 1000,
        save_at_tokens: [600],
        keep_last: 2,
        tensorboard: true,
      };
    };

    it('killed and resumed equals the uninterrupted run, bit for bit', async () => {
      const once = await run(everything(), { out: at('all') });
      const killed = afterStep(5, () => {
        throw new Error('killed');
      });
      await assert.rejects(run(everything(), { out: at('all-cut'), progress: killed }), /killed/);
      const again = await run(everything(), { out: at('all-cut'), resume: true });
      assert.equal(again.steps, once.steps);
      assert.deepEqual(traces('all-cut', once.steps), traces('all', once.steps));
      assert.equal(existsSync(at('all-cut/lock')), false);
    });

    it('keeps the newest checkpoints and the milestones', () => {
      const lines = readMetrics(at('all'));
      const end = lines.at(-1)!.step;
      const kept = readdirSync(at('all/checkpoints')).filter((name) => name !== 'latest');
      const [milestone, ...newest] = kept.map((name) => Number(name.slice(5))).sort((a, b) => a - b);
      const tokens = (step: number) =>
        JSON.parse(readFileSync(at(`all/checkpoints/step-${step}/state.json`), 'utf8')).tokens as number;
      assert.ok(
        tokens(milestone!) >= 600 && tokens(milestone!) < 600 + 250,
        'the first step that reaches it',
      );
      assert.equal(newest.length, 2);
      assert.equal(newest[1], end);
      assert.ok(newest[0]! % 2 === 0 || tokens(newest[0]!) >= 2000);
    });

    it('logs what its parts did', () => {
      const lines = readMetrics(at('all'));
      assert.equal(lines[0]!.sequence_length, 40); // step 4, after 3 of 6: 16 + 48 / 2
      assert.equal(lines.at(-1)!.sequence_length, undefined);
      for (const line of lines) {
        assert.ok(line.remit_weight! > 0.8 && line.remit_weight! < 1.2);
        assert.ok(Math.abs(line.remit_objective! - line.loss!) < 0.25 * line.loss!);
        assert.ok(line.remit_clipped_low! + line.remit_clipped_high! <= 1);
      }
      const timing = JSON.parse(readFileSync(at('all/timing.jsonl'), 'utf8').split('\n')[0]!);
      for (const name of ['seconds', 'tokens_per_second', 'mfu', 'seconds_left', 'memory_mib']) {
        assert.ok(timing[name] > 0, name);
      }
      const env = JSON.parse(readFileSync(at('all/env.json'), 'utf8'));
      assert.ok(env.gemm_flops_per_second > 1e6 && env.training_flops > 6 * 2500 * 1000);
      assert.ok(existsSync(at('all/tensorboard/events.out.tfevents.interplay')));
    });
  });

  it('never removes the checkpoint that latest names, whatever a kill left behind', async () => {
    const rotating = { ...settings, keep_last: 1 };
    await run(rotating, { out: at('rotating') });
    // As if killed at step 3, when a later checkpoint was written, but not named yet.
    await run({ ...settings, save_every: 3 }, { out: at('later') });
    rmSync(at('rotating/checkpoints'), { recursive: true });
    mkdirSync(at('rotating/checkpoints'));
    for (const name of ['step-3', 'step-6']) {
      const state = JSON.parse(readFileSync(at(`later/checkpoints/${name}/state.json`), 'utf8'));
      const own = JSON.parse(readFileSync(at('rotating/config.json'), 'utf8'));
      renameSync(at(`later/checkpoints/${name}`), at(`rotating/checkpoints/${name}`));
      const config_hash = configHash(own);
      writeFileSync(at(`rotating/checkpoints/${name}/state.json`), JSON.stringify({ ...state, config_hash }));
    }
    writeFileSync(at('rotating/checkpoints/latest'), 'step-3\n');
    const stop = new AbortController();
    const options = { out: at('rotating'), resume: true, progress: afterStep(1, () => stop.abort()) };
    await runCancellable(stop.signal, () => run(rotating, options));
    assert.equal(readFileSync(at('rotating/checkpoints/latest'), 'utf8'), 'step-4\n');
    assert.ok(existsSync(at('rotating/checkpoints/step-4/state.json')));
    assert.equal(existsSync(at('rotating/checkpoints/step-3')), false);
  });

  it('saves at the steps that cross a multiple of save_every_tokens', async () => {
    const result = await run(
      { ...settings, save_every: 0, save_every_tokens: 1000, validation: { tasks: 0 } },
      { out: at('by-tokens') },
    );
    const tokens = readdirSync(at('by-tokens/checkpoints'))
      .filter((name) => name !== 'latest')
      .map((name) => JSON.parse(readFileSync(at(`by-tokens/checkpoints/${name}/state.json`), 'utf8')).tokens)
      .sort((a, b) => a - b);
    assert.equal(tokens.length, 3);
    assert.ok(tokens[0] >= 1000 && tokens[0] < 1250 && tokens[1] >= 2000 && tokens[1] < 2250);
    assert.equal(tokens[2], result.tokens);
  });

  it('ends when the loss is no longer finite, and keeps the batch and the last good checkpoint', async () => {
    const wild = { ...settings, learning_rate: 1e30, warmup: 0, save_every: 1 };
    const tensors = tf.memory().numTensors;
    await assert.rejects(run(wild, { out: at('wild') }), {
      code: 'DIVERGED',
      message: /loss NaN, gradient norm NaN at step 2 of /,
    });
    assert.equal(tf.memory().numTensors, tensors);
    const report = JSON.parse(readFileSync(at('wild/nan/step-2/report.json'), 'utf8'));
    assert.equal(report.step, 2);
    assert.equal(report.loss, 'NaN');
    assert.ok(report.not_finite['model.norm.weight'] > 0);
    const lines = readFileSync(at('wild/nan/step-2/batch.jsonl'), 'utf8').trimEnd().split('\n');
    const texts = lines.map((line) => JSON.parse(line) as { text: string; ids: number[] });
    assert.ok(texts.every(({ text }) => text.endsWith('</answer>[EOS]')));
    const good = readFileSync(at('wild/checkpoints/latest'), 'utf8').trim();
    assert.equal(good, 'step-1');
    const { model } = loadModel(at(`wild/checkpoints/${good}`));
    for (const variable of model.parameters.values()) {
      assert.ok(variable.dataSync().every((value) => Number.isFinite(value)));
    }
    disposeQwen2(model);
  });

  it('lets one run at a time into a folder', async () => {
    let second: Promise<unknown> | undefined;
    await run(settings, {
      out: at('busy'),
      progress: () => {
        second ??= assert.rejects(run(settings, { out: at('busy'), resume: true }), { code: 'RUN_LOCKED' });
      },
    });
    await second;
    assert.deepEqual(traces('busy'), traces('whole'));
  });

  it('refuses a reference with another tokenizer', async () => {
    const other = await run(
      { ...settings, tokenizer: { vocabulary: 400, tasks: 50 }, tokens: 250 },
      { out: at('other') },
    );
    const { model: _model, tokenizer: _tokenizer, ...rest } = settings;
    const input = { ...rest, init: at(`whole/checkpoints/${last}`), remit: { reference: other.checkpoint } };
    await assert.rejects(run(input, { out: at('refused') }), { code: 'REMIT_REFERENCE' });
    assert.equal(existsSync(at('refused')), false);
  });

  it('refuses a used folder, other settings on resume, and nothing to resume', async () => {
    await assert.rejects(run(settings, { out: at('whole') }), { code: 'RUN_EXISTS' });
    await assert.rejects(run({ ...settings, seed: 8 }, { out: at('whole'), resume: true }), {
      code: 'RESUME_CONFIG',
    });
    await assert.rejects(run(settings, { out: at('nothing'), resume: true }), { code: 'RESUME_NOTHING' });
    assert.equal(existsSync(at('nothing')), false);
    await assert.rejects(run(settings, { out: at('whole'), resume: true, overwrite: true }), {
      code: 'OPTION_CONFLICT',
    });
  });

  it('says which settings are others', async () => {
    const { data: _data, ...rest } = settings;
    const other = { ...rest, seed: 8, data: { world: 'micro', contexts: ['zoo'], ops: '2-4' } };
    await assert.rejects(run(other, { out: at('whole'), resume: true }), (error: Error) => {
      assert.match(error.message, /data\.ops "2-4" \(there: "2-3"\)/);
      assert.match(error.message, /seed 8 \(there: \d\)/);
      assert.doesNotMatch(error.message, /learning_rate/);
      return true;
    });
  });

  it('never replaces what it starts from', async () => {
    const before = traces('whole');
    const { model: _model, tokenizer: _tokenizer, ...midSettings } = settings;
    const init = at(`whole/checkpoints/${last}`);
    await assert.rejects(run({ ...midSettings, init }, { out: at('whole'), overwrite: true }), {
      code: 'RUN_EXISTS',
      message: /starts from/,
    });
    await assert.rejects(run({ ...settings, tokenizer: init }, { out: at('whole'), overwrite: true }), {
      code: 'RUN_EXISTS',
    });
    assert.deepEqual(traces('whole'), before);
  });

  it('makes batches in 0, 1 or 2 other threads: the same bytes', async () => {
    for (const workers of [1, 2]) {
      await run(settings, { out: at(`workers-${workers}`), workers });
      assert.deepEqual(traces(`workers-${workers}`), traces('whole'), `${workers} workers`);
    }
    await assert.rejects(run(settings, { out: at('workers-x'), workers: -1 }), { code: 'LOADER_WORKERS' });
    assert.equal(existsSync(at('workers-x')), false);
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
    for (const out of [empty, join(empty, 'run')]) {
      await assert.rejects(run(settings, { out }), { code: 'OUTPUT_UNWRITABLE' });
    }
    // Weights that are not finite: a loss of NaN at the first step would not say where they come from.
    const { model: _model, tokenizer: _tokenizer, ...midSettings } = settings;
    const init = at('not-finite');
    cpSync(at(`whole/checkpoints/${last}`), init, { recursive: true });
    const weights = join(init, 'model.safetensors');
    const bytes = readFileSync(weights);
    bytes.writeFloatLE(Number.NaN, bytes.length - 4);
    writeFileSync(weights, bytes);
    await assert.rejects(run({ ...midSettings, init }, { out: at('refused') }), {
      code: 'MODEL_PARAMETER',
      message: /finite/,
    });
    assert.equal(existsSync(at('refused')), false);
  });

  it('leaves only its parameters in memory', async () => {
    const before = tf.memory().numTensors;
    const result = await pretrain({ ...settings, tokens: 250 }, { out: at('memory') });
    assert.equal(tf.memory().numTensors, before + result.model.parameters.size);
    disposeQwen2(result.model);
    assert.equal(tf.memory().numTensors, before);
  });
});
