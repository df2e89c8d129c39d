/**
 * Sequence-length warm-up (Li et al. 2021, arXiv 2108.06084; METHODS §7): early steps see short sequences only,
 * which keeps training stable at rates and batch sizes that would otherwise diverge.
 */
import type { PackedBatch } from './packing.ts';

export interface LengthWarmup {
  /** Longest sequence at step 0, tokens. */
  from: number;
  /** Longest sequence at the end of the warm-up; after it texts are whole. */
  to: number;
  /** Optimizer steps that the warm-up takes. */
  steps: number;
  /**
   * `truncate` drops what is behind the length, as published; `rechunk` goes on in a new segment, so that every token
   * is trained on. In a solved problem what is behind the length is the answer.
   */
  how: 'rechunk' | 'truncate';
}

/** Lengths are rounded down to a multiple of this (as DeepSpeed does for its kernels). */
const MULTIPLE = 8;

/** Longest sequence of the step that follows `step` updates: linear, rounded down to a multiple of 8. */
export function warmupLength({ from, to, steps }: LengthWarmup, step: number): number {
  if (step >= steps) return Number.POSITIVE_INFINITY;
  return MULTIPLE * Math.floor((from + (to - from) * (step / steps)) / MULTIPLE);
}

/** The batch with no segment longer than `length`; positions of a new segment start at 0. */
export function limitLength(batch: PackedBatch, length: number, how: LengthWarmup['how']): PackedBatch {
  const { ids, positions, targets, segments, weights } = batch;
  const ranges: [start: number, end: number][] = [];
  for (let s = 0; s + 1 < segments.length; s++) {
    const end = segments[s + 1]!;
    for (let start = segments[s]!; start < end; start += length) {
      ranges.push([start, Math.min(end, start + length)]);
      if (how === 'truncate') break;
    }
  }
  if (ranges.length === segments.length - 1 && ranges.every(([, end], s) => end === segments[s + 1])) {
    return batch; // nothing was too long
  }
  const offsets = new Int32Array(ranges.length + 1);
  ranges.forEach(([start, end], s) => {
    offsets[s + 1] = offsets[s]! + end - start;
  });
  const rows = offsets.at(-1)!;
  const limited: PackedBatch = {
    ids: new Int32Array(rows),
    positions: new Int32Array(rows),
    targets: new Int32Array(rows),
    segments: offsets,
    ...(weights === undefined ? {} : { weights: new Float32Array(rows) }),
  };
  ranges.forEach(([start, end], s) => {
    const at = offsets[s]!;
    limited.ids.set(ids.subarray(start, end), at);
    limited.targets.set(targets.subarray(start, end), at);
    limited.weights?.set(weights!.subarray(start, end), at);
    for (let row = start; row < end; row++)
      limited.positions[at + row - start] = positions[row]! - positions[start]!;
  });
  return limited;
}
