/**
 * An experiment for LLaMA-Factory, on which the paper pre-trained and mid-trained: model and tokenizer, texts with
 * `dataset_info.json`, and settings of both stages. LLaMA-Factory appends the end token, joins the texts and cuts
 * them into blocks; docs/interop.md lists what differs from a run here.
 */
import { join } from 'node:path';
import { writeFileAtomically, writeFolderAtomically } from '../core/files.ts';
import { writeJsonLines } from '../core/jsonl.ts';
import { loadModel, type ModelConfig, type Qwen2 } from '../model/index.ts';
import { tokenBudget } from '../train/index.ts';
import { type ExperimentOptions, settingsOfRun, trainingTexts, validationTexts } from './experiment.ts';
import { writeHuggingFace } from './huggingface.ts';
import { checkNewFolder } from './output.ts';
import { formatYaml, type Yaml } from './yaml.ts';

/** Settings of a stage, in the names of a run's `config.json`; a run's settings are such settings. */
export interface StageSettings {
  tokens: number;
  batch_tokens: number;
  learning_rate: number;
  min_learning_rate: number;
  /** Share of the tokens. */
  warmup: number;
  weight_decay: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  clip: number;
  seed: number;
  /** A run that started from a model is mid-training. */
  init?: string | undefined;
  schedule?: 'cosine' | 'constant' | 'wsd';
  /** Share of the tokens in which `wsd` falls. */
  decay?: number;
  decay_shape?: 'linear' | 'sqrt';
}

/** The paper's two stages (PAPER §4.1; the mid-training plan of its configuration). */
const PAPER = {
  tokens: 10e9,
  batch_tokens: 524_288,
  learning_rate: 2e-4,
  min_learning_rate: 3e-5,
  warmup: 0.05,
  weight_decay: 0.1,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  clip: 1,
  seed: 42,
};
export const PAPER_STAGES: Readonly<Record<'pretrain' | 'midtrain', StageSettings>> = {
  pretrain: PAPER,
  midtrain: { ...PAPER, tokens: 20e9, learning_rate: 1e-4, warmup: 0.15 },
};

/** What {@link exportLlamaFactory} wrote. */
export interface LlamaFactoryExport {
  out: string;
  trainingTasks: number;
  heldOutTasks: number;
  /** The stage that has the settings of the run; null when both are the paper's. */
  stageOfRun: 'pretrain' | 'midtrain' | null;
  /** To be freed by the caller. */
  model: Qwen2;
}

/**
 * Writes `model/`, `data/` and `pretrain.yaml`, `midtrain.yaml`. The stage that the model's run was has the run's
 * settings and, unless `count` or `tasks` say otherwise, its texts up to its token budget; the other stage has the
 * paper's settings.
 * @throws MODEL_FOLDER, EXPORT_EXISTS, EXPORT_TASKS, and what reading models and tasks throws
 */
export function exportLlamaFactory(
  modelFolder: string,
  out: string,
  options: ExperimentOptions = {},
): LlamaFactoryExport {
  checkNewFolder(out);
  const run = settingsOfRun(modelFolder);
  const { model, tokenizer } = loadModel(modelFolder);
  const heldOut = validationTexts(options, run, tokenizer);
  const texts = trainingTexts(options, run, tokenizer);
  const stageOfRun = run === undefined ? null : run.init === undefined ? 'pretrain' : 'midtrain';
  let written = 0;
  writeFolderAtomically(out, (folder) => {
    writeHuggingFace(join(folder, 'model'), { model, tokenizer });
    written = writeTexts(join(folder, 'data', 'train.jsonl'), texts);
    const sets = ['train'];
    if (heldOut.length > 0) {
      writeTexts(join(folder, 'data', 'validation.jsonl'), heldOut);
      sets.push('validation');
    }
    writeFileAtomically(
      join(folder, 'data', 'dataset_info.json'),
      `${JSON.stringify(datasets(sets), null, 2)}\n`,
    );
    for (const stage of ['pretrain', 'midtrain'] as const) {
      const settings =
        stage === stageOfRun ? { ...run!, tokens: Math.ceil(tokenBudget(run!)) } : PAPER_STAGES[stage];
      const gpus = options.gpus ?? (stage === stageOfRun ? 1 : 4);
      const { comment, values } = stageYaml(stage, settings, model.config, gpus, heldOut.length > 0);
      writeFileAtomically(join(folder, `${stage}.yaml`), formatYaml(values, comment));
    }
  });
  return { out, trainingTasks: written, heldOutTasks: heldOut.length, stageOfRun, model };
}

