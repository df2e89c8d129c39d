/** From the texts of a batch to prompts that open a thought in front of a token. */
import { userError } from '../../core/errors.ts';
import type { LossWeights } from '../../train/objective.ts';
import { type Bucket, bucketOf, type Edges } from './difficulty.ts';
import type { Candidate, TextOfBatch } from './positions.ts';

/** The tokens that a prompt ends in: the budget where one is announced, and `<think>`. */
export type Opening = readonly number[];

/** A token of a text as a prompt. */
export interface ThinkingPrompt {
  /** Row of the batch that predicts the token without thinking. */
  row: number;
  bucket: Bucket | undefined;
  /** The text in front of the token, without an opening. */
  prefix: readonly number[];
  /** The prefix and its opening. */
  ids: readonly number[];
  /** The token, and those behind it that are asked for with it. */
  truth: readonly number[];
  /** The token and everything behind it in its text. */
  following: readonly number[];
}

export interface CandidateOptions {
  /** Which tokens may be thought about; all when absent. */
  among?: LossWeights | undefined;
  /** Tokens that a prefix may have, so that a whole response fits behind it. */
  longestPrefix: number;
  /** Tokens that are not thought about: those around thoughts. */
  except: ReadonlySet<number>;
  /** Buckets by entropy, where they are needed; those below the least are left out. */
  difficulty?: { entropies: Float32Array; edges: Edges } | undefined;
}

/**
 * Longest prefix that leaves room for budget, `<think>` and a whole response; under information gain also for the closing
 * tag of a thought that was cut, and what is scored behind it.
 * @param most tokens of a response
 * @param positions that the model has
 * @param scored tokens scored behind a response
 * @throws RMT_ROOM
 */
export function longestPrefixOf(most: number, positions: number, scored = 1): number {
  const longest = positions - most - 1 - scored;
  if (longest >= 1) return longest;
  throw userError(
    'RMT_ROOM',
    `max_response_tokens of at most ${positions - 2 - scored}, the model's positions without a prefix`,
    String(most),
    'lower max_response_tokens',
  );
}

/** The tokens of a batch that may be thought about, in order. The first token of a text has no prefix. */
export function candidatesOf(texts: readonly TextOfBatch[], options: CandidateOptions): Candidate[] {
  const { among, longestPrefix, except, difficulty } = options;
  const found: Candidate[] = [];
  for (const { ids, firstRow } of texts) {
    const weights = among?.(ids);
    for (let i = 0; i + 1 < ids.length && i < longestPrefix; i++) {
      if (weights?.[i] === 0 || except.has(ids[i + 1]!)) continue;
      const row = firstRow + i;
      const bucket = difficulty && bucketOf(difficulty.entropies[row]!, difficulty.edges);
      if (difficulty === undefined || bucket !== undefined) found.push({ row, bucket });
    }
  }
  return found;
}

/** Prompts for drawn tokens, in their order. @param span tokens that a prediction has */
export function promptsOf(
  texts: readonly TextOfBatch[],
  drawn: readonly Candidate[],
  opening: Opening,
  span: number,
): ThinkingPrompt[] {
  return drawn.map(({ row, bucket }) => {
    const { ids, firstRow } = texts.findLast((text) => text.firstRow <= row)!;
    const at = row - firstRow + 1;
    const prefix = ids.slice(0, at);
    return {
      row,
      bucket,
      prefix,
      ids: [...prefix, ...opening],
      truth: ids.slice(at, at + span),
      following: ids.slice(at),
    };
  });
}
