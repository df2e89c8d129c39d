/**
 * Pre-training (and mid-training: `init` names the model to start from), top to bottom: data, tokenizer, model,
 * then step after step — batch, loss, gradients, update, log, held-out loss, checkpoint.
 *
 * What it is not: a framework. To change the program, change this file.
 *
 *     npx interplay pretrain --config config.json --out out/run        # or --resume
 *     await pretrain({ model: 'micro', tokens: 1_000_000 }, { out: 'out/run' })
 */
import { globalNorm } from '../backend/index.ts';
import { isCancelled, stopsWithin } from '../core/cancellation.ts';
import { userError } from '../core/errors.ts';
import { flopsPerToken, type ModelConfig } from '../model/config.ts';
import { disposeQwen2, type Qwen2 } from '../model/qwen2.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { openAdamW } from './adamw.ts';
import { openSequences } from './ahead.ts';
import { createBatches } from './batches.ts';
import {
  readState,
  removeOldCheckpoints,
  restoreCheckpoint,
  saveCheckpoint,
  type TrainState,
} from './checkpoint.ts';
import { tokenBudget, trainingEquivalents } from './compute.ts';
import { inputsOf, type PretrainConfig, type PretrainInput, parsePretrainConfig } from './config.ts';
import { openData } from './data.ts';
import { type HeldOutLoss, heldOutLoss, heldOutTexts } from './heldOut.ts';
import { limitLength, warmupLength } from './lengthWarmup.ts';
import { measureGemmPeak } from './machine.ts';
import { lossWeights } from './objective.ts';
import { Remit, remitMetrics } from './remit.ts';
import { configHash, openRun, type RunFacts, runFacts, saveFailedStep } from './runFolder.ts';
import { RunLog } from './runLog.ts';
import { learningRate, type Schedule } from './schedule.ts';
import { inRunFolder, type RunOptions, type RunSession } from './session.ts';
import { startingPoint } from './start.ts';
import { trainStep } from './step.ts';

export interface PretrainOptions extends RunOptions {
  /** Threads that make batches ahead; none by default. Never changes what is computed. */
  workers?: number;
  /** Told what is known of the run before its first step. */
  onStart?: (facts: RunFacts, model: ModelConfig) => void;
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
  /** Compute spent, ReMiT's passes included. */
  tokenEquivalents: number;
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
  return stopsWithin(STOP_SECONDS, () => {
    const config = parsePretrainConfig(input);
    return inRunFolder(config, inputsOf(config), options, (session) => train(config, options, session));
  });
}

/** A step of the largest model on the slowest backend, a round of held-out losses, and the checkpoint. */
const STOP_SECONDS = 600;

