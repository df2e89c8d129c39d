import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from '../../../src/backend/index.ts';
import { runCancellable } from '../../../src/core/cancellation.ts';
import { readJsonLines } from '../../../src/core/jsonl.ts';
import { disposeQwen2, loadModel } from '../../../src/model/index.ts';
import {
  BUCKETS,
  type PredictedToken,
  type RmtFacts,
  type RmtInput,
  type RmtMetrics,
  type RmtOptions,
  rmt,
  type ThoughtRow,
} from '../../../src/rl/index.ts';
import { nextTokens } from '../../../src/rl/rmt/difficulty.ts';
import { readRmtState } from '../../../src/rl/rmt/state.ts';
import { createTaskSource } from '../../../src/tasks/index.ts';
import { pack, pretrain } from '../../../src/train/index.ts';
import { SMALLEST, valuesOf } from '../../train/tiny.ts';
import { DATA, tracesOf } from '../base.ts';
import { thinkingBase, thinkingSettings } from './base.ts';

describe('rmt', () => {
  let folder: string;
  let settings: RmtInput;
  const at = (name: string) => join(folder, name);
  const run = async (name: string, input: Partial<RmtInput> = {}, options: Partial<RmtOptions> = {}) => {
    const result = await rmt({ ...settings, ...input }, { out: at(name), ...options });
    disposeQwen2(result.model);
    return result;
  };
  const lines = (name: string) =>
    [...readJsonLines(at(`${name}/metrics.jsonl`))].map(({ value }) => value as RmtMetrics);
  /** Lines of steps; the others are validations. */
  const steps = (name: string) => lines(name).filter(({ updates }) => updates !== undefined);
  const thoughts = (name: string, step: number) =>
    [...readJsonLines(at(`${name}/samples/step-${step}.jsonl`))].map(({ value }) => value as ThoughtRow);
  const traces = (name: string) => tracesOf(at(name));

  before(async () => {
    await useBackend('auto');
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    settings = thinkingSettings(await thinkingBase(folder));
    await run('whole');
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
    assert.deepEqual(
      readdirSync(at('whole/samples')).sort(),
      ['step-1', 'step-2', 'step-3', 'step-4', 'validation-0', 'validation-2', 'validation-4'].map(
        (name) => `${name}.jsonl`,
      ),
    );
    const { model } = loadModel(at('whole/checkpoints/step-4'));
    disposeQwen2(model);
  });

  it('logs budget, curriculum, both losses and the thoughts', () => {
    const logged = steps('whole');
    // ⌊8 · 0.5^(t/4)⌋; p_t1 up to 30 % of the run, half way at 50 %.
    assert.deepEqual(
      logged.map((line) => line.thinking_budget),
      [8, 6, 5, 4],
    );
    assert.deepEqual(logged[0]!.curriculum_by_difficulty, { easy: 0.5, medium: 0.4, hard: 0.1 });
    assert.ok(Math.abs(logged[2]!.curriculum_by_difficulty!.hard! - 0.4) < 1e-12, 'half way');
    const rows = thoughts('whole', 2);
    const line = logged[1]!;
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const near = (a: number, b: number, what: string) =>
      assert.ok(Math.abs(a - b) < 1e-6, `${what}: ${a}, ${b}`);
    assert.equal(rows.length, 18);
    near(line.reward!, mean(rows.map(({ reward }) => reward)), 'reward');
    near(line.match!, mean(rows.map(({ correct }) => Number(correct))), 'match');
    near(line.thought_length!, mean(rows.map((row) => row.thought_length)), 'length');
    near(line.loss!, line.policy_loss! + 0.1 * line.next_token_loss!, 'both losses');
    for (const row of rows) {
      assert.match(row.prompt, /<B8><think>$/, 'of 4 and 8 the nearer to 6, in ratio');
      const length =
        row.thought_length <= 6 ? row.thought_length / 6 : Math.max(0, 2 - row.thought_length / 6);
      near(row.reward, 0.8 * Number(row.correct) + 0.2 * length, 'reward of a thought');
      const text = row.response.split('</think>');
      assert.equal(
        row.correct,
        text.length > 1 && text.slice(1).join('</think>') === row.target,
        row.response,
      );
    }
    for (let group = 0; group < 6; group++) {
      const own = rows.filter(({ position }) => position === group).map(({ advantage }) => advantage);
      near(mean(own), 0, 'advantages of a group');
    }
  });

  it('validates on tokens of other texts, at once and after thinking', () => {
    const validations = lines('whole').filter((line) => line.validation_loss !== undefined);
    assert.deepEqual(
      validations.map(({ step }) => step),
      [0, 2, 4],
    );
    for (const line of validations) {
      const accuracy = line.validation_accuracy_thinking!;
      assert.ok(line.validation_accuracy_thinking_low! <= accuracy, 'low');
      assert.ok(line.validation_accuracy_thinking_high! >= accuracy, 'high');
    }
    const rows = [...readJsonLines(at('whole/samples/validation-4.jsonl'))].map(({ value }) => value);
    assert.equal(rows.length, 9, 'three of each bucket');
  });

  it('logs accuracies, intervals and entropies of the buckets', () => {
    const { edges } = JSON.parse(readFileSync(at('whole/env.json'), 'utf8')) as RmtFacts;
    for (const line of lines('whole').filter((one) => one.validation_loss !== undefined)) {
      const path = at(`whole/samples/validation-${line.step}.jsonl`);
      const rows = [...readJsonLines(path)].map(({ value }) => value as PredictedToken);
      for (const bucket of BUCKETS) {
        const own = rows.filter((row) => row.bucket === bucket);
        const mean = (value: (row: PredictedToken) => number) =>
          own.reduce((sum, row) => sum + value(row), 0) / own.length;
        assert.equal(line[`validation_tokens_${bucket}`], 3);
        assert.equal(
          line[`validation_accuracy_plain_${bucket}`],
          mean((row) => Number(row.plain_correct)),
        );
        const thinking = `validation_accuracy_thinking_${bucket}` as const;
        assert.equal(
          line[thinking],
          mean((row) => Number(row.thinking_correct)),
        );
        assert.ok(line[`${thinking}_low`]! <= line[thinking]!, `${thinking}_low`);
        assert.ok(line[`${thinking}_high`]! >= line[thinking]!, `${thinking}_high`);
        assert.equal(
          line[`validation_entropy_${bucket}`],
          mean((row) => row.entropy),
        );
      }
      // Before the first step the policy is the model that difficulty is measured by.
      if (line.step > 0) continue;
      for (const { bucket, entropy } of rows) {
        const [low, high] = {
          easy: [0, edges.medium],
          medium: [edges.medium, edges.hard],
          hard: [edges.hard, 9],
        }[bucket] as [number, number];
        assert.ok(entropy > low - 1e-4 && entropy < high + 1e-4, `${bucket}: ${entropy} of ${low}–${high}`);
      }
    }
  });

  it('stopped in its first validation, and killed after it when resumed, logs the validation once', async () => {
    const stop = new AbortController();
    const first = await runCancellable(stop.signal, () =>
      run('validating', {}, { onStart: () => stop.abort() }),
    );
    assert.equal(first.steps, 0);
    const killed = () => {
      throw new Error('killed'); // after the first step, whose checkpoint is not due
    };
    await assert.rejects(run('validating', {}, { resume: true, progress: killed }), /killed/);
    await run('validating', {}, { resume: true });
    assert.deepEqual(traces('validating'), traces('whole'));
  });

  it('counts compute by measured lengths', () => {
    const { tokenizer, model } = loadModel(settings.init);
    disposeQwen2(model);
    const [line] = steps('whole');
    const rows = thoughts('whole', 1);
    const lengths = rows.map(({ prompt, tokens }) => tokenizer.encode(prompt).length + tokens);
    const sampled = lengths.reduce((sum, length) => sum + length, 0);
    // A prefix that is cut inside a word may encode to another number of tokens than it has.
    const wanted = (4 / 3) * sampled + (4 / 3) * line!.tokens!;
    const off = Math.abs(line!.token_equivalents! - wanted);
    assert.ok(off <= (4 / 3) * rows.length, `${line!.token_equivalents}, not ${wanted}`);
  });

  for (const [name, input] of [
    ['rmt', {}],
    ['rlp', { preset: 'rlp', thinking_budget: null, positions: { per_step: 6, calibration_tokens: 600 } }],
    [
      'refreshed',
      {
        positions: { per_step: 4, calibration_tokens: 600, refresh: 1 },
        objective: { preset: 'grpo', reference: { kind: 'refreshed', every: 1 } },
        budget: { token_equivalents: 9000 },
        steps: undefined,
      },
    ],
  ] as const) {
    it(`goes on after a stop with the same bytes: ${name}`, async () => {
      const given = { ...settings, ...input } as RmtInput;
      const go = async (out: string, resume?: true, stopAfter?: number) => {
        const stop = new AbortController();
        let made = 0;
        const result = await runCancellable(stop.signal, () =>
          rmt(given, {
            out: at(out),
            ...(resume ? { resume } : {}),
            progress: () => {
              if (++made === stopAfter) stop.abort();
            },
          }),
        );
        disposeQwen2(result.model);
        return result;
      };
      if (name !== 'rmt') await go(`${name}-whole`);
      const first = await go(`${name}-cut`, undefined, 1);
      assert.equal(first.finished, false);
      assert.equal(first.steps, 1);
      await go(`${name}-cut`, true, 2);
      const last = await go(`${name}-cut`, true);
      assert.equal(last.finished, true);
      const whole = traces(name === 'rmt' ? 'whole' : `${name}-whole`);
      assert.deepEqual(
        traces(`${name}-cut`).map((trace) => trace.split(' ')[0]),
        whole.map((trace) => trace.split(' ')[0]),
      );
      assert.ok(
        traces(`${name}-cut`).every((trace, i) => trace === whole[i]),
        'the same bytes',
      );
    });
  }

  it('pays RLP in nats, keeps an average, and has no loss but that of thoughts', () => {
    const [line] = steps('rlp-whole');
    assert.equal(line!.next_token_loss, undefined);
    assert.equal(line!.loss, line!.policy_loss);
    assert.equal(line!.match, undefined);
    assert.ok(readdirSync(at('rlp-whole/checkpoints/step-4')).includes('average.safetensors'));
    for (const row of thoughts('rlp-whole', 1)) {
      const { predicted, baseline } = row.reward_parts as { predicted: number; baseline: number };
      assert.ok(Math.abs(row.reward - (predicted - baseline)) < 1e-12, 'gain');
      assert.equal(row.response.split('</think>')[1] ?? '', '', 'a response ends with its thought');
    }
  });

  it('counts what RLP spends: thoughts, the baseline’s pass, and scores behind thoughts', () => {
    const [line] = steps('rlp-whole');
    const rows = thoughts('rlp-whole', 1);
    const { length } = rows;
    const prompts = line!.prompt_length! * length;
    const sampled = prompts + rows.reduce((sum, { tokens }) => sum + tokens, 0);
    // Prefix and thought, </think> and the token.
    const scored = prompts + rows.reduce((sum, row) => sum + row.thought_length + 2, 0);
    const wanted = (4 / 3) * sampled + (line!.tokens! + scored) / 3;
    assert.ok(
      Math.abs(line!.token_equivalents! - wanted) < 1e-6,
      `${line!.token_equivalents}, not ${wanted}`,
    );
  });

  it('RLP compares with the average of the policies so far, which every update moves', async () => {
    await run('average', {
      preset: 'rlp',
      thinking_budget: null,
      positions: { per_step: 6, calibration_tokens: 600 },
      baseline: { decay: 0.75 },
      steps: 2,
      save_every: 1,
      validation: { tasks: 0 },
    });
    /** A model of the run by the files of its checkpoint, and its values. */
    const open = (checkpoint: string, file = 'model') => {
      const from = at(`average/checkpoints/${checkpoint}`);
      const copy = at(`average-${checkpoint}-${file}`);
      cpSync(from, copy, { recursive: true });
      cpSync(join(from, `${file}.safetensors`), join(copy, 'model.safetensors'));
      const loaded = loadModel(copy);
      return { ...loaded, values: valuesOf(loaded.model.parameters) };
    };
    const start = loadModel(settings.init);
    const [first, second] = ['step-1', 'step-2'].map((name) => open(name));
    const [averageOfFirst, averageOfSecond] = ['step-1', 'step-2'].map((name) => open(name, 'average'));
    for (const [name, values] of valuesOf(start.model.parameters)) {
      values.forEach((value, i) => {
        const one = Math.fround(Math.fround(0.75 * value) + Math.fround(0.25 * first!.values.get(name)![i]!));
        const two = Math.fround(Math.fround(0.75 * one) + Math.fround(0.25 * second!.values.get(name)![i]!));
        assert.equal(averageOfFirst!.values.get(name)![i], one, name);
        assert.equal(averageOfSecond!.values.get(name)![i], two, name);
      });
    }
    // The second step's baseline is that average, read without thinking.
    const { tokenizer, model } = averageOfFirst!;
    for (const row of thoughts('average', 2)) {
      const ids = tokenizer.encode(row.prompt.replace(/<think>$/, '') + row.target);
      const { logProbabilities } = nextTokens(model, pack([ids]), 4096);
      const wanted = logProbabilities.at(-1)!;
      const { baseline } = row.reward_parts as { baseline: number };
      assert.ok(Math.abs(baseline - wanted) < 1e-4, `${baseline}, not ${wanted}`);
    }
    for (const loaded of [start, first!, second!, averageOfFirst!, averageOfSecond!])
      disposeQwen2(loaded.model);
  });

  it('measures entropies anew with the policy as it is where it refreshes them', () => {
    const { edges } = JSON.parse(readFileSync(at('refreshed-whole/env.json'), 'utf8')) as RmtFacts;
    const latest = readFileSync(at('refreshed-whole/checkpoints/latest'), 'utf8').trim();
    const state = readRmtState(at(`refreshed-whole/checkpoints/${latest}`));
    assert.notEqual(state.edges.medium, edges.medium);
  });

  it('draws other tokens of the same text in another step', async () => {
    const path = at('one.jsonl');
    const task = createTaskSource({
      world: 'micro',
      contexts: ['zoo'],
      ops: '2',
      split: 'train',
      seed: 1,
    }).at(0);
    writeFileSync(path, `${JSON.stringify(task)}\n`);
    const rest = { curriculum: null, steps: 2, save_every: 0, validation: { tasks: 0 } };
    const positions = { per_step: 6, least: 0 };
    await run('one', { data: { files: [path] }, batch_tokens: 200, positions, ...rest });
    const [first, second] = [1, 2].map((step) => thoughts('one', step).map(({ prompt }) => prompt));
    assert.notDeepEqual(first, second);
  });

  it('learns by next-token loss alone where nothing can be drawn', async () => {
    // Of entropies in nats none is so high.
    await run('none', {
      positions: { by: 'entropy', least: 50, edges: [51, 52] },
      steps: 1,
      validation: { tasks: 0 },
    });
    const [line] = steps('none');
    assert.equal(line!.updates, 1);
    assert.equal(line!.positions, 0);
    assert.equal(line!.reward, undefined);
    assert.ok(Math.abs(line!.loss! - 0.1 * line!.next_token_loss!) < 1e-9, 'loss');
    assert.equal(thoughts('none', 1).length, 0);
  });

  it('runs RPT and the ablations', async () => {
    const small = { steps: 1, validation: { tasks: 0 } };
    await run('rpt', {
      ...small,
      preset: 'rpt',
      thinking_budget: null,
      curriculum: null,
      prediction_tokens: 2,
    });
    assert.equal(steps('rpt')[0]!.thinking_budget, undefined);
    assert.ok(
      thoughts('rpt', 1).every(({ prompt }) => prompt.endsWith('<think>')),
      'no budget',
    );
    for (const preset of ['rmt_no_curriculum', 'rmt_no_next_token'] as const) {
      await run(preset, { ...small, preset });
      const [line] = steps(preset);
      assert.equal(line!.curriculum_by_difficulty === undefined, preset === 'rmt_no_curriculum', preset);
      assert.equal(line!.next_token_loss === undefined, preset === 'rmt_no_next_token', preset);
    }
  });

  it('refuses what cannot be run before anything is written', async () => {
    const before = tf.memory().numTensors;
    await assert.rejects(run('bad', { max_response_tokens: 510 }), { code: 'RMT_ROOM' });
    const plain = await pretrain(
      {
        model: SMALLEST,
        tokenizer: { vocabulary: 420, tasks: 50 },
        data: DATA,
        validation: { tasks: 0 },
        tokens: 250,
        batch_tokens: 250,
      },
      { out: at('plain') },
    );
    disposeQwen2(plain.model);
    await assert.rejects(run('bad', { init: plain.checkpoint }), { code: 'THINK_TOKENS' });
    await assert.rejects(run('bad', { positions: { per_step: 6, model: plain.checkpoint } }), {
      code: 'RMT_MODEL',
    });
    assert.equal(readdirSync(folder).includes('bad'), false);
    assert.equal(tf.memory().numTensors, before, 'nothing is held');
  });

  it('leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    await run('tensors', { steps: 1 });
    assert.equal(tf.memory().numTensors, before);
  });
});
