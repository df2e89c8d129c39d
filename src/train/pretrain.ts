/**
 * Pre-training (and mid-training: `init` names the model to start from), top to bottom: data, tokenizer, model,
 * then step after step — batch, loss, gradients, update, log, held-out loss, checkpoint.
 *
 * What it is not: a framework. To change the program, change this file.
 *
 *     npx interplay pretrain --config config.json --out out/run        # or --resume
 *     await pretrain({ model: 'micro', tokens: 1_000_000 }, { out: 'out/run' })
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { environment, globalNorm, variableGradients } from '../backend/index.ts';
import { isCancelled, stopsWithin } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import { checkOutputFolder, recoverFolder, writeFileAtomically } from '../core/files.ts';
import { canonicalJson, sha256 } from '../core/hash.ts';
import { readJsonFile } from '../core/json.ts';
import { type ProgressSink, silent } from '../core/progress.ts';
import { parseModelConfig, resolveModelConfig } from '../model/config.ts';
import { loadModel } from '../model/files.ts';
import { createQwen2, type Qwen2, tokenLosses } from '../model/qwen2.ts';
import { openTokenizer, type Tokenizer, trainTokenizer } from '../tokenizer/index.ts';
import { AdamW } from './adamw.ts';
import { createBatches } from './batches.ts';
import {
  latestCheckpoint,
  readState,
  restoreCheckpoint,
  saveCheckpoint,
  type TrainState,
} from './checkpoint.ts';
import { type PretrainConfig, type PretrainInput, parsePretrainConfig } from './config.ts';
import { openData, type TrainingData } from './data.ts';
import { type HeldOutLoss, heldOutLoss, heldOutTexts } from './heldOut.ts';
import { lossWeights } from './objective.ts';
import { type PackedBatch, toTensors } from './packing.ts';
import { RunLog } from './runLog.ts';
import { type CosineSchedule, learningRate } from './schedule.ts';

export interface PretrainOptions {
  /** Run folder (DESIGN §5.4). */
  out: string;
  /** Go on from the newest checkpoint of the folder. */
  resume?: boolean;
  /** Replace an earlier run in the folder. */
  overwrite?: boolean;
  progress?: ProgressSink;
  /** Milliseconds of a steady clock; only the timing file and the display depend on it. */
  clock?: () => number;
}

/** What a run leaves in memory; the caller owns the model (free it with `disposeQwen2`). */
export interface PretrainResult {
  /** Run folder. */
  out: string;
  /** Folder of the last checkpoint, loadable with `loadModel`. */
  checkpoint: string;
  model: Qwen2;
  tokenizer: Tokenizer;
  /** Optimizer steps and tokens, those before a resume included. */
  steps: number;
  tokens: number;
  /** Mean loss of the last logged interval, nats per token. */
  loss: number;
  /** Held-out loss after the last step, nats per token; NaN without held-out tasks. */
  validationLoss: number;
  /** The same by group of tasks, as `validation.by` names them. */
  validationLossByGroup: Record<string, number>;
  /** Tokens per second of this call's training steps, everything but held-out losses and checkpoints included. */
  tokensPerSecond: number;
  /** False when the run was stopped before its token budget was spent; `resume` goes on. */
  finished: boolean;
}

/**
 * Trains a model; see the head of this file. When the surrounding job is cancelled it ends after the current step
 * and saves; whoever stops it is told to wait that long.
 */
export function pretrain(input: PretrainInput, options: PretrainOptions): Promise<PretrainResult> {
  return stopsWithin(STOP_SECONDS, () => train(parsePretrainConfig(input), options));
}

/** A step of the largest model on the slowest backend, a round of held-out losses, and the checkpoint. */
const STOP_SECONDS = 600;

