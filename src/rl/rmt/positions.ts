/**
 * Which tokens of a batch of text are thought about (Φ_RL): drawn by difficulty, under a curriculum that moves from easy
 * to hard (METHODS §1.3). All others (Φ_NTP) are learned by plain next-token prediction.
 */
import type { RandomStream } from '../../core/random.ts';
import type { PackedBatch } from '../../train/packing.ts';
import { BUCKETS, type Bucket } from './difficulty.ts';

/** A distribution over easy, medium and hard. */
export type Shares = readonly [easy: number, medium: number, hard: number];

export interface CurriculumSettings {
  /** p_t1 up to the share `start` of the run, p_t2 from the share `end` on, a mixture that moves between them. */
  from: Shares;
  to: Shares;
  start: number;
  end: number;
}

/** p_t = (1 − u)·p_t1 + u·p_t2 with u = (t − t_1)/(t_2 − t_1) kept within 0 … 1; `progress` being t/T. */
export function curriculumAt({ from, to, start, end }: CurriculumSettings, progress: number): Shares {
  const u = progress < start ? 0 : progress >= end ? 1 : (progress - start) / (end - start);
  return from.map((share, i) => (1 - u) * share + u * to[i]!) as unknown as Shares;
}

/** A token of a batch that may be thought about: row `row` predicts it. */
export interface Candidate {
  row: number;
  /** Undefined where entropies were not needed. */
  bucket: Bucket | undefined;
}

/**
 * Draws `count` of the candidates, none twice: a bucket by `shares`, then one of its candidates that are left,
 * uniformly. Buckets that are used up no longer take part; without shares every candidate is as likely. Fewer are drawn
 * when there are no more, or when `shares` gives none to the buckets that are left. In the order of drawing.
 */
export function drawPositions(
  candidates: readonly Candidate[],
  shares: Shares | undefined,
  count: number,
  stream: RandomStream,
): Candidate[] {
  const left =
    shares === undefined
      ? [candidates.slice()]
      : BUCKETS.map((name) => candidates.filter(({ bucket }) => bucket === name));
  const drawn: Candidate[] = [];
  while (drawn.length < count) {
    const weights = left.map((bucket, b) => (bucket.length === 0 ? 0 : (shares?.[b] ?? 1)));
    if (weights.every((weight) => weight === 0)) break;
    const bucket = left[stream.weighted(weights)]!;
    const at = stream.below(bucket.length);
    drawn.push(bucket[at]!);
    bucket[at] = bucket.at(-1)!; // the order of those that are left does not matter
    bucket.pop();
  }
  return drawn;
}

/** A text of a batch: its tokens, and the row that its first one stands in. */
export interface TextOfBatch {
  ids: readonly number[];
  firstRow: number;
}

/** The texts of a batch that was packed without positions running on. */
export function textsOf({ ids, targets, segments }: PackedBatch): TextOfBatch[] {
  return Array.from({ length: segments.length - 1 }, (_, s) => {
    const [start, end] = [segments[s]!, segments[s + 1]!];
    return { ids: [...ids.subarray(start, end), ...targets.subarray(end - 1, end)], firstRow: start };
  });
}
