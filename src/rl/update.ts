/** The optimizer updates that scored rollouts lead to. */
import * as tf from '@tensorflow/tfjs-core';
import { globalNorm, variableGradients } from '../backend/index.ts';
import { InterplayError, userError } from '../core/errors.ts';
import type { RandomStream } from '../core/random.ts';
import type { Qwen2 } from '../model/qwen2.ts';
import { addGradients } from '../train/accumulate.ts';
import type { AdamW } from '../train/adamw.ts';
import {
  addRollout,
  emptySums,
  isInert,
  type ObjectiveSums,
  type RolloutWeights,
  rolloutWeights,
} from './objective.ts';
import type { Objective } from './options.ts';
import type { PhaseClock } from './phases.ts';
import {
  cut,
  forwardPiece,
  perRollout,
  responseTokens,
  type ScoreOptions,
  scoreTokens,
  toInputs,
} from './score.ts';
import type { ScoredRollout, TokenScores, UpdateStatistics } from './types.ts';

export interface UpdateOptions extends Pick<ScoreOptions, 'temperature' | 'microBatchTokens'> {
  /** With its lengths filled in (see `resolveLengths`). */
  objective: Objective;
  /** Groups of one optimizer update; the last mini-batch of an epoch has the rest. */
  groupsPerMiniBatch: number;
  /** Passes over the rollouts. */
  epochs: number;
  /** Learning rate. */
  rate: number;
  /** Compute each layer again for its gradient (see `ForwardOptions`). */
  recompute?: boolean;
  /** Shuffles the groups before each epoch; default is the given order (verl). */
  order?: RandomStream;
  /** A further loss of every update, already weighted: its value and its gradients, which are added (and used up). */
  further?: () => { loss: number; gradients: Map<string, tf.Tensor> };
}

/**
 * The updates of one step, one after another: per epoch, each mini-batch of whole groups is one optimizer update. A
 * mini-batch without a token that bears loss makes none, unless there is a further loss. A generator, so that other work gets its turn in between.
 * @throws DIVERGED when a loss or gradient is not finite; that update changes neither weights nor optimizer
 */
export function* policyUpdates(
  model: Qwen2,
  optimizer: AdamW,
  rollouts: readonly ScoredRollout[],
  options: UpdateOptions,
): Generator<UpdateStatistics> {
  const groups = byGroup(rollouts);
  let made = 0;
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    const order = groups.slice();
    options.order?.shuffle(order);
    // A further loss is minimised also where nothing was sampled.
    const end = options.further === undefined ? order.length : Math.max(1, order.length);
    for (let first = 0; first < end; first += options.groupsPerMiniBatch) {
      const miniBatch = order.slice(first, first + options.groupsPerMiniBatch).flat();
      const bears = miniBatch.some(({ mask }) => mask.some((token) => token > 0));
      if (!bears && options.further === undefined) continue;
      yield update(model, optimizer, miniBatch, options, ++made);
    }
  }
}

/** All of {@link policyUpdates}, and their mean. */
export function updatePolicy(
  model: Qwen2,
  optimizer: AdamW,
  rollouts: readonly ScoredRollout[],
  options: UpdateOptions,
): { updates: UpdateStatistics[]; mean: UpdateStatistics } {
  const updates = [...policyUpdates(model, optimizer, rollouts, options)];
  return { updates, mean: meanStatistics(updates) };
}

/**
 * The same, where other work gets its turn between updates and `phases` clocks them; `after` is called behind each.
 * @throws DIVERGED, also when weights are not finite afterwards
 */
