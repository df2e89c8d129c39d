/**
 * Reinforcement learning with verifiable rewards, top to bottom: prompts → rollouts → verdicts → rewards → advantages →
 * clipped updates → log, step after step, with validation and checkpoints. Rollouts and updates share one set of weights.
 *
 * What it is not: a framework. To change the program, change this file.
 *
 *     npx interplay grpo --config config.json --out out/rl        # or --resume
 *     await grpo({ init: 'out/run/checkpoints/step-100' }, { out: 'out/rl' })
 */
import { isCancelled, stopsWithin } from '../core/cancellation.ts';
import { disposeQwen2 } from '../model/qwen2.ts';
import type { RunLog } from '../train/index.ts';
import { configHash, openRun } from '../train/runFolder.ts';
import { inRunFolder, type RunOptions, type RunSession } from '../train/session.ts';
import { doneOf, rateOf, stepCost } from './accounting.ts';
import { type GrpoConfig, type GrpoInput, inputsOf, parseGrpoConfig } from './config.ts';
import { advanceCurriculum, CURRICULUM_START } from './curriculum.ts';
import { makeExperience } from './experience.ts';
import { type GrpoMetrics, type GrpoTiming, updateMetrics } from './log.ts';
import { type GrpoFacts, openParts } from './open.ts';
import { Pace, stepTiming } from './pace.ts';
import { PhaseClock } from './phases.ts';
import type { RewardFunction } from './rewards.ts';
import { collectRollouts, type StepRollouts } from './rollouts.ts';
import { readSavedRows, rolloutRows, saveFailedRollouts, writeSamples } from './samples.ts';
import { Checkpoints, openLog, type RlResult } from './session.ts';
import { type GrpoState, readGrpoState, restoreRl } from './state.ts';
import { rolloutStatistics } from './statistics.ts';
import type { UpdateStatistics } from './types.ts';
import { divergedStep, meanStatistics, runUpdates, type UpdateOptions } from './update.ts';
import { gainSince, type Validation, validate } from './validation.ts';
import { copyWeights } from './weights.ts';

export interface GrpoOptions extends RunOptions {
  /** Reward functions of one's own, by the names that `reward` of the settings uses. */
  rewards?: Readonly<Record<string, RewardFunction>>;
  /** Told what is known of the run before its first step. */
  onStart?: (facts: GrpoFacts) => void;
}

/** What a run leaves in memory; validations are verified pass@1 on the held-out tasks. */
export interface GrpoResult extends RlResult {
  /** Share of verified responses of the last step; NaN before the first. */
  passRate: number;
}

/**
 * Trains a model by GRPO or a variant; see the head of this file. When the surrounding job is cancelled, rollouts that
 * are being sampled are given up (a resume samples them again), updates under way are finished, and a checkpoint is saved.
 */
export function grpo(input: GrpoInput, options: GrpoOptions): Promise<GrpoResult> {
  return stopsWithin(STOP_SECONDS, () => {
    const config = parseGrpoConfig(input);
    return inRunFolder(config, inputsOf(config), options, (session) => train(config, options, session));
  });
}

/** The updates of a step of the largest model on the slowest backend, and the checkpoint. */
const STOP_SECONDS = 600;

