/**
 * Next-token accuracy on held-out texts, at once and after thinking, by how hard the tokens were for the model that the
 * run began with: the measure of RPT and RMT (METHODS §1.7). The same tokens and the same draws every time.
 */
import * as tf from '@tensorflow/tfjs-core';
import { randomFamily } from '../../core/random.ts';
import { bootstrapMeans } from '../../evaluate/index.ts';
import { forward, type Qwen2 } from '../../model/qwen2.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import { type LossWeights, pack } from '../../train/index.ts';
import { cut, toInputs } from '../score.ts';
import type { Rollout } from '../types.ts';
import { BUCKETS, type Bucket, type Edges, nextTokens } from './difficulty.ts';
import { textsOf } from './positions.ts';
import { candidatesOf, type Opening, promptsOf, type ThinkingPrompt } from './prompts.ts';
import { sampleThoughts } from './sampling.ts';
import { matchesPrefix, matchesTokens } from './thought.ts';

/** How a token is predicted: at once, or after thinking. */
export const PREDICTIONS = ['plain', 'thinking'] as const;

/** A held-out token. */
export interface HeldOutToken {
  /** Index of its text, and of the token in it. */
  text: number;
  at: number;
  bucket: Bucket;
  /** Without an opening. */
  prompt: ThinkingPrompt;
}

export interface HeldOutOptions {
  /** Of each bucket, as far as there are so many. */
  perBucket: number;
  edges: Edges;
  among?: LossWeights | undefined;
  longestPrefix: number;
  except: ReadonlySet<number>;
  /** Tokens of a prediction. */
  span: number;
  mostRows: number;
  seed: number;
}

/** Draws held-out tokens by their entropy under `model`. Those below the least edge count as easy. */
export function heldOutTokens(
  model: Qwen2,
  texts: readonly (readonly number[])[],
  options: HeldOutOptions,
): HeldOutToken[] {
  const usable = texts.map((ids) => ids.slice(0, model.config.max_position_embeddings + 1));
  const { edges, among, longestPrefix, except, span, perBucket } = options;
  const batch = pack(usable);
  const { entropies } = nextTokens(model, batch, options.mostRows);
  const found = textsOf(batch);
  const difficulty = { entropies, edges: { ...edges, least: 0 } };
  const candidates = candidatesOf(found, { among, longestPrefix, except, difficulty });
  return BUCKETS.flatMap((bucket) => {
    const own = candidates.filter((candidate) => candidate.bucket === bucket);
    const stream = randomFamily('held-out tokens', options.seed, bucket).at(0);
    const drawn = stream.sample(own, Math.min(perBucket, own.length)).sort((a, b) => a.row - b.row);
    return promptsOf(found, drawn, [], span).map((prompt) => ({
      text: found.findLastIndex(({ firstRow }) => firstRow <= prompt.row),
      at: prompt.prefix.length,
      bucket,
      prompt,
    }));
  });
}

export interface PredictOptions {
  temperature: number;
  maxResponseTokens: number;
  slots: number;
  seed: number;
  /** Tokens of a prediction, and how it is compared. */
  span: number;
  match: 'token' | 'prefix';
  close: number;
  /** What opens a thought. */
  opening: Opening;
  /** Tokens that are no predictions: those around thoughts. */
  except: ReadonlySet<number>;
  /** Most rows computed at once. */
  mostRows: number;
}

/** A held-out token as it was predicted. */
export interface PredictedToken {
  text: number;
  at: number;
  bucket: Bucket;
  plain_correct: boolean;
  thinking_correct: boolean;
  /** Of what the model expects at once in the place of the (first) token, over all tokens, nats. */
  entropy: number;
  /** Tokens of the thought, and whether it came to an end. */
  thought_length: number;
  closed: boolean;
  response: string;
  target: string;
}

/** Predicts the tokens at once and behind a thought; undefined when the surrounding job was cancelled meanwhile. */
export async function predictTokens(
  model: Qwen2,
  tokenizer: Tokenizer,
  tokens: readonly HeldOutToken[],
  options: PredictOptions,
): Promise<PredictedToken[] | undefined> {
  const { span, close, opening } = options;
  const settings = {
    group_size: 1,
    temperature: options.temperature,
    top_p: 1,
    top_k: 0,
    max_response_tokens: options.maxResponseTokens,
    slots: options.slots,
    seed: options.seed,
  };
  const key = (index: number) => `validation ${tokens[index]!.text} ${tokens[index]!.at}`;
  const thinking = tokens.map(({ prompt }) => ({ ...prompt, ids: [...prompt.prefix, ...opening] }));
  const after = await sampleThoughts(model, tokenizer, thinking, key, settings, { close, predicted: span });
  if (after === undefined) return undefined;
  const plain = atOnce(model, tokens, options.except, options.mostRows);
  const isRight = (prediction: readonly number[], { truth, following }: ThinkingPrompt) =>
    options.match === 'token'
      ? matchesTokens(prediction, truth)
      : matchesPrefix(prediction, following, tokenizer);
  return tokens.map(({ text, at, bucket, prompt }, i) => {
    const rollout = after[i]!.rollouts[0]!;
    const { prediction, length, closed } = rollout.thought;
    return {
      text,
      at,
      bucket,
      plain_correct: isRight(plain[i]!.prediction, prompt),
      thinking_correct: isRight(prediction, prompt),
      entropy: plain[i]!.entropy,
      thought_length: length,
      closed,
      response: tokenizer.decode(rollout.response),
      target: tokenizer.decode(prompt.truth),
    };
  });
}

