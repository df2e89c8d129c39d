import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from '../../src/backend/index.ts';
import { runCancellable } from '../../src/core/cancellation.ts';
import { readJsonLines } from '../../src/core/jsonl.ts';
import type { ProgressReport } from '../../src/core/progress.ts';
import { disposeQwen2, loadModel } from '../../src/model/index.ts';
import {
  type GrpoInput,
  type GrpoMetrics,
  type GrpoOptions,
  grpo,
  type RewardFunction,
  type RolloutRow,
} from '../../src/rl/index.ts';
import { REWARDS, tinyBase, tinySettings, tracesOf } from './base.ts';

describe('grpo', () => {
  let folder: string;
  let init: string;
  let settings: GrpoInput;
  const at = (name: string) => join(folder, name);
  const run = async (input: GrpoInput, options: GrpoOptions) => {
    const result = await grpo(input, { rewards: REWARDS, ...options });
    disposeQwen2(result.model);
    return result;
  };
  const lines = (name: string) =>
    [...readJsonLines(at(`${name}/metrics.jsonl`))].map(({ value }) => value as GrpoMetrics);
  /** Lines of steps; the others are validations. */
  const steps = (name: string) => lines(name).filter(({ reward }) => reward !== undefined);
  const rollouts = (name: string, step: number, ending = '') =>
    [...readJsonLines(at(`${name}/samples/step-${step}.jsonl${ending}`))].map(
      ({ value }) => value as RolloutRow,
    );
  const traces = (name: string) => tracesOf(at(name));
  /** Calls `act` at the end of step `step` of this call. */
  const afterStep = (step: number, act: () => void) => {
    let made = 0;
    return (_report: ProgressReport) => {
      if (++made === step) act();
    };
  };

  before(async () => {
    await useBackend('auto'); // what the program does is the same on every backend; the fastest here serves
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    init = await tinyBase(folder);
    settings = tinySettings(init);
    await run(settings, { out: at('whole') });
  });
  after(() => {
    if (folder) rmSync(folder, { recursive: true });
  });

  it('writes the run folder of the contract, and nothing else', () => {
    assert.deepEqual(readdirSync(at('whole')).sort(), [
      'checkpoints',
      'config.json',
      'env.json',
      'metrics.jsonl',
      'samples',
      'timing.jsonl',
    ]);
    assert.deepEqual(readdirSync(at('whole/checkpoints')).sort(), ['latest', 'step-2', 'step-4']);
    assert.deepEqual(readdirSync(at('whole/samples')).sort(), [
      'step-1.jsonl',
      'step-2.jsonl',
      'step-3.jsonl',
      'step-4.jsonl',
      'validation-0.jsonl',
      'validation-2.jsonl',
      'validation-4.jsonl',
    ]);
    const timing = [...readJsonLines(at('whole/timing.jsonl'))].map(
      ({ value }) => value as Record<string, number>,
    );
    const [first] = timing.filter(({ validation }) => validation === undefined);
    const phases = ['rollout', 'verify', 'score', 'update', 'other'].map(
      (phase) => first![`${phase}_seconds`]!,
    );
    assert.ok(
      phases.every((seconds) => seconds > 0),
      String(phases),
    );
    const sum = phases.reduce((total, seconds) => total + seconds, 0);
    assert.ok(Math.abs(sum - first!.seconds!) < 1e-9, 'phases add up to the step');
  });

  it('validates before training, every so many steps and at the end, on tasks of another split', () => {
    const validations = lines('whole').filter(({ validation_pass_at_1: value }) => value !== undefined);
    assert.deepEqual(
      validations.map(({ step }) => step),
      [0, 2, 4],
    );
    const trained = [1, 2, 3, 4].flatMap((step) => rollouts('whole', step).map((row) => row.fingerprint!));
    const rows = [...readJsonLines(at('whole/samples/validation-4.jsonl'))].map(
      ({ value }) => value as RolloutRow,
    );
    assert.equal(rows.length, 10, '5 tasks, 2 samples');
    assert.ok(rows.every(({ fingerprint }) => !trained.includes(fingerprint!)));
    const accuracy = rows.reduce((sum, row) => sum + row.process_accuracy, 0) / rows.length;
    assert.ok(Math.abs(validations[2]!.validation_process_accuracy! - accuracy) < 1e-12);
    const [first, , last] = validations;
    assert.equal(first!.validation_gain_at_1, undefined);
    const gain = last!.validation_pass_at_1! - first!.validation_pass_at_1!;
    assert.ok(Math.abs(last!.validation_gain_at_1! - gain) < 1e-12, `${last!.validation_gain_at_1}`);
  });

  it('saves every rollout with verdict, reward and advantage, and logs their means', () => {
    const rows = rollouts('whole', 3);
    assert.equal(rows.length, 12);
    const line = steps('whole')[2]!;
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const near = (a: number, b: number, what: string) =>
      assert.ok(Math.abs(a - b) < 1e-12, `${what}: ${a}, ${b}`);
    near(line.reward!, mean(rows.map((row) => row.reward)), 'reward');
    near(line.reward_std!, Math.sqrt(mean(rows.map((row) => (row.reward - line.reward!) ** 2))), 'deviation');
    near(line.response_length!, mean(rows.map((row) => row.tokens)), 'length');
    near(line.truncated!, mean(rows.map((row) => Number(row.stop_reason === 'length'))), 'truncated');
    near(line.reward_by_part!.e!, mean(rows.map((row) => row.reward_parts.e!)), 'part');
    for (const row of rows) {
      near(row.score, row.reward_parts.e! + 0.5 * row.reward_parts.outcome!, 'score');
      assert.equal(row.prompt_index, rows.indexOf(row) / 3 - row.sample_index / 3, 'in order');
    }
    for (let group = 0; group < 4; group++) {
      // GRPO: (r − mean) / (standard deviation with n − 1, + 1e-6).
      const of = rows.slice(3 * group, 3 * group + 3);
      const centre = mean(of.map((row) => row.reward));
      const deviation = Math.sqrt(of.reduce((sum, row) => sum + (row.reward - centre) ** 2, 0) / 2);
      for (const row of of) {
        const expected = deviation === 0 ? 0 : (row.reward - centre) / (deviation + 1e-6);
        assert.ok(Math.abs(row.advantage! - expected) < 1e-9, `${row.advantage}, ${expected}`);
      }
    }
  });

  it('counts compute in token equivalents, by measured and nominal lengths', () => {
    const rows = rollouts('whole', 1);
    const { tokenizer, model } = loadModel(init);
    disposeQwen2(model);
    const tokens = rows.map((row) => tokenizer.encode(row.prompt).length + row.tokens);
    const [first] = steps('whole');
    // N·r·L is the sum over all rollouts; with a reference (4/3 + 1/3).
    const expected = (5 / 3) * tokens.reduce((sum, value) => sum + value, 0);
    assert.ok(Math.abs(first!.token_equivalents! - expected) < 1e-9, `${first!.token_equivalents}`);
    assert.ok(Math.abs(first!.token_equivalents_nominal! - (5 / 3) * 4 * 3 * 212) < 1e-9);
  });

  it('gives the same bytes again, also with other slots', async () => {
    await run({ ...settings, slots: 2 }, { out: at('again') });
    const differs = (line: string) => !/state\.json/.test(line); // the settings' hash is in it
    assert.deepEqual(traces('again').filter(differs), traces('whole').filter(differs));
  });

  it('learns: reward rises', async () => {
    await run({ ...settings, steps: 30, save_every: 0, validation: { tasks: 0 } }, { out: at('long') });
    const rewards = steps('long').map(({ reward }) => reward!);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [early, late] = [mean(rewards.slice(0, 5)), mean(rewards.slice(-5))];
    assert.ok(late > 1.5 * early, `${early} → ${late}`);
  });

  it('starts from the policy that sampled: the sampler’s log-probabilities are the trainer’s, the ratio is 1', async () => {
    await run({ ...settings, mini_batch_prompts: 4 }, { out: at('ratio') });
    for (const line of steps('ratio')) {
      assert.equal(line.updates, 1);
      assert.equal(line.ratio_min, 1, `step ${line.step}`);
      assert.equal(line.ratio_max, 1, `step ${line.step}`);
      assert.ok(line.sampler_gap! < 1e-4, `${line.sampler_gap}`);
    }
    assert.equal(steps('ratio')[0]!.kl, 0, 'the reference is the policy of the start');
    assert.ok(steps('ratio')[3]!.kl! > 0);
  });

  it('stopped between steps and resumed equals the uninterrupted run, bit for bit', async () => {
    const stop = new AbortController();
    const progress = afterStep(1, () => stop.abort());
    const first = await runCancellable(stop.signal, () => run(settings, { out: at('cut'), progress }));
    assert.equal(first.finished, false);
    assert.equal(first.steps, 1);
    const second = await run(settings, { out: at('cut'), resume: true });
    assert.equal(second.finished, true);
    assert.deepEqual(traces('cut'), traces('whole'));
    assert.equal(existsSync(at('cut/lock')), false);
  });

  it('stopped while it samples gives the rollouts up and samples them again', async () => {
    const stop = new AbortController();
    let judged = 0;
    const rewards = {
      e: (...given: Parameters<(typeof REWARDS)[string]>) => {
        if (++judged === 12 + 5) stop.abort(); // within the second step
        return REWARDS.e!(...given);
      },
    };
    const first = await runCancellable(stop.signal, () => run(settings, { out: at('mid'), rewards }));
    assert.equal(first.steps, 1);
    await run(settings, { out: at('mid'), resume: true });
    assert.deepEqual(traces('mid'), traces('whole'));
  });

  it('stopped in its first validation, and killed right after it when resumed, validates once', async () => {
    const stop = new AbortController();
    const first = await runCancellable(stop.signal, () =>
      run(settings, { out: at('validating'), onStart: () => stop.abort() }),
    );
    assert.equal(first.steps, 0);
    const kills = () => {
      throw new Error('killed');
    };
    const early = { out: at('validating'), resume: true };
    await assert.rejects(run(settings, { ...early, rewards: { e: kills } }), { code: 'REWARD_VALUE' });
    await run(settings, early);
    assert.deepEqual(traces('validating'), traces('whole'));
  });

  it('killed between checkpoints and resumed equals it too', async () => {
    const killed = afterStep(3, () => {
      throw new Error('killed'); // the last checkpoint is of step 2
    });
    await assert.rejects(run(settings, { out: at('killed'), progress: killed }), /killed/);
    assert.ok(existsSync(at('killed/samples/step-3.jsonl')));
    await run(settings, { out: at('killed'), resume: true });
    assert.deepEqual(traces('killed'), traces('whole'));
  });

  it('killed before its first checkpoint it begins again, with the same settings only', async () => {
    const killed = afterStep(1, () => {
      throw new Error('killed');
    });
    await assert.rejects(run(settings, { out: at('early'), progress: killed }), /killed/);
    await assert.rejects(run({ ...settings, seed: 8 }, { out: at('early'), resume: true }), {
      code: 'RESUME_CONFIG',
    });
    await run(settings, { out: at('early'), resume: true });
    assert.deepEqual(traces('early'), traces('whole'));
  });

  describe('with everything switched on', () => {
    /** DAPO with a curriculum, a refreshed reference, two epochs and a falling rate, on a budget. */
    const everything = (): GrpoInput => {
      const { steps: _steps, data: _data, ...rest } = settings;
      return {
        ...rest,
        data: { world: 'micro', contexts: ['zoo'] },
        curriculum: { ops: ['2', '3'], raise_at: 0, window: 2 },
        objective: {
          preset: 'dapo',
          overlong: { mode: 'soft', l_max: 12, l_cache: 6, factor: 0.2 },
          dynamic_sampling: { metric: 'reward', max_batches: 2 },
          kl: { beta: 0.01, in: 'reward' },
          reference: { kind: 'refreshed', every: 2 },
          entropy: { bonus: 0.001, top_quantile: 0.5 },
        },
        epochs: 2,
        schedule: 'cosine',
        budget: { token_equivalents: 7000 },
        compress_samples: true,
        tensorboard: true,
        keep_last: 1,
      };
    };

    it('killed and resumed equals the uninterrupted run, bit for bit', async () => {
      const once = await run(everything(), { out: at('all') });
      assert.ok(once.finished && once.steps > 3, `${once.steps}`);
      assert.ok(once.tokenEquivalents >= 7000);
      const killed = afterStep(3, () => {
        throw new Error('killed');
      });
      await assert.rejects(run(everything(), { out: at('all-cut'), progress: killed }), /killed/);
      await run(everything(), { out: at('all-cut'), resume: true });
      assert.deepEqual(traces('all-cut'), traces('all'));
    });

    it('moves the range of op when the pass rate says so', () => {
      const stages = steps('all').map((line) => line.curriculum_stage);
      assert.deepEqual(stages.slice(0, 4), [0, 0, 1, 1]);
      const ops = (step: number) => new Set(rollouts('all', step, '.gz').map((row) => row.op));
      assert.deepEqual([...ops(1)], [2]);
      assert.deepEqual([...ops(3)], [3]);
      const heldOut = [...readJsonLines(at('all/samples/validation-0.jsonl.gz'))];
      assert.ok(
        heldOut.every(({ value }) => [2, 3].includes((value as RolloutRow).op)),
        'all ranges',
      );
    });

    it('logs what its parts did', () => {
      const all = steps('all');
      assert.ok(
        all.every(({ updates }) => updates! >= 2),
        'two epochs',
      );
      const rates = all.map((line) => line.learning_rate!);
      assert.ok(
        rates.every((rate, i) => i === 0 || rate < rates[i - 1]!),
        String(rates),
      );
      assert.equal(rates.at(-1), 0);
      assert.equal(all[2]!.kl! < all[1]!.kl!, true, 'the reference was refreshed after step 2');
      assert.ok(existsSync(at('all/tensorboard/events.out.tfevents.interplay')));
      const kept = readdirSync(at('all/checkpoints')).filter((name) => name !== 'latest');
      assert.equal(kept.length, 1);
      assert.ok(existsSync(at(`all/checkpoints/${kept[0]}/reference.safetensors`)));
      const shaped = rollouts('all', 1, '.gz').filter((row) => row.stop_reason === 'length');
      assert.ok(shaped.every((row) => Math.abs(row.score - row.reward - 0.2) < 1e-12));
    });
  });

  describe('dynamic sampling', () => {
    /** Pays by place, so that it is known which groups have signal: those of even prompts do. */
    const paysHalf = () => {
      let judged = 0;
      return {
        e: () => {
          const [group, index] = [Math.floor(judged / 3), judged % 3];
          judged++;
          return group % 2 === 0 ? index : 1;
        },
      };
    };
    const dynamic = (max_batches: number, on_exhausted: 'train_short' | 'error'): GrpoInput => ({
      ...settings,
      steps: 1,
      slots: 1, // judged in order
      reward: [{ name: 'e' }],
      validation: { tasks: 0 },
      objective: { dynamic_sampling: { metric: 'score', max_batches, on_exhausted } },
    });

    it('replaces groups without signal until the step is full, counts and bounds them', async () => {
      await run(dynamic(4, 'error'), { out: at('dynamic'), rewards: paysHalf() });
      const [line] = steps('dynamic');
      // 4 prompts, 2 useful; 2 more, 1 useful; 1 more, useful (the 7th group judged).
      assert.equal(line!.sampling_batches, 3);
      assert.equal(line!.groups_sampled, 7);
      assert.equal(line!.groups_trained, 4);
      assert.equal(line!.groups_without_signal, 3 / 7);
      const rows = rollouts('dynamic', 1);
      assert.equal(rows.length, 21);
      assert.equal(rows.filter((row) => row.advantage === null).length, 9);
      assert.equal(new Set(rows.map((row) => row.task_id)).size, 7, 'further rounds have other prompts');
      const tokens = (some: RolloutRow[]) => some.reduce((sum, row) => sum + row.tokens, 0);
      assert.equal(line!.update_tokens, tokens(rows.filter((row) => row.advantage !== null)));
    });

    it('trains on fewer groups, or stops, when the batches are used up', async () => {
      await run(dynamic(2, 'train_short'), { out: at('short'), rewards: paysHalf() });
      assert.equal(steps('short')[0]!.groups_trained, 3);
      await assert.rejects(run(dynamic(2, 'error'), { out: at('exhausted'), rewards: paysHalf() }), {
        code: 'DYNAMIC_SAMPLING',
      });
    });

    it('makes no update without any signal', async () => {
      await run(dynamic(2, 'train_short'), { out: at('none'), rewards: { e: () => 1 } });
      const [line] = steps('none');
      assert.equal(line!.updates, 0);
      assert.equal(line!.loss, undefined);
      assert.equal(line!.groups_sampled, 8);
    });
  });

  it('stays flat where nothing can be earned', async () => {
    const hard: GrpoInput = {
      ...settings,
      data: { world: 'micro', contexts: ['zoo'], ops: '8' },
      reward: 'strict',
      weight_decay: 0,
      steps: 5,
      validation: { tasks: 3, every: 0 },
    };
    const result = await run(hard, { out: at('flat') });
    for (const line of steps('flat')) {
      assert.equal(line.reward, 0);
      assert.equal(line.groups_without_signal, 1);
      assert.equal(line.gradient_norm, 0, 'no advantage, and the policy is its own reference');
    }
    const [before, after] = [loadModel(init), loadModel(result.checkpoint)];
    assert.equal(after.hash, before.hash, 'not a weight has moved');
    for (const { model } of [before, after]) disposeQwen2(model);
  });

  it('takes reward functions from a module, with the response', async () => {
    const module = at('reward.mjs');
    writeFileSync(
      module,
      'export const short = (verdict, { tokens, task }) => (task.op >= 2 ? -tokens : verdict.x);\n',
    );
    const reward = [
      { module, export: 'short' },
      { name: 'composite-0.2', weight: 10 },
    ];
    await run({ ...settings, steps: 2, reward }, { out: at('module') });
    for (const row of rollouts('module', 2)) {
      assert.equal(row.reward_parts[`${module}#short`], -row.tokens);
      assert.ok(Math.abs(row.reward - (10 * row.rewards.composite['0.2'] - row.tokens)) < 1e-12);
    }
    writeFileSync(module, 'export const short = () => 0;\n');
    await assert.rejects(run({ ...settings, steps: 2, reward }, { out: at('module'), resume: true }), {
      code: 'RESUME_INPUTS',
    });
  });

  it('ends when the loss is no longer finite, and keeps the rollouts and the last good checkpoint', async () => {
    const wild: GrpoInput = { ...settings, learning_rate: 1e30, save_every: 1, validation: { tasks: 0 } };
    const tensors = tf.memory().numTensors;
    await assert.rejects(run(wild, { out: at('wild') }), { code: 'DIVERGED', message: /step 1 of / });
    assert.equal(tf.memory().numTensors, tensors);
    const kept = readFileSync(at('wild/nan/step-1/rollouts.jsonl'), 'utf8').trimEnd().split('\n');
    assert.equal(kept.length, 12);
    assert.equal(JSON.parse(readFileSync(at('wild/nan/step-1/report.json'), 'utf8')).learning_rate, 1e30);
    assert.equal(existsSync(at('wild/checkpoints')), false);
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
  });

  it('replaces a run only when told', async () => {
    await assert.rejects(run(settings, { out: at('whole') }), { code: 'RUN_EXISTS' });
    await assert.rejects(run(settings, { out: at('nothing'), resume: true }), { code: 'RESUME_NOTHING' });
    await assert.rejects(run(settings, { out: at('base'), overwrite: true }), { code: 'RUN_EXISTS' });
    assert.ok(existsSync(init), 'what a run starts from is never replaced by it');
    mkdirSync(at('replaced'));
    writeFileSync(at('replaced/notes.txt'), 'mine');
    await run({ ...settings, steps: 1 }, { out: at('replaced'), overwrite: true });
    assert.equal(readFileSync(at('replaced/notes.txt'), 'utf8'), 'mine');
  });

  it('refuses what cannot work before it writes', async () => {
    const module = at('empty.mjs');
    writeFileSync(module, 'export const other = 1;\n');
    const refused: [string, GrpoInput][] = [
      ['CONFIG', { ...settings, max_response_tokens: 512 }],
      ['REWARD_NAME', { ...settings, reward: 'no-such' }],
      ['REWARD_MODULE', { ...settings, reward: [{ module }] }],
      ['REWARD_MODULE', { ...settings, reward: [{ module: at('absent.mjs') }] }],
      ['REWARD_WEIGHTS', { ...settings, reward: [{ name: 'strict' }, { name: 'strict' }] }],
      ['RL_PROMPTS', { ...settings, max_prompt_tokens: 3 }],
      ['MODEL_FOLDER', { ...settings, init: folder }],
      ['MIXTURE_UNKNOWN', { ...settings, data: { mixture: 'paper-rl-op1' } }],
    ];
    for (const [code, input] of refused) await assert.rejects(run(input, { out: at('refused') }), { code });
    assert.equal(existsSync(at('refused')), false);
    await assert.rejects(
      run({ ...settings, reward: 'e' }, { out: at('value'), rewards: { e: () => Number.NaN } }),
      {
        code: 'REWARD_VALUE',
      },
    );
    const meddles: RewardFunction = (verdict) => {
      verdict.verified = true;
      return 1;
    };
    await assert.rejects(run({ ...settings, reward: 'e' }, { out: at('meddled'), rewards: { e: meddles } }), {
      code: 'REWARD_VALUE',
      message: /verified/,
    });
  });

  it('leaves only its parameters in memory', async () => {
    const before = tf.memory().numTensors;
    const result = await grpo({ ...settings, steps: 1 }, { out: at('memory'), rewards: REWARDS });
    assert.equal(tf.memory().numTensors, before + result.model.parameters.size);
    disposeQwen2(result.model);
    assert.equal(tf.memory().numTensors, before);
  });
});
