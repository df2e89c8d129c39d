/** The schema is that of LLaMA-Factory's data/README.md and argument classes (versions in docs/interop.md). */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportLlamaFactory } from '../../src/export/index.ts';
import { disposeQwen2, loadModel } from '../../src/model/index.ts';
import { createTaskSource, trainingText, writeTasks } from '../../src/tasks/index.ts';
import { type TinyRun, tinyRun } from './run.ts';

const read = (...path: string[]) => readFileSync(join(...path), 'utf8');
/** `key: value` of a YAML file's first level. */
const settingsOf = (...path: string[]) =>
  Object.fromEntries([...read(...path).matchAll(/^(\w+): ?(.*)$/gm)].map(([, key, value]) => [key!, value!]));
const zoo = { world: 'micro', contexts: ['zoo'], ops: '2-3', seed: 0 };

describe('export for LLaMA-Factory', () => {
  let run: TinyRun;
  before(async () => {
    run = await tinyRun({ validation: { tasks: 5 }, learning_rate: 3e-3, weight_decay: 0.05, seed: 0 });
  });
  after(() => run.remove());

  it('has the texts of the run in its order, the model and both stages', () => {
    const out = join(run.folder, 'lf');
    const result = exportLlamaFactory(run.checkpoint, out);
    disposeQwen2(result.model);
    const rows = read(out, 'data', 'train.jsonl')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const source = createTaskSource({ ...zoo, split: 'train' });
    assert.deepEqual(
      rows.slice(0, 3),
      source.take(3).map((task) => ({ text: trainingText(task) })),
    );
    assert.deepEqual([result.trainingTasks, result.heldOutTasks], [rows.length, 5]);
    // The run's budget: one text less would be too few tokens.
    const { model, tokenizer } = loadModel(join(out, 'model'));
    disposeQwen2(model);
    const lengths = rows.map(({ text }) => tokenizer.encode(text).length + 1);
    const sum = lengths.reduce((a, b) => a + b, 0);
    assert.ok(sum >= 4_000 && sum - lengths.at(-1)! < 4_000, String(sum));

    const held = read(out, 'data', 'validation.jsonl').trimEnd().split('\n');
    assert.deepEqual(JSON.parse(held[4]!), {
      text: trainingText(createTaskSource({ ...zoo, split: 'val' }).at(4)),
    });
    assert.deepEqual(JSON.parse(read(out, 'data', 'dataset_info.json')), {
      train: { file_name: 'train.jsonl', columns: { prompt: 'text' } },
      validation: { file_name: 'validation.jsonl', columns: { prompt: 'text' } },
    });
    assert.deepEqual(readdirSync(out).sort(), ['data', 'midtrain.yaml', 'model', 'pretrain.yaml']);
  });

  it("gives the run's stage its settings and the other one the paper's", () => {
    const out = join(run.folder, 'lf');
    const own = settingsOf(out, 'pretrain.yaml');
    assert.deepEqual(
      {
        model_name_or_path: 'model',
        train_from_scratch: 'true',
        stage: 'pt',
        finetuning_type: 'full',
        dataset: 'train',
        eval_dataset: 'validation',
        cutoff_len: '512',
        per_device_train_batch_size: '1',
        gradient_accumulation_steps: '1',
        max_steps: '8', // 4,000 tokens in steps of 512
        learning_rate: '0.003',
        lr_scheduler_type: 'cosine_with_min_lr',
        warmup_ratio: '0.05',
        adam_beta2: '0.95',
        adam_epsilon: '1.0e-8',
        weight_decay: '0.05',
        max_grad_norm: '1',
        seed: '0',
      },
      Object.fromEntries(
        Object.entries(own).filter(
          ([key]) =>
            !/^(do_train|flash_attn|dataset_dir|eval_s|template|output_dir|logging|save|report|per_device_eval|lr_scheduler_kw|optim|adam_beta1|bf16)/.test(
              key,
            ),
        ),
      ),
    );
    assert.match(read(out, 'pretrain.yaml'), /^lr_scheduler_kwargs:\n {2}min_lr: 0\.0001$/m);

    const paper = settingsOf(out, 'midtrain.yaml');
    assert.equal(paper.train_from_scratch, undefined);
    assert.deepEqual(
      [paper.learning_rate, paper.warmup_ratio, paper.weight_decay, paper.adam_beta2, paper.max_grad_norm],
      ['0.0001', '0.15', '0.1', '0.999', '1'],
    );
    // 524,288 tokens a step on 4 GPUs, 64 sequences at a time on each; blocks are as long as the model allows.
    const block = Number(paper.cutoff_len) * Number(paper.per_device_train_batch_size);
    assert.equal(block * Number(paper.gradient_accumulation_steps) * 4, 524_288);
    assert.equal(paper.per_device_train_batch_size, '64');
    assert.equal(paper.max_steps, String(Math.ceil(20e9 / 524_288)));
    assert.match(read(out, 'midtrain.yaml'), /^ {2}min_lr: 0\.00003$/m);
  });

  it('takes a task file, as many as asked for', async () => {
    const tasks = join(run.folder, 'tasks.parquet');
    await writeTasks({ source: { ...zoo, split: 'test' }, count: 12, out: tasks });
    const out = join(run.folder, 'given');
    const result = exportLlamaFactory(run.checkpoint, out, { tasks, count: 7, gpus: 2 });
    disposeQwen2(result.model);
    assert.deepEqual([result.trainingTasks, result.heldOutTasks], [7, 0]);
    assert.ok(
      !existsSync(join(out, 'data', 'validation.jsonl')),
      "a file's tasks say nothing of held-out ones",
    );
    const own = settingsOf(out, 'pretrain.yaml');
    assert.deepEqual(
      [own.cutoff_len, own.eval_dataset],
      ['256', undefined],
      'the batch is divided among GPUs',
    );
  });

  it('knows the stage of a run that continued a model', async () => {
    const continued = await tinyRun({ init: 'somewhere', tokens: 2_000 });
    try {
      const out = join(continued.folder, 'out');
      const { model, stageOfRun } = exportLlamaFactory(continued.checkpoint, out);
      disposeQwen2(model);
      assert.equal(stageOfRun, 'midtrain');
      assert.equal(settingsOf(out, 'midtrain.yaml').max_steps, '4');
      assert.equal(settingsOf(out, 'pretrain.yaml').learning_rate, '0.0002');
    } finally {
      continued.remove();
    }
  });

  it('needs tasks when the model lies outside a run', () => {
    const out = join(run.folder, 'alone');
    disposeQwen2(exportLlamaFactory(run.checkpoint, out, { count: 1 }).model);
    assert.throws(() => exportLlamaFactory(join(out, 'model'), join(run.folder, 'none')), {
      code: 'EXPORT_TASKS',
      message: /--tasks/,
    });
    assert.ok(!existsSync(join(run.folder, 'none')));
  });
});
