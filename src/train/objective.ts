/**
 * Which predicted tokens bear the loss. `all`, the default, is what the paper trains on (PAPER §4.1); `solution` is
 * fine-tuning's choice: everything behind `<solution>` up to the end token, so that a prompt is read and not learned.
 */
import { userError } from '../core/errors.ts';
import { END_TOKEN, type Tokenizer } from '../tokenizer/index.ts';
import type { LossOn } from './dataConfig.ts';

/** Loss weight of each predicted token of a sequence: of n tokens, the last n − 1. */
export type LossWeights = (ids: readonly number[]) => Float32Array;

/**
 * Weights for a tokenizer's sequences; undefined where all are 1. A sequence may hold several texts one after
 * another (packing `paper`).
 * @throws LOSS_TOKENS when the tokenizer cannot tell where a solution begins or ends
 */
export function lossWeights(lossOn: LossOn, tokenizer: Tokenizer): LossWeights | undefined {
  if (lossOn === 'all') return undefined;
  const begin = tokenizer.idOf('<solution>');
  const end = tokenizer.idOf(END_TOKEN);
  if (begin === undefined || end === undefined || !tokenizer.isSpecial(begin)) {
    throw userError(
      'LOSS_TOKENS',
      `a tokenizer with the special tokens <solution> and ${END_TOKEN} for loss_on "solution"`,
      'one without',
      'use a tokenizer trained here, or loss_on "all"',
    );
  }
  return (ids) => {
    const weights = new Float32Array(Math.max(0, ids.length - 1));
    let inSolution = false;
    for (let i = 0; i < weights.length; i++) {
      if (ids[i] === begin) inSolution = true;
      else if (ids[i] === end) inSolution = false;
      if (inSolution) weights[i] = 1;
    }
    return weights;
  };
}
