/** What is continued: prompts as text or as tokens. */
import { internalError, userError } from '../core/errors.ts';
import type { Tokenizer } from '../tokenizer/index.ts';

interface Named {
  /** Names the prompt in the random streams (a task's id). */
  key: string;
  /** Index of the first sample to take, for who has the earlier ones; default 0. Below `settings.samples`. */
  firstSample?: number;
}

/** A prompt as text. */
export interface Prompt extends Named {
  text: string;
}

/** A prompt as tokens: a text that is cut inside a word may encode to others. */
export interface TokenPrompt extends Named {
  ids: readonly number[];
}

/** Its tokens. */
export const idsOf = (tokenizer: Tokenizer, prompt: Prompt | TokenPrompt): readonly number[] =>
  'ids' in prompt ? prompt.ids : tokenizer.encode(prompt.text);

/** Tokens of the longest prompt, 1 or more. Nothing is sampled before all are known to fit. */
export function longestPrompt(
  tokenizer: Tokenizer,
  prompts: readonly (Prompt | TokenPrompt)[],
  limit: number,
): number {
  let longest = 1;
  for (const [i, prompt] of prompts.entries()) {
    const { length } = idsOf(tokenizer, prompt);
    if (length === 0 || length >= limit) {
      throw userError(
        'PROMPT_TOO_LONG',
        `prompts of 1 to ${limit - 1} tokens`,
        `${length} in prompt ${i} (${prompt.key})`,
        'leave such tasks out, or use a model with more positions',
      );
    }
    longest = Math.max(longest, length);
  }
  return longest;
}

/** Index of the first sample that is wanted. */
export function firstSample({ key, firstSample: first = 0 }: Named, samples: number): number {
  if (Number.isInteger(first) && first >= 0 && first < samples) return first;
  throw internalError(`first sample ${first} of ${samples} of prompt ${key}`);
}
