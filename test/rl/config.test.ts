import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type GrpoInput, grpoSchema, parseGrpoConfig } from '../../src/rl/index.ts';
import { mixturePresets } from '../../src/tasks/index.ts';
import { applyOverrides } from '../../src/train/index.ts';

const init = 'out/base';

describe('settings of reinforcement learning', () => {
  it('are the paper’s by default', () => {
    const config = parseGrpoConfig({ init });
    // PAPER §5.2.
    const { prompts_per_step, group_size, mini_batch_prompts, epochs, learning_rate, temperature } = config;
    assert.deepEqual(
      { prompts_per_step, group_size, mini_batch_prompts, epochs, learning_rate, temperature },
      {
        prompts_per_step: 1024,
        group_size: 6,
        mini_batch_prompts: 256,
        epochs: 1,
        learning_rate: 1e-6,
        temperature: 1,
      },
    );
    assert.equal(config.max_prompt_tokens + config.max_response_tokens, 2048);
    assert.equal(config.nominal_length, 2048);
    assert.deepEqual([config.schedule, config.weight_decay, config.clip], ['constant', 0.01, 1]);
    assert.deepEqual(
      [config.validation.every, config.validation.temperature, config.save_every],
      [20, 0, 20],
    );
    assert.equal(config.steps, 200);
    assert.deepEqual(config.data, { mixture: 'paper-rl-op11-14', world: 'paper', split: 'train' });
    assert.deepEqual(config.reward, [{ name: 'strict', export: 'default', weight: 1 }]);
    assert.equal(config.objective.preset, 'paper');
    assert.deepEqual(
      [config.objective.clip.low, config.objective.clip.high, config.objective.clip.dual],
      [0.2, 0.2, 3],
    );
  });

  it('scale: four updates a step, lengths of shaping, nominal length', () => {
    const config = parseGrpoConfig({
      init,
      prompts_per_step: 62,
      max_prompt_tokens: 100,
      max_response_tokens: 50,
      objective: { preset: 'dapo' },
    });
    assert.equal(config.mini_batch_prompts, 16);
    assert.equal(config.nominal_length, 150);
    assert.equal(config.objective.overlong.l_max, 50);
    assert.equal(config.objective.clip.high, 0.28);
  });

  it('read again, they stay as they are', () => {
    const inputs: GrpoInput[] = [
      { init },
      { init, objective: { preset: 'dr_grpo' }, budget: { token_equivalents: 1e6 } },
      { init, curriculum: { ops: ['2-4', '5-7'] }, data: { world: 'micro' } },
      {
        init,
        edge: { evaluation: 'e', k: 8, at_most: 0.5, at_least: 0.5 },
        validation: { files: ['f.jsonl'] },
      },
    ];
    for (const input of inputs) {
      const config = parseGrpoConfig(input);
      assert.deepEqual(parseGrpoConfig(JSON.parse(JSON.stringify(config))), config);
    }
  });

  it('name all problems at once', () => {
    const bad = { group_size: 0, learning_rate: -1, rollouts: 3, objective: { clip: { lo: 1 } } };
    assert.throws(
      () => parseGrpoConfig(bad, 'a.json'),
      (error: Error & { code: string }) => {
        assert.equal(error.code, 'CONFIG');
        for (const word of ['a.json', 'init', 'group_size', 'learning_rate', 'rollouts', 'objective.clip'])
          assert.ok(error.message.includes(word), `${word} in ${error.message}`);
        return true;
      },
    );
    assert.throws(
      () => parseGrpoConfig({ init, steps: 5, budget: { token_equivalents: 10 }, mini_batch_prompts: 2000 }),
      (error: Error & { code: string }) =>
        error.code === 'CONFIG' && /steps.*mini_batch_prompts/.test(error.message),
    );
  });

  const evaluation = { evaluation: 'e', k: 8, at_most: 0.5, at_least: 0.5 };
  const refused: [string, Partial<GrpoInput>][] = [
    ['data and edge', { data: { ops: '2' }, edge: evaluation }],
    ['shards', { data: { shards: 'folder' } }],
    ['thinking', { data: { thinking: {} } }],
    ['share_of', { data: { ops: '2', share_of: 'tokens' } }],
    ['curriculum and edge', { curriculum: { ops: ['2', '3'] }, edge: evaluation }],
    ['curriculum needs', { curriculum: { ops: ['2', '3'] }, data: { files: ['f'] } }],
    [
      'curriculum and data.mixture',
      { curriculum: { ops: ['2', '3'] }, data: { mixture: 'paper-rl-op11-14' } },
    ],
    ['op_weights', { curriculum: { ops: ['2', '3'] }, data: { op_weights: { 2: 1 } } }],
    ['raise_at', { curriculum: { ops: ['2', '3'], raise_at: 0.2, lower_at: 0.3 } }],
    ['min_learning_rate', { min_learning_rate: 1 }],
    ['warmup', { schedule: 'wsd', warmup: 0.6, decay: 0.5 }],
    ['l_max', { objective: { overlong: { mode: 'soft', l_max: 2000 } } }],
    ['validation.split', { validation: { split: 'train' } }],
    ['validation.data.shards', { validation: { data: { shards: 'folder' } } }],
    ['validation.data.thinking', { validation: { data: { ops: '2', thinking: {} } } }],
    ['validation.data.split', { validation: { data: { ops: '2', split: 'test' } } }],
    ['validation.data.identity', { validation: { data: { ops: '2', identity: { values: false } } } }],
    ['name or module', { reward: [{ weight: 1 }] }],
    ['kl.beta', { objective: { reference: { kind: 'none' } } }],
  ];
  for (const [word, input] of refused) {
    it(`refuse: ${word}`, () => {
      assert.throws(
        () => parseGrpoConfig({ init, ...input }),
        (error: Error & { code: string }) => {
          assert.equal(error.code, 'CONFIG');
          assert.ok(error.message.includes(word), error.message);
          return true;
        },
      );
    });
  }

  it('know every mixture of the paper by name', () => {
    for (const name of Object.keys(mixturePresets())) {
      assert.deepEqual(parseGrpoConfig({ init, data: { mixture: name } }).data, {
        mixture: name,
        world: 'paper',
        split: 'train',
      });
    }
  });

  it('can be set one by one', () => {
    const given = applyOverrides({ init }, [
      'objective.clip.high=0.28',
      'objective.kl.beta=0',
      'data.ops=17-20',
    ]);
    const { objective, data } = parseGrpoConfig(given);
    assert.equal(objective.clip.high, 0.28);
    assert.equal(objective.kl.beta, 0);
    assert.equal((data as { ops: string }).ops, '17-20');
  });
});

describe('docs/rl.md', () => {
  it('documents every setting', () => {
    const page = readFileSync(new URL('../../docs/rl.md', import.meta.url), 'utf8');
    const table = page
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .join('\n');
    for (const key of Object.keys(grpoSchema.shape)) assert.ok(table.includes(`\`${key}\``), key);
  });
});

describe('recipes in runs/', () => {
  const folder = new URL('../../runs/', import.meta.url);
  for (const name of existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []) {
    if (!/grpo[^/]*\.json$/.test(name)) continue;
    it(`${name} has valid settings`, () => {
      parseGrpoConfig(JSON.parse(readFileSync(new URL(name, folder), 'utf8')), name);
    });
  }
});