/** Pre-training texts; without the end token, which LLaMA-Factory appends. */
function writeTexts(path: string, texts: Iterable<string>): number {
  return writeJsonLines(path, rows(texts));
}

function* rows(texts: Iterable<string>): Generator<{ text: string }> {
  for (const text of texts) yield { text };
}

/** `dataset_info.json`: in pre-training the column `prompt` is the whole text. */
function datasets(names: readonly string[]): object {
  return Object.fromEntries(
    names.map((name) => [name, { file_name: `${name}.jsonl`, columns: { prompt: 'text' } }]),
  );
}

/** Sequences that one device takes at a time in the paper. */
const MOST_PER_DEVICE = 64;

/** Settings of one stage as LLaMA-Factory names them. */
function stageYaml(
  stage: 'pretrain' | 'midtrain',
  settings: StageSettings,
  model: ModelConfig,
  gpus: number,
  validates: boolean,
): { comment: string[]; values: { [key: string]: Yaml } } {
  const block = Math.min(
    model.max_position_embeddings,
    Math.max(1, Math.floor(settings.batch_tokens / gpus)),
  );
  const perGpu = Math.max(1, Math.round(settings.batch_tokens / (gpus * block)));
  let accumulation = 1;
  while (perGpu % accumulation !== 0 || perGpu / accumulation > MOST_PER_DEVICE) accumulation++;
  const batch = gpus * block * perGpu;
  const steps = Math.ceil(settings.tokens / batch);
  const count = (value: number) => value.toLocaleString('en-US');
  const comment = [
    `${stage === 'pretrain' ? 'Pre-training from random weights' : 'Mid-training from model/'}: ` +
      `${count(batch)} tokens a step on ${gpus} GPU${gpus === 1 ? '' : 's'}, ${count(steps)} steps.`,
    ...(batch === settings.batch_tokens
      ? []
      : [`The settings ask for ${count(settings.batch_tokens)} a step.`]),
    `In this folder: FORCE_TORCHRUN=1 llamafactory-cli train ${stage}.yaml`,
  ];
  const values = {
    model_name_or_path: 'model',
    ...(stage === 'pretrain' ? { train_from_scratch: true } : {}),
    stage: 'pt',
    do_train: true,
    finetuning_type: 'full',
    flash_attn: 'fa2',
    dataset_dir: 'data',
    dataset: 'train',
    ...(validates ? { eval_dataset: 'validation', eval_strategy: 'steps', eval_steps: 0.05 } : {}),
    template: 'empty', // no chat: the text is taken as it is
    cutoff_len: block,
    output_dir: `saves/${stage}`,
    logging_steps: 10,
    save_steps: 0.01, // every hundredth of the steps, as the paper
    save_only_model: false,
    report_to: 'none',
    per_device_train_batch_size: perGpu / accumulation,
    per_device_eval_batch_size: perGpu / accumulation,
    gradient_accumulation_steps: accumulation,
    max_steps: steps,
    learning_rate: settings.learning_rate,
    ...schedulerYaml(settings, steps),
    warmup_ratio: settings.warmup,
    optim: 'adamw_torch',
    adam_beta1: settings.beta1,
    adam_beta2: settings.beta2,
    adam_epsilon: settings.epsilon,
    weight_decay: settings.weight_decay,
    max_grad_norm: settings.clip,
    bf16: true,
    seed: settings.seed,
  };
  return { comment, values };
}

/** The schedule in the names of transformers' Trainer. */
function schedulerYaml(settings: StageSettings, steps: number): { [key: string]: Yaml } {
  const { schedule = 'cosine', learning_rate: peak, min_learning_rate: floor } = settings;
  if (schedule === 'constant') return { lr_scheduler_type: 'constant_with_warmup' };
  if (schedule === 'cosine') {
    return { lr_scheduler_type: 'cosine_with_min_lr', lr_scheduler_kwargs: { min_lr: floor } };
  }
  const kwargs = {
    num_decay_steps: Math.round(steps * (settings.decay ?? 0.1)),
    min_lr_ratio: floor / peak,
    decay_type: settings.decay_shape === 'sqrt' ? '1-sqrt' : 'linear',
  };
  return { lr_scheduler_type: 'warmup_stable_decay', lr_scheduler_kwargs: kwargs };
}
