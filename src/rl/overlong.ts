/** Responses that reach the length limit (DAPO, 2503.14476 §3.4). */
import { internalError } from '../core/errors.ts';
import type { OverlongOptions } from './options.ts';

/**
 * What mode `soft` adds to the reward of a response: 0 up to l_max − l_cache tokens, from there falling linearly to
 * −factor at l_max, −factor beyond (equation 13). A response cut at the limit counts as beyond, wherever it was cut.
 * 0 under the other modes.
 *
 * @param options with the lengths filled in (see `resolveLengths`)
 */
export function overlongPenalty(tokens: number, truncated: boolean, options: OverlongOptions): number {
  if (options.mode !== 'soft') return 0;
  const { l_max: most, l_cache: cache, factor } = options;
  if (most === undefined || cache === undefined) throw internalError('overlongPenalty: lengths not resolved');
  const free = most - cache;
  if (truncated || tokens > most) return -factor;
  return tokens <= free ? 0 : (factor * (free - tokens)) / cache;
}

/** Loss mask of a response of so many tokens: all 1, or all 0 when it was cut and mode is `mask` (overlong filtering). */
export function lossMask(tokens: number, truncated: boolean, { mode }: OverlongOptions): Float32Array {
  return new Float32Array(tokens).fill(mode === 'mask' && truncated ? 0 : 1);
}
