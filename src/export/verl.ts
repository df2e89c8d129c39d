/**
 * A GRPO experiment for verl, on which the paper ran its reinforcement learning: model with a chat template that
 * adds nothing, prompts as Parquet, the paper's settings, and a reward function that asks `interplay reward`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SchemaElement } from 'hyparquet';
import { userError } from '../core/errors.ts';
import { writeAtomically, writeFileAtomically, writeFolderAtomically } from '../core/files.ts';
import { loadModel, type Qwen2 } from '../model/index.ts';
import { promptText, splitSolution } from '../tasks/index.ts';
import { ParquetRowWriter } from '../tasks/parquet.ts';
import { rewardByName } from '../verify/index.ts';
import {
  type ExperimentOptions,
  type ExportedTask,
  settingsOfRun,
  trainingTasks,
  validationTasks,
} from './experiment.ts';
import { writeChatModel } from './huggingface.ts';
import { checkNewFolder } from './output.ts';
import { REWARD_PORT } from './rewardServer.ts';
import { formatYaml, type Yaml } from './yaml.ts';

export interface VerlOptions extends ExperimentOptions {
  /** Name of the reward that is trained on (see `rewardByName`); `strict` by default (PAPER §5.4). */
  reward?: string;
}

/** What {@link exportVerl} wrote. */
export interface VerlExport {
  out: string;
  prompts: number;
  heldOutPrompts: number;
  reward: string;
  /** To be freed by the caller. */
  model: Qwen2;
}

/** Prompts of one step (PAPER §5.2). */
const PROMPTS_PER_STEP = 1024;
/** Of the run's tasks when nothing else is said: ten steps. */
const DEFAULT_PROMPTS = 10 * PROMPTS_PER_STEP;

/**
 * Writes `model/`, `data/train.parquet` (and `validation.parquet`), `grpo.yaml` and `reward_fn.py`.
 * @throws MODEL_FOLDER, EXPORT_EXISTS, EXPORT_TASKS, REWARD_NAME, and what reading models and tasks throws
 */
export function exportVerl(modelFolder: string, out: string, options: VerlOptions = {}): VerlExport {
  checkNewFolder(out);
  const { reward = 'strict', gpus = 6 } = options;
  rewardByName(reward);
  const run = settingsOfRun(modelFolder);
  const heldOut = [...validationTasks(options, run)];
  const { model, tokenizer } = loadModel(modelFolder);
  const count = options.count ?? (options.tasks === undefined ? DEFAULT_PROMPTS : undefined);
  const tasks = trainingTasks(count === undefined ? options : { ...options, count }, run);
  let prompts = 0;
  writeFolderAtomically(out, (folder) => {
    writeChatModel(join(folder, 'model'), { model, tokenizer });
    prompts = writePrompts(join(folder, 'data', 'train.parquet'), 'train', tasks);
    if (prompts < PROMPTS_PER_STEP) {
      const expected = `at least ${PROMPTS_PER_STEP} tasks, the prompts of one step`;
      throw userError('EXPORT_TASKS', expected, String(prompts), 'export more tasks');
    }
    if (heldOut.length > 0) writePrompts(join(folder, 'data', 'validation.parquet'), 'validation', heldOut);
    const settings = grpoSettings(reward, gpus, heldOut.length > 0);
    writeFileAtomically(join(folder, 'grpo.yaml'), formatYaml(settings, HOW_TO));
    writeFileAtomically(
      join(folder, 'reward_fn.py'),
      readFileSync(new URL('./reward_fn.py', import.meta.url), 'utf8'),
    );
  });
  return { out, prompts, heldOutPrompts: heldOut.length, reward, model };
}

const HOW_TO = [
  'GRPO with the settings of the paper. In this folder, with a reward server beside it:',
  `  npx interplay reward --port ${REWARD_PORT}`,
  '  python3 -m verl.trainer.main_ppo --config-path "$PWD" --config-name grpo',
];

