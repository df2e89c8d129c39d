/**
 * AdamW (Loshchilov & Hutter, 2019) as PyTorch computes it, with clipping of the global gradient norm. One fused
 * pass over all parameters on the native backend.
 */
import * as tf from '@tensorflow/tfjs-core';
import { clippedAdamwStep } from '../backend/index.ts';
import { internalError } from '../core/errors.ts';

export interface AdamWOptions {
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Decoupled decay of matrices; biases and norm weights are not decayed (as the Hugging Face trainer does). */
  weightDecay: number;
  /** Decays biases and norm weights, too; default false. */
  decayAll?: boolean;
  /** Largest global gradient norm; larger gradients are scaled down to it. */
  clip: number;
}

/** The same as training programs name them. */
export interface AdamWSettings {
  beta1: number;
  beta2: number;
  epsilon: number;
  weight_decay: number;
  decay_all: boolean;
  clip: number;
}

/** The optimizer that the settings of a run describe. */
export function openAdamW(parameters: ReadonlyMap<string, tf.Variable>, settings: AdamWSettings): AdamW {
  const { beta1, beta2, epsilon, clip, weight_decay: weightDecay, decay_all: decayAll } = settings;
  return new AdamW(parameters, { beta1, beta2, epsilon, weightDecay, decayAll, clip });
}

interface State {
  variable: tf.Variable;
  m: tf.Variable;
  v: tf.Variable;
  decay: boolean;
}

/** Optimizer state over named parameters. */
export class AdamW {
  private readonly states = new Map<string, State>();
  /** Updates made so far. */
  step = 0;

  constructor(
    parameters: ReadonlyMap<string, tf.Variable>,
    private readonly options: AdamWOptions,
  ) {
    for (const [name, variable] of parameters) {
      const zeros = tf.zeros(variable.shape);
      const m = tf.variable(zeros);
      const v = tf.variable(zeros);
      zeros.dispose();
      this.states.set(name, {
        variable,
        m,
        v,
        decay: options.decayAll === true || variable.shape.length === 2,
      });
    }
  }

  /**
   * One update from gradients by parameter name, multiplied by `gradientScale`; returns their norm before clipping. As
   * in PyTorch's `clip_grad_norm_`, clipping scales by clip / (norm + 1e-6), at most 1.
   */
  update(gradients: ReadonlyMap<string, tf.Tensor>, learningRate: number, gradientScale = 1): number {
    const names = [...this.states.keys()];
    const ordered = names.map((name) => {
      const gradient = gradients.get(name);
      if (gradient === undefined) throw internalError(`no gradient for ${name}`);
      return gradient;
    });
    this.step++;
    const { beta1, beta2, epsilon, weightDecay, clip } = this.options;
    return clippedAdamwStep(
      [...this.states.values()],
      ordered,
      { step: this.step, learningRate, beta1, beta2, epsilon, weightDecay, gradientScale },
      clip,
    );
  }

  /** First and second moments by `{name}.m` and `{name}.v`, for a checkpoint. */
  moments(): Map<string, tf.Variable> {
    const all = new Map<string, tf.Variable>();
    for (const [name, { m, v }] of this.states) {
      all.set(`${name}.m`, m);
      all.set(`${name}.v`, v);
    }
    return all;
  }

  dispose(): void {
    for (const { m, v } of this.states.values()) {
      m.dispose();
      v.dispose();
    }
    this.states.clear();
  }
}