async function train(config: PretrainConfig, options: PretrainOptions): Promise<PretrainResult> {
  const progress = options.progress ?? silent;
  const clock = options.clock ?? (() => performance.now());
  const run = options.out;
  const resumed = checkRun(run, config, options);

  // Data and tokenizer. A resumed run takes the tokenizer of its checkpoint.
  const data = openData(config.data, config.seed);
  const start = startingPoint(config, resumed, data);
  const { tokenizer, model } = start;
  const weigh = lossWeights(config.loss_on, tokenizer);
  const heldOut = heldOutTexts(config.validation, config.data, config.seed, tokenizer);
  const optimizer = new AdamW(model.parameters, {
    beta1: config.beta1,
    beta2: config.beta2,
    epsilon: config.epsilon,
    weightDecay: config.weight_decay,
    clip: config.clip,
  });
  const batches = createBatches(data.sequences(tokenizer), {
    packing: config.packing,
    batchTokens: config.batch_tokens,
    rowTokens: config.row_tokens,
    positions: model.config.max_position_embeddings,
    seed: config.seed,
    weigh,
  });
  batches.at(0); // the first batch shows whether texts fit at all
  if (resumed === undefined) openRun(run, config); // everything has been checked: now files may change

  // Where the run stands; everything else is a function of this and the settings.
  const state: TrainState = {
    step: 0,
    tokens: 0,
    next_sequence: 0,
    since_log: { loss: 0, steps: 0 },
    loss: null,
    config_hash: hashOf(config),
  };
  const log = new RunLog(run);
  if (resumed !== undefined) {
    Object.assign(state, readState(resumed));
    restoreCheckpoint(resumed, model, optimizer, state);
    log.rewindTo(state.step);
  }

  // The schedule counts tokens, so that equal budgets are equal whatever the batches hold.
  const schedule: CosineSchedule = {
    peak: config.learning_rate,
    floor: config.min_learning_rate,
    warmup: Math.max(1, config.warmup * config.tokens),
    total: config.tokens,
  };

  const timed = { tokens: 0, milliseconds: 0, tokensAtLog: state.tokens, logAt: clock() };
  let heldOutNow: HeldOutLoss = { mean: Number.NaN, groups: {} };
  const validate = () => {
    heldOutNow = heldOutLoss(model, heldOut, config.batch_tokens, config.validation.by, weigh);
  };
  let savedStep = resumed === undefined ? -1 : state.step;
  const save = () => {
    if (savedStep === state.step) return;
    if (!Number.isFinite(globalNorm([...model.parameters.values()]))) {
      throw diverged(`weights that are not finite after step ${state.step}`);
    }
    checkpoint = saveCheckpoint(run, model, tokenizer, optimizer, state);
    savedStep = state.step;
  };
  let checkpoint = resumed;

  while (state.tokens < config.tokens && !isCancelled()) {
    const stepStarted = clock();
    const { batch, next } = batches.at(state.next_sequence);
    const rate = learningRate(schedule, state.tokens + batch.ids.length);
    const { batchLoss, gradientNorm } = trainStep(model, optimizer, batch, rate, config.recompute);
    if (!Number.isFinite(batchLoss) || !Number.isFinite(gradientNorm)) {
      throw diverged(`loss ${batchLoss}, gradient norm ${gradientNorm} at step ${state.step + 1}`);
    }
    state.step++;
    state.tokens += batch.ids.length;
    state.next_sequence = next;
    state.since_log.loss += batchLoss;
    state.since_log.steps++;
    timed.tokens += batch.ids.length;
    timed.milliseconds += clock() - stepStarted;

    const last = state.tokens >= config.tokens;
    const logs = last || state.step % config.log_every === 0;
    const validates = last || (config.validate_every > 0 && state.step % config.validate_every === 0);
    if (logs) {
      state.loss = state.since_log.loss / state.since_log.steps;
      state.since_log = { loss: 0, steps: 0 };
      const seconds = (clock() - timed.logAt) / 1000;
      const tokensPerSecond = (state.tokens - timed.tokensAtLog) / seconds;
      log.timing({ step: state.step, seconds, tokens_per_second: tokensPerSecond });
      Object.assign(timed, { tokensAtLog: state.tokens, logAt: clock() });
    }
    if (validates) validate();
    if (logs || validates) {
      log.metrics({
        step: state.step,
        tokens: state.tokens,
        ...(logs ? { loss: state.loss!, gradient_norm: gradientNorm, learning_rate: rate } : {}),
        ...(validates && heldOut.length > 0 ? { validation_loss: heldOutNow.mean } : {}),
        ...(validates && config.validation.by !== undefined
          ? { validation_loss_by_group: heldOutNow.groups }
          : {}),
      });
    }
    if (last || (config.save_every > 0 && state.step % config.save_every === 0)) save();
    const perToken = timed.milliseconds / timed.tokens;
    progress({
      stage: 'train',
      done: Math.min(state.tokens, config.tokens),
      total: config.tokens,
      unit: 'token',
      secondsLeft: (Math.max(0, config.tokens - state.tokens) * perToken) / 1000,
      values: {
        loss: batchLoss,
        ...(Number.isNaN(heldOutNow.mean) ? {} : { validation_loss: heldOutNow.mean }),
        tokens_per_second: 1000 / perToken,
      },
    });
    await nextTurn(); // lets displays, Stop and other work through
  }

  const finished = state.tokens >= config.tokens;
  save();
  if (Number.isNaN(heldOutNow.mean) && finished) validate();
  optimizer.dispose();
  return {
    out: run,
    checkpoint: checkpoint!,
    model,
    tokenizer,
    steps: state.step,
    tokens: state.tokens,
    loss: state.loss ?? Number.NaN,
    validationLoss: heldOutNow.mean,
    validationLossByGroup: heldOutNow.groups,
    tokensPerSecond: (1000 * timed.tokens) / timed.milliseconds,
    finished,
  };
}

function diverged(got: string): Error {
  return userError('DIVERGED', 'a finite loss', got, 'lower learning_rate or raise warmup');
}

