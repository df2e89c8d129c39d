/**
 * Reinforcement learning on plain text, top to bottom: texts → entropies → tokens to think about → thoughts → rewards →
 * advantages → clipped policy gradient on the thoughts and next-token loss on all other tokens → log, step after step.
 * One program for reinforcement mid-training (RMT), its baseline RPT, and RLP: what differs is settings.
 *
 * What it is not: a framework. To change the program, change this file.
 *
 *     npx interplay rmt --config config.json --out out/rmt        # or --resume
 *     await rmt({ init: 'out/run/checkpoints/step-100', preset: 'rlp' }, { out: 'out/rlp' })
 */
import { isCancelled, stopsWithin } from '../../core/cancellation.ts';
import { randomFamily } from '../../core/random.ts';
import { disposeQwen2 } from '../../model/qwen2.ts';
import { configHash, openRun } from '../../train/runFolder.ts';
import { inRunFolder, type RunSession } from '../../train/session.ts';
import { doneOf, rateOf } from '../accounting.ts';
import { makeExperience } from '../experience.ts';
import { updateMetrics } from '../log.ts';
import { Pace, stepTiming } from '../pace.ts';
import { PhaseClock } from '../phases.ts';
import { saveFailedRollouts, writeSamples } from '../samples.ts';
import { Checkpoints, openLog } from '../session.ts';
import { restoreRl } from '../state.ts';
import type { UpdateStatistics } from '../types.ts';
import { divergedStep, meanStatistics, runUpdates } from '../update.ts';
import { copyWeights } from '../weights.ts';
import { rmtStepCost } from './accounting.ts';
import { budgetAt } from './budget.ts';
import { inputsOf, parseRmtConfig, type RmtConfig, type RmtInput } from './config.ts';
import { nextTokens } from './difficulty.ts';
import { updateAverage } from './ema.ts';
import { byDifficulty, type RmtMetrics, type RmtTiming, thoughtRows } from './log.ts';
import { nextTokenLoss } from './nextTokenLoss.ts';
import { measureEdges, openRmt } from './open.ts';
import { curriculumAt, drawPositions, textsOf } from './positions.ts';
import { candidatesOf, promptsOf } from './prompts.ts';
import type { RmtOptions, RmtResult } from './result.ts';
import { payInformationGain, payMatches } from './rewards.ts';
import { sampleThoughts } from './sampling.ts';
import { type RmtState, readRmtState } from './state.ts';
import { thoughtStatistics } from './statistics.ts';
import { validate } from './validation.ts';

/**
 * Trains a model on plain text by reinforcement; see the head of this file. When the surrounding job is cancelled,
 * thoughts that are being sampled are given up (a resume samples them again), updates under way are finished, and a
 * checkpoint is saved.
 */
export function rmt(input: RmtInput, options: RmtOptions): Promise<RmtResult> {
  return stopsWithin(STOP_SECONDS, () => {
    const config = parseRmtConfig(input);
    return inRunFolder(config, inputsOf(config), options, (session) => train(config, options, session));
  });
}

/** The updates of a step of the largest model on the slowest backend, and the checkpoint. */
const STOP_SECONDS = 600;

