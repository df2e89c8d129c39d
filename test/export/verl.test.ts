/** The schema is that of verl's RLHFDataset and custom reward functions (versions in docs/interop.md). */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { exportVerl, startRewardServer } from '../../src/export/index.ts';
import { disposeQwen2 } from '../../src/model/index.ts';
import { createTaskSource, promptText, responseText, splitSolution } from '../../src/tasks/index.ts';
import { parsePretrainConfig } from '../../src/train/index.ts';
import { type TinyRun, tinyRun } from './run.ts';

const source = createTaskSource({ world: 'micro', contexts: ['zoo'], ops: '2-3', split: 'train', seed: 0 });

type Row = Record<string, unknown> & { extra_info: Record<string, unknown> };

/** Rows of a Parquet file; its 64-bit integers are BigInt. */
const rowsOf = async (path: string) => {
  const file = new Uint8Array(readFileSync(path)).buffer;
  return (await parquetReadObjects({ file })) as Row[];
};

describe('export for verl', () => {
  let run: TinyRun;
  let out: string;
  before(async () => {
    run = await tinyRun({ validation: { tasks: 3 } });
    out = join(run.folder, 'verl');
    const result = exportVerl(run.checkpoint, out, { count: 1030, reward: 'composite-0.2' });
    disposeQwen2(result.model);
    assert.deepEqual([result.prompts, result.heldOutPrompts], [1030, 3]);
  });
  after(() => run.remove());

  it('has prompts as RLHFDataset reads them', async () => {
    assert.deepEqual(readdirSync(out).sort(), ['data', 'grpo.yaml', 'model', 'reward_fn.py']);
    const rows = await rowsOf(join(out, 'data', 'train.parquet'));
    assert.equal(rows.length, 1030);
    const task = source.at(1029);
    assert.deepEqual(rows[1029], {
      data_source: `crazy_zootopia-op${task.op}`,
      prompt: [{ role: 'user', content: promptText(task) }],
      ability: 'reasoning',
      reward_model: { style: 'rule', ground_truth: splitSolution(task.solution).answer },
      extra_info: {
        index: 1029n,
        op: task.op,
        split: 'train',
        id: task.id,
        template: 'crazy_zootopia',
        mode: 'normalforward',
        solution: task.solution,
        graph: JSON.stringify(task.graph),
      },
    });
    const held = await rowsOf(join(out, 'data', 'validation.parquet'));
    assert.deepEqual(
      held.map(({ extra_info }) => extra_info.split),
      ['validation', 'validation', 'validation'],
    );
  });

  it('has the settings of the paper', () => {
    const yaml = readFileSync(join(out, 'grpo.yaml'), 'utf8');
    for (const line of [
      '  adv_estimator: grpo',
      '  train_batch_size: 1024',
      '  max_prompt_length: 1024',
      '  max_response_length: 1024',
      '    ppo_mini_batch_size: 256',
      '    ppo_micro_batch_size_per_gpu: 16',
      '      lr: 0.000001',
      '      weight_decay: 0.01',
      '    clip_ratio: 0.2',
      '    clip_ratio_c: 3',
      '    loss_agg_mode: token-mean',
      '    kl_loss_coef: 0.001',
      '    kl_loss_type: low_var_kl',
      '    "n": 6',
      '    gpu_memory_utilization: 0.6',
      '  n_gpus_per_node: 6',
      '    reward: composite-0.2',
      '    url: "http://127.0.0.1:8765"',
    ]) {
      assert.ok(yaml.split('\n').includes(line), line);
    }
  });

  it('its reward function asks our server', async function () {
    if (spawnSync('python3', ['--version']).status !== 0) this.skip();
    const server = await startRewardServer({ port: 0 });
    try {
      const task = source.at(5);
      const extra = { solution: task.solution, graph: JSON.stringify(task.graph) };
      const right = responseText(task);
      const calls = [
        [right, 'strict'],
        ['no idea', 'strict'],
        [right.replace('</answer>', ''), 'outcome'], // cut: the number may be half of one
        [`</solution> ${right.slice(right.indexOf('<answer>'))}`, 'composite-0.2'],
      ];
      const program = [
        'import json, sys',
        'sys.path.insert(0, sys.argv[1])',
        'from reward_fn import compute_score',
        'given = json.loads(sys.argv[2])',
        'print(json.dumps([compute_score(data_source="x", solution_str=text, ground_truth="", extra_info=given["extra"],',
        '                                reward=reward, url=given["url"]) for text, reward in given["calls"]]))',
      ].join('\n');
      const given = JSON.stringify({ extra, calls, url: server.url });
      const results = JSON.parse(await python(['-c', program, out, given]));
      assert.deepEqual(results[0], { score: 1, verified: 1, answer_correct: 1, process_accuracy: 1 });
      assert.deepEqual(
        results.map((result: { score: number }) => result.score),
        [1, 0, 0, 0.2],
      );
    } finally {
      await server.close();
    }
  });

  it('refuses fewer prompts than one step takes, tasks that are tokens only, and unknown rewards', () => {
    const never = join(run.folder, 'never');
    const onShards = join(run.folder, 'on-shards');
    cpSync(join(run.folder, 'run'), onShards, { recursive: true });
    const settings = parsePretrainConfig({ data: { shards: 'shards' }, batch_tokens: 512 });
    writeFileSync(join(onShards, 'config.json'), JSON.stringify(settings));
    assert.throws(() => exportVerl(join(onShards, 'checkpoints', 'step-1'), never), {
      code: 'EXPORT_TASKS',
      message: /token shards.*--tasks/,
    });
    assert.throws(() => exportVerl(run.checkpoint, never, { count: 1023 }), {
      code: 'EXPORT_TASKS',
      message: /at least 1024 tasks.*1023/,
    });
    assert.throws(() => exportVerl(run.checkpoint, never, { reward: 'nice' }), { code: 'REWARD_NAME' });
    assert.ok(!existsSync(never));
  });
});

/** Output of Python; not with a synchronous call, which would keep the server in this process from answering. */
function python(args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('python3', args, (error, stdout, stderr) => {
      if (error) reject(new Error(stderr));
      else resolve(stdout);
    });
  });
}