async function train(config: GrpoConfig, options: GrpoOptions, session: RunSession): Promise<GrpoResult> {
  const { run, resumed, claim, owned, progress, clock } = session;
  const { objective } = config;

  // Rewards, model, reference, optimizer, tasks. A resumed run takes its policy from the checkpoint.
  const parts = await openParts(config, resumed, options.rewards, owned);
  const { model, tokenizer, optimizer, reference, recipe, rewards, heldOut, facts } = parts;

  // Where the run stands; everything else is a function of this and the settings.
  const state: GrpoState = {
    step: 0,
    updates: 0,
    rollouts: 0,
    tokens: 0,
    token_equivalents: 0,
    token_equivalents_nominal: 0,
    curriculum: CURRICULUM_START,
    validated: -1,
    validation: null,
    last: null,
    inputs: parts.inputs,
    config_hash: configHash(config),
    milestone: false,
  };
  const tensors = {
    model,
    optimizer,
    // The reference changes only where it is refreshed.
    others: reference !== undefined && objective.reference.kind === 'refreshed' ? { reference } : {},
  };
  if (resumed !== undefined) restoreRl(resumed, readGrpoState, state, tensors);
  claim();
  if (resumed === undefined) openRun(run, config, facts); // everything has been checked: now files may change
  options.onStart?.(facts);
  const log = openLog<GrpoMetrics, GrpoTiming>(session, 'rl', config, state);

  const isFinished = () => {
    const { done, total } = doneOf(config, state);
    return done >= total;
  };
  const checkpoints = new Checkpoints(run, config.keep_last, tensors, tokenizer, state, resumed);
  const pace = new Pace(doneOf(config, state).done);
  const phases = new PhaseClock(clock);
  const context = { model, tokenizer, config, recipe, rewards, phases };

  for (;;) {
    // Before the first step, every so many, and after the last.
    const { every } = config.validation;
    const due = state.step === 0 || isFinished() || (every > 0 && state.step % every === 0);
    if (due && heldOut.length > 0 && state.validated !== state.step) {
      const started = clock();
      const found = await validate(model, tokenizer, heldOut, config);
      if (found === undefined) break; // a resume validates
      logValidation(run, config, state, found, log);
      log.timing({ step: state.step, seconds: (clock() - started) / 1000, validation: 1 });
      checkpoints.changed();
    }
    const saves = config.save_every > 0 && state.step > 0 && state.step % config.save_every === 0;
    if (saves || isFinished()) checkpoints.save();
    if (isFinished() || isCancelled()) break;

    // Prompts, rollouts, verdicts, rewards.
    phases.take();
    const stage = state.curriculum.stage;
    const step = await collectRollouts(context, state.step, stage);
    if (step === undefined) break; // a resume samples them again

    // Old and reference log-probabilities, advantages.
    const score = <T>(work: () => T): T => phases.measure('score', work);
    const experience = makeExperience(model, reference, step.trained, config, score);
    const number = state.step + 1;
    const rows = () => rolloutRows(number, step, experience.advantages);
    writeSamples(run, `step-${number}`, rows(), config.compress_samples);

    // Clipped updates.
    const cost = stepCost(step, config);
    const spent = {
      step: number,
      token_equivalents: state.token_equivalents + cost.measured,
      token_equivalents_nominal: state.token_equivalents_nominal + cost.nominal,
    };
    const rate = rateOf(config, spent);
    let updates: UpdateStatistics[];
    try {
      updates = await runUpdates(model, optimizer, experience.rollouts, updateOptions(config, rate), phases);
    } catch (error) {
      throw divergedStep(error, run, number, () =>
        saveFailedRollouts(run, number, rows(), { learning_rate: rate, error: String(error) }),
      );
    }
    const mean = updates.length === 0 ? undefined : meanStatistics(updates);

    // Where the run stands now.
    const statistics = rolloutStatistics(step);
    const { rollouts, responseTokens } = cost;
    Object.assign(state, spent);
    state.updates += updates.length;
    state.rollouts += rollouts;
    state.tokens += responseTokens;
    state.last = { reward: statistics.reward, pass_rate: statistics.pass_rate };
    if (config.curriculum !== undefined) {
      state.curriculum = advanceCurriculum(config.curriculum, state.curriculum, statistics.pass_rate);
    }
    const refresh = objective.reference.every;
    if (refresh !== undefined && number % refresh === 0) copyWeights(model, reference!);
    checkpoints.changed();

    // Log.
    const taken = phases.take();
    const { done, total, unit } = doneOf(config, state);
    const secondsLeft = pace.step(taken.seconds, { done, total });
    log.metrics({
      step: number,
      tokens: state.tokens,
      ...statistics,
      ...updateMetrics(mean),
      updates: updates.length,
      learning_rate: rate,
      ...(experience.samplerGap === undefined ? {} : { sampler_gap: experience.samplerGap }),
      ...(config.curriculum === undefined ? {} : { curriculum_stage: stage }),
      token_equivalents: spent.token_equivalents,
      token_equivalents_nominal: spent.token_equivalents_nominal,
    });
    log.timing(stepTiming(number, taken, responseTokens, secondsLeft));
    progress({
      stage: 'grpo',
      done,
      total,
      unit,
      secondsLeft,
      values: {
        reward: statistics.reward,
        pass_rate: statistics.pass_rate,
        ...(mean === undefined ? {} : { entropy: mean.entropy }),
        ...(mean === undefined || Number.isNaN(mean.kl) ? {} : { kl: mean.kl }),
        ...(state.validation === null ? {} : { validation_pass_at_1: state.validation.last }),
        tokens_per_second: responseTokens / taken.seconds,
      },
      ...newestSample(step),
    });
  }

  checkpoints.save();
  optimizer.dispose();
  if (reference !== undefined) disposeQwen2(reference);
  return {
    out: run,
    checkpoint: checkpoints.latest!,
    model,
    tokenizer,
    steps: state.step,
    updates: state.updates,
    rollouts: state.rollouts,
    tokenEquivalents: state.token_equivalents,
    reward: state.last?.reward ?? Number.NaN,
    passRate: state.last?.pass_rate ?? Number.NaN,
    validationBefore: state.validation?.first ?? Number.NaN,
    validationAfter: isFinished() ? (state.validation?.last ?? Number.NaN) : Number.NaN,
    secondsPerStep: pace.secondsPerStep,
    finished: isFinished(),
  };
}

/** What the updates of a step are told. */
function updateOptions(config: GrpoConfig, rate: number): UpdateOptions {
  return {
    objective: config.objective,
    temperature: config.temperature,
    microBatchTokens: config.micro_batch_tokens,
    groupsPerMiniBatch: config.mini_batch_prompts,
    epochs: config.epochs,
    rate,
    recompute: config.recompute,
  };
}

/** Writes what a validation found into the log, the samples and the state. */
function logValidation(
  run: string,
  config: GrpoConfig,
  state: GrpoState,
  { rows, metrics }: Validation,
  log: RunLog<GrpoMetrics, GrpoTiming>,
): void {
  writeSamples(run, `validation-${state.step}`, rows, config.compress_samples);
  const before = state.step === 0 ? undefined : readSavedRows(run, 'validation-0', config.compress_samples);
  const gain = before === undefined ? {} : gainSince(before, rows, config.seed);
  log.metrics({ step: state.step, ...metrics, ...gain });
  const last = metrics.validation_pass_at_1;
  state.validation = { first: state.validation?.first ?? last, last };
  state.validated = state.step;
}

/** The last response of a step, for the progress report. */
function newestSample({ groups }: StepRollouts): { sample?: string } {
  const sample = groups.at(-1)?.rollouts.at(-1)?.text;
  return sample === undefined ? {} : { sample };
}