export async function runUpdates(
  model: Qwen2,
  optimizer: AdamW,
  rollouts: readonly ScoredRollout[],
  options: UpdateOptions,
  phases: PhaseClock,
  after: () => void = () => {},
): Promise<UpdateStatistics[]> {
  const updates = policyUpdates(model, optimizer, rollouts, options);
  const made: UpdateStatistics[] = [];
  for (;;) {
    const { done, value } = phases.measure('update', () => updates.next());
    if (done) break;
    made.push(value);
    after();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  if (!Number.isFinite(globalNorm([...model.parameters.values()]))) {
    throw userError('DIVERGED', 'finite weights', 'others after the update', 'lower learning_rate');
  }
  return made;
}

/** The error of a step that diverged, whose rollouts `keep` saves; any other error as it is. */
export function divergedStep(error: unknown, run: string, step: number, keep: () => void): unknown {
  if (!(error instanceof InterplayError) || error.code !== 'DIVERGED') return error;
  keep();
  return userError(
    'DIVERGED',
    error.expected,
    `${error.got}, step ${step} of ${run}`,
    'lower learning_rate (nan/ in the run folder holds the rollouts; a checkpoint from before is whole)',
  );
}

function byGroup(rollouts: readonly ScoredRollout[]): ScoredRollout[][] {
  const groups = new Map<number, ScoredRollout[]>();
  for (const rollout of rollouts) {
    const members = groups.get(rollout.group);
    if (members === undefined) groups.set(rollout.group, [rollout]);
    else members.push(rollout);
  }
  return [...groups.values()];
}

/** One update on a mini-batch, which may be empty where there is a further loss. @throws DIVERGED */
export function update(
  model: Qwen2,
  optimizer: AdamW,
  miniBatch: readonly ScoredRollout[],
  options: UpdateOptions,
  number: number,
): UpdateStatistics {
  tf.engine().startScope('policy update'); // not tf.tidy, whose result may hold nothing but tensors and numbers
  try {
    const { gradients, sums } = policyGradient(model, miniBatch, options);
    const further = options.further?.();
    if (further !== undefined) {
      addGradients(gradients, further.gradients);
      sums.loss += further.loss;
    }
    const norm = globalNorm([...gradients.values()]);
    if (!Number.isFinite(sums.loss) || !Number.isFinite(norm)) {
      throw userError(
        'DIVERGED',
        'a finite loss and gradient',
        `loss ${sums.loss}, gradient norm ${norm} at update ${number} of the step`,
        'lower learning_rate (nothing of this update was applied)',
      );
    }
    optimizer.update(gradients, options.rate);
    return statistics(sums, norm);
  } finally {
    tf.engine().endScope();
  }
}

/**
 * Loss and gradient of one mini-batch. It is computed in pieces of at most `microBatchTokens` rows; rollouts that move
 * nothing (see {@link isInert}) are run forward for the statistics alone.
 *
 * @returns gradients by parameter name, which the caller frees, and what the tokens add up to
 */
export function policyGradient(
  model: Qwen2,
  miniBatch: readonly ScoredRollout[],
  options: Pick<UpdateOptions, 'objective' | 'temperature' | 'microBatchTokens' | 'recompute'>,
): { gradients: Map<string, tf.Tensor>; sums: ObjectiveSums } {
  const { objective, temperature, microBatchTokens, recompute = false } = options;
  const weights = new Map(
    rolloutWeights(miniBatch, objective).map((each, i) => [miniBatch[i]!, each] as const),
  );
  const sums = emptySums();
  let gradients: Map<string, tf.Tensor> | undefined;
  const [inert, moving] = [true, false].map((wanted) =>
    miniBatch.filter((rollout) => isInert(rollout, objective) === wanted),
  );
  for (const piece of cut(moving!, microBatchTokens)) {
    const inputs = toInputs(piece);
    const found = variableGradients(() => {
      const current = forwardPiece(model, inputs, { temperature, recompute });
      // Read from the tape's own forward pass. A sum with the derivatives as constants has the loss's gradient.
      const slopes = addPiece(piece, weights, perRollout(piece, current), objective, sums);
      const byToken = tf.sum(tf.mul(current.logProbabilities, tf.tensor1d(slopes.logProbabilities)));
      if (objective.entropy.bonus === 0) return byToken as tf.Scalar;
      return tf.add(byToken, tf.sum(tf.mul(current.entropies!, tf.tensor1d(slopes.entropies))));
    }, model.parameters);
    gradients = addGradients(gradients, found.gradients);
    tf.dispose([found.value, inputs.batch.ids, inputs.batch.positions, inputs.targets, inputs.rows]);
  }
  for (const piece of cut(inert!, microBatchTokens)) {
    const scores = scoreTokens(model, piece, { temperature, microBatchTokens });
    addPiece(piece, weights, scores, objective, sums);
  }
  gradients ??= new Map([...model.parameters].map(([name, variable]) => [name, tf.zerosLike(variable)]));
  return { gradients, sums };
}

/** Adds a piece's rollouts to the sums; derivatives of the loss by its tokens, one rollout after another. */
function addPiece(
  piece: readonly ScoredRollout[],
  weights: ReadonlyMap<ScoredRollout, RolloutWeights>,
  scores: readonly TokenScores[],
  objective: Objective,
  sums: ObjectiveSums,
): TokenScores {
  const tokens = responseTokens(piece);
  const all = { logProbabilities: new Float32Array(tokens), entropies: new Float32Array(tokens) };
  let at = 0;
  piece.forEach((rollout, i) => {
    const slopes = addRollout(rollout, weights.get(rollout)!, scores[i]!, objective, sums);
    all.logProbabilities.set(slopes.logProbabilities, at);
    all.entropies.set(slopes.entropies, at);
    at += rollout.response.length;
  });
  return all;
}

function statistics(sums: ObjectiveSums, norm: number): UpdateStatistics {
  const { tokens, clipped } = sums;
  return {
    loss: sums.loss,
    policy_loss: sums.policyLoss,
    kl: sums.kl / tokens,
    entropy: sums.entropy / tokens,
    clip_fraction_low: clipped.low / tokens,
    clip_fraction_high: clipped.high / tokens,
    clip_fraction_dual: clipped.dual / tokens,
    ratio_mean: sums.ratio / tokens,
    ratio_min: sums.ratioMin,
    ratio_max: sums.ratioMax,
    gradient_norm: norm,
    tokens,
  };
}

/** Mean over a step's updates; least and greatest ratio of all, tokens summed. All NaN but tokens when there were none. */
export function meanStatistics(updates: readonly UpdateStatistics[]): UpdateStatistics {
  const mean = statistics(emptySums(), Number.NaN);
  for (const name of Object.keys(mean) as (keyof UpdateStatistics)[]) {
    mean[name] = updates.reduce((sum, each) => sum + each[name], 0) / updates.length;
  }
  mean.tokens = updates.reduce((sum, { tokens }) => sum + tokens, 0);
  if (updates.length === 0) return mean;
  mean.ratio_min = Math.min(...updates.map(({ ratio_min: ratio }) => ratio));
  mean.ratio_max = Math.max(...updates.map(({ ratio_max: ratio }) => ratio));
  return mean;
}
