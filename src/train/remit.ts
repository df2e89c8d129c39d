/**
 * ReMiT (arXiv 2602.03075; METHODS §3): mid-training in which a token counts by how much more a frozen model, tuned by
 * reinforcement learning, likes it than the model at hand does. What the sources do not say is an option here.
 */
import * as tf from '@tensorflow/tfjs-core';
import { userError } from '../core/errors.ts';
import { loadModel } from '../model/files.ts';
import { disposeQwen2, type Qwen2, type TokenBatch, tokenLosses } from '../model/qwen2.ts';
import type { Tokenizer } from '../tokenizer/index.ts';

export interface RemitOptions {
  /** ε: weights are clipped to [1 − ε, 1 + ε]. */
  epsilon: number;
  /** s of w = s·sigmoid(…); 2 makes the weight 1 where both models agree. */
  scale: number;
  /** What the difference is divided by before it is squashed. */
  temperature: number;
  /** Whether the sequence's mean difference is taken off. */
  center: boolean;
  /** Whether the differences of a sequence are divided by their standard deviation. */
  standardize: boolean;
  /** s·sigmoid(x) as published; exp(x), the ratio of the probabilities; or 1 + x. */
  squash: 'sigmoid' | 'exponential' | 'linear';
}

/**
 * Weight of every token (METHODS §3.2, equations 4 and 5): w = clip(s·sigmoid((d − mean d)/temperature), 1 − ε, 1 + ε),
 * the mean over the tokens of its sequence that count (`mask` not 0).
 *
 * @param differences d = log p_RL − log p_current of each token, [T], nats
 * @param segments row offsets of the sequences
 */
export function remitWeights(
  differences: Float32Array,
  segments: Int32Array,
  mask: Float32Array | undefined,
  options: RemitOptions,
): Float32Array {
  const { epsilon, temperature, center, standardize } = options;
  const weights = new Float32Array(differences.length);
  for (let s = 0; s + 1 < segments.length; s++) {
    const [start, end] = [segments[s]!, segments[s + 1]!];
    let count = 0;
    let sum = 0;
    let squares = 0;
    for (let row = start; row < end; row++) {
      if (mask?.[row] === 0) continue;
      count++;
      sum += differences[row]!;
      squares += differences[row]! ** 2;
    }
    if (count === 0) continue;
    const mean = sum / count;
    const deviation = Math.sqrt(Math.max(0, squares / count - mean ** 2));
    // Where all differences are equal there is nothing to standardize by.
    const divisor = temperature * (standardize && deviation > 0 ? deviation : 1);
    for (let row = start; row < end; row++) {
      const x = (differences[row]! - (center ? mean : 0)) / divisor;
      weights[row] = Math.min(1 + epsilon, Math.max(1 - epsilon, squashed(x, options)));
    }
  }
  return weights;
}

function squashed(x: number, { squash, scale }: RemitOptions): number {
  if (squash === 'exponential') return Math.exp(x);
  return squash === 'linear' ? 1 + x : scale / (1 + Math.exp(-x));
}

/** What the weights of a step were, as sums over its tokens. */
export interface RemitSums {
  /** Σ of the batch's own weights, and Σ of those times ReMiT's. */
  mask: number;
  weight: number;
  /** Tokens that count, and those at the lower and upper end of the clipping. */
  tokens: number;
  low: number;
  high: number;
}

/** The same for metrics.jsonl. */
export function remitMetrics({ objective, sums }: { objective: number; sums: RemitSums }) {
  return {
    remit_objective: objective,
    remit_weight: sums.weight / sums.mask,
    remit_clipped_low: sums.low / sums.tokens,
    remit_clipped_high: sums.high / sums.tokens,
  };
}

/** The frozen models of a ReMiT run. */
export class Remit {
  constructor(
    private readonly reference: Qwen2,
    /** The model that d is taken against, when it is not the current one. */
    private readonly base: Qwen2 | undefined,
    private readonly options: RemitOptions,
  ) {}

  /**
   * Loads the reference, and the base to compare with if there is one.
   * @throws REMIT_REFERENCE when it was trained with another tokenizer; the codes of {@link loadModel}
   */
  static load(
    reference: string,
    base: string | undefined,
    tokenizer: Tokenizer,
    options: RemitOptions,
  ): Remit {
    const models: Qwen2[] = [];
    for (const folder of base === undefined ? [reference] : [reference, base]) {
      const loaded = loadModel(folder);
      models.push(loaded.model);
      if (JSON.stringify(loaded.tokenizer.toJson()) === JSON.stringify(tokenizer.toJson())) continue;
      models.forEach(disposeQwen2);
      throw userError(
        'REMIT_REFERENCE',
        'a reference with the tokenizer of the run',
        `${folder}, which has another`,
        'name a model that was tuned from the same base',
      );
    }
    return new Remit(models[0]!, models[1], options);
  }

  /** −log p of each token under the reference and the base; computed before a gradient is recorded. */
  frozenLosses(inputs: TokenBatch, targets: tf.Tensor1D): { reference: Float32Array; base?: Float32Array } {
    const losses = (model: Qwen2) =>
      tf.tidy(() => tokenLosses(model, inputs, targets).dataSync<'float32'>().slice());
    return {
      reference: losses(this.reference),
      ...(this.base === undefined ? {} : { base: losses(this.base) }),
    };
  }

  /** Weights of the tokens from −log p under the frozen models and under the current one, [T]; adds to `sums`. */
  weights(
    frozen: { reference: Float32Array; base?: Float32Array },
    current: Float32Array,
    segments: Int32Array,
    mask: Float32Array | undefined,
    sums: RemitSums,
  ): Float32Array {
    const against = frozen.base ?? current;
    const differences = frozen.reference.map((loss, row) => against[row]! - loss);
    const weights = remitWeights(differences, segments, mask, this.options);
    const [lowest, highest] = [Math.fround(1 - this.options.epsilon), Math.fround(1 + this.options.epsilon)];
    weights.forEach((weight, row) => {
      const own = mask?.[row] ?? 1;
      if (own === 0) return;
      sums.mask += own;
      sums.weight += own * weight;
      sums.tokens++;
      if (weight <= lowest) sums.low++;
      if (weight >= highest) sums.high++;
    });
    return weights;
  }

  dispose(): void {
    disposeQwen2(this.reference);
    if (this.base !== undefined) disposeQwen2(this.base);
  }
}
