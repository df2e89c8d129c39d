/** What passes between sampling, rewards and the update. */

/** One sampled response to a prompt, in token ids; what an update needs to know of it. */
export interface Rollout {
  /** Which group (prompt) of the step it belongs to, 0 … groups − 1. */
  group: number;
  prompt: readonly number[];
  /** Sampled ids, the stop token included; at least one. */
  response: readonly number[];
  /** Cut at the length limit. */
  truncated: boolean;
  /** After shaping, before KL in the reward; NaN = could not be scored. */
  reward: number;
}

/** What a model says about a rollout's response; one entry per response token. */
export interface TokenScores {
  /** log p at the sampling temperature, nats. */
  logProbabilities: Float32Array;
  /** Entropy of the distribution that each token was drawn from, nats. */
  entropies: Float32Array;
}

/** A rollout with everything that the loss reads. Arrays have one entry per response token. */
export interface ScoredRollout extends Rollout {
  /** Under the trainer's own forward at the sampling temperature, before any update of the step. */
  oldLogProbabilities: Float32Array;
  /** From the same forward pass; needed by `entropy.top_quantile` below 1 alone. */
  oldEntropies?: Float32Array;
  /** Under the reference, at the same temperature; absent without one. */
  referenceLogProbabilities?: Float32Array;
  /** Equal for all tokens under outcome supervision. */
  advantages: Float32Array;
  /** 1 = the token bears loss; 0 for all of a truncated response under overlong mode `mask`. */
  mask: Float32Array;
}

/** What one optimizer update did. Means are over the mini-batch's tokens that bear loss. */
export interface UpdateStatistics {
  /** What was minimised: policy loss + β·KL (when in the loss) − bonus·entropy, as aggregated. */
  loss: number;
  policy_loss: number;
  /** k3 estimate of KL(policy ‖ reference), mean over tokens, nats; NaN without a reference. */
  kl: number;
  /** Mean over tokens, nats. */
  entropy: number;
  /** Share of tokens whose ratio was clipped from below (negative advantage), from above (positive), by the dual clip. */
  clip_fraction_low: number;
  clip_fraction_high: number;
  clip_fraction_dual: number;
  ratio_mean: number;
  ratio_min: number;
  ratio_max: number;
  /** Global norm before clipping. */
  gradient_norm: number;
  /** Response tokens that bear loss. */
  tokens: number;
}