/** The settings of PAPER §5.2 in verl's names; what is not named keeps verl's default. */
function grpoSettings(reward: string, gpus: number, validates: boolean): { [key: string]: Yaml } {
  const microBatch = 16;
  return {
    hydra: { searchpath: ['pkg://verl.trainer.config'] },
    defaults: ['ppo_trainer', '_self_'],
    algorithm: { adv_estimator: 'grpo', norm_adv_by_std_in_grpo: true, use_kl_in_reward: false },
    data: {
      train_files: 'data/train.parquet',
      // verl wants a file also when it never validates.
      val_files: validates ? 'data/validation.parquet' : 'data/train.parquet',
      prompt_key: 'prompt',
      reward_fn_key: 'data_source',
      max_prompt_length: 1024,
      max_response_length: 1024,
      train_batch_size: PROMPTS_PER_STEP,
      filter_overlong_prompts: true,
      truncation: 'error',
    },
    actor_rollout_ref: {
      model: { path: 'model' },
      actor: {
        ppo_mini_batch_size: 256,
        ppo_micro_batch_size_per_gpu: microBatch,
        ppo_epochs: 1,
        clip_ratio: 0.2,
        clip_ratio_low: 0.2,
        clip_ratio_high: 0.2,
        clip_ratio_c: 3,
        loss_agg_mode: 'token-mean',
        entropy_coeff: 0,
        use_kl_loss: true,
        kl_loss_coef: 0.001,
        kl_loss_type: 'low_var_kl',
        grad_clip: 1,
        optim: { lr: 1e-6, lr_warmup_steps_ratio: 0, weight_decay: 0.01 },
      },
      rollout: {
        name: 'vllm',
        n: 6,
        temperature: 1,
        top_p: 1,
        top_k: -1,
        gpu_memory_utilization: 0.6,
        tensor_model_parallel_size: 1,
        log_prob_micro_batch_size_per_gpu: microBatch,
        val_kwargs: { do_sample: false, temperature: 0, n: 1 },
      },
      ref: { log_prob_micro_batch_size_per_gpu: microBatch },
    },
    reward_model: { enable: false, reward_manager: 'naive' },
    custom_reward_function: {
      path: 'reward_fn.py',
      name: 'compute_score',
      reward_kwargs: { reward, url: `http://127.0.0.1:${REWARD_PORT}` },
    },
    trainer: {
      total_epochs: 1,
      nnodes: 1,
      n_gpus_per_node: gpus,
      save_freq: 20,
      test_freq: validates ? 20 : -1,
      val_before_train: validates,
      logger: ['console'],
      project_name: 'interplay',
      experiment_name: 'grpo',
    },
  };
}

/** A prompt as verl's `RLHFDataset` reads it. */
interface Prompt {
  /** verl averages validation by this: context and op. */
  data_source: string;
  prompt: { role: string; content: string }[];
  ability: string;
  reward_model: { style: string; ground_truth: string };
  /** What the reward needs, and what identifies the task; `graph` is JSON, empty when the record has none. */
  extra_info: Record<(typeof EXTRA_TEXTS)[number], string> & { index: bigint; op: number };
}

const EXTRA_TEXTS = ['split', 'id', 'template', 'mode', 'solution', 'graph'] as const;

function promptOf(task: ExportedTask, index: number, split: string): Prompt {
  const { id, template, mode, op, solution, graph } = task;
  return {
    data_source: `${template}-op${op}`,
    prompt: [{ role: 'user', content: promptText(task) }],
    ability: 'reasoning',
    reward_model: { style: 'rule', ground_truth: splitSolution(solution).answer },
    extra_info: {
      index: BigInt(index),
      split,
      id: String(id),
      op,
      template,
      mode,
      solution,
      graph: graph === undefined ? '' : JSON.stringify(graph),
    },
  };
}

const text = (name: string): SchemaElement => ({
  name,
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  repetition_type: 'REQUIRED',
});
const group = (name: string, children: SchemaElement[]): SchemaElement[] => [
  { name, repetition_type: 'REQUIRED', num_children: children.length },
  ...children,
];

const SCHEMA: SchemaElement[] = [
  { name: 'root', num_children: 5 },
  text('data_source'),
  { name: 'prompt', repetition_type: 'REQUIRED', num_children: 1, converted_type: 'LIST' },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  ...group('element', [text('role'), text('content')]),
  text('ability'),
  ...group('reward_model', [text('style'), text('ground_truth')]),
  ...group('extra_info', [
    { name: 'index', type: 'INT64', repetition_type: 'REQUIRED' },
    { name: 'op', type: 'INT32', repetition_type: 'REQUIRED' },
    ...EXTRA_TEXTS.map(text),
  ]),
];
const COLUMNS = ['data_source', 'prompt', 'ability', 'reward_model', 'extra_info'] as const;

function writePrompts(path: string, split: string, tasks: Iterable<ExportedTask>): number {
  return writeAtomically(path, (write) => {
    const file = new ParquetRowWriter<Prompt>(write, SCHEMA, (rows) =>
      COLUMNS.map((name) => ({ name, data: rows.map((row) => row[name]) })),
    );
    let count = 0;
    for (const task of tasks) file.add(promptOf(task, count++, split));
    file.finish();
    return count;
  });
}