/** Loss, gradients and one update; everything made on the way is freed. */
export function trainStep(
  model: Qwen2,
  optimizer: AdamW,
  batch: PackedBatch,
  rate: number,
  recompute: boolean,
) {
  return tf.tidy(() => {
    const { targets, ...inputs } = toTensors(batch);
    const { value, gradients } = variableGradients(
      () => batchLoss(tokenLosses(model, inputs, targets, { recompute }), batch.weights),
      model.parameters,
    );
    const gradientNorm = optimizer.update(gradients, rate);
    return { batchLoss: value.dataSync()[0]!, gradientNorm };
  });
}

/** Mean of the rows' losses by weight; 0 when none has any. */
function batchLoss(losses: tf.Tensor1D, weights: Float32Array | undefined): tf.Scalar {
  if (weights === undefined) return tf.mean(losses) as tf.Scalar;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return tf.mul(tf.sum(tf.mul(losses, tf.tensor1d(weights))), total === 0 ? 0 : 1 / total) as tf.Scalar;
}

/** Checks that the run folder may be used; returns the checkpoint to resume from. Only cleans up after a kill. */
function checkRun(run: string, config: PretrainConfig, options: PretrainOptions): string | undefined {
  checkOutputFolder(run);
  if (options.resume || options.overwrite) {
    recoverFolder(run);
    recoverFolder(join(run, 'checkpoints'));
  }
  const used = existsSync(run) && readdirSync(run).length > 0;
  if (options.resume) {
    const checkpoint = used ? latestCheckpoint(run) : undefined;
    if (checkpoint !== undefined) {
      if (readState(checkpoint).config_hash === hashOf(config)) return checkpoint;
      throw otherSettings(run);
    }
    const path = join(run, 'config.json');
    if (!existsSync(path)) {
      throw userError('RESUME_NOTHING', 'a run to resume', `none in ${run}`, 'start it without --resume');
    }
    if (canonicalJson(readJsonFile(path, 'run settings')) !== canonicalJson(config)) throw otherSettings(run);
    return undefined; // killed before its first checkpoint: begins again
  }
  if (used && !options.overwrite) {
    throw userError(
      'RUN_EXISTS',
      'an empty run folder',
      `${run}, which holds files`,
      'choose another folder, --resume or --overwrite',
    );
  }
  return undefined;
}

function otherSettings(run: string): Error {
  return userError(
    'RESUME_CONFIG',
    `the settings of ${join(run, 'config.json')}`,
    'other settings',
    'resume with the same settings, or start a new run',
  );
}

/** Clears what an earlier run left and writes config.json and env.json. */
function openRun(run: string, config: PretrainConfig): void {
  clearRun(run);
  writeFileAtomically(join(run, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  writeFileAtomically(join(run, 'env.json'), `${JSON.stringify(environment(), null, 2)}\n`);
}

/** Removes what a run writes, and nothing else. */
function clearRun(run: string): void {
  for (const name of ['config.json', 'env.json', 'metrics.jsonl', 'timing.jsonl', 'samples', 'checkpoints']) {
    rmSync(join(run, name), { recursive: true, force: true });
  }
}

/** Model and tokenizer to begin with: of the checkpoint, of `init`, or new. */
function startingPoint(config: PretrainConfig, resumed: string | undefined, data: TrainingData) {
  const folder = resumed ?? config.init;
  if (folder !== undefined) {
    const { model, tokenizer } = loadModel(folder);
    return { model, tokenizer };
  }
  const tokenizer = makeTokenizer(config, data);
  const settings =
    typeof config.model === 'string' && config.model.endsWith('.json')
      ? parseModelConfig(readJsonFile(config.model, 'model config'), config.model)
      : resolveModelConfig(config.model ?? 'micro', { vocab_size: tokenizer.vocabularySize });
  if (settings.vocab_size < tokenizer.vocabularySize) {
    throw userError(
      'VOCABULARY_SIZE',
      `vocab_size at least ${tokenizer.vocabularySize}`,
      String(settings.vocab_size),
      'raise vocab_size or train a smaller tokenizer',
    );
  }
  return { model: createQwen2(settings, config.seed), tokenizer };
}

/** The tokenizer of the settings: read, or trained on the first training texts. */
function makeTokenizer(config: PretrainConfig, data: TrainingData): Tokenizer {
  const { tokenizer = { vocabulary: 512, tasks: 5000 } } = config;
  if (typeof tokenizer === 'string') return openTokenizer(tokenizer);
  const count = Math.min(tokenizer.tasks, data.size ?? Number.POSITIVE_INFINITY);
  const texts = Array.from({ length: count }, (_, i) => data.text!(i)); // shards, which have none, have a tokenizer
  return trainTokenizer(texts, { vocabularySize: tokenizer.vocabulary, special: data.special });
}

function hashOf(config: PretrainConfig): string {
  return sha256(canonicalJson(config), 16);
}

/** One turn of the event loop. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
