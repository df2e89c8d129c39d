/**
 * From per-token terms to one loss. Every aggregation is a sum with fixed weights, which are worked out over the whole
 * mini-batch before it is cut into pieces: the loss is the same however it is batched and accumulated.
 */
import { internalError } from '../core/errors.ts';
import type { Aggregation } from './options.ts';

/**
 * Weight of each token of each response; the loss is Σ weight · term. With m the mask, n_i = Σ_t m_it, and S the number
 * of responses with n_i > 0 (a response out of the loss counts as if it had not been sampled):
 * token_mean m/Σn_i, seq_mean_token_mean m/(S·n_i), seq_mean_token_sum m/S, const_norm m/(S·length).
 *
 * @param masks 1 or 0 for each response token, by response
 * @param length of const_norm
 */
export function tokenWeights(
  masks: readonly Float32Array[],
  aggregation: Aggregation,
  length?: number,
): Float64Array[] {
  if (aggregation === 'const_norm' && length === undefined) {
    throw internalError('tokenWeights: const_norm without a length');
  }
  const counts = masks.map((mask) => mask.reduce((sum, bears) => sum + bears, 0));
  const tokens = counts.reduce((sum, count) => sum + count, 0);
  const responses = counts.filter((count) => count > 0).length;
  return masks.map((mask, i) => {
    const divisor =
      aggregation === 'token_mean'
        ? tokens
        : aggregation === 'seq_mean_token_mean'
          ? responses * counts[i]!
          : responses * (aggregation === 'const_norm' ? length! : 1);
    return Float64Array.from(mask, (bears) => (bears === 0 ? 0 : bears / divisor));
  });
}

/**
 * Which tokens bear the policy loss when only those of highest entropy do (2506.01939): of all tokens in the masks the
 * ⌈share · n⌉ highest, and those equal to the lowest of them. The divisors stay those of all tokens.
 *
 * @param entropies of each response's tokens; masks in the same arrangement
 */
export function topEntropyMasks(
  entropies: readonly Float32Array[],
  masks: readonly Float32Array[],
  share: number,
): Float32Array[] {
  if (share >= 1) return [...masks];
  const values: number[] = [];
  masks.forEach((mask, i) => {
    mask.forEach((bears, t) => {
      if (bears > 0) values.push(entropies[i]![t]!);
    });
  });
  const descending = Float64Array.from(values).sort().reverse();
  const least = descending[Math.ceil(share * values.length) - 1] ?? Number.POSITIVE_INFINITY;
  return masks.map((mask, i) => mask.map((bears, t) => (entropies[i]![t]! >= least ? bears : 0)));
}