async function train(
  config: PretrainConfig,
  options: PretrainOptions,
  { run, resumed, claim, owned, progress, clock, wallTime }: RunSession,
): Promise<PretrainResult> {
  // Data, tokenizer, model. A resumed run takes the tokenizer of its checkpoint.
  const data = openData(config.data, config.seed);
  const { tokenizer, model } = startingPoint(config, resumed, data);
  owned.push({ dispose: () => disposeQwen2(model) });
  const weigh = lossWeights(config.loss_on, tokenizer);
  const heldOut = heldOutTexts(config.validation, config.data, config.seed, tokenizer);
  const remit = openRemit(config, tokenizer);
  if (remit !== undefined) owned.push(remit.models);
  const optimizer = openAdamW(model.parameters, config);
  owned.push(optimizer);
  const sequences = openSequences(config, data, tokenizer, options.workers);
  owned.push(sequences);
  const batches = createBatches(sequences, {
    packing: config.packing,
    batchTokens: config.batch_tokens,
    rowTokens: config.row_tokens,
    positions: model.config.max_position_embeddings,
    seed: config.seed,
    weigh,
  });
  batches.at(0); // the first batch shows whether texts fit at all

  const total = tokenBudget(config);
  const flops = flopsPerToken(model.config, 0); // attention left out: texts are short
  const facts = runFacts(model.config, flops * total, measureGemmPeak(clock));
  claim();
  if (resumed === undefined) openRun(run, config, facts); // everything has been checked: now files may change
  options.onStart?.(facts, model.config);

  // Where the run stands; everything else is a function of this and the settings.
  const state: TrainState = {
    step: 0,
    tokens: 0,
    next_sequence: 0,
    since_log: { loss: 0, steps: 0 },
    loss: null,
    config_hash: configHash(config),
    milestone: false,
  };
  const log = new RunLog(run, config.tensorboard ? { tensorboard: wallTime } : {});
  if (resumed !== undefined) {
    Object.assign(state, readState(resumed));
    restoreCheckpoint(resumed, model, optimizer, state.step);
    log.rewindTo(state.step);
  }

  // The schedule counts tokens, so that equal budgets are equal whatever the batches hold.
  const schedule: Schedule = {
    kind: config.schedule,
    peak: config.learning_rate,
    floor: config.min_learning_rate,
    warmup: Math.max(1, config.warmup * total),
    total,
    decay: config.decay * total,
    decayShape: config.decay_shape,
  };

  const timed = { tokens: 0, milliseconds: 0, tokensAtLog: state.tokens, logAt: clock() };
  let heldOutNow: HeldOutLoss = { mean: Number.NaN, groups: {} };
  const validate = () => {
    const atOnce = config.micro_batch_tokens ?? config.batch_tokens;
    heldOutNow = heldOutLoss(model, heldOut, atOnce, config.validation.by, weigh);
  };
  let savedStep = resumed === undefined ? -1 : state.step;
  const save = () => {
    if (savedStep === state.step) return;
    if (!Number.isFinite(globalNorm([...model.parameters.values()]))) {
      throw diverged(`weights that are not finite after step ${state.step}`, run);
    }
    checkpoint = saveCheckpoint(run, model, tokenizer, optimizer, state);
    savedStep = state.step;
    removeOldCheckpoints(run, config.keep_last, state.step);
  };
  let checkpoint = resumed;

  while (state.tokens < total && !isCancelled()) {
    const stepStarted = clock();
    const { batch: whole, next } = batches.at(state.next_sequence);
    const lengths = config.length_warmup;
    const length = lengths === undefined ? Number.POSITIVE_INFINITY : warmupLength(lengths, state.step);
    const batch = limitLength(whole, length, lengths?.how ?? 'rechunk');
    const rate = learningRate(schedule, state.tokens + batch.ids.length);
    const update = trainStep(model, optimizer, batch, {
      rate,
      recompute: config.recompute,
      ...(config.micro_batch_tokens === undefined ? {} : { microBatchTokens: config.micro_batch_tokens }),
      ...(remit === undefined ? {} : { remit }),
    });
    if (!Number.isFinite(update.loss) || !Number.isFinite(update.gradientNorm)) {
      const step = state.step + 1;
      const { loss, gradientNorm, notFinite } = update;
      saveFailedStep(run, step, batch, tokenizer, {
        tokens: state.tokens,
        loss,
        gradient_norm: gradientNorm,
        learning_rate: rate,
        not_finite: notFinite ?? {},
      });
      throw diverged(`loss ${loss}, gradient norm ${gradientNorm} at step ${step}`, run);
    }
    const tokensBefore = state.tokens;
    state.step++;
    state.tokens += batch.ids.length;
    state.next_sequence = next;
    state.since_log.loss += update.loss;
    state.since_log.steps++;
    timed.tokens += batch.ids.length;
    timed.milliseconds += clock() - stepStarted;

    const last = state.tokens >= total;
    const logs = last || state.step % config.log_every === 0;
    const validates = last || (config.validate_every > 0 && state.step % config.validate_every === 0);
    const perToken = timed.milliseconds / timed.tokens;
    const secondsLeft = (Math.max(0, total - state.tokens) * perToken) / 1000;
    const memory = process.memoryUsage.rss() / 2 ** 20;
    const mfu = (tokensPerSecond: number) => (tokensPerSecond * flops) / facts.gemm_flops_per_second;
    if (logs) {
      state.loss = state.since_log.loss / state.since_log.steps;
      state.since_log = { loss: 0, steps: 0 };
      const seconds = (clock() - timed.logAt) / 1000;
      const tokensPerSecond = (state.tokens - timed.tokensAtLog) / seconds;
      log.timing({
        step: state.step,
        seconds,
        tokens_per_second: tokensPerSecond,
        mfu: mfu(tokensPerSecond),
        seconds_left: secondsLeft,
        memory_mib: memory,
      });
      Object.assign(timed, { tokensAtLog: state.tokens, logAt: clock() });
    }
    if (validates) validate();
    if (logs || validates) {
      log.metrics({
        step: state.step,
        tokens: state.tokens,
        token_equivalents: trainingEquivalents(config, state.tokens),
        ...(logs ? { loss: state.loss!, gradient_norm: update.gradientNorm, learning_rate: rate } : {}),
        ...(logs && Number.isFinite(length) ? { sequence_length: length } : {}),
        ...(logs && update.remit !== undefined ? remitMetrics(update.remit) : {}),
        ...(validates && heldOut.length > 0 ? { validation_loss: heldOutNow.mean } : {}),
        ...(validates && config.validation.by !== undefined
          ? { validation_loss_by_group: heldOutNow.groups }
          : {}),
      });
    }
    const crossed = (tokens: number) => tokensBefore < tokens && tokens <= state.tokens;
    state.milestone = config.save_at_tokens.some(crossed);
    const every = config.save_every_tokens;
    const saves =
      last ||
      state.milestone ||
      (config.save_every > 0 && state.step % config.save_every === 0) ||
      (every > 0 && crossed(every * Math.floor(state.tokens / every)));
    if (saves) save();
    progress({
      stage: 'train',
      done: Math.min(state.tokens, total),
      total: Math.ceil(total),
      unit: 'token',
      secondsLeft,
      values: {
        loss: update.loss,
        ...(Number.isNaN(heldOutNow.mean) ? {} : { validation_loss: heldOutNow.mean }),
        tokens_per_second: 1000 / perToken,
        mfu: mfu(1000 / perToken),
        memory_mib: memory,
      },
    });
    await nextTurn(); // lets displays, Stop and other work through
  }

  const finished = state.tokens >= total;
  save();
  if (Number.isNaN(heldOutNow.mean) && finished) validate();
  optimizer.dispose();
  sequences.dispose();
  remit?.models.dispose();
  return {
    out: run,
    checkpoint: checkpoint!,
    model,
    tokenizer,
    steps: state.step,
    tokens: state.tokens,
    tokenEquivalents: trainingEquivalents(config, state.tokens),
    // A run stopped before its first logged step has a loss all the same.
    loss: state.loss ?? state.since_log.loss / state.since_log.steps,
    validationLoss: heldOutNow.mean,
    validationLossByGroup: heldOutNow.groups,
    tokensPerSecond: (1000 * timed.tokens) / timed.milliseconds,
    finished,
  };
}

function diverged(got: string, run: string): Error {
  return userError(
    'DIVERGED',
    'a finite loss and gradient',
    `${got} of ${run}`,
    'lower learning_rate or raise warmup (nan/ in the run folder holds the batch; the last checkpoint is whole)',
  );
}

/** The frozen models that the settings name. */
function openRemit(config: PretrainConfig, tokenizer: Tokenizer) {
  if (config.remit === undefined) return undefined;
  const { reference, delta_source: source, normalize, ...options } = config.remit;
  const base = source === 'frozen_base' ? config.init : undefined;
  return { models: Remit.load(reference, base, tokenizer, options), normalize };
}

/** One turn of the event loop. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
