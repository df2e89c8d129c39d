/** Log-probabilities of rollouts: each prompt with its response is a segment of a packed batch. */
import * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../core/errors.ts';
import { logProbabilities, type Qwen2, type TokenBatch } from '../model/qwen2.ts';
import { pack, toTensors } from '../train/packing.ts';
import type { Rollout, TokenScores } from './types.ts';

export interface ScoreOptions {
  /** That the rollouts were sampled at. */
  temperature: number;
  /** Most rows computed at once (a rollout is never cut). */
  microBatchTokens: number;
  /** Also entropies; default false. */
  entropy?: boolean;
}

/**
 * Log-probabilities of the rollouts' responses, in order. The same bits as the update's own forward pass, whatever is
 * computed beside a rollout: before the first update the ratio is exactly 1.
 */
export function scoreTokens(
  model: Qwen2,
  rollouts: readonly Rollout[],
  { temperature, microBatchTokens, entropy = false }: ScoreOptions,
): TokenScores[] {
  return cut(rollouts, microBatchTokens).flatMap((piece) => {
    let scores: TokenScores[] = [];
    tf.tidy(() => {
      const inputs = toInputs(piece);
      const options = { temperature, entropy, rows: inputs.rows };
      const found = logProbabilities(model, inputs.batch, inputs.targets, options);
      scores = perRollout(piece, read(found.logProbabilities), found.entropies && read(found.entropies));
    });
    return scores;
  });
}

/** Cuts rollouts, in order, into pieces of at most so many rows; a longer one is a piece of its own. */
export function cut<T extends Rollout>(rollouts: readonly T[], mostRows: number): T[][] {
  const pieces: T[][] = [];
  let rows = Number.POSITIVE_INFINITY;
  for (const rollout of rollouts) {
    const more = rollout.prompt.length + rollout.response.length - 1;
    if (rows + more > mostRows) {
      pieces.push([]);
      rows = 0;
    }
    pieces.at(-1)!.push(rollout);
    rows += more;
  }
  return pieces;
}

/** A piece as tensors: each prompt with its response is a segment; `rows` are those that predict response tokens. */
export function toInputs(piece: readonly Rollout[]): {
  batch: TokenBatch;
  rows: tf.Tensor1D;
  targets: tf.Tensor1D;
} {
  const packed = pack(piece.map(({ prompt, response }) => [...prompt, ...response]));
  const rows = new Int32Array(responseTokens(piece));
  let at = 0;
  piece.forEach(({ prompt, response }, i) => {
    if (prompt.length === 0 || response.length === 0)
      throw internalError('a rollout needs prompt and response');
    const first = packed.segments[i]! + prompt.length - 1;
    for (let t = 0; t < response.length; t++) rows[at++] = first + t;
  });
  const { targets, ...batch } = toTensors({
    ...packed,
    targets: Int32Array.from(rows, (row) => packed.targets[row]!),
  });
  return { batch, rows: tf.tensor1d(rows, 'int32'), targets };
}

export function responseTokens(piece: readonly Rollout[]): number {
  return piece.reduce((sum, { response }) => sum + response.length, 0);
}

export function read(tensor: tf.Tensor): Float32Array {
  return tensor.dataSync<'float32'>().slice();
}

/** Values of a piece's response tokens, by rollout. */
export function perRollout(
  piece: readonly Rollout[],
  logs: Float32Array,
  entropies: Float32Array,
): Required<TokenScores>[];
export function perRollout(
  piece: readonly Rollout[],
  logs: Float32Array,
  entropies?: Float32Array,
): TokenScores[];
export function perRollout(
  piece: readonly Rollout[],
  logs: Float32Array,
  entropies?: Float32Array,
): TokenScores[] {
  let end = 0;
  return piece.map(({ response }) => {
    const start = end;
    end += response.length;
    return {
      logProbabilities: logs.slice(start, end),
      ...(entropies !== undefined && { entropies: entropies.slice(start, end) }),
    };
  });
}