/**
 * The most likely tokens without thinking; of several, each behind the text's own ones before it, which makes no
 * difference to whether all are right. Tokens that only open or close a thought are no predictions: a model that has
 * learned from texts with thoughts may want to think instead.
 */
export function predictAtOnce(
  model: Qwen2,
  tokens: readonly Pick<HeldOutToken, 'prompt'>[],
  except: ReadonlySet<number>,
  mostRows: number,
): number[][] {
  return atOnce(model, tokens, except, mostRows).map(({ prediction }) => prediction);
}

/** The same with the entropy that the first of them was predicted at. */
function atOnce(
  model: Qwen2,
  tokens: readonly Pick<HeldOutToken, 'prompt'>[],
  except: ReadonlySet<number>,
  mostRows: number,
): { prediction: number[]; entropy: number }[] {
  const asked: Rollout[] = tokens.map(({ prompt: { prefix, truth } }) => ({
    group: 0,
    prompt: prefix,
    response: truth,
    truncated: false,
    reward: 0,
  }));
  const predicted: number[] = [];
  const entropies: number[] = [];
  for (const piece of cut(asked, mostRows)) {
    tf.tidy(() => {
      const { batch, rows } = toInputs(piece);
      const logits = forward(model, batch, rows);
      const barred = new Float32Array(logits.shape[1]);
      for (const id of except) barred[id] = Number.NEGATIVE_INFINITY;
      predicted.push(...tf.argMax(tf.add(logits, tf.tensor1d(barred)), 1).dataSync<'int32'>());
      const logs = tf.logSoftmax(logits, 1);
      entropies.push(...tf.neg(tf.sum(tf.mul(tf.exp(logs), logs), 1)).dataSync<'float32'>());
    });
  }
  let end = 0;
  return asked.map(({ response }) => {
    const start = end;
    end += response.length;
    return { prediction: predicted.slice(start, end), entropy: entropies[start]! };
  });
}

/** An accuracy with its 95 % interval. */
export interface Accuracy {
  value: number;
  low: number;
  high: number;
  n: number;
}

/** At once and after thinking, and the mean entropy that tokens were predicted at without thinking, nats. */
export interface TokenAccuracies {
  plain: Accuracy;
  thinking: Accuracy;
  entropy: number;
}

/** Accuracies of all tokens (buckets as they were drawn) and by bucket. */
export interface NextTokenAccuracy extends TokenAccuracies {
  by_bucket: Partial<Record<Bucket, TokenAccuracies>>;
  thought_length: number;
  /** Share of thoughts that came to an end. */
  closed: number;
}

/** Means with intervals by bootstrap over texts, since tokens of one text are no independent draws. */
export function nextTokenAccuracy(tokens: readonly PredictedToken[], seed: number): NextTokenAccuracy {
  const of = (rows: readonly PredictedToken[], name: string): TokenAccuracies => {
    const columns = [
      rows.map((row) => Number(row.plain_correct)),
      rows.map((row) => Number(row.thinking_correct)),
    ];
    const streams = randomFamily('accuracy bootstrap', seed, name);
    const [plain, thinking] = bootstrapMeans(columns, { streams, clusters: rows.map(({ text }) => text) });
    return { plain: plain!, thinking: thinking!, entropy: mean(rows, (row) => row.entropy) };
  };
  const present = BUCKETS.filter((bucket) => tokens.some((row) => row.bucket === bucket));
  return {
    ...of(tokens, 'all'),
    by_bucket: Object.fromEntries(
      present.map((bucket) => [
        bucket,
        of(
          tokens.filter((row) => row.bucket === bucket),
          bucket,
        ),
      ]),
    ),
    thought_length: mean(tokens, (row) => row.thought_length),
    closed: mean(tokens, (row) => Number(row.closed)),
  };
}

function mean(rows: readonly PredictedToken[], value: (row: PredictedToken) => number): number {
  return rows.reduce((sum, row) => sum + value(row), 0) / rows.length;
}

/** An accuracy as a row of a figure. */
export interface AccuracyRow extends Accuracy {
  difficulty: Bucket | 'all';
  prediction: 'plain' | 'thinking';
}

/** Accuracies in long form, for the figure `nextTokenAccuracies`: buckets from easy to hard, and all tokens. */
export function accuracyRows({ by_bucket: byBucket, ...all }: NextTokenAccuracy): AccuracyRow[] {
  return [...BUCKETS, 'all' as const].flatMap((difficulty) => {
    const found = difficulty === 'all' ? all : byBucket[difficulty];
    if (found === undefined) return [];
    return PREDICTIONS.map((prediction) => ({ difficulty, prediction, ...found[prediction] }));
  });
}
