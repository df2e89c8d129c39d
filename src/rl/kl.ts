/**
 * Estimators of KL(policy ‖ reference) from the log-probabilities of a sampled token (Schulman 2020, “Approximating KL
 * Divergence”), clamped as verl does.
 */
import type { KlOptions } from './options.ts';
import { clamp, type Term } from './policy.ts';

/**
 * Estimate for one token and its derivative by log p. With d = log p − log ref: k1 = d, abs = |d|, k2 = d²/2,
 * k3 = e^(−d) + d − 1 (never negative). Only k3 is clamped: −d to ± log_ratio_limit, the value to ± limit; where a clamp
 * holds, the derivative is 0. Under `gradient: 'k2'` the derivative is d, whatever the value.
 */
export function klTerm(logProbability: number, reference: number, options: KlOptions): Term {
  const d = logProbability - reference;
  const term = estimate(d, options);
  return options.gradient === 'k2' ? { value: term.value, slope: d } : term;
}

function estimate(d: number, options: KlOptions): Term {
  if (options.estimator === 'k1') return { value: d, slope: 1 };
  if (options.estimator === 'k2') return { value: (d * d) / 2, slope: d };
  if (options.estimator === 'abs') return { value: Math.abs(d), slope: Math.sign(d) };
  const x = clamp(-d, options.log_ratio_limit);
  const value = Math.exp(x) - x - 1;
  const limited = clamp(value, options.limit);
  return { value: limited, slope: x === -d && limited === value ? 1 - Math.exp(x) : 0 };
}

/**
 * Σ over a response's tokens of the estimate: what `in: 'reward'` takes off the response's reward, times β (verl
 * apply_kl_penalty, whose GRPO sums token rewards before the baseline).
 *
 * @param old log-probabilities under the policy that sampled
 */
export function sequenceKl(old: Float32Array, reference: Float32Array, options: KlOptions): number {
  let sum = 0;
  for (let t = 0; t < old.length; t++) sum += klTerm(old[t]!, reference[t]!, options).value;
  return sum;
}
