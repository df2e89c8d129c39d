/** Log-probabilities of rollouts: each prompt with its response is a segment of a packed batch. */
import * as tf from '@tensorflow/tfjs-core';
import { internalError } from '../core/errors.ts';
import { type ForwardOptions, logProbabilities, type Qwen2, type TokenBatch } from '../model/qwen2.ts';
import { pack, toTensors } from '../train/packing.ts';
import type { Rollout, TokenScores } from './types.ts';

export interface ScoreOptions {
  /** That the rollouts were sampled at. */
  temperature: number;
  /** Most rows computed at once (a rollout is never cut). */
  microBatchTokens: number;
}

/**
 * Log-probabilities and entropies of the rollouts' responses, in order. The same bits as the update's own forward pass,
 * whatever is computed beside a rollout: before the first update the ratio is exactly 1.
 */
export function scoreTokens(
  model: Qwen2,
  rollouts: readonly Rollout[],
  { temperature, microBatchTokens }: ScoreOptions,
): TokenScores[] {
  return cut(rollouts, microBatchTokens).flatMap((piece) => {
    let scores: TokenScores[] = [];
    tf.tidy(() => {
      scores = perRollout(piece, forwardPiece(model, toInputs(piece), { temperature }));
    });
    return scores;
  });
}

/** Log-probabilities and entropies of a piece's response tokens, one rollout after another, [N]; differentiable. */
type TokenTensors = ReturnType<typeof logProbabilities>;

export function forwardPiece(
  model: Qwen2,
  { batch, targets, rows }: PieceInputs,
  options: ForwardOptions & { temperature: number },
): TokenTensors {
  return logProbabilities(model, batch, targets, { ...options, rows, entropy: true });
}

/** Cuts rollouts, in order, into pieces of at most so many rows; a longer one is a piece of its own. */
export function cut<T extends Rollout>(rollouts: readonly T[], mostRows: number): T[][] {
  const pieces: T[][] = [];
  let rows = 0;
  for (const rollout of rollouts) {
    const more = rollout.prompt.length + rollout.response.length - 1;
    if (pieces.length === 0 || rows + more > mostRows) {
      pieces.push([]);
      rows = 0;
    }
    pieces.at(-1)!.push(rollout);
    rows += more;
  }
  return pieces;
}

/** A piece as tensors: each prompt with its response is a segment. */
export interface PieceInputs {
  batch: TokenBatch;
  /** The rows that predict response tokens, int32 [N]. */
  rows: tf.Tensor1D;
  /** The response tokens, int32 [N]. */
  targets: tf.Tensor1D;
}

/** A piece's tensors; the caller disposes of them. */
export function toInputs(piece: readonly Rollout[]): PieceInputs {
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

/** Values of a piece's response tokens, by rollout. */
export function perRollout(
  piece: readonly Rollout[],
  { logProbabilities: logs, entropies }: TokenTensors,
): TokenScores[] {
  const [logValues, entropyValues] = [logs, entropies!].map((tensor) => tensor.dataSync<'float32'>());
  let end = 0;
  return piece.map(({ response }) => {
    const start = end;
    end += response.length;
    return { logProbabilities: logValues!.slice(start, end), entropies: entropyValues!.slice(start, end) };
  });
}
