/** A response as thought and prediction, and whether the prediction is what the text says. */
import { internalError } from '../../core/errors.ts';
import { END_TOKEN, type Tokenizer } from '../../tokenizer/index.ts';

/** What a response to `prefix <think>` consists of. */
export interface Thought {
  /** Tokens between the tags. */
  length: number;
  /** Whether `</think>` was reached. */
  closed: boolean;
  /** Tokens behind it. */
  prediction: readonly number[];
}

/** @param close id of `</think>` */
export function parseThought(response: readonly number[], close: number): Thought {
  const end = response.indexOf(close);
  if (end < 0) return { length: response.length, closed: false, prediction: [] };
  return { length: end, closed: true, prediction: response.slice(end + 1) };
}

/** Whether a response is whole: so many tokens stand behind its first `</think>`. */
export function endsBehind(close: number, tokens: number): (response: readonly number[]) => boolean {
  return (response) => {
    const end = response.length - 1 - tokens;
    return end >= 0 && response[end] === close && response.indexOf(close) === end;
  };
}

/** How a prediction is compared with the text. */
export const MATCHES = ['token', 'prefix'] as const;
export type Match = (typeof MATCHES)[number];

/**
 * RMT's match: as many tokens as were asked for (fewer where the text ends), and all of them those of the text.
 * Token ids are compared, not decoded text.
 */
export function matchesTokens(prediction: readonly number[], truth: readonly number[]): boolean {
  if (truth.length === 0) throw internalError('matchesTokens: nothing to predict');
  return prediction.length === truth.length && truth.every((id, i) => prediction[i] === id);
}

/**
 * RPT's prefix match (2506.08007; METHODS §1.9): the prediction's bytes are the first l bytes of the text that follows,
 * and a token of that text ends there. So a prediction of several tokens, or in other tokens than the text's, counts.
 * An end token behind other tokens ends a prediction and is no part of it.
 *
 * @param following the tokens of the text from the one to predict on
 */
export function matchesPrefix(
  prediction: readonly number[],
  following: readonly number[],
  tokenizer: Tokenizer,
): boolean {
  const end = tokenizer.idOf(END_TOKEN);
  const said = prediction.length > 1 && prediction.at(-1) === end ? prediction.slice(0, -1) : prediction;
  const bytes = Buffer.concat(said.map((id) => tokenizer.bytesOf(id)));
  if (bytes.length === 0) return false;
  let length = 0;
  for (const id of following) {
    const next = tokenizer.bytesOf(id);
    if (length + next.length > bytes.length) return false;
    if (!bytes.subarray(length, length + next.length).equals(next)) return false;
    length += next.length;
    if (length === bytes.length) return true;
  }
  return false;
}