async function train(config: RmtConfig, options: RmtOptions, session: RunSession): Promise<RmtResult> {
  const { run, resumed, claim, owned, progress, clock } = session;
  const { curriculum, thinking_budget: budget, positions, objective } = config;

  // Model, texts, and the models beside it. A resumed run takes its policy from the checkpoint.
  const parts = openRmt(config, resumed, owned);
  const { model, tokenizer, optimizer, reference, scorer, average, batches, close, heldOut, facts } = parts;

  // Where the run stands; everything else is a function of this and the settings.
  const state: RmtState = {
    step: 0,
    updates: 0,
    tokens: 0,
    next_sequence: 0,
    rollouts: 0,
    response_tokens: 0,
    token_equivalents: 0,
    edges: facts.edges,
    validated: -1,
    validation: null,
    reward: null,
    inputs: parts.inputs,
    config_hash: configHash(config),
    milestone: false,
  };
  const { every: refreshReference } = objective.reference;
  const tensors = {
    model,
    optimizer,
    // Those of the models beside it that change.
    others: {
      ...(average === undefined ? {} : { average }),
      ...(scorer !== undefined && positions.refresh > 0 ? { scorer } : {}),
      ...(reference !== undefined && refreshReference !== undefined ? { reference } : {}),
    },
  };
  if (resumed !== undefined) restoreRl(resumed, readRmtState, state, tensors);
  claim();
  if (resumed === undefined) openRun(run, config, facts); // everything has been checked: now files may change
  options.onStart?.(facts);
  const log = openLog<RmtMetrics, RmtTiming>(session, 'rmt', config, state);

  const isFinished = () => {
    const { done, total } = doneOf(config, state);
    return done >= total;
  };
  const checkpoints = new Checkpoints(run, config.keep_last, tensors, tokenizer, state, resumed);
  const pace = new Pace(doneOf(config, state).done);
  const phases = new PhaseClock(clock);
  const microBatchTokens = config.micro_batch_tokens;

  for (;;) {
    // t/T, B_t and p_t.
    const ends = doneOf(config, state);
    const elapsed = ends.done / ends.total;
    const thinkingBudget = budget === null ? undefined : budgetAt(budget, elapsed);
    const shares = curriculum === null ? undefined : curriculumAt(curriculum, elapsed);
    const opening = parts.opening(thinkingBudget);

    // Before the first step, every so many, and after the last.
    const { every } = config.validation;
    const due = state.step === 0 || isFinished() || (every > 0 && state.step % every === 0);
    if (due && heldOut.texts.length > 0 && state.validated !== state.step) {
      const started = clock();
      const found = await validate(config, parts, opening);
      if (found === undefined) break; // a resume validates
      writeSamples(run, `validation-${state.step}`, found.rows, config.compress_samples);
      log.metrics({ step: state.step, ...found.metrics });
      log.timing({ step: state.step, seconds: (clock() - started) / 1000, validation: 1 });
      const last = found.metrics.validation_accuracy_thinking;
      if (last !== undefined) state.validation = { first: state.validation?.first ?? last, last };
      state.validated = state.step;
      checkpoints.changed();
    }
    const saves = config.save_every > 0 && state.step > 0 && state.step % config.save_every === 0;
    if (saves || isFinished()) checkpoints.save();
    if (isFinished() || isCancelled()) break;

    // Texts, and how hard each of their tokens is for the model that was measured last.
    phases.take();
    const number = state.step + 1;
    if (scorer !== undefined && isRefreshed(state.step, positions.refresh)) {
      copyWeights(model, scorer);
      state.edges = phases.measure('score', () => measureEdges(scorer, batches, parts.candidates, config));
    }
    const { batch, next } = batches.at(state.next_sequence);
    const texts = textsOf(batch);
    const entropies =
      scorer && phases.measure('score', () => nextTokens(scorer, batch, microBatchTokens).entropies);

    // Tokens to think about.
    const candidates = candidatesOf(texts, {
      ...parts.candidates,
      difficulty: entropies && { entropies, edges: state.edges },
    });
    const stream = randomFamily('tokens to think about', config.seed).at(state.step);
    const drawn = drawPositions(candidates, shares, positions.per_step, stream);
    const prompts = promptsOf(texts, drawn, opening, config.prediction_tokens);

    // Thoughts and what they are paid.
    const gain = config.reward === 'information_gain';
    const groups = await sampleThoughts(
      model,
      tokenizer,
      prompts,
      (index) => `thought ${state.step} ${index}`,
      config,
      { close, predicted: gain ? 0 : config.prediction_tokens },
      (work) => phases.measure('rollout', work),
    );
    if (groups === undefined) break; // a resume samples them again
    phases.measure('verify', () => {
      if (average !== undefined) {
        const baseline = nextTokens(average, batch, microBatchTokens).logProbabilities;
        payInformationGain(groups, model, baseline, { close, microBatchTokens });
        return;
      }
      const match = config.reward === 'prefix' ? 'prefix' : 'token';
      const length = budget === null ? undefined : { ...budget, budget: thinkingBudget! };
      payMatches(groups, match, length, tokenizer);
    });

    // Old and reference log-probabilities, advantages.
    const score = <T>(work: () => T): T => phases.measure('score', work);
    const experience = makeExperience(model, reference, groups, config, score);
    const rows = () => thoughtRows(number, groups, experience.advantages, tokenizer);
    writeSamples(run, `step-${number}`, rows(), config.compress_samples);

    // −J_RL on the thoughts + λ·L_NTP on the tokens that were not drawn.
    const spent = {
      step: number,
      token_equivalents: state.token_equivalents + rmtStepCost(groups, batch.ids.length, config),
    };
    const rate = rateOf(config, spent);
    let nextTokenMean: number | undefined;
    const further = () => {
      const { mean, ...part } = nextTokenLoss(
        model,
        batch,
        drawn.map(({ row }) => row),
        { ...config.next_token, microBatchTokens, recompute: config.recompute },
      );
      nextTokenMean ??= mean; // of several updates the first, before any
      return part;
    };
    const updating = {
      objective,
      temperature: config.temperature,
      microBatchTokens,
      groupsPerMiniBatch: Math.max(1, groups.length),
      epochs: config.epochs,
      rate,
      recompute: config.recompute,
      ...(config.next_token.weight > 0 ? { further } : {}),
    };
    let updates: UpdateStatistics[];
    try {
      updates = await runUpdates(model, optimizer, experience.rollouts, updating, phases, () => {
        if (average !== undefined) updateAverage(average, model, config.baseline.decay);
      });
    } catch (error) {
      const keep = () =>
        saveFailedRollouts(run, number, rows(), { learning_rate: rate, error: String(error) });
      throw divergedStep(error, run, number, keep);
    }
    const mean = updates.length === 0 ? undefined : meanStatistics(updates);

    // Where the run stands now.
    const statistics = thoughtStatistics(groups);
    const responseTokens = groups
      .flatMap(({ rollouts }) => rollouts)
      .reduce((sum, { response }) => sum + response.length, 0);
    Object.assign(state, spent);
    state.updates += updates.length;
    state.tokens += batch.ids.length;
    state.next_sequence = next;
    state.rollouts += groups.length * config.group_size;
    state.response_tokens += responseTokens;
    state.reward = statistics?.reward ?? null;
    if (refreshReference !== undefined && number % refreshReference === 0) copyWeights(model, reference!);
    checkpoints.changed();

    // Log.
    const taken = phases.take();
    const { done, total, unit } = doneOf(config, state);
    const secondsLeft = pace.step(taken.seconds, { done, total });
    log.metrics({
      step: number,
      tokens: state.tokens,
      positions: groups.length, // 0 where the buckets of the curriculum are empty
      ...statistics,
      ...updateMetrics(mean),
      updates: updates.length,
      ...(nextTokenMean === undefined ? {} : { next_token_loss: nextTokenMean }),
      ...(thinkingBudget === undefined ? {} : { thinking_budget: thinkingBudget }),
      ...(shares === undefined ? {} : { curriculum_by_difficulty: byDifficulty(shares) }),
      ...(entropies === undefined ? {} : { text_entropy: meanOf(entropies) }),
      learning_rate: rate,
      ...(experience.samplerGap === undefined ? {} : { sampler_gap: experience.samplerGap }),
      token_equivalents: spent.token_equivalents,
    });
    log.timing(stepTiming(number, taken, responseTokens, secondsLeft));
    progress({
      stage: 'rmt',
      done,
      total,
      unit,
      secondsLeft,
      values: {
        ...(statistics && { reward: statistics.reward, thought_length: statistics.thought_length }),
        ...(statistics?.match === undefined ? {} : { match: statistics.match }),
        ...(nextTokenMean === undefined ? {} : { next_token_loss: nextTokenMean }),
        ...(state.validation === null ? {} : { validation_accuracy_thinking: state.validation.last }),
        tokens_per_second: responseTokens / taken.seconds,
      },
    });
  }

  checkpoints.save();
  optimizer.dispose();
  for (const other of [reference, scorer, average]) if (other !== undefined) disposeQwen2(other);
  return {
    out: run,
    checkpoint: checkpoints.latest!,
    model,
    tokenizer,
    steps: state.step,
    updates: state.updates,
    tokens: state.tokens,
    rollouts: state.rollouts,
    tokenEquivalents: state.token_equivalents,
    reward: state.reward ?? Number.NaN,
    validationBefore: state.validation?.first ?? Number.NaN,
    validationAfter: isFinished() ? (state.validation?.last ?? Number.NaN) : Number.NaN,
    secondsPerStep: pace.secondsPerStep,
    finished: isFinished(),
  };
}

/** Whether entropies are measured anew before a step; the first measurement is that of the start. */
const isRefreshed = (step: number, every: number): boolean => every > 0 && step > 0 && step % every === 0;

const meanOf = (values: Float32Array): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
