/**
 * The objective as a function of what the model says about the sampled tokens: log-probabilities and entropies. Value
 * and derivatives are worked out here in float64; the model's tape carries the derivatives on (see update.ts).
 *
 *   loss = Σ w·policy + β·Σ w·KL − bonus·Σ w·entropy,   w by aggregation.ts
 */
import { internalError } from '../core/errors.ts';
import { tokenWeights, topEntropyMasks } from './aggregation.ts';
import { klTerm } from './kl.ts';
import type { KlOptions, Objective } from './options.ts';
import { policyTerm, ratioOf } from './policy.ts';
import type { ScoredRollout, TokenScores } from './types.ts';

/** The weights of a rollout's tokens in the loss, and in its policy term alone. */
export interface RolloutWeights {
  all: Float64Array;
  policy: Float64Array;
}

/** A loss and its derivatives by each token's log-probability and entropy. */
export interface Slopes {
  logProbabilities: Float64Array;
  entropies: Float64Array;
}

/** What the tokens of a mini-batch add up to; pieces of it may be added one after another. */
export interface ObjectiveSums {
  /** As minimised; the weights are in it. */
  loss: number;
  policyLoss: number;
  /** Over the tokens that bear loss, unweighted. */
  tokens: number;
  kl: number;
  entropy: number;
  ratio: number;
  clipped: { low: number; high: number; dual: number };
  ratioMin: number;
  ratioMax: number;
}

export function emptySums(): ObjectiveSums {
  return {
    loss: 0,
    policyLoss: 0,
    tokens: 0,
    kl: 0,
    entropy: 0,
    ratio: 0,
    clipped: { low: 0, high: 0, dual: 0 },
    ratioMin: Number.POSITIVE_INFINITY,
    ratioMax: Number.NEGATIVE_INFINITY,
  };
}

/** Weights of every rollout of a mini-batch; must see all of it at once. */
export function rolloutWeights(rollouts: readonly ScoredRollout[], objective: Objective): RolloutWeights[] {
  const masks = rollouts.map(({ mask }) => mask);
  const all = tokenWeights(masks, objective.aggregation, objective.const_norm_length);
  const share = objective.entropy.top_quantile;
  if (share >= 1) return all.map((weights) => ({ all: weights, policy: weights }));
  const entropies = rollouts.map(({ oldEntropies }) => {
    if (oldEntropies === undefined)
      throw internalError('top_quantile: rollouts were scored without entropies');
    return oldEntropies;
  });
  const top = topEntropyMasks(entropies, masks, share);
  return all.map((weights, i) => ({
    all: weights,
    policy: weights.map((weight, t) => (top[i]![t] === 0 ? 0 : weight)),
  }));
}

/**
 * Adds one rollout to the loss and the statistics in `sums`.
 *
 * @param current log-probabilities and entropies of its response under the model that is updated
 * @returns the derivatives of the loss by them
 */
export function addRollout(
  rollout: ScoredRollout,
  weights: RolloutWeights,
  current: TokenScores,
  objective: Objective,
  sums: ObjectiveSums,
): Slopes {
  const count = rollout.response.length;
  const slopes = { logProbabilities: new Float64Array(count), entropies: new Float64Array(count) };
  addPolicy(rollout, weights, current.logProbabilities, objective, sums, slopes);
  addKl(rollout, weights, current.logProbabilities, objective.kl, sums, slopes);
  const { bonus } = objective.entropy;
  for (let t = 0; t < count; t++) {
    if (rollout.mask[t] === 0) continue;
    const entropy = current.entropies[t]!;
    sums.tokens++;
    sums.entropy += entropy;
    if (bonus === 0) continue;
    sums.loss -= bonus * weights.all[t]! * entropy;
    slopes.entropies[t] = -bonus * weights.all[t]!;
  }
  return slopes;
}

/** Whether a rollout moves nothing: out of the loss, or without advantage, KL in the loss and entropy bonus. */
export function isInert({ advantages, mask }: ScoredRollout, { kl, entropy }: Objective): boolean {
  if (mask.every((bears) => bears === 0)) return true;
  const regularised = (kl.beta > 0 && kl.in === 'loss') || entropy.bonus !== 0;
  return !regularised && advantages.every((advantage) => advantage === 0);
}

function addPolicy(
  rollout: ScoredRollout,
  weights: RolloutWeights,
  current: Float32Array,
  { ratio: level, clip }: Objective,
  sums: ObjectiveSums,
  slopes: Slopes,
): void {
  const { advantages, mask, oldLogProbabilities: old } = rollout;
  // The log-ratio of the response is the mean of its tokens' (GSPO, 2507.18071, equation 7).
  const response = level === 'sequence' ? meanLogRatio(current, old, mask) : undefined;
  let responseSlope = 0;
  for (let t = 0; t < current.length; t++) {
    if (mask[t] === 0) continue;
    const logRatio = response?.value ?? current[t]! - old[t]!;
    const term = policyTerm(logRatio, advantages[t]!, clip);
    const weight = weights.policy[t]!;
    sums.loss += weight * term.value;
    sums.policyLoss += weight * term.value;
    if (response === undefined) slopes.logProbabilities[t]! += weight * term.slope;
    else responseSlope += weight * term.slope;
    const ratio = ratioOf(logRatio, clip);
    sums.ratio += ratio;
    sums.ratioMin = Math.min(sums.ratioMin, ratio);
    sums.ratioMax = Math.max(sums.ratioMax, ratio);
    if (term.clipped !== undefined) sums.clipped[term.clipped]++;
  }
  if (response === undefined) return;
  for (let t = 0; t < current.length; t++) {
    if (mask[t] !== 0) slopes.logProbabilities[t]! += responseSlope / response.tokens;
  }
}

function meanLogRatio(current: Float32Array, old: Float32Array, mask: Float32Array) {
  let sum = 0;
  let tokens = 0;
  for (let t = 0; t < current.length; t++) {
    if (mask[t] === 0) continue;
    sum += current[t]! - old[t]!;
    tokens++;
  }
  return { value: sum / tokens, tokens };
}

/** What is logged as KL, whatever the loss uses. */
const LOGGED: KlOptions = {
  beta: 0,
  estimator: 'k3',
  in: 'loss',
  gradient: 'own',
  log_ratio_limit: 20,
  limit: null,
};

function addKl(
  { mask, referenceLogProbabilities: reference }: ScoredRollout,
  weights: RolloutWeights,
  current: Float32Array,
  options: KlOptions,
  sums: ObjectiveSums,
  slopes: Slopes,
): void {
  const beta = options.in === 'loss' ? options.beta : 0;
  if (reference === undefined) {
    if (beta > 0) throw internalError('KL in the loss: rollouts were not scored by a reference');
    sums.kl = Number.NaN;
    return;
  }
  for (let t = 0; t < current.length; t++) {
    if (mask[t] === 0) continue;
    sums.kl += klTerm(current[t]!, reference[t]!, LOGGED).value;
    if (beta === 0) continue;
    const term = klTerm(current[t]!, reference[t]!, options);
    sums.loss += beta * weights.all[t]! * term.value;
    slopes.logProbabilities[t]! += beta * weights.all[t]! * term.slope;
  }
}
